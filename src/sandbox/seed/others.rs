//! The small repositories.

use super::super::git::Result;
use super::SeededRepository;
use super::history::{Author, Edit, History, time, write};

/// `acme/docs`, `acme/infrastructure` and `side-projects/notes`.
pub(super) fn repositories() -> Result<Vec<SeededRepository>> {
    Ok(vec![docs()?, infrastructure()?, notes()?])
}

fn docs() -> Result<SeededRepository> {
    let history = History::new("main")?;
    history.commit(
        Author::Cleo,
        "2026-03-02T10:00:00Z",
        "Begin the handbook\n",
        &[
            write("README.md", "# Handbook\n\nHow we work at Acme.\n"),
            write("handbook/reviews.md", "# Reviews\n\nBe kind. Be exact.\n"),
        ],
    )?;
    history.commit(
        Author::Ben,
        "2026-09-14T08:30:00Z",
        "Say who is on call\n",
        &[write("handbook/on-call.md", "# On call\n\nAna in even weeks, Ben in odd ones.\n")],
    )?;
    seeded("acme", "docs", "Docs", "The handbook", "markdown", history, "2026-03-02T09:00:00Z")
}

fn infrastructure() -> Result<SeededRepository> {
    let history = History::new("master")?;
    history.commit(
        Author::Dmitri,
        "2026-02-09T14:00:00Z",
        "Describe the servers\n",
        &[
            write("main.tf", "terraform {\n  required_version = \">= 1.9\"\n}\n"),
            write("modules/shop/main.tf", "variable \"replicas\" {\n  default = 2\n}\n"),
            Edit::Script("apply.sh", "#!/bin/sh\nset -eu\nterraform apply \"$@\"\n"),
        ],
    )?;
    history.commit(
        Author::Ana,
        "2026-10-19T07:00:00Z",
        "Run three copies of the shop\n",
        &[Edit::Replace("modules/shop/main.tf", "default = 2", "default = 3")],
    )?;
    seeded(
        "acme",
        "infrastructure",
        "Infrastructure",
        "Servers, as code",
        "hcl",
        history,
        "2026-02-09T13:00:00Z",
    )
}

fn notes() -> Result<SeededRepository> {
    let history = History::new("main")?;
    let first = write("notes.md", "# Notes\n\n- Learn Rust properly.\n");
    history.commit(Author::Ana, "2026-05-10T18:00:00Z", "First note\n", &[first])?;
    let second = Edit::Append("notes.md", "- Sharpen the knives.\n");
    history.commit(Author::Ana, "2026-11-15T11:20:00Z", "Another note\n", &[second])?;
    seeded("side-projects", "notes", "Notes", "Mine", "markdown", history, "2026-05-10T17:00:00Z")
}

fn seeded(
    workspace: &'static str,
    slug: &'static str,
    name: &'static str,
    description: &'static str,
    language: &'static str,
    history: History,
    created_on: &str,
) -> Result<SeededRepository> {
    Ok(SeededRepository {
        workspace,
        slug,
        name,
        description,
        language,
        main_branch: history.main,
        created_on: time(created_on)?,
        git: history.git,
        pull_requests: history.requests,
    })
}
