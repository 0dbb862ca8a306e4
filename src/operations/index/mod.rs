//! Finds operations by what somebody wants to do: a small index over names, paths and lines.
//!
//! It ranks as BM25 does, by words that are brought to a common form, with synonyms for what people call
//! things elsewhere, and with a guess at the method from the verb.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Method, Operation, all};

static INDEX: LazyLock<Index> = LazyLock::new(|| Index::over(all()));

/// How soon more of the same word stops to matter, and how much the length of a text does.
const SATURATION: f64 = 1.2;
const LENGTH: f64 = 0.5;
/// What a word weighs where it stands.
const IN_NAME: f64 = 2.5;
const IN_LINE: f64 = 2.0;
const IN_PATH: f64 = 1.0;
/// What a synonym weighs beside the word itself.
const SYNONYM: f64 = 0.7;
/// How alike a word that nobody used and one of ours must be to be taken for it.
const ALIKE: f64 = 0.9;

/// Words that say nothing about what is wanted.
const FILLERS: &[&str] = &[
    "a",
    "all",
    "an",
    "and",
    "are",
    "as",
    "at",
    "be",
    "by",
    "can",
    "could",
    "current",
    "do",
    "does",
    "existing",
    "for",
    "from",
    "give",
    "has",
    "have",
    "how",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "me",
    "of",
    "on",
    "one",
    "or",
    "our",
    "please",
    "s",
    "should",
    "some",
    "somebody",
    "somewhere",
    "specific",
    "that",
    "the",
    "their",
    "them",
    "there",
    "these",
    "this",
    "to",
    "up",
    "use",
    "used",
    "want",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "whether",
    "will",
    "with",
    "bitbucket",
    "api",
    "such",
    "through",
    "too",
    "via",
    "any",
    "been",
    "given",
];

/// Words of people, and ours for the same thing.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("abort", &["stop"]),
    ("access", &["permission"]),
    ("action", &["pipeline"]),
    ("admin", &["administer", "permission"]),
    ("artifact", &["download"]),
    ("assign", &["reviewer"]),
    ("attachment", &["download"]),
    ("authored", &["wrote"]),
    ("blame", &["history"]),
    ("build", &["pipeline", "status"]),
    ("cancel", &["stop"]),
    ("changelog", &["commit", "history"]),
    ("check", &["status"]),
    ("ci", &["pipeline"]),
    ("close", &["decline"]),
    ("collaborator", &["permission", "user"]),
    ("contributor", &["member"]),
    ("coverage", &["report"]),
    ("credential", &["key", "variable"]),
    ("cron", &["schedule"]),
    ("default", &["main"]),
    ("directory", &["source"]),
    ("disable", &["off"]),
    ("dislike", &["decline"]),
    ("email", &["mail"]),
    ("enable", &["on"]),
    ("env", &["environment", "variable"]),
    ("event", &["hook"]),
    ("find", &["search"]),
    ("finding", &["annotation"]),
    ("follow", &["watch"]),
    ("follower", &["watcher"]),
    ("folder", &["directory", "source"]),
    ("give", &["grant"]),
    ("gist", &["snippet"]),
    ("grep", &["search"]),
    ("invite", &["grant"]),
    ("job", &["step"]),
    ("landed", &["commit", "contain"]),
    ("lint", &["report"]),
    ("log", &["log", "history"]),
    ("merged", &["merge"]),
    ("my", &["own", "your"]),
    ("myself", &["own", "account"]),
    ("nightly", &["schedule"]),
    ("org", &["workspace"]),
    ("organization", &["workspace"]),
    ("output", &["log"]),
    ("owner", &["role", "owner"]),
    ("password", &["variable"]),
    ("people", &["member", "user"]),
    ("profile", &["account", "user"]),
    ("protect", &["restriction", "protection"]),
    ("protected", &["restriction", "protection"]),
    ("protection", &["restriction"]),
    ("publish", &["create"]),
    ("push", &["restriction"]),
    ("reject", &["decline"]),
    ("release", &["tag", "download"]),
    ("rename", &["update"]),
    ("repo", &["repository"]),
    ("repos", &["repository"]),
    ("rerun", &["run", "pipeline"]),
    ("restart", &["run", "pipeline"]),
    ("retry", &["run", "pipeline"]),
    ("review", &["comment", "approve"]),
    ("rule", &["restriction"]),
    ("scan", &["report"]),
    ("scanner", &["report"]),
    ("secret", &["variable"]),
    ("squash", &["merge"]),
    ("start", &["run"]),
    ("stage", &["environment"]),
    ("team", &["workspace", "member"]),
    ("timeline", &["activity"]),
    ("todo", &["task"]),
    ("token", &["key"]),
    ("trigger", &["run"]),
    ("undo", &["take", "back"]),
    ("unfollow", &["unwatch"]),
    ("unprotect", &["restriction", "protection"]),
    ("unresolve", &["reopen"]),
    ("upload", &["add"]),
    ("version", &["tag"]),
    ("webhook", &["hook"]),
    ("whoami", &["own", "account"]),
    ("workflow", &["pipeline"]),
    ("worker", &["runner"]),
    ("agent", &["runner"]),
];

