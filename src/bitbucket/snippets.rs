//! Snippets: small files that people share. They belong to a workspace, not to a repository.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-snippets/>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::wire::{User, null_as_default, time};
use super::{Bytes, Error, Multipart, Page, Path, Resume, Workspace};

/// The most snippets on a page.
const PAGE: u32 = 100;

const LIST_FIELDS: &str = "next,size,values.id,values.title,values.is_private,values.updated_on,\
    values.creator.uuid,values.creator.nickname,values.creator.display_name";

const FIELDS: &str = "id,title,is_private,updated_on,files,\
    creator.uuid,creator.nickname,creator.display_name";

/// A snippet, as Bitbucket sends it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SnippetData {
    /// A word, although the documentation calls it a number.
    #[serde(deserialize_with = "word")]
    pub(crate) id: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) title: String,
    pub(crate) is_private: Option<bool>,
    #[serde(deserialize_with = "time")]
    pub(crate) updated_on: Option<Timestamp>,
    #[serde(deserialize_with = "null_as_default")]
    pub(crate) creator: User,
    /// By name. Lists leave them out.
    #[serde(deserialize_with = "null_as_default")]
    files: BTreeMap<String, IgnoredAny>,
}

/// What a snippet is to be; what is left out stays as it is.
#[derive(Debug, Default)]
pub(crate) struct NewSnippet {
    pub(crate) title: Option<String>,
    pub(crate) is_private: Option<bool>,
    /// Files to add or to replace, by name.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// Names of files to remove.
    pub(crate) removed: Vec<String>,
}

impl SnippetData {
    /// The names of its files.
    pub(crate) fn file_names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }
}

impl NewSnippet {
    fn form(&self) -> Multipart {
        let mut form = Multipart::new();
        if let Some(title) = &self.title {
            form = form.text("title", title);
        }
        if let Some(is_private) = self.is_private {
            form = form.text("is_private", if is_private { "true" } else { "false" });
        }
        for (name, data) in &self.files {
            form = form.file("file", name, data.clone());
        }
        // A name without contents is a file to remove.
        for name in &self.removed {
            form = form.text("files", name);
        }
        form
    }
}

impl Workspace<'_> {
    /// `GET /snippets/{workspace}`
    pub(crate) async fn snippets(
        &self,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<SnippetData>, Error> {
        self.client.get(self.snippets_path()).fields(LIST_FIELDS).page(PAGE, limit, resume).await
    }

    /// `GET /snippets/{workspace}/{id}`
    pub(crate) async fn snippet(&self, id: &str) -> Result<SnippetData, Error> {
        self.client.get(self.snippets_path().segment(id)).fields(FIELDS).json().await
    }

    /// `GET /snippets/{workspace}/{id}/files/{name}`, at most `limit` bytes: redirects to the newest
    /// version, which may be kept in storage.
    pub(crate) async fn snippet_file(
        &self,
        id: &str,
        name: &str,
        limit: usize,
    ) -> Result<Bytes, Error> {
        let path = self.snippets_path().segment(id).fixed("files").segment(name);
        self.client.get(path).follow_to_storage().bytes(limit).await
    }

    /// `POST /snippets/{workspace}`
    pub(crate) async fn create_snippet(&self, new: &NewSnippet) -> Result<SnippetData, Error> {
        self.client.post(self.snippets_path()).fields(FIELDS).multipart(new.form()).json().await
    }

    /// `PUT /snippets/{workspace}/{id}`
    pub(crate) async fn update_snippet(
        &self,
        id: &str,
        new: &NewSnippet,
    ) -> Result<SnippetData, Error> {
        let path = self.snippets_path().segment(id);
        self.client.put(path).fields(FIELDS).multipart(new.form()).json().await
    }

    /// `DELETE /snippets/{workspace}/{id}`
    pub(crate) async fn delete_snippet(&self, id: &str) -> Result<(), Error> {
        self.client.delete(self.snippets_path().segment(id)).empty().await
    }

    fn snippets_path(&self) -> Path {
        Path::new("snippets").segment(self.slug.as_str())
    }
}

/// Reads a word or a number.
fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Word(String),
        Number(u64),
    }
    Ok(match Option::deserialize(deserializer)? {
        Some(Either::Word(word)) => word,
        Some(Either::Number(number)) => number.to_string(),
        None => String::new(),
    })
}
