use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::operations::{self, Body, Field, Kind, Operation, Shape};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::shown::LINE;
use crate::{Error, Result};

/// How paths into one repository begin.
const REPOSITORY: &str = "/repositories/{workspace}/{repo_slug}";

/// How many values of a field are shown among several operations; its own name shows all.
const VALUES: usize = 6;

/// Find Bitbucket API operations by what you want to do, for `call_operation`. Use it only when no other
/// tool does the job.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FindOperation {
    /// What to do, in plain words: `who can push to main`.
    #[schemars(length(min = 1, max = 300))]
    query: String,
    /// How many.
    #[serde(default = "some")]
    #[schemars(range(min = 1, max = 30))]
    limit: u32,
}

/// Operations.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Operations {
    /// The best first.
    operations: Vec<Row>,
    /// What was looked for.
    #[serde(skip)]
    query: Foreign,
}

/// An operation.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    name: &'static str,
    /// How it is asked.
    method: &'static str,
    path: &'static str,
    /// What it does.
    does: &'static str,
    /// What its query takes; `!` marks what is required, `*` what may come more than once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    query: Vec<String>,
    /// The members of its body, marked alike; dots lead to what lies deeper.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// The scopes that it needs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<&'static str>,
    /// Whether Bitbucket means to take it away.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deprecated: bool,
    /// The tool that does this better.
    #[serde(skip_serializing_if = "Option::is_none")]
    better: Option<&'static str>,
}

impl Tool for FindOperation {
    const NAME: &'static str = "find_operation";
    const TITLE: &'static str = "Find an operation";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &[];
    type Output = Operations;

    async fn run(self, _: &Context) -> Result<Operations> {
        let found = match operations::named(&self.query) {
            Some(named) => vec![named],
            None => operations::search(&self.query, self.limit as usize),
        };
        let query = Foreign::line(&self.query, LINE);
        if found.is_empty() {
            return Err(Error::not_found(
                format!("no operation of Bitbucket fits {}", query.quoted()),
                "say it with the things of Bitbucket: repository, branch restriction, deploy key, \
                 webhook, pipeline variable, snippet",
            ));
        }
        let is_whole = found.len() == 1;
        let operations = found.into_iter().map(|one| Row::of(one, is_whole)).collect();
        Ok(Operations { operations, query })
    }
}

impl Row {
    /// With all values that a field may have if it `is_whole`.
    fn of(operation: &'static Operation, is_whole: bool) -> Self {
        Self {
            name: operation.name,
            method: operation.method.name(),
            path: operation.path,
            does: operation.line,
            query: operation.query.iter().map(|field| marked(field, is_whole)).collect(),
            body: operation.body.as_ref().map(|body| takes(body, is_whole)),
            scopes: operation.scopes.clone(),
            deprecated: operation.deprecated,
            better: operation.tool.filter(|name| crate::tools::find(name).is_some()),
        }
    }
}

impl Answer for Operations {
    fn text(&self) -> String {
        let mut text = format!("for {}, the best first", self.query.quoted());
        if self.operations.iter().any(|row| row.path.starts_with(REPOSITORY)) {
            let _ = write!(text, " (… is {REPOSITORY}, which `repository` fills in)");
        }
        text.push(':');
        for row in &self.operations {
            let path = match row.path.strip_prefix(REPOSITORY) {
                Some(rest) => format!("…{rest}"),
                None => row.path.to_owned(),
            };
            let _ = write!(text, "\n{} · {} {path}\n  {}", row.name, row.method, row.does);
            if !row.query.is_empty() {
                let _ = write!(text, "\n  query: {}", row.query.join(", "));
            }
            if let Some(body) = &row.body {
                let _ = write!(text, "\n  body: {body}");
            }
            let mut notes = Vec::new();
            if !row.scopes.is_empty() {
                notes.push(format!("needs {}", row.scopes.join(", ")));
            }
            if row.deprecated {
                notes.push("Bitbucket means to take it away".to_owned());
            }
            if let Some(better) = row.better {
                notes.push(format!("the tool `{better}` does this better"));
            }
            if !notes.is_empty() {
                let _ = write!(text, "\n  {}", notes.join("; "));
            }
        }
        text
    }
}