/// Verbs, and the methods of what they ask for.
const VERBS: &[(&[&str], &[Method])] = &[
    (
        &[
            "list", "show", "get", "see", "read", "view", "who", "why", "which", "what", "find",
            "search", "fetch", "check", "look",
        ],
        &[Method::Get],
    ),
    (
        &["add", "create", "new", "open", "make", "register", "post", "upload", "fork"],
        &[Method::Post, Method::Put],
    ),
    (&["give", "grant", "invite", "allow", "let"], &[Method::Put, Method::Post]),
    (
        &[
            "run", "start", "trigger", "rerun", "stop", "cancel", "approve", "resolve", "decline",
            "merge",
        ],
        &[Method::Post],
    ),
    (&["delete", "remove", "revoke", "drop", "clear", "uninstall", "unapprove"], &[Method::Delete]),
    (
        &[
            "change",
            "update",
            "set",
            "edit",
            "rename",
            "enable",
            "disable",
            "turn",
            "configure",
            "modify",
            "move",
        ],
        &[Method::Put, Method::Post],
    ),
];

/// Where things can belong that belong to a repository unless somebody says otherwise.
const PLACES: &[(&str, &[&str])] = &[
    ("workspaces", &["workspace", "member", "org", "organization", "team", "people", "everybody"]),
    ("projects", &["project"]),
    ("snippets", &["snippet", "gist"]),
    ("properties", &["property", "metadata", "app"]),
    ("addon", &["app", "connect", "addon"]),
    ("commit", &["commit", "report", "annotation", "status", "check", "finding"]),
];

struct Index {
    documents: Vec<Document>,
    /// How many documents hold a word.
    holding: HashMap<String, usize>,
    length: f64,
}

struct Document {
    operation: &'static Operation,
    words: HashMap<String, f64>,
    /// The words of its name, without its verb.
    named: Vec<String>,
    length: f64,
}

/// The operations that fit `wanted` best, the best first.
#[must_use]
pub fn search(wanted: &str, limit: usize) -> Vec<&'static Operation> {
    INDEX.search(wanted, limit)
}

impl Index {
    fn over(operations: &'static [Operation]) -> Self {
        let documents: Vec<Document> = operations.iter().map(Document::of).collect();
        let mut holding = HashMap::new();
        for word in documents.iter().flat_map(|document| document.words.keys()) {
            *holding.entry(word.clone()).or_insert(0) += 1;
        }
        let total: f64 = documents.iter().map(|document| document.length).sum();
        let length = total / size(documents.len().max(1));
        Self { documents, holding, length }
    }

    fn search(&self, wanted: &str, limit: usize) -> Vec<&'static Operation> {
        let said: Vec<String> = words(wanted);
        let asked = self.expanded(&said);
        let mut scored: Vec<(f64, &Document)> = self
            .documents
            .iter()
            .map(|document| (self.score(document, &asked, &said), document))
            .filter(|(score, _)| *score > 0.0)
            .collect();
        scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let best = scored.first().map_or(0.0, |(score, _)| *score);
        scored
            .into_iter()
            .take(limit)
            .filter(|(score, _)| *score >= best * 0.3)
            .map(|(_, document)| document.operation)
            .collect()
    }

    /// What was said, and what else it may be called, with what each weighs.
    fn expanded(&self, said: &[String]) -> HashMap<String, f64> {
        let mut asked: HashMap<String, f64> = HashMap::new();
        let mut add = |word: String, weight: f64| {
            let known = asked.entry(word).or_insert(0.0);
            *known = known.max(weight);
        };
        for word in said.iter().filter(|word| !FILLERS.contains(&word.as_str())) {
            let form = stem(word);
            let others = synonyms(word).or_else(|| synonyms(&form));
            for other in others.into_iter().flatten() {
                add(stem(other), SYNONYM);
            }
            if !self.holding.contains_key(&form) && others.is_none() {
                let near = self
                    .holding
                    .keys()
                    .map(|known| (strsim::jaro_winkler(&form, known), known))
                    .filter(|(likeness, _)| *likeness >= ALIKE)
                    .max_by(|one, other| {
                        one.0.total_cmp(&other.0).then_with(|| other.1.cmp(one.1))
                    });
                if let Some((_, near)) = near {
                    add(near.clone(), SYNONYM);
                }
            }
            add(form, 1.0);
        }
        asked
    }

    fn score(&self, document: &Document, asked: &HashMap<String, f64>, said: &[String]) -> f64 {
        let count = size(self.documents.len());
        let mut words: Vec<(&String, &f64)> = asked.iter().collect();
        words.sort_by_key(|(word, _)| *word);
        let sum: f64 = words
            .into_iter()
            .filter_map(|(word, weight)| {
                let often = document.words.get(word)?;
                let holding = size(*self.holding.get(word)?);
                let rarity = (1.0 + (count - holding + 0.5) / (holding + 0.5)).ln();
                let long = 1.0 - LENGTH + LENGTH * document.length / self.length;
                let heard = often * (SATURATION + 1.0) / (often + SATURATION * long);
                Some(weight * rarity * heard)
            })
            .sum();
        sum * document.fitness(said) * document.coverage(asked)
    }
}

