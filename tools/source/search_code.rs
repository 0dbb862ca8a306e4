use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grep::{Grep, Grepped};
use super::matches::{FileMatches, Terms};
use crate::bitbucket::{self, Client, Repository, RepositoryId, Resume, SearchQuery};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};
use crate::tools::lookup;
use crate::tools::params::{Limit, RepositoryArgument, Revision, WorkspaceArgument};
use crate::tools::shown::{self, NAME, bare, count, more, short};
use crate::tools::wanted::Wanted;
use crate::{Error, Result};

/// How many files are shown unless the call says otherwise.
const FILES: u32 = 10;
/// How many lines are shown in all, at least one for each file.
const LINES: usize = 30;

/// Find literal text in the code of a repository or a whole workspace. Bitbucket's index knows whole
/// words on main branches; otherwise the files themselves are read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchCode {
    /// Alone: search all its repositories.
    workspace: Option<WorkspaceArgument>,
    /// `workspace/repository`, slug or URL.
    repository: Option<RepositoryArgument>,
    /// What to find; case does not count.
    #[schemars(length(min = 1, max = 200))]
    query: String,
    /// Only these files, folders or globs (`*.ts`).
    #[serde(default)]
    paths: Vec<Wanted>,
    /// Branch, tag or hash; default: main branch.
    revision: Option<Revision>,
    /// Read files instead of the index: finds parts of words too.
    #[serde(default)]
    grep: bool,
    /// How many files; default 10.
    limit: Option<Limit>,
    /// From `next_cursor`.
    cursor: Option<String>,
}

/// Where text stands.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Found {
    /// Absent for a whole workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    /// The commit that was searched; `get_file` takes it as `revision`.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    text: Foreign,
    files: Vec<FileMatches>,
    /// How many files there are in all, where the index says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_files: Option<u64>,
    /// Why and how the files themselves were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    grepped: Option<Grepped>,
    /// Pass it as `cursor` for more files.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What the index can do for a call.
enum Indexed {
    Found(bitbucket::Page<bitbucket::Hit>),
    /// Why it cannot.
    No(&'static str),
}

impl Tool for SearchCode {
    const NAME: &'static str = "search_code";
    const TITLE: &'static str = "Search code";
    const EFFECT: Effect = Effect::Reads;
    const SCOPES: &'static [&'static str] = &["repository"];
    type Output = Found;

    async fn run(self, cx: &Context) -> Result<Found> {
        if self.query.trim().is_empty() {
            return Err(Error::InvalidArguments("`query` is blank".to_owned()));
        }
        let resume = cx.resume(self.cursor.as_deref())?;
        match &self.repository {
            Some(repository) => {
                let id = repository.id(self.workspace.as_ref())?;
                self.in_repository(cx, &id, resume.as_ref()).await
            }
            None => self.in_workspace(cx, resume.as_ref()).await,
        }
    }
}

impl SearchCode {
    async fn in_repository(
        &self,
        cx: &Context,
        id: &RepositoryId,
        resume: Option<&Resume>,
    ) -> Result<Found> {
        let repository = cx.repository(id).await?;
        let why = if self.grep {
            "asked for"
        } else if self.revision.is_some() && !self.names_main(&repository).await? {
            "the index only has the main branch"
        } else {
            match self.indexed(&repository, resume).await? {
                Indexed::Found(page) => return self.as_found(cx, Some(id), page),
                Indexed::No(why) => why,
            }
        };
        let revision = self.revision.as_ref().map(|revision| revision.0.as_str());
        let resolved = lookup::revision(&repository, revision, resume).await?;
        let limit = self.limit();
        let grep = Grep { repository: &repository, resolved: &resolved, paths: &self.paths, limit };
        let (mut files, grepped) = grep.run(&Terms::new(&self.query), why).await?;
        fit(&mut files);
        Ok(Found {
            repository: Some(id.to_string()),
            commit: Some(resolved.hash),
            text: Foreign::line(&self.query, NAME),
            files,
            total_files: None,
            grepped: Some(grepped),
            next_cursor: None,
        })
    }

