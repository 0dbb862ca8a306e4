//! Writes a history commit by commit, with edits told in short.

use jiff::Timestamp;

use super::super::git::{Change, Error, Git, MergeProblem, Node, Result, Strategy};
use super::{Fate, SeededPullRequest};

/// Who wrote a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Author {
    Ana,
    Ben,
    Cleo,
    /// Left the company; the address belongs to no account.
    Dmitri,
}

impl Author {
    /// Name and mail address, as git has them.
    pub(super) fn signature(self) -> (&'static str, &'static str) {
        match self {
            Self::Ana => ("Ana Lima", "ana@example.test"),
            Self::Ben => ("Ben Okoye", "ben@example.test"),
            Self::Cleo => ("Cleo Marsh", "cleo@example.test"),
            Self::Dmitri => ("Dmitri Petrov", "dmitri@left.example.test"),
        }
    }

    /// The nickname of the account.
    pub(super) fn nickname(self) -> &'static str {
        match self {
            Self::Ana => "ana",
            Self::Ben => "ben",
            Self::Cleo | Self::Dmitri => "cleo",
        }
    }
}

/// A change to one file.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// The whole file.
    Write(String, String),
    /// Bytes that need not be text.
    Bytes(&'static str, Vec<u8>),
    /// A file that can be run.
    Script(&'static str, &'static str),
    /// A symbolic link.
    Link(&'static str, &'static str),
    /// The first place where the text occurs.
    Replace(&'static str, &'static str, &'static str),
    /// More text at the end.
    Append(&'static str, &'static str),
    Move(&'static str, &'static str),
    Delete(&'static str),
}

/// The whole of one file.
pub(super) fn write(path: impl Into<String>, text: impl Into<String>) -> Edit {
    Edit::Write(path.into(), text.into())
}

/// What a request to merge begins with and ends in.
pub(super) struct Request {
    pub(super) number: u64,
    pub(super) author: Author,
    pub(super) branch: &'static str,
    pub(super) title: &'static str,
    pub(super) opened: &'static str,
    pub(super) end: End,
    /// The commit to begin from, where it is not main's last one.
    pub(super) base: Option<String>,
    pub(super) edits: Vec<Edit>,
}

/// How a request ends.
#[derive(Clone, Copy)]
pub(super) enum End {
    Open,
    Squashed(&'static str),
    Merged(&'static str),
    /// With the branch kept, or deleted.
    Declined(&'static str, bool),
}

/// A repository that grows.
pub(super) struct History {
    pub(super) git: Git,
    pub(super) main: &'static str,
    pub(super) requests: Vec<SeededPullRequest>,
}

impl History {
    pub(super) fn new(main: &'static str) -> Result<Self> {
        Ok(Self { git: Git::create()?, main, requests: Vec::new() })
    }

    /// The last commit on the main branch.
    pub(super) fn tip(&self) -> Result<String> {
        let missing = || Error::Missing("branch", self.main.to_owned());
        self.git.resolve(self.main).ok_or_else(missing)
    }

    /// Commits to the main branch.
    pub(super) fn commit(
        &self,
        author: Author,
        when: &str,
        message: &str,
        edits: &[Edit],
    ) -> Result<String> {
        self.commit_to(self.main, self.git.resolve(self.main), author, when, message, edits)
    }

    /// Commits to a branch on top of `base`.
    pub(super) fn commit_to(
        &self,
        branch: &str,
        base: Option<String>,
        author: Author,
        when: &str,
        message: &str,
        edits: &[Edit],
    ) -> Result<String> {
        let changes = self.changes(base.as_deref(), edits)?;
        let parents: Vec<String> = base.into_iter().collect();
        self.git.commit(branch, &parents, &changes, author.signature(), time(when)?, message)
    }

    /// Opens a request and lets it end as it says.
    pub(super) fn request(&mut self, request: Request) -> Result<()> {
        let main = self.tip()?;
        let base = request.base.clone().unwrap_or_else(|| main.clone());
        let message = format!("{}\n", request.title);
        let source = self.commit_to(
            request.branch,
            Some(base),
            request.author,
            request.opened,
            &message,
            &request.edits,
        )?;
        self.end(request, source, main)
    }

    /// Lets a request end whose source is committed already.
    pub(super) fn end(&mut self, request: Request, source: String, main: String) -> Result<()> {
        let merge = |strategy, when: Timestamp| {
            let message = format!(
                "Merged in {} (pull request #{})\n\n{}\n\nApproved-by: Ana Lima\n",
                request.branch, request.number, request.title
            );
            let author = Author::Ana.signature();
            self.git.merge(&source, &main, strategy, author, &message, when)
        };
        let fate = match request.end {
            End::Open => Fate::Open,
            End::Declined(when, kept) => {
                if !kept {
                    self.git.delete_branch(request.branch);
                }
                Fate::Declined { when: time(when)? }
            }
            End::Squashed(when) | End::Merged(when) => {
                let squash = matches!(request.end, End::Squashed(_));
                let strategy = if squash { Strategy::Squash } else { Strategy::MergeCommit };
                let when = time(when)?;
                let commit = merge(strategy, when).map_err(unmerged)?;
                self.git.set_branch(self.main, &commit)?;
                self.git.delete_branch(request.branch);
                Fate::Merged { commit, when }
            }
        };
        self.requests.push(SeededPullRequest {
            number: request.number,
            title: request.title,
            author: request.author.nickname(),
            source: request.branch,
            destination: self.main,
            opened: time(request.opened)?,
            fate,
            source_hash: source,
            destination_hash: main,
        });
        Ok(())
    }

    fn changes(&self, base: Option<&str>, edits: &[Edit]) -> Result<Vec<Change>> {
        let mut changes: Vec<Change> = Vec::new();
        for edit in edits {
            let write = |path: &str, bytes: Vec<u8>| Change::Write {
                path: path.into(),
                bytes,
                executable: false,
            };
            // A later edit of a file sees what an earlier one made of it.
            let now = |path: &str| -> Result<String> {
                let edited = changes.iter().rev().find_map(|change| match change {
                    Change::Write { path: it, bytes, .. } if it == path => Some(bytes.clone()),
                    _ => None,
                });
                let bytes = match (edited, base.map(|base| self.git.tree(base, path))) {
                    (Some(bytes), _) => bytes,
                    (None, Some(Some(Node::File { bytes, .. }))) => bytes.to_vec(),
                    _ => return Err(Error::Missing("file", path.to_owned())),
                };
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            };
            let made = match edit {
                Edit::Write(path, text) => vec![write(path, text.clone().into_bytes())],
                Edit::Bytes(path, bytes) => vec![write(path, bytes.clone())],
                Edit::Script(path, text) => vec![Change::Write {
                    path: (*path).into(),
                    bytes: text.as_bytes().into(),
                    executable: true,
                }],
                Edit::Link(path, target) => {
                    vec![Change::Link { path: (*path).into(), target: (*target).into() }]
                }
                Edit::Replace(path, from, to) => {
                    let text = now(path)?;
                    if !text.contains(from) {
                        return Err(Error::Missing("text", format!("{from}` in `{path}")));
                    }
                    vec![write(path, text.replacen(from, to, 1).into_bytes())]
                }
                Edit::Append(path, more) => vec![write(path, (now(path)? + more).into_bytes())],
                Edit::Move(from, to) => vec![
                    write(to, now(from)?.into_bytes()),
                    Change::Delete { path: (*from).into() },
                ],
                Edit::Delete(path) => vec![Change::Delete { path: (*path).into() }],
            };
            changes.extend(made);
        }
        Ok(changes)
    }
}

pub(super) fn time(text: &str) -> Result<Timestamp> {
    text.parse().map_err(|_| Error::Missing("time", text.to_owned()))
}

fn unmerged(problem: MergeProblem) -> Error {
    Error::Failed(problem.to_string())
}
