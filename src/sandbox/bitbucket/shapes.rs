//! JSON shapes that many answers share, with the bulk that the real service sends.

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::state::{Api, Repository};
use super::workspaces::Workspace;
use crate::sandbox::git::CommitInfo;
use crate::sandbox::people::{PEOPLE, Person};

const SITE: &str = "https://bitbucket.org";

impl Api {
    /// An account, as it stands inside other objects.
    pub(crate) fn account(&self, person: &Person) -> Value {
        let uuid = braces(person.bitbucket_uuid);
        let initials: String =
            person.name.split(' ').filter_map(|part| part.chars().next()).collect();
        json!({
            "type": "user",
            "display_name": person.name,
            "uuid": person.bitbucket_uuid,
            "account_id": person.account_id,
            "nickname": person.nickname,
            "links": {
                "self": { "href": format!("{}/users/{uuid}", self.base()) },
                "avatar": { "href": format!(
                    "https://secure.gravatar.com/avatar/{}?d=https%3A%2F%2Favatar-management--avatars.us-west-2.prod.public.atl-paas.net%2Finitials%2F{initials}-3.png",
                    digest(person.email),
                ) },
                "html": { "href": format!("{SITE}/{uuid}/") },
            },
        })
    }

    /// A workspace, as it stands inside other objects.
    pub(crate) fn workspace(&self, workspace: &Workspace) -> Value {
        let slug = workspace.slug;
        json!({
            "type": "workspace",
            "uuid": workspace.uuid(),
            "name": workspace.name,
            "slug": slug,
            "links": {
                "avatar": { "href": format!("{SITE}/workspaces/{slug}/avatar/?ts=1604430491") },
                "html": { "href": format!("{SITE}/{slug}/") },
                "self": { "href": format!("{}/workspaces/{slug}", self.base()) },
            },
        })
    }

    /// A repository, as it stands inside other objects.
    pub(crate) fn repository_stub(&self, repository: &Repository) -> Value {
        let full_name = repository.full_name();
        json!({
            "type": "repository",
            "full_name": full_name,
            "name": repository.name,
            "uuid": repository.uuid,
            "links": {
                "self": { "href": self.repository_url(repository) },
                "html": { "href": format!("{SITE}/{full_name}") },
                "avatar": { "href": avatar(repository) },
            },
        })
    }

    /// The address that all of a repository's paths start with.
    pub(crate) fn repository_url(&self, repository: &Repository) -> String {
        format!("{}/repositories/{}", self.base(), repository.full_name())
    }

    /// A commit, as it stands inside other objects: its hash as given, and where to find it.
    pub(crate) fn commit_stub(&self, repository: &Repository, hash: &str) -> Value {
        let full_name = repository.full_name();
        json!({
            "type": "commit",
            "hash": hash,
            "links": {
                "self": { "href": format!("{}/commit/{hash}", self.repository_url(repository)) },
                "html": { "href": format!("{SITE}/{full_name}/commits/{hash}") },
            },
        })
    }

    /// A commit with everything that lists of commits show of it.
    pub(crate) fn commit(&self, repository: &Repository, info: &CommitInfo) -> Value {
        let url = format!("{}/commit/{}", self.repository_url(repository), info.hash);
        let diffs = self.repository_url(repository);
        let parents: Vec<Value> =
            info.parents.iter().map(|parent| self.commit_stub(repository, parent)).collect();
        json!({
            "type": "commit",
            "hash": info.hash,
            "date": seconds(info.date),
            "author": self.author(&info.author_name, &info.author_mail),
            "message": info.message,
            "summary": rendered(&info.message),
            "parents": parents,
            "repository": self.repository_stub(repository),
            "links": {
                "self": { "href": url },
                "html": { "href": format!("{SITE}/{}/commits/{}", repository.full_name(), info.hash) },
                "diff": { "href": format!("{diffs}/diff/{}", info.hash) },
                "approve": { "href": format!("{url}/approve") },
                "comments": { "href": format!("{url}/comments") },
                "statuses": { "href": format!("{url}/statuses") },
                "patch": { "href": format!("{diffs}/patch/{}", info.hash) },
            },
        })
    }

    /// A commit's author. Addresses that belong to nobody here come without `user`.
    pub(crate) fn author(&self, name: &str, mail: &str) -> Value {
        let mut author = json!({ "type": "author", "raw": format!("{name} <{mail}>") });
        let known = PEOPLE.iter().find(|person| person.email == mail);
        if let (Some(person), Some(author)) = (known, author.as_object_mut()) {
            author.insert("user".into(), self.account(person));
        }
        author
    }
}

/// Markdown in all three forms.
pub(crate) fn rendered(raw: &str) -> Value {
    json!({ "type": "rendered", "raw": raw, "markup": "markdown", "html": html(raw) })
}

/// A time with microseconds, as most of Bitbucket writes it.
pub(crate) fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string()
}

/// A time in whole seconds, as commits have it.
pub(crate) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// A uuid as it stands in an address.
pub(crate) fn braces(uuid: &str) -> String {
    uuid.replace('{', "%7B").replace('}', "%7D")
}

pub(crate) fn avatar(repository: &Repository) -> String {
    format!("https://bytebucket.org/ravatar/{}?ts=default", braces(&repository.uuid))
}

/// Thirty-two digits that stand for a text.
pub(crate) fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn html(raw: &str) -> String {
    let escaped = raw.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped
        .split("\n\n")
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
        .map(|paragraph| format!("<p>{paragraph}</p>"))
        .collect::<Vec<_>>()
        .join("\n")
}
