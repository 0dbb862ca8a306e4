//! Partial responses: `fields=` with whitelists, `+`, `-` and wildcards (REST introduction,
//! "Partial responses").

use serde_json::{Map, Value};

/// Cuts `full` to what `fields` asks for. Members named in `hidden` are there only when asked for.
pub(crate) fn apply(full: Value, hidden: &[&str], fields: Option<&str>) -> Value {
    let mut usual = full.clone();
    for path in hidden {
        remove(&mut usual, &segments(path));
    }
    let Some(fields) = fields.filter(|fields| !fields.is_empty()) else { return usual };
    let asked: Vec<Asked<'_>> = fields.split(',').map(Asked::parse).collect();
    let mut result = match asked.iter().any(|asked| matches!(asked, Asked::Only(_))) {
        true => Value::Object(Map::new()),
        false => usual,
    };
    for asked in &asked {
        if let Asked::Without(path) = asked {
            remove(&mut result, path);
        }
    }
    for asked in &asked {
        if let Asked::Only(path) | Asked::Also(path) = asked
            && let Some(part) = select(&full, path)
        {
            merge(&mut result, part);
        }
    }
    // A whitelist that is narrowed again: `values.links,-values.links.self`.
    if asked.iter().any(|asked| matches!(asked, Asked::Only(_))) {
        for asked in &asked {
            if let Asked::Without(path) = asked {
                remove(&mut result, path);
            }
        }
    }
    result
}

enum Asked<'a> {
    Only(Vec<&'a str>),
    Also(Vec<&'a str>),
    Without(Vec<&'a str>),
}

impl<'a> Asked<'a> {
    /// A plus sign that was not sent as `%2B` arrives as a space, so that the name matches nothing.
    fn parse(field: &'a str) -> Self {
        match (field.strip_prefix('+'), field.strip_prefix('-')) {
            (Some(path), _) => Self::Also(segments(path)),
            (_, Some(path)) => Self::Without(segments(path)),
            _ => Self::Only(segments(field)),
        }
    }
}

fn segments(path: &str) -> Vec<&str> {
    path.split('.').collect()
}

fn fits(pattern: &str, key: &str) -> bool {
    pattern == "*" || pattern == key
}

fn select(value: &Value, path: &[&str]) -> Option<Value> {
    let Some((first, rest)) = path.split_first() else { return Some(value.clone()) };
    match value {
        Value::Object(members) => {
            let kept: Map<String, Value> = members
                .iter()
                .filter(|(key, _)| fits(first, key))
                .filter_map(|(key, member)| Some((key.clone(), select(member, rest)?)))
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) => Some(Value::Array(
            items
                .iter()
                .map(|item| select(item, path).unwrap_or_else(|| Value::Object(Map::new())))
                .collect(),
        )),
        _ => None,
    }
}

fn remove(value: &mut Value, path: &[&str]) {
    let Some((first, rest)) = path.split_first() else { return };
    match value {
        Value::Object(members) if rest.is_empty() => members.retain(|key, _| !fits(first, key)),
        Value::Object(members) => {
            for (_, member) in members.iter_mut().filter(|(key, _)| fits(first, key)) {
                remove(member, rest);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove(item, path)),
        _ => {}
    }
}

fn merge(target: &mut Value, part: Value) {
    match (target, part) {
        (Value::Object(target), Value::Object(part)) => {
            for (key, value) in part {
                match target.get_mut(&key) {
                    Some(member) => merge(member, value),
                    None => {
                        target.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(target), Value::Array(part)) if target.len() == part.len() => {
            for (item, value) in target.iter_mut().zip(part) {
                merge(item, value);
            }
        }
        (target, part) => *target = part,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::apply;

    fn page() -> Value {
        json!({
            "size": 2,
            "next": "n",
            "values": [
                { "id": 1, "author": { "uuid": "{a}", "nickname": "ana" }, "reviewers": [{ "uuid": "{b}" }] },
                { "id": 2, "author": { "uuid": "{c}", "nickname": "cleo" }, "reviewers": [] },
            ],
        })
    }

    fn cut(fields: &str) -> Value {
        apply(page(), &["values.reviewers"], Some(fields))
    }

    #[test]
    fn hides_members_until_they_are_asked_for() {
        let usual = apply(page(), &["values.reviewers"], None);
        assert_eq!(usual["values"][0].get("reviewers"), None);
        assert_eq!(cut("+values.reviewers")["values"][0], page()["values"][0]);
    }

    #[test]
    fn keeps_only_what_a_whitelist_names_and_loses_next_otherwise() {
        assert_eq!(cut("values.id"), json!({ "values": [{ "id": 1 }, { "id": 2 }] }));
        assert_eq!(
            cut("values.id,values.author.nickname,next"),
            json!({
                "next": "n",
                "values": [
                    { "id": 1, "author": { "nickname": "ana" } },
                    { "id": 2, "author": { "nickname": "cleo" } },
                ],
            })
        );
    }

    #[test]
    fn leaves_out_and_adds_back() {
        assert_eq!(
            cut("-size,-values.author"),
            json!({ "next": "n", "values": [{ "id": 1 }, { "id": 2 }] })
        );
        assert_eq!(cut("-*,+values.id"), json!({ "values": [{ "id": 1 }, { "id": 2 }] }));
        assert_eq!(
            cut("values.*.uuid"),
            json!({
                "values": [
                    { "author": { "uuid": "{a}" }, "reviewers": [{ "uuid": "{b}" }] },
                    { "author": { "uuid": "{c}" }, "reviewers": [] },
                ],
            })
        );
    }

    #[test]
    fn an_unencoded_plus_arrives_as_a_space_and_selects_nothing() {
        assert_eq!(cut(" values.reviewers"), json!({}));
    }
}
