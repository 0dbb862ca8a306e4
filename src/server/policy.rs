//! Which tools exist for the agent. A tool that settings leave out is not hidden: it is not there.

use crate::identity::bearer::Scope;
use crate::tool::{Effect, Entry};
use crate::tools::{TOOLSETS, Toolset};

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
            .filter(|entry| !selection.read_only || entry.effect == Effect::Reads)
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

/// The scope of our own API that a call of `entry` needs, where many people share the server; none for
/// what concerns only the caller's own account.
#[must_use]
pub fn scope_of(entry: &Entry) -> Option<Scope> {
    let holds = |toolset: &&Toolset| toolset.tools.iter().any(|tool| tool.name == entry.name);
    match TOOLSETS.iter().find(holds).map(|toolset| toolset.name) {
        Some("accounts") => None,
        Some("administration" | "pipeline_settings") => Some(Scope::Admin),
        Some("connection") => Some(Scope::ConnectionAdmin),
        _ if entry.effect == Effect::Reads => Some(Scope::Read),
        _ => Some(Scope::Write),
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
                let scope = scope_of(entry).map_or("nothing", Scope::name);
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
        list_repositories needs bitbucket:read
        get_repository needs bitbucket:read
        list_directory needs bitbucket:read
        get_file needs bitbucket:read
        list_branches needs bitbucket:read
        list_commits needs bitbucket:read
        list_pull_requests needs bitbucket:read
        get_pull_request needs bitbucket:read
        get_pull_request_diff needs bitbucket:read
        list_comments needs bitbucket:read
        review_pull_request needs bitbucket:write
        merge_pull_request needs bitbucket:write
        ");
    }
}
