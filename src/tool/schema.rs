//! One pass that makes every schema plain enough for every client.
//!
//! What `schemars` emits is correct, but some hosts reject a whole tool list over a `$ref`, a union,
//! a null type or a number format they do not know. The pass leaves only what all of them read:
//! inline objects, arrays, strings, numbers, booleans, enums, patterns and bounds.

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema of what `T` accepts, without its title and description.
pub(super) fn of_input<T: JsonSchema>() -> JsonObject {
    plain::<T>(SchemaSettings::draft2020_12())
}

/// The schema of what `T` writes, without its title and description.
pub(super) fn of_output<T: JsonSchema>() -> JsonObject {
    plain::<T>(SchemaSettings::draft2020_12().for_serialize())
}

/// The doc comment of `T`: what the model reads as the description.
pub(super) fn description<T: JsonSchema>() -> String {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn plain<T: JsonSchema>(mut settings: SchemaSettings) -> JsonObject {
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    simplify(&mut schema);
    let Value::Object(mut object) = schema else { return JsonObject::new() };
    object.remove("description");
    object
}

fn simplify(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    object.remove("title");
    object.remove("format");
    object.remove("$schema");
    drop_null_type(object);
    for keyword in ["anyOf", "oneOf"] {
        merge_union(object, keyword);
    }
    if let Some(Value::Array(members)) = object.remove("allOf") {
        members.into_iter().for_each(|member| adopt(object, member));
    }
    // That what is left out is off, or nothing, needs no words.
    if object.get("default").is_some_and(|default| {
        matches!(default, Value::Null | Value::Bool(false))
            || default.as_array().is_some_and(Vec::is_empty)
    }) {
        object.remove("default");
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(simplify);
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(keyword) {
            simplify(inner);
        }
    }
}

/// `["string", "null"]` becomes `"string"`: what is optional is left out, never null.
fn drop_null_type(object: &mut JsonObject) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}

/// A union of one schema and null is that schema; a union of constants is an enum.
fn merge_union(object: &mut JsonObject, keyword: &str) {
    let Some(Value::Array(members)) = object.remove(keyword) else { return };
    let is_null = |member: &Value| member.get("type").is_some_and(|name| name == "null");
    let mut members: Vec<Value> = members.into_iter().filter(|member| !is_null(member)).collect();
    if members.len() == 1
        && let Some(only) = members.pop()
    {
        adopt(object, only);
        simplify_in_place(object);
        return;
    }
    let mut values = Vec::new();
    for member in &members {
        match (member.get("const"), member.get("enum")) {
            (Some(value), _) => values.push(value.clone()),
            (None, Some(Value::Array(several))) => values.extend(several.iter().cloned()),
            // Anything else stays a union, and the contract test over all tools names it.
            _ => {
                object.insert(keyword.to_owned(), Value::Array(members));
                return;
            }
        }
    }
    object.insert("type".to_owned(), "string".into());
    object.insert("enum".to_owned(), values.into());
}

/// Takes over the keywords of `member` that `object` does not state itself.
fn adopt(object: &mut JsonObject, member: Value) {
    if let Value::Object(member) = member {
        for (keyword, value) in member {
            object.entry(keyword).or_insert(value);
        }
    }
}

fn simplify_in_place(object: &mut JsonObject) {
    let mut schema = Value::Object(std::mem::take(object));
    simplify(&mut schema);
    if let Value::Object(simplified) = schema {
        *object = simplified;
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    /// Do the thing.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Everything {
        /// How many.
        count: Option<u32>,
        /// Which way.
        #[serde(default)]
        way: Option<Way>,
        /// Inner things.
        inner: Vec<Inner>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Way {
        /// Upwards.
        Up,
        /// Downwards.
        Down,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        /// A name.
        name: Option<String>,
    }

    #[test]
    fn leaves_no_reference_no_union_no_null_and_no_format() {
        assert_eq!(
            Value::Object(of_input::<Everything>()),
            json!({
                "type": "object",
                "additionalProperties": false,
                "required": ["inner"],
                "properties": {
                    "count": { "type": "integer", "minimum": 0, "description": "How many." },
                    "way": { "type": "string", "enum": ["up", "down"], "description": "Which way." },
                    "inner": {
                        "type": "array",
                        "description": "Inner things.",
                        "items": {
                            "type": "object",
                            "additionalProperties": false,
                            "properties": { "name": { "type": "string", "description": "A name." } },
                        },
                    },
                },
            })
        );
    }

    #[test]
    fn takes_the_description_from_the_doc_comment() {
        assert_eq!(description::<Everything>(), "Do the thing.");
    }
}
