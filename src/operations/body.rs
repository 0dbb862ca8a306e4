//! Whether a body is what its operation takes.

use serde_json::{Map, Value};

use super::{Body, Field, Kind, Shape};
use crate::text::clean_line;

/// How alike a wrong name and a right one must be for the one to be offered for the other.
const ALIKE: f64 = 0.8;

impl Body {
    /// All that is wrong with `body`; nothing if it can be sent.
    #[must_use]
    pub fn wrong(&self, body: &Value) -> Vec<String> {
        match (self.shape, body) {
            (Shape::List, Value::Array(elements)) => elements
                .iter()
                .enumerate()
                .flat_map(|(index, element)| match element {
                    Value::Object(members) => self.wrong_members(members, &format!("{index}.")),
                    _ => vec![format!("`{index}` is not an object")],
                })
                .collect(),
            (Shape::List, _) => vec!["the body is not a list of objects".to_owned()],
            (_, Value::Object(members)) => self.wrong_members(members, ""),
            _ => vec!["the body is not an object".to_owned()],
        }
    }

    /// `body` with the `type` that Bitbucket insists on, where it was left out.
    #[must_use]
    pub fn completed(&self, mut body: Value) -> Value {
        let Some(discriminator) = self.discriminator else { return body };
        let complete = |members: &mut Map<String, Value>| {
            members.entry("type").or_insert_with(|| discriminator.into());
        };
        match &mut body {
            Value::Object(members) => complete(members),
            Value::Array(elements) => {
                elements.iter_mut().filter_map(Value::as_object_mut).for_each(complete);
            }
            _ => {}
        }
        body
    }

    /// The fields that have to be there whatever else is.
    pub fn required_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.required && field.kind != Kind::File)
    }

    fn wrong_members(&self, members: &Map<String, Value>, place: &str) -> Vec<String> {
        let mut wrong: Vec<String> = members
            .keys()
            .filter(|name| !self.open && !self.knows(name))
            .map(|name| self.unknown(name, place))
            .collect();
        for field in self.fields.iter().filter(|field| field.kind != Kind::File) {
            let Some(holder) = holder(members, field.name) else { continue };
            let last = field.name.rsplit('.').next().unwrap_or(field.name);
            match holder.get(last) {
                None | Some(Value::Null) if field.required => {
                    wrong.push(format!(
                        "`{place}{}` is missing: {}",
                        field.name,
                        field.kind.name()
                    ));
                }
                None | Some(Value::Null) => {}
                Some(value) => {
                    wrong.extend(
                        field.wrong(value).map(|what| format!("`{place}{}` {what}", field.name)),
                    );
                }
            }
        }
        wrong
    }

    fn knows(&self, name: &str) -> bool {
        name == "type"
            || self.fields.iter().any(|field| field.name == name && field.kind != Kind::File)
    }

    fn unknown(&self, name: &str, place: &str) -> String {
        if self.fields.iter().any(|field| field.kind == Kind::File && field.name == name) {
            return format!("`{place}{name}` is a file: give it in `files`");
        }
        let names = self.fields.iter().map(|field| field.name).filter(|name| !name.contains('.'));
        let near = nearest(name, names.clone());
        let name = clean_line(name, 60);
        match near {
            Some(near) => format!("the body has no `{place}{name}`; did you mean `{near}`?"),
            None => {
                let all: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                format!("the body has no `{place}{name}`; it takes {}", all.join(", "))
            }
        }
    }
}

impl Field {
    /// What is wrong with `value`, if anything.
    #[must_use]
    pub fn wrong(&self, value: &Value) -> Option<String> {
        if self.repeated
            && let Value::Array(values) = value
        {
            return values.iter().find_map(|value| self.wrong_one(value));
        }
        self.wrong_one(value)
    }

    fn wrong_one(&self, value: &Value) -> Option<String> {
        let fits = match self.kind {
            Kind::Text => value.is_string(),
            Kind::Integer => value.is_i64() || value.is_u64(),
            Kind::Boolean => value.is_boolean(),
            Kind::Object => value.is_object(),
            Kind::List => value.is_array(),
            Kind::File => false,
        };
        if !fits {
            return Some(format!("is not {}", self.kind.name()));
        }
        match value.as_str() {
            Some(text) if !self.values.is_empty() && !self.values.contains(&text) => {
                Some(format!("is none of {}", self.values.join(", ")))
            }
            _ => None,
        }
    }
}

/// The one of `names` that may have been meant by `name`.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|known| (strsim::jaro_winkler(&name.to_lowercase(), &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

/// What holds the field `name`, if it is there and can hold anything.
fn holder<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    let mut parts = name.split('.').peekable();
    let mut holder = members;
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return Some(holder);
        }
        holder = holder.get(part)?.as_object()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::operations::named;

    use super::*;

    fn wrong(operation: &str, body: Value) -> String {
        named(operation).unwrap().body.as_ref().unwrap().wrong(&body).join("; ")
    }

    #[test]
    fn says_all_that_is_wrong_with_a_body() {
        for (operation, body, says) in [
            ("createBranch", json!({ "name": "x", "target": { "hash": "9f2c" } }), ""),
            (
                "createBranch",
                json!({ "nmae": "x", "target": {} }),
                "the body has no `nmae`; did you mean `name`?; `name` is missing: text; \
                 `target.hash` is missing: text",
            ),
            ("createBranch", json!([]), "the body is not an object"),
            (
                "updateRepositoryUserPermission",
                json!({ "permission": "none" }),
                "`permission` is none of read, write, admin",
            ),
            (
                "createPullRequestComment",
                json!({ "content": { "raw": "x" }, "inline": { "to": 3 } }),
                "`inline.path` is missing: text",
            ),
            (
                "bulkCreateOrUpdateAnnotations",
                json!([{ "external_id": "a" }, { "line": "7" }, 8]),
                "`1.external_id` is missing: text; `1.line` is not a whole number; `2` is not an object",
            ),
            ("createDownload", json!({ "files": "x" }), "`files` is a file: give it in `files`"),
            ("updateProject", json!({ "description": null }), ""),
        ] {
            assert_eq!(wrong(operation, body), says, "{operation}");
        }
    }

    #[test]
    fn adds_the_type_that_bitbucket_insists_on() {
        let body = named("createOrUpdateReport").unwrap().body.as_ref().unwrap();
        let report = body.completed(json!({ "title": "Scan", "details": "…" }));
        assert_eq!(report["type"], "report");
        let body = named("bulkCreateOrUpdateAnnotations").unwrap().body.as_ref().unwrap();
        let many = body.completed(json!([{ "external_id": "a" }, { "type": "other" }]));
        assert_eq!(
            (many[0]["type"].as_str(), many[1]["type"].as_str()),
            (Some("report_annotation"), Some("other"))
        );
    }
}
