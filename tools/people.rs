//! Finds the person that somebody means.

use std::cmp::Reverse;

use crate::bitbucket::{self, Client, Segment, User, literal};
use crate::text::Foreign;
use crate::tools::shown::bare;
use crate::{Error, Result};

/// How many members of a workspace are looked through.
const MEMBERS: usize = 1_000;

/// The condition that `field` (`author`, `reviewers`) is the person that `words` names: `me`, a
/// uuid, a nickname, or words of their name.
pub(super) async fn condition(
    client: &Client,
    workspace: &Segment,
    field: &str,
    words: &str,
) -> Result<String> {
    if words.eq_ignore_ascii_case("me") {
        let me = client.user().await?;
        return Ok(format!("{field}.uuid = {}", literal(&me.uuid)));
    }
    if words.starts_with('{') {
        return Ok(format!("{field}.uuid = {}", literal(words)));
    }
    let found = match find(client, workspace, words).await {
        Ok(found) => found?,
        // Not everybody may see the members; nicknames can be searched all the same.
        Err(
            bitbucket::Error::Status { status: 403, .. } | bitbucket::Error::MissingScope { .. },
        ) => {
            return Ok(format!("{field}.nickname = {}", literal(words)));
        }
        Err(error) => return Err(error.into()),
    };
    let uuid = found.uuid.unwrap_or_default();
    Ok(format!("{field}.uuid = {}", literal(&uuid)))
}

/// The member of the workspace that `words` names, in the forms that [`condition`] takes.
pub(super) async fn member(client: &Client, workspace: &Segment, words: &str) -> Result<User> {
    if words.eq_ignore_ascii_case("me") {
        let me = client.user().await?;
        let (display_name, nickname) = (me.display_name, me.nickname);
        return Ok(User { uuid: Some(me.uuid), display_name, nickname });
    }
    if words.starts_with('{') {
        return Ok(User { uuid: Some(words.to_owned()), ..User::default() });
    }
    find(client, workspace, words).await?
}

/// Looks for a nickname first, which takes one request however many members there are; then through
/// all of them, since display names cannot be asked for.
async fn find(
    client: &Client,
    workspace: &Segment,
    words: &str,
) -> std::result::Result<Result<User>, bitbucket::Error> {
    let workspace = client.workspace(workspace);
    if !words.contains(char::is_whitespace) {
        let called = workspace.members_called(words).await?;
        if let [user @ User { uuid: Some(_), .. }] = called.as_slice() {
            return Ok(Ok(user.clone()));
        }
    }
    let members = workspace.members(MEMBERS).await?.values;
    Ok(pick(&members, words).cloned())
}

/// The one of `members` that `words` fits best, who has a uuid.
pub(super) fn pick<'a>(members: &'a [User], words: &str) -> Result<&'a User> {
    let wanted = words.to_lowercase();
    let name = |user: &User| user.display_name.as_deref().unwrap_or_default().to_lowercase();
    let nickname = |user: &User| user.nickname.as_deref().unwrap_or_default().to_lowercase();
    let whole = |user: &&User| nickname(user) == wanted || name(user) == wanted;
    let in_part = |user: &&User| {
        wanted.split_whitespace().all(|word| name(user).split_whitespace().any(|part| part == word))
    };
    let mut fitting: Vec<&User> = members.iter().filter(whole).collect();
    if fitting.is_empty() {
        fitting = members.iter().filter(in_part).collect();
    }
    let shown = |users: &[&User]| {
        let names: Vec<String> = users.iter().take(5).map(|user| describe(user)).collect();
        names.join(", ")
    };
    match fitting.as_slice() {
        [user @ User { uuid: Some(_), .. }] => Ok(user),
        [] => {
            let mut near: Vec<(u32, &User)> = members
                .iter()
                .map(|user| {
                    (likeness(&name(user), &wanted).max(likeness(&nickname(user), &wanted)), user)
                })
                .filter(|(likeness, _)| *likeness >= 60)
                .collect();
            near.sort_by_key(|(likeness, _)| Reverse(*likeness));
            let near: Vec<&User> = near.into_iter().map(|(_, user)| user).collect();
            let hint = if near.is_empty() {
                "give a nickname, a display name, a uuid in braces, or `me`".to_owned()
            } else {
                format!("did you mean {}?", shown(&near))
            };
            let words = Foreign::line(words, 80).quoted();
            Err(Error::not_found(format!("nobody in the workspace is called {words}"), hint))
        }
        several => Err(Error::InvalidArguments(format!(
            "{} can be {}: give the nickname",
            Foreign::line(words, 80).quoted(),
            shown(several)
        ))),
    }
}

/// A person in words that can be given as an argument.
fn describe(user: &User) -> String {
    let name = |text: &str| bare(&Foreign::line(text, 80));
    match (user.nickname.as_deref(), user.display_name.as_deref()) {
        (Some(nickname), Some(display)) => format!("{} ({})", name(nickname), name(display)),
        (Some(only), None) | (None, Some(only)) => name(only),
        (None, None) => "somebody without a name".to_owned(),
    }
}

/// How alike two names are, in percent.
fn likeness(one: &str, other: &str) -> u32 {
    if one.is_empty() {
        return 0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of one, in percent"
    )]
    let percent = (strsim::jaro_winkler(one, other) * 100.0) as u32;
    percent.saturating_sub(20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Vec<User> {
        [("ana", "Ana Lima"), ("ben", "Ben Okoye"), ("bo", "Ben Marsh"), ("cleo", "Cleo Marsh")]
            .map(|(nickname, name)| User {
                uuid: Some(format!("{{{nickname}}}")),
                nickname: Some(nickname.to_owned()),
                display_name: Some(name.to_owned()),
            })
            .to_vec()
    }

    #[test]
    fn finds_a_person_by_what_people_call_them() {
        let members = members();
        for words in ["cleo", "Cleo Marsh", "marsh cleo", "CLEO"] {
            assert_eq!(pick(&members, words).unwrap().uuid.as_deref(), Some("{cleo}"), "{words}");
        }
        assert_eq!(pick(&members, "ben").unwrap().uuid.as_deref(), Some("{ben}"));
    }

    #[test]
    fn says_who_could_be_meant() {
        let members = members();
        assert_eq!(
            pick(&members, "marsh").unwrap_err().to_string(),
            "\"marsh\" can be bo (\"Ben Marsh\"), cleo (\"Cleo Marsh\"): give the nickname"
        );
        let error = pick(&members, "clea").unwrap_err();
        assert_eq!(error.hint().unwrap(), "did you mean cleo (\"Cleo Marsh\")?");
    }
}
