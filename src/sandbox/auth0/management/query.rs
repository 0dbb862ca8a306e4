//! Queries of lists: pages by number or by checkpoint, and which fields are shown.

use serde_json::{Value, json};

use super::super::objects::Object;
use super::super::paging;
use super::errors::ManagementError;

const DEFAULT_PAGE: usize = 50;
const LARGEST_PAGE: usize = 100;

/// The query of a request, checked against the names that it may have.
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    /// Where a page by checkpoint starts, and how long it is.
    checkpoint: Option<(usize, usize)>,
    page: usize,
    per_page: usize,
    include_totals: bool,
}

/// Names that each list takes, besides its own filters.
const COMMON: [&str; 7] =
    ["page", "per_page", "include_totals", "from", "take", "fields", "include_fields"];

impl Query {
    /// Reads a query whose names are `filters` and those common to all lists.
    pub(super) fn read(query: Option<&str>, filters: &[&str]) -> Result<Self, ManagementError> {
        let mut read = Self {
            pairs: Vec::new(),
            checkpoint: None,
            page: 0,
            per_page: DEFAULT_PAGE,
            include_totals: false,
        };
        let (mut from, mut take) = (None, None);
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned();
        for (name, value) in pairs {
            let invalid = |why: &str| ManagementError::invalid_query(why, &name);
            let number = |least: usize| {
                let within =
                    value.parse().ok().filter(|number| (least..=LARGEST_PAGE).contains(number));
                within.ok_or_else(|| invalid(&format!("Expected a number from {least} to 100")))
            };
            match &*name {
                "page" => {
                    let number = value.parse().ok();
                    read.page = number.ok_or_else(|| invalid("Expected a number"))?;
                }
                "per_page" => read.per_page = number(1)?,
                "include_totals" => {
                    read.include_totals =
                        boolean(&value).ok_or_else(|| invalid("Expected a boolean"))?;
                }
                "from" => {
                    from = Some(paging::start(&value).ok_or_else(|| invalid("Invalid cursor"))?);
                }
                "take" => take = Some(number(1)?),
                known if filters.contains(&known) || COMMON.contains(&known) => {}
                _ => return Err(invalid("Additional properties not allowed")),
            }
            read.pairs.push((name, value));
        }
        if from.is_some() || take.is_some() {
            read.checkpoint = Some((from.unwrap_or(0), take.unwrap_or(DEFAULT_PAGE)));
        }
        Ok(read)
    }

    /// The same for a list that has pages by checkpoint only.
    pub(super) fn by_checkpoint(mut self) -> Self {
        self.checkpoint = self.checkpoint.or(Some((0, DEFAULT_PAGE)));
        self
    }

    /// What a filter must equal, where it is there.
    pub(super) fn filter(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// Whether an object has what each of these filters asks for; a member that is a switch is compared
    /// by its name.
    pub(super) fn matches(&self, object: &Object, filters: &[&str]) -> bool {
        let wanted = self.pairs.iter().filter(|(name, _)| filters.contains(&name.as_str()));
        wanted.into_iter().all(|(name, value)| match object.get(name) {
            Some(Value::String(text)) => text == value,
            Some(Value::Bool(on)) => boolean(value) == Some(*on),
            _ => boolean(value) == Some(false),
        })
    }

    /// The page that is asked for, in the shape that goes with how it is asked for. `kept` are the
    /// fields that are always shown.
    pub(super) fn page(&self, name: &str, all: Vec<Value>, kept: &[&str]) -> Value {
        let all: Vec<Value> = all.into_iter().map(|one| self.fields(one, kept)).collect();
        if let Some((start, take)) = self.checkpoint {
            return paging::page(name, all, start, take);
        }
        let start = self.page.saturating_mul(self.per_page);
        let total = all.len();
        let shown: Vec<_> = all.into_iter().skip(start).take(self.per_page).collect();
        if !self.include_totals {
            return Value::Array(shown);
        }
        json!({ "total": total, "start": start, "limit": self.per_page, name: shown })
    }

    /// An object with the fields that are asked for.
    pub(super) fn fields(&self, mut object: Value, kept: &[&str]) -> Value {
        let Some(fields) = self.filter("fields") else { return object };
        let include = self.filter("include_fields").and_then(boolean).unwrap_or(true);
        let named: Vec<&str> = fields.split(',').map(str::trim).collect();
        if let Some(object) = object.as_object_mut() {
            object.retain(|name, _| {
                named.contains(&name.as_str()) == include || kept.contains(&name.as_str())
            });
        }
        object
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
