use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bitbucket;
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::params::{Number, RepositoryArgument, WorkspaceArgument};
use crate::{Error, Result};

/// Mark a task of a pull request as done, or as not done.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetTask {
    /// Workspace, if `repository` has none.
    workspace: Option<WorkspaceArgument>,
    /// The repository, or the pull request's URL.
    repository: RepositoryArgument,
    /// The pull request's number.
    number: Option<Number>,
    /// The task's id.
    task: u64,
    /// Whether it is done.
    #[serde(default = "yes")]
    done: bool,
}

fn yes() -> bool {
    true
}

/// The task now.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TaskNow {
    /// The pull request's number.
    number: u32,
    /// The task's id.
    task: u64,
    /// Whether it is done.
    done: bool,
    /// What it says.
    text: Foreign,
}

impl Tool for SetTask {
    const NAME: &'static str = "set_task";
    const TITLE: &'static str = "Tick off a task";
    const EFFECT: Effect = Effect::Sets;
    const SCOPES: &'static [&'static str] = &["pullrequest"];
    type Output = TaskNow;

    async fn run(self, cx: &Context) -> Result<TaskNow> {
        let (id, number) = self.repository.pull_request(self.workspace.as_ref(), self.number)?;
        let repository = cx.repository(&id).await?;
        let task = match repository.set_task(number, self.task, self.done).await {
            Ok(task) => task,
            Err(bitbucket::Error::NotFound { .. }) => {
                return Err(Error::not_found(
                    format!("no task {} on #{number} of `{id}`, or no access to it", self.task),
                    "`get_pull_request` with `include: [\"tasks\"]` lists the open ones",
                ));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(TaskNow {
            number,
            task: self.task,
            done: !task.is_open(),
            text: Foreign::line(&task.content.raw, 200),
        })
    }
}

impl Answer for TaskNow {
    fn text(&self) -> String {
        let state = if self.done { "done" } else { "not done" };
        format!("task {} on #{} is {state}: {}", self.task, self.number, self.text.quoted())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    const TOOL: &str = "set_task";

    #[tokio::test]
    async fn ticks_a_task_off_and_on_again() {
        let stage = Stage::new().await;
        let mut call = json!({ "repository": "acme/shop", "number": 42, "task": 804_200 });
        stage.sandbox().clear_requests();
        let said = stage.call_as("limited", TOOL, call.clone()).await;
        insta::assert_snapshot!(said, @r#"task 804200 on #42 is done: "Remove `isAtLeast`, or use it""#);
        assert_eq!(stage.requests().len(), 1);
        assert_eq!(stage.call_as("limited", TOOL, call.clone()).await, said);
        call["done"] = false.into();
        insta::assert_snapshot!(stage.call_as("limited", TOOL, call.clone()).await, @r#"task 804200 on #42 is not done: "Remove `isAtLeast`, or use it""#);
        call["task"] = 7.into();
        insta::assert_snapshot!(stage.call_as("limited", TOOL, call).await, @r#"
        not_found: no task 7 on #42 of `acme/shop`, or no access to it
        hint: `get_pull_request` with `include: ["tasks"]` lists the open ones
        "#);
    }
}