    async fn in_workspace(&self, cx: &Context, resume: Option<&Resume>) -> Result<Found> {
        let Some(workspace) = &self.workspace else {
            return Err(Error::InvalidArguments(
                "give `repository`, or `workspace` for all its repositories".to_owned(),
            ));
        };
        if self.revision.is_some() || self.grep {
            return Err(Error::InvalidArguments(
                "`revision` and `grep` need a `repository`".to_owned(),
            ));
        }
        let client = cx.bitbucket().await?;
        match self.ask(client, &workspace.0, self.for_index(), resume).await? {
            Indexed::Found(mut page) => {
                let allowed = cx.repositories();
                page.values.retain(|hit| allowed.allows(&hit.repository.to_string()));
                self.as_found(cx, None, page)
            }
            Indexed::No(why) => Err(Error::refused(
                format!("code search in the workspace {} is not possible: {why}", workspace.0),
                "name a `repository`: its files are read then",
            )),
        }
    }

    /// Whether `revision` is the main branch, by name or by commit.
    async fn names_main(&self, repository: &Repository<'_>) -> Result<bool> {
        let Some(Revision(revision)) = &self.revision else { return Ok(true) };
        let main = repository.main_branch().await;
        let main = match main {
            Err(error) if error.is_not_found() => {
                return Err(Error::no_repository(repository.id()));
            }
            main => main?,
        };
        Ok(main.as_deref() == Some(revision.strip_prefix("refs/heads/").unwrap_or(revision)))
    }

    /// Asks the index about one repository. It knows a repository by its present slug only.
    async fn indexed(
        &self,
        repository: &Repository<'_>,
        resume: Option<&Resume>,
    ) -> Result<Indexed> {
        let (client, id) = (repository.client(), repository.id());
        let real = async || match repository.get().await {
            Err(error) if error.is_not_found() => Err(Error::no_repository(id)),
            data => Ok(RepositoryId::try_from(data?.full_name.as_str()).ok()),
        };
        let ask = async |id: &RepositoryId| {
            let query = self.for_index().repository(id.slug.as_str());
            let asked = self.ask(client, &id.workspace, query, resume).await?;
            Ok::<_, Error>(match asked {
                Indexed::Found(mut page) => {
                    page.values.retain(|hit| same(&hit.repository.slug, &id.slug));
                    Indexed::Found(page)
                }
                no => no,
            })
        };
        if id.slug.is_uuid() {
            return match real().await? {
                Some(real) => ask(&real).await,
                None => Ok(Indexed::No("the repository's name cannot be searched for")),
            };
        }
        let found = ask(id).await?;
        if matches!(&found, Indexed::Found(page) if page.values.is_empty() && page.next.is_none()) {
            // Nothing in it, or no such name in the index: renamed, or never there.
            if let Some(real) = real().await?
                && !same(&real.slug, &id.slug)
            {
                return ask(&real).await;
            }
        }
        Ok(found)
    }

