//! A plan as people read it: each object with what happens to it, and its fields below.

use std::fmt;

use super::edit::{Action, Change};

/// One line of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// What happens to an object.
    Object(&'a Change),
    /// What one of its fields becomes.
    Field(&'a Change),
}

/// The lines for `changes`: fields of one object that follow one another stand under one heading.
pub fn lines(changes: &[Change]) -> impl Iterator<Item = Line<'_>> {
    changes.iter().enumerate().flat_map(|(index, change)| {
        let before = index.checked_sub(1).and_then(|before| changes.get(before));
        let same = before
            .is_some_and(|before| before.object == change.object && before.action == change.action);
        let heading = (!same).then_some(Line::Object(change));
        let field = (!change.field.is_empty()).then_some(Line::Field(change));
        heading.into_iter().chain(field)
    })
}

impl Line<'_> {
    /// What happens to the object that the line is about.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Self::Object(change) | Self::Field(change) => change.action,
        }
    }
}

impl Action {
    /// The action as an order.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(change) => write!(f, "{} {}", change.action.word(), change.object),
            Self::Field(Change { action: Action::Create, field, to, .. }) => {
                write!(f, "  {field}: {to}")
            }
            Self::Field(Change { action: Action::Delete, field, from, .. }) => {
                write!(f, "  {field}: {from}")
            }
            Self::Field(Change { field, from, to, .. }) => write!(f, "  {field}: {from} -> {to}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_an_object_stand_under_one_heading() {
        let change = |object: &str, action, field: &str, from: &str, to: &str| Change {
            object: object.into(),
            action,
            field: field.into(),
            from: from.into(),
            to: to.into(),
        };
        let changes = [
            change(
                "application `bitbucket-vault-mcp`",
                Action::Create,
                "app_type",
                "",
                "regular_web",
            ),
            change(
                "application `bitbucket-vault-mcp`",
                Action::Create,
                "is_first_party",
                "",
                "true",
            ),
            change(
                "connection `bitbucket`",
                Action::Update,
                "options.scope",
                "account",
                "account pullrequest:write",
            ),
            change("grant of `other`", Action::Delete, "", "", ""),
        ];
        let text: Vec<String> = lines(&changes).map(|line| line.to_string()).collect();
        insta::assert_snapshot!(text.join("\n"), @"
        create application `bitbucket-vault-mcp`
          app_type: regular_web
          is_first_party: true
        update connection `bitbucket`
          options.scope: account -> account pullrequest:write
        delete grant of `other`
        ");
    }
}
