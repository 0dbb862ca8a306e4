//! The table of operations against Bitbucket's own description of its API.
//!
//! The document is Bitbucket's and not part of this project, so this runs only where
//! `BITBUCKET_OPENAPI` names the file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use bitbucket_vault_mcp::operations::{self, Operation};
use serde_json::Value;

/// Where the document is wrong, and the table says otherwise.
const SCOPES_PUT_RIGHT: &[&str] = &["createPipelineForRepository"];
/// Fields of the body of `POST src`, which the document calls query parameters.
const QUERY_PUT_RIGHT: &[&str] = &["createSourceCommit"];
/// Query parameters that the document does not declare.
const QUERY_ADDED: &[&str] = &["q", "sort", "include", "exclude", "path"];

#[test]
fn the_table_holds_what_bitbucket_documents_and_nothing_else() {
    let Some(document) = document() else { return };
    let documented = documented(&document);
    let ours: BTreeSet<String> =
        operations::all().iter().map(|one| format!("{} {}", one.method, one.path)).collect();
    let theirs: BTreeSet<String> = documented.keys().cloned().collect();
    assert_eq!(ours, theirs);
    for one in operations::all() {
        let theirs = &documented[&format!("{} {}", one.method, one.path)];
        compare(&document, one, theirs);
    }
}

fn compare(document: &Value, ours: &Operation, theirs: &Theirs) {
    let name = ours.name;
    if let Some(id) = theirs.operation["operationId"].as_str() {
        assert_eq!(name, id);
    }
    assert_eq!(ours.deprecated, theirs.operation["deprecated"] == true, "{name}");
    let parameters: BTreeSet<&str> = theirs.named("path").map(|(name, _)| name).collect();
    assert_eq!(ours.parameters().collect::<BTreeSet<_>>(), parameters, "{name}");

    if !SCOPES_PUT_RIGHT.contains(&name) {
        let scopes: BTreeSet<&str> = theirs.operation["security"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|way| way["oauth2"].as_array().into_iter().flatten())
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(ours.scopes.iter().copied().collect::<BTreeSet<_>>(), scopes, "{name}");
    }
    if !QUERY_PUT_RIGHT.contains(&name) {
        for (query, parameter) in theirs.named("query") {
            assert!(ours.takes_query(query), "{name}: {query}");
            let known = ours.query.iter().find(|field| field.name == query);
            let required = parameter["required"] == true;
            assert_eq!(known.is_some_and(|field| field.required), required, "{name}: {query}");
        }
        for field in &ours.query {
            let documented = theirs.named("query").any(|(query, _)| query == field.name);
            assert!(documented || QUERY_ADDED.contains(&field.name), "{name}: {}", field.name);
        }
    }
    let success: BTreeSet<u16> = theirs.operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(code, _)| code.parse().ok())
        .filter(|code| (200..400).contains(code))
        .collect();
    assert_eq!(ours.success.iter().copied().collect::<BTreeSet<_>>(), success, "{name}");
    if let Some(body) = theirs.body(document) {
        let ours = ours.body.as_ref().unwrap_or_else(|| panic!("{name} has no body"));
        for required in body.required.iter().filter(|field| *field != "type") {
            // The document asks for a pattern even where the branching model names the branches.
            assert!(ours.fields.iter().any(|field| field.name == required), "{name}: {required}");
        }
    }
}

/// An operation in the document.
struct Theirs {
    operation: Value,
    parameters: Vec<Value>,
}

/// The members of a documented body.
struct Members {
    required: Vec<String>,
}

impl Theirs {
    fn named(&self, place: &'static str) -> impl Iterator<Item = (&str, &Value)> {
        self.parameters
            .iter()
            .filter(move |parameter| parameter["in"] == place)
            .filter_map(|parameter| Some((parameter["name"].as_str()?, parameter)))
    }

    fn body(&self, document: &Value) -> Option<Members> {
        let body = resolved(document, self.operation.get("requestBody")?);
        let schema = body["content"].as_object()?.values().next()?.get("schema")?;
        let mut members = Members { required: Vec::new() };
        collect(document, schema, &mut members);
        Some(members)
    }
}

fn collect(document: &Value, schema: &Value, members: &mut Members) {
    let schema = resolved(document, schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(document, part, members);
    }
    let required = schema["required"].as_array().into_iter().flatten();
    members.required.extend(required.filter_map(Value::as_str).map(str::to_owned));
}

fn documented(document: &Value) -> BTreeMap<String, Theirs> {
    let mut all = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "delete", "patch"] {
            let Some(operation) = item.get(method) else { continue };
            let shared = item["parameters"].as_array().into_iter().flatten();
            let own = operation["parameters"].as_array().into_iter().flatten();
            let parameters =
                shared.chain(own).map(|parameter| resolved(document, parameter).clone()).collect();
            let key = format!("{} {path}", method.to_uppercase());
            all.insert(key, Theirs { operation: operation.clone(), parameters });
        }
    }
    all
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

#[expect(clippy::disallowed_methods, reason = "where this machine has the document is no setting")]
fn document() -> Option<Value> {
    let Some(file) = std::env::var_os("BITBUCKET_OPENAPI") else {
        // Past the capture of the test's output, which nobody sees when it passes.
        let _ = writeln!(
            std::io::stderr(),
            "left out: `BITBUCKET_OPENAPI` names no document of Bitbucket's API"
        );
        return None;
    };
    let text = std::fs::read_to_string(file).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}
