//! What must hold for every tool.

use std::collections::BTreeSet;
use std::path::Path;

use bitbucket_vault_mcp::bitbucket::Scopes;
use bitbucket_vault_mcp::tool::Effect;
use bitbucket_vault_mcp::tools::{self, TOOLSETS};
use serde_json::Value;

use crate::golden;

/// Which verbs a tool of each effect may start with.
const VERBS: &[(Effect, &[&str])] = &[
    (
        Effect::Reads,
        &["list", "get", "search", "check", "find", "diagnose", "compare", "plan", "test"],
    ),
    (Effect::Adds, &["create", "add", "publish", "run", "commit"]),
    (Effect::Sets, &["update", "set", "configure", "link", "review", "fork"]),
    (Effect::Ends, &["delete", "unlink", "merge", "decline", "stop"]),
    (Effect::Calls, &["call"]),
];
/// Scopes that an OAuth consumer can have; the dead ones are left out.
const SCOPES: &[&str] = &[
    "account",
    "email",
    "project",
    "repository",
    "repository:write",
    "pullrequest",
    "pullrequest:write",
    "pipeline",
    "pipeline:write",
    "pipeline:variable",
    "repository:admin",
    "repository:delete",
    "webhook",
    "snippet",
    "snippet:write",
];
/// Keywords that some hosts reject, or that the schema pass must have taken away.
const FORBIDDEN: &[&str] = &["$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "format", "title"];

#[test]
fn definitions_match_their_goldens() {
    for entry in tools::all() {
        let text = serde_json::to_string_pretty(&entry.definition()).unwrap() + "\n";
        golden::check(&format!("tests/golden/tools/{}.json", entry.name), &text);
    }
}

#[test]
fn every_golden_belongs_to_a_tool() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tools");
    for name in stems(&folder) {
        assert!(tools::find(&name).is_some(), "tests/golden/tools/{name}.json has no tool");
    }
}

#[test]
fn reference_is_up_to_date() {
    golden::check("tools/README.md", &tools::reference());
}

#[test]
fn every_file_under_tools_is_in_the_catalogue() {
    for toolset in TOOLSETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools").join(toolset.name);
        let entries: BTreeSet<String> =
            toolset.tools.iter().map(|entry| entry.name.to_owned()).collect();
        let with_a_tool: BTreeSet<String> = stems(&folder)
            .into_iter()
            .filter(|name| {
                let file = folder.join(name).with_extension("rs");
                std::fs::read_to_string(file).is_ok_and(|text| text.contains("impl Tool for"))
            })
            .collect();
        assert_eq!(with_a_tool, entries, "{}", toolset.name);
    }
}

#[test]
fn names_start_with_a_verb_of_their_effect() {
    for entry in tools::all() {
        let verb = entry.name.split('_').next().unwrap();
        let verbs = VERBS.iter().find(|(effect, _)| *effect == entry.effect).unwrap().1;
        assert!(verbs.contains(&verb), "`{}` {}", entry.name, entry.effect.word());
        assert!(entry.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", entry.name);
        assert!(entry.name.len() <= 40, "{}", entry.name);
    }
}

#[test]
fn names_are_used_once() {
    let names: Vec<&str> = tools::all().map(|entry| entry.name).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names.len(), unique.len());
}

#[test]
fn scopes_are_ones_that_a_consumer_can_have() {
    for entry in tools::all() {
        for scope in entry.scopes {
            assert!(SCOPES.contains(scope), "`{}`: {scope}", entry.name);
        }
    }
}

#[test]
fn a_toolset_names_every_scope_that_its_tools_need() {
    for toolset in TOOLSETS {
        for scope in toolset.scopes {
            assert!(SCOPES.contains(scope), "`{}`: {scope}", toolset.name);
        }
        let granted: Scopes = toolset.scopes.iter().copied().collect();
        for (entry, scope) in toolset
            .tools
            .iter()
            .flat_map(|entry| entry.scopes.iter().map(move |scope| (entry, scope)))
        {
            assert_eq!(granted.allows(scope), Some(true), "`{}`: {scope}", entry.name);
        }
    }
}

#[test]
fn descriptions_say_enough_and_not_too_much() {
    for entry in tools::all() {
        let tool = entry.definition();
        let text = tool.description.as_deref().unwrap_or_default();
        assert!((20..=1024).contains(&text.len()), "{}: {}", entry.name, text.len());
        assert!(text.ends_with('.'), "{}", entry.name);
        assert!(tool.title.is_some(), "{}", entry.name);
    }
}