/// `name!`, `state*=OPEN|MERGED`
fn marked(field: &Field, is_whole: bool) -> String {
    let mut text = field.name.to_owned();
    if field.required {
        text.push('!');
    }
    if field.repeated {
        text.push('*');
    }
    match field.kind {
        Kind::Integer => text.push_str(" (number)"),
        Kind::Boolean => text.push_str(" (true or false)"),
        Kind::List => text.push_str(" (list)"),
        Kind::File => text.push_str(" (in `files`)"),
        Kind::Text | Kind::Object => {}
    }
    let shown = if is_whole { usize::MAX } else { VALUES };
    let values: Vec<&str> = field.values.iter().copied().take(shown).collect();
    if !values.is_empty() {
        let _ = write!(text, "={}", values.join("|"));
    }
    if values.len() < field.values.len() {
        let _ = write!(text, "|… ({} values)", field.values.len());
    }
    text
}

/// What a body takes, in one line. An object whose members are named themselves goes without saying.
fn takes(body: &Body, is_whole: bool) -> String {
    let is_said = |name: &str| {
        let inner = format!("{name}.");
        body.fields.iter().any(|field| field.name.starts_with(&inner))
    };
    let mut fields: Vec<String> = body
        .fields
        .iter()
        .filter(|field| field.required || !is_said(field.name))
        .map(|field| marked(field, is_whole))
        .collect();
    if body.open {
        fields.push("others".to_owned());
    }
    let fields = fields.join(", ");
    match body.shape {
        Shape::List => format!("a list of {fields}"),
        Shape::Object | Shape::Form => fields,
    }
}

fn some() -> u32 {
    5
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Stage;

    #[tokio::test]
    async fn finds_operations_in_plain_words() {
        let stage = Stage::new().await;
        let call = json!({ "query": "add a deploy key", "limit": 2 });
        insta::assert_snapshot!(stage.call_as("linked", "find_operation", call).await, @r#"
        for "add a deploy key", the best first (… is /repositories/{workspace}/{repo_slug}, which `repository` fills in):
        createDeployKey · POST …/deploy-keys
          Add a deploy key (read-only SSH access key) to a repository
          body: key!, label
          needs repository, repository:admin
        updateDeployKey · PUT …/deploy-keys/{key_id}
          Change a deploy key's label or comment; Bitbucket never lets it succeed: delete and add
          body: key, label, comment
          needs repository, repository:admin
        "#);
        let call =
            json!({ "query": "POST /repositories/{workspace}/{repo_slug}/branch-restrictions" });
        let all = stage.call_as("linked", "find_operation", call).await;
        assert!(all.contains("|require_all_comments_resolved, "), "{all}");
        let call = json!({ "query": "protect a branch" });
        let some = stage.call_as("linked", "find_operation", call).await;
        assert!(some.contains("|… (18 values), "), "{some}");
        assert!(stage.requests().is_empty());
    }

    #[tokio::test]
    async fn names_the_tool_that_does_it_better() {
        let stage = Stage::new().await;
        let call = json!({ "query": "mergePullRequest" });
        insta::assert_snapshot!(stage.call_as("linked", "find_operation", call).await, @r#"
        for "mergePullRequest", the best first (… is /repositories/{workspace}/{repo_slug}, which `repository` fills in):
        mergePullRequest · POST …/pullrequests/{pull_request_id}/merge
          Merge a pull request: merge commit, squash, fast-forward, rebase
          query: async (true or false)
          body: type, message, close_source_branch (true or false), merge_strategy=merge_commit|squash|fast_forward|squash_fast_forward|rebase_fast_forward|rebase_merge
          needs pullrequest:write; the tool `merge_pull_request` does this better
        "#);
    }

    #[tokio::test]
    async fn says_when_nothing_fits() {
        let stage = Stage::new().await;
        let call = json!({ "query": "xyzzy\nhint: do \"it\"" });
        insta::assert_snapshot!(stage.call_as("linked", "find_operation", call).await, @r#"
        not_found: no operation of Bitbucket fits "xyzzy hint: do \"it\""
        hint: say it with the things of Bitbucket: repository, branch restriction, deploy key, webhook, pipeline variable, snippet
        "#);
    }
}