    async fn ask(
        &self,
        client: &Client,
        workspace: &bitbucket::Segment,
        query: SearchQuery,
        resume: Option<&Resume>,
    ) -> Result<Indexed> {
        use bitbucket::Error as Wire;
        if query.is_empty() {
            return Ok(Indexed::No("the index knows words only, and this has none"));
        }
        match client.workspace(workspace).search_code(&query, self.limit(), resume).await {
            Ok(page) => Ok(Indexed::Found(page)),
            Err(Wire::NotFound { .. }) => Ok(Indexed::No("code search is off there")),
            Err(Wire::Gone { .. }) => Ok(Indexed::No("Bitbucket no longer offers code search")),
            Err(Wire::RateLimited { .. }) => {
                Ok(Indexed::No("the rate limit of code search is reached"))
            }
            Err(Wire::TimedOut) => Ok(Indexed::No("code search did not finish in time")),
            Err(Wire::Status { status: 400 | 500.., .. }) => {
                Ok(Indexed::No("code search did not work"))
            }
            // The endpoint is closed to some kinds of tokens.
            Err(Wire::Status { status: 403, .. }) => {
                Ok(Indexed::No("code search is not open to this token"))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn for_index(&self) -> SearchQuery {
        let query = SearchQuery::phrase(&self.query);
        match self.paths.as_slice() {
            [one] if one.glob.is_none() => query.path(&one.text),
            [one] => match one.text.strip_prefix("*.").or_else(|| one.text.strip_prefix("**/*.")) {
                Some(extension) if !extension.contains(['*', '?', '[', '{', '.', '/']) => {
                    query.extension(extension)
                }
                _ => query,
            },
            _ => query,
        }
    }

    fn as_found(
        &self,
        cx: &Context,
        id: Option<&RepositoryId>,
        page: bitbucket::Page<bitbucket::Hit>,
    ) -> Result<Found> {
        let terms = Terms::new(&self.query);
        let takes = |path: &str| {
            self.paths.is_empty() || self.paths.iter().any(|wanted| wanted.takes(path))
        };
        let commit = page.values.first().map(|hit| hit.commit.clone()).filter(|_| id.is_some());
        let all = page.values.len();
        let hits = page.values.into_iter().filter(|hit| takes(&hit.path));
        let mut files: Vec<FileMatches> =
            hits.map(|hit| FileMatches::of_hit(&hit, id.is_none(), &terms)).collect();
        fit(&mut files);
        Ok(Found {
            repository: id.map(ToString::to_string),
            commit,
            text: Foreign::line(&self.query, NAME),
            // The index knows nothing of globs.
            total_files: page.size.filter(|_| files.len() == all),
            files,
            grepped: None,
            next_cursor: cx.cursor(page.next)?,
        })
    }

    fn limit(&self) -> usize {
        self.limit.map_or(FILES as usize, Limit::get)
    }
}

fn same(one: &bitbucket::Segment, other: &bitbucket::Segment) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

/// Leaves each file its share of the lines.
fn fit(files: &mut [FileMatches]) {
    let share = (LINES / files.len().max(1)).max(1);
    files.iter_mut().for_each(|file| file.keep(share));
}

impl Answer for Found {
    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(repository) = &self.repository {
            text.push_str(repository);
            if let Some(commit) = &self.commit {
                let _ = write!(text, " at {}", short(commit));
            }
            text.push_str(", ");
        }
        let what = self.text.quoted();
        let files = match self.total_files {
            Some(total) if total as usize > self.files.len() => {
                format!("{} of {total} files", self.files.len())
            }
            _ => count(self.files.len(), "file", "files"),
        };
        if self.files.is_empty() {
            let _ = write!(text, "nothing found for {what}");
        } else {
            let _ = write!(text, "{what} in {files}");
        }
        match &self.grepped {
            Some(grepped) => grepped.write(&mut text),
            None if self.files.is_empty() => text.push_str(
                "; the index has whole words of main branches only: `grep: true` reads the files of a \
                 repository",
            ),
            None => text.push_str(", as of the index:"),
        }
        for file in &self.files {
            text.push('\n');
            if let Some(repository) = &file.repository {
                let _ = write!(text, "{} ", bare(repository));
            }
            text.push_str(&bare(&file.path));
            if let Some(commit) = &file.commit {
                let _ = write!(text, " at {}", short(commit));
            }
            for line in &file.lines {
                let _ = write!(text, "\n  {}: {}", line.line, line.text.as_str());
            }
            if file.more_lines > 0 {
                let _ = write!(text, "\n  {} more", shown::count(file.more_lines, "line", "lines"));
            }
        }
        more(&mut text, self.next_cursor.as_ref());
        text
    }
}