impl Document {
    fn of(operation: &'static Operation) -> Self {
        let mut counted: HashMap<String, f64> = HashMap::new();
        let mut add = |text: &str, weight: f64| {
            for word in words(text).iter().filter(|word| !FILLERS.contains(&word.as_str())) {
                *counted.entry(stem(word)).or_insert(0.0) += weight;
            }
        };
        let path = operation.path.replace("/repositories/{workspace}/{repo_slug}", "");
        let path: Vec<&str> = path.split('/').filter(|part| !part.starts_with('{')).collect();
        let name = operation.name.strip_suffix("ForRepository").unwrap_or(operation.name);
        add(name, IN_NAME);
        add(operation.line, IN_LINE);
        add(&path.join(" "), IN_PATH);
        let length = counted.values().sum();
        let named = words(name).iter().skip(1).map(|word| stem(word)).collect();
        Self { operation, words: counted, named, length }
    }

    /// How much of the operation's own name was asked for: of two that fit, the one that is about less
    /// besides is meant.
    fn coverage(&self, asked: &HashMap<String, f64>) -> f64 {
        let covered: f64 =
            self.named.iter().map(|word| asked.get(word).copied().unwrap_or_default()).sum();
        0.7 + 0.6 * covered / size(self.named.len().max(1))
    }

    /// How well the method fits the verb, and the place what was said of it.
    fn fitness(&self, said: &[String]) -> f64 {
        let operation = self.operation;
        let says = |words: &[&str]| {
            said.iter()
                .any(|word| words.contains(&word.as_str()) || words.contains(&stem(word).as_str()))
        };
        let verb = said.iter().find_map(|word| {
            VERBS
                .iter()
                .find(|(verbs, _)| verbs.contains(&word.as_str()))
                .map(|(_, methods)| *methods)
        });
        let mut fitness = match verb {
            Some(methods) if methods.first() == Some(&operation.method) => 1.35,
            Some(methods) if methods.contains(&operation.method) => 1.15,
            Some(_) => 0.8,
            None => 1.0,
        };
        for (place, words) in PLACES {
            let part = operation.path.split('/').any(|part| part == *place);
            if part && !says(words) {
                fitness *= 0.8;
            }
        }
        if operation.deprecated && !operation.path.contains("search") {
            fitness *= 0.4;
        }
        fitness
    }
}

fn synonyms(word: &str) -> Option<&'static [&'static str]> {
    SYNONYMS.iter().find(|(name, _)| *name == word).map(|(_, others)| *others)
}

/// The words of `text` in lower case; `camelCase` is two.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    for character in text.chars().take(1_000) {
        let starts = character.is_uppercase() && before.is_lowercase();
        if (!character.is_alphanumeric() || starts) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words.into_iter().flat_map(whole).collect()
}

/// What everybody shortens, in full.
fn whole(word: String) -> Vec<String> {
    match word.as_str() {
        "pr" | "prs" | "pullrequest" | "pullrequests" => vec!["pull".into(), "request".into()],
        _ => vec![word],
    }
}

/// A word without its ending, so that `approved`, `approves` and `approving` are one.
fn stem(word: &str) -> String {
    let known =
        |ending: &str, least: usize| word.strip_suffix(ending).filter(|rest| rest.len() >= least);
    if let Some(rest) = known("ies", 3) {
        return format!("{rest}y");
    }
    if let Some(rest) = known("ches", 2).or_else(|| known("shes", 2)) {
        return format!("{rest}{}", word.get(rest.len()..rest.len() + 2).unwrap_or_default());
    }
    let rest = known("ing", 4)
        .or_else(|| known("ed", 4))
        .or_else(|| known("s", 3).filter(|rest| !rest.ends_with(['s', 'u'])))
        .unwrap_or(word);
    let doubled = |letter: char| rest.len() > 4 && rest.ends_with(&format!("{letter}{letter}"));
    let rest = if rest != word && ['g', 'n', 'p', 't', 'r', 'm'].into_iter().any(doubled) {
        rest.get(..rest.len() - 1).unwrap_or(rest)
    } else {
        rest
    };
    rest.strip_suffix('e').filter(|short| short.len() >= 3).unwrap_or(rest).to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few hundred")]
fn size(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