#[test]
fn hints_follow_from_the_effect() {
    for entry in tools::all() {
        let hints = entry.definition().annotations.unwrap();
        assert_eq!(hints.read_only_hint, Some(entry.effect == Effect::Reads), "{}", entry.name);
        let destructive = matches!(entry.effect, Effect::Ends | Effect::Calls);
        assert_eq!(hints.destructive_hint, Some(destructive), "{}", entry.name);
    }
}

#[test]
fn input_schemas_are_plain_enough_for_every_client() {
    for entry in tools::all() {
        let schema = Value::Object(entry.definition().input_schema.as_ref().clone());
        each_object(&schema, entry.name, &mut |object, place| {
            for keyword in FORBIDDEN {
                assert!(!object.contains_key(*keyword), "{place}: {keyword}");
            }
            if object.get("type").is_some_and(|kind| kind == "object") {
                assert_eq!(
                    object.get("additionalProperties"),
                    Some(&Value::Bool(false)),
                    "{place}"
                );
            }
            assert!(object.get("type").is_some_and(Value::is_string), "{place} has no one type");
        });
        each_property(&schema, entry.name, &mut |property, place| {
            let about = property.get("description").and_then(Value::as_str).unwrap_or_default();
            assert!(!about.is_empty(), "{place} is not described");
        });
    }
}

#[test]
fn output_schemas_have_no_null_and_no_reference() {
    for entry in tools::all() {
        let schema = entry.definition().output_schema.unwrap();
        let schema = Value::Object(schema.as_ref().clone());
        assert_eq!(schema["type"], "object", "{}", entry.name);
        each_object(&schema, entry.name, &mut |object, place| {
            for keyword in FORBIDDEN {
                assert!(!object.contains_key(*keyword), "{place}: {keyword}");
            }
            assert!(object.get("type").is_none_or(Value::is_string), "{place} may be null");
        });
    }
}

#[test]
fn every_schema_compiles() {
    for entry in tools::all() {
        let tool = entry.definition();
        for schema in [Some(tool.input_schema), tool.output_schema].into_iter().flatten() {
            let schema = Value::Object(schema.as_ref().clone());
            jsonschema::draft202012::new(&schema).unwrap_or_else(|e| panic!("{}: {e}", entry.name));
        }
    }
}

#[test]
fn unknown_arguments_and_wrong_types_are_refused_in_words() {
    for entry in tools::all() {
        for (name, value) in [("surprise", Value::from(1)), ("repository", Value::from(7))] {
            let arguments = serde_json::Map::from_iter([(name.to_owned(), value)]);
            let error = entry.read(arguments).err().unwrap();
            assert_eq!(error.code(), "invalid_arguments", "{}", entry.name);
            assert!(error.to_string().contains(name), "{}: {error}", entry.name);
        }
    }
}

#[test]
fn the_list_stays_within_its_budget() {
    let tokens = |only_default: bool| -> usize {
        TOOLSETS
            .iter()
            .filter(|toolset| !only_default || toolset.default && !toolset.needs_management)
            .flat_map(|toolset| toolset.tools)
            .map(|entry| {
                let tool = entry.definition();
                let schema = serde_json::to_string(&tool.input_schema).unwrap();
                let about = tool.description.as_deref().unwrap_or_default();
                tokens(entry.name) + tokens(about) + tokens(&schema)
            })
            .sum()
    };
    let (default, all) = (tokens(true), tokens(false));
    assert!(default <= 6_500, "{default} tokens for the tools that are on by default");
    assert!(all <= 14_000, "{all} tokens for the whole catalogue");
}

/// How many tokens a model reads `text` as, by the o200k vocabulary.
fn tokens(text: &str) -> usize {
    tiktoken_rs::o200k_base_singleton().encode_with_special_tokens(text).len()
}

fn each_object(
    schema: &Value,
    place: &str,
    check: &mut impl FnMut(&serde_json::Map<String, Value>, &str),
) {
    let Value::Object(object) = schema else { return };
    check(object, place);
    for (name, property) in
        object.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        each_object(property, &format!("{place}.{name}"), check);
    }
    if let Some(items) = object.get("items") {
        each_object(items, &format!("{place}[]"), check);
    }
}

fn each_property(schema: &Value, place: &str, check: &mut impl FnMut(&Value, &str)) {
    let Value::Object(object) = schema else { return };
    for (name, property) in
        object.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        let place = format!("{place}.{name}");
        check(property, &place);
        each_property(property, &place, check);
    }
    if let Some(items) = object.get("items") {
        each_property(items, &format!("{place}[]"), check);
    }
}

fn stems(folder: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    files
        .map(|file| file.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "mod")
        .collect()
}
