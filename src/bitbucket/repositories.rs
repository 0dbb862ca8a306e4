//! Repositories of a workspace.

use jiff::Timestamp;
use serde::Deserialize;

use super::wire::{null_as_default, time};
use super::{Error, Page, Path, Repository, Resume, Workspace};

/// The most repositories on a page.
const PAGE: u32 = 100;

/// A repository, as Bitbucket sends it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct RepositoryData {
    pub(crate) full_name: String,
    /// What people call it; often the slug with capitals.
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) is_private: bool,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) language: String,
    #[serde(default, deserialize_with = "time")]
    pub(crate) updated_on: Option<Timestamp>,
    /// In bytes.
    pub(crate) size: Option<u64>,
    /// Missing while there are no commits.
    pub(crate) mainbranch: Option<BranchName>,
    pub(crate) project: Option<Project>,
    pub(crate) parent: Option<Parent>,
    pub(crate) fork_policy: Option<String>,
}

/// A branch by its name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct BranchName {
    pub(crate) name: String,
}

/// The project that a repository belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Project {
    pub(crate) key: String,
    pub(crate) name: Option<String>,
}

/// The repository that another one was forked from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Parent {
    pub(crate) full_name: String,
}

impl Workspace<'_> {
    /// `GET /repositories/{workspace}`, the most recently updated first. `name` is part of a name.
    pub(crate) async fn repositories(
        &self,
        name: Option<&str>,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<RepositoryData>, Error> {
        let filter = name.map(|name| {
            let name = bbql_string(name);
            ("q", format!("name ~ {name} OR slug ~ {name}"))
        });
        self.client
            .get(Path::new("repositories").segment(self.slug.as_str()))
            .query("sort", "-updated_on")
            .queries(filter)
            .fields(concat!(
                "values.full_name,values.name,values.description,values.is_private,",
                "values.language,values.updated_on,values.mainbranch.name,next,size"
            ))
            .page(PAGE, limit, resume)
            .await
    }
}

impl Repository<'_> {
    /// `GET /repositories/{workspace}/{repository}`
    pub(crate) async fn get(&self) -> Result<RepositoryData, Error> {
        self.client
            .get(self.path())
            .fields(concat!(
                "full_name,name,description,is_private,language,updated_on,size,mainbranch.name,",
                "project.key,project.name,parent.full_name,fork_policy"
            ))
            .json()
            .await
    }

    /// The name of the main branch, or nothing while there are no commits.
    pub(crate) async fn main_branch(&self) -> Result<Option<String>, Error> {
        #[derive(Deserialize)]
        struct Main {
            mainbranch: Option<BranchName>,
        }
        let main: Main = self.client.get(self.path()).fields("mainbranch.name").json().await?;
        Ok(main.mainbranch.map(|branch| branch.name))
    }
}

/// `text` as a string of Bitbucket's query language.
/// <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#filtering>
pub(crate) fn bbql_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_filter_inside_its_quotes() {
        assert_eq!(bbql_string(r#"a" OR "b\"#), r#""a\" OR \"b\\""#);
        assert_eq!(bbql_string("a\nb"), r#""ab""#);
    }
}
