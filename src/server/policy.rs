//! Which tools exist for the agent. A tool that settings leave out is not hidden: it is not there.

use rmcp::model::JsonObject;

use crate::identity::bearer::Scope;
use crate::operations;
use crate::tool::{Effect, Entry};
use crate::tools::{self, TOOLSETS, Toolset};

/// What settings say about the catalogue.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Toolsets to turn on; `all` is every one; the default ones when empty.
    pub toolsets: Vec<String>,
    /// Single tools to turn on besides.
    pub tools: Vec<String>,
    /// Single tools to leave out, whatever else says.
    pub exclude: Vec<String>,
    /// Only tools that change nothing.
    pub read_only: bool,
    /// Whether there is a management application, without which the tools to set up the connection do
    /// not exist.
    pub management: bool,
}

/// The tools that exist, in the order of the catalogue.
#[derive(Clone)]
pub struct Policy {
    tools: Vec<&'static Entry>,
}

impl Policy {
    /// The tools that `selection` leaves.
    #[must_use]
    pub fn new(selection: &Selection) -> Self {
        let names = |list: &[String], name: &str| list.iter().any(|listed| listed == name);
        let toolset_is_on = |toolset: &Toolset| match selection.toolsets.as_slice() {
            [] => toolset.default && selection.tools.is_empty(),
            list => names(list, toolset.name) || names(list, "all"),
        };
        let tools = TOOLSETS
            .iter()
            .filter(|toolset| selection.management || !toolset.needs_management)
            .flat_map(|toolset| toolset.tools.iter().map(move |entry| (toolset, entry)))
            .filter(|(toolset, entry)| {
                toolset_is_on(toolset) || names(&selection.tools, entry.name)
            })
            .map(|(_, entry)| entry)
            .filter(|entry| !names(&selection.exclude, entry.name))
            .filter(|entry| {
                // What calls operations only calls those that read, then.
                !selection.read_only || matches!(entry.effect, Effect::Reads | Effect::Calls)
            })
            .collect();
        Self { tools }
    }

    /// The tools that exist.
    pub fn tools(&self) -> impl Iterator<Item = &'static Entry> + '_ {
        self.tools.iter().copied()
    }

    /// The tool called `name`, if it exists for the agent.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static Entry> {
        self.tools().find(|entry| entry.name == name)
    }
}

/// The scope of our own API that a call of `entry` with `arguments` needs, where many people share the
/// server; none for what concerns only the caller's own account.
///
/// What a call of an operation needs, its arguments say: without them, it is the least that it can be.
#[must_use]
pub fn scope_of(entry: &Entry, arguments: Option<&JsonObject>) -> Option<Scope> {
    if entry.effect == Effect::Calls {
        return Some(arguments.map_or(Scope::Read, scope_of_operation));
    }
    let holds = |toolset: &&Toolset| toolset.tools.iter().any(|tool| tool.name == entry.name);
    match TOOLSETS.iter().find(holds).map(|toolset| toolset.name) {
        Some("accounts") => None,
        Some("administration" | "pipeline_settings") => Some(Scope::Admin),
        Some("connection") => Some(Scope::ConnectionAdmin),
        _ if entry.effect == Effect::Reads => Some(Scope::Read),
        _ => Some(Scope::Write),
    }
}

/// The scope that a call of an operation needs: no less than the tool would that does the same. An
/// operation that does not exist is refused further in, by words that help.
fn scope_of_operation(arguments: &JsonObject) -> Scope {
    let name = arguments.get("operation").and_then(|name| name.as_str());
    let Some(operation) = name.and_then(operations::named) else { return Scope::Read };
    let by_tool = operation.tool.and_then(tools::find).and_then(|entry| scope_of(entry, None));
    if operation.is_administration() || by_tool == Some(Scope::Admin) {
        Scope::Admin
    } else if operation.reads() {
        Scope::Read
    } else {
        Scope::Write
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(selection: &Selection) -> Vec<&'static str> {
        Policy::new(selection).tools().map(|entry| entry.name).collect()
    }

    #[test]
    fn a_read_only_server_has_no_tool_that_changes_anything() {
        let selection = Selection { read_only: true, ..Selection::default() };
        let policy = Policy::new(&selection);
        assert!(policy.tools().count() > 5);
        assert!(policy.tools().all(|entry| entry.effect == Effect::Reads));
        assert!(policy.find("merge_pull_request").is_none());
    }

    #[test]
    fn single_tools_are_added_and_left_out() {
        let only = Selection { tools: vec!["get_file".into()], ..Selection::default() };
        assert_eq!(names(&only), ["get_file"]);
        let without = Selection {
            toolsets: vec!["accounts".into()],
            exclude: vec!["unlink_account".into()],
            ..Selection::default()
        };
        assert_eq!(names(&without), ["get_account", "link_account"]);
    }

    #[test]
    fn every_tool_needs_the_scope_that_its_toolset_and_effect_say() {
        let mut needed = String::new();
        for toolset in TOOLSETS {
            for entry in toolset.tools {
                let scope = scope_of(entry, None).map_or("nothing", Scope::name);
                needed.push_str(&format!("{} needs {scope}\n", entry.name));
            }
        }
        insta::assert_snapshot!(needed, @"
        get_setup_guide needs connection:admin
        check_connection needs connection:admin
        plan_connection needs connection:admin
        configure_connection needs connection:admin
        test_connection needs connection:admin
        get_app_snippet needs connection:admin
        get_account needs nothing
        link_account needs nothing
        unlink_account needs nothing
        list_workspaces needs bitbucket:read
        list_projects needs bitbucket:read
        list_members needs bitbucket:read
        list_repositories needs bitbucket:read
        get_repository needs bitbucket:read
        list_directory needs bitbucket:read
        get_file needs bitbucket:read
        search_code needs bitbucket:read
        list_file_history needs bitbucket:read
        commit_files needs bitbucket:write
        list_branches needs bitbucket:read
        create_branch needs bitbucket:write
        delete_branch needs bitbucket:write
        list_tags needs bitbucket:read
        create_tag needs bitbucket:write
        delete_tag needs bitbucket:write
        list_commits needs bitbucket:read
        get_commit needs bitbucket:read
        compare_commits needs bitbucket:read
        list_pull_requests needs bitbucket:read
        list_my_pull_requests needs bitbucket:read
        get_pull_request needs bitbucket:read
        get_pull_request_diff needs bitbucket:read
        list_comments needs bitbucket:read
        create_pull_request needs bitbucket:write
        update_pull_request needs bitbucket:write
        review_pull_request needs bitbucket:write
        update_comment needs bitbucket:write
        delete_comment needs bitbucket:write
        merge_pull_request needs bitbucket:write
        decline_pull_request needs bitbucket:write
        set_task needs bitbucket:write
        list_pull_request_activity needs bitbucket:read
        list_commit_statuses needs bitbucket:read
        set_commit_status needs bitbucket:write
        list_reports needs bitbucket:read
        get_report needs bitbucket:read
        publish_report needs bitbucket:write
        list_snippets needs bitbucket:read
        get_snippet needs bitbucket:read
        create_snippet needs bitbucket:write
        update_snippet needs bitbucket:write
        delete_snippet needs bitbucket:write
        list_downloads needs bitbucket:read
        add_download needs bitbucket:write
        delete_download needs bitbucket:write
        find_operation needs bitbucket:read
        call_operation needs bitbucket:read
        ");
    }

    #[test]
    fn a_call_of_an_operation_needs_what_its_operation_does() {
        let call = tools::find("call_operation").unwrap();
        let scope = |operation: &str| {
            let arguments = JsonObject::from_iter([("operation".to_owned(), operation.into())]);
            scope_of(call, Some(&arguments)).map(Scope::name)
        };
        for (operation, needed) in [
            ("getRepository", "bitbucket:read"),
            ("GET /user", "bitbucket:read"),
            ("createPullRequest", "bitbucket:write"),
            ("deleteBranch", "bitbucket:write"),
            ("deleteRepository", "bitbucket:admin"),
            ("DELETE /repositories/{workspace}/{repo_slug}", "bitbucket:admin"),
            ("getRepositoryPipelineVariables", "bitbucket:admin"),
            ("createSshKey", "bitbucket:admin"),
            ("createFork", "bitbucket:admin"),
            ("noSuchOperation", "bitbucket:read"),
        ] {
            assert_eq!(scope(operation), Some(needed), "{operation}");
        }
        assert_eq!(scope_of(call, None), Some(Scope::Read));
    }

    #[test]
    fn a_read_only_server_keeps_the_tool_that_calls_operations_which_only_read() {
        let selection =
            Selection { toolsets: vec!["api".into()], read_only: true, ..Selection::default() };
        assert_eq!(names(&selection), ["find_operation", "call_operation"]);
    }
}
