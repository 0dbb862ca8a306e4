//! A tool as the catalogue lists it: a value of plain function pointers, so that the catalogue is
//! a constant and nothing is registered at start-up.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use futures::future::BoxFuture;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use serde_json::Value;

use super::{Answer, Context, Effect, Tool, schema};
use crate::{Error, Result};

/// A tool, as the catalogue lists it.
pub struct Entry {
    /// See [`Tool::NAME`].
    pub name: &'static str,
    /// See [`Tool::TITLE`].
    pub title: &'static str,
    /// See [`Tool::EFFECT`].
    pub effect: Effect,
    /// See [`Tool::SCOPES`].
    pub scopes: &'static [&'static str],
    definition: fn() -> rmcp::model::Tool,
    read: fn(JsonObject) -> Result<Box<dyn Call>>,
}

/// A call whose arguments have been read and checked.
pub trait Call: Send + Sync {
    /// See [`Tool::scopes`].
    fn scopes(&self) -> Vec<&'static str>;
    /// See [`Tool::approval`].
    fn approval(&self) -> Option<String>;
    /// See [`Tool::question`].
    fn question<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Option<String>>>;
    /// Carries it out.
    fn run(self: Box<Self>, cx: Context) -> BoxFuture<'static, Result<Rendered>>;
}

/// An answer in both its forms.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// What the model reads.
    pub text: String,
    /// The same, for code.
    pub structured: Value,
}

impl Entry {
    /// The entry for `T`.
    #[must_use]
    pub const fn of<T: Tool>() -> Self {
        Self {
            name: T::NAME,
            title: T::TITLE,
            effect: T::EFFECT,
            scopes: T::SCOPES,
            definition: define::<T>,
            read: |arguments| Ok(Box::new(serde_json::from_value::<T>(arguments.into())?)),
        }
    }

    /// The definition that `tools/list` sends.
    #[must_use]
    pub fn definition(&self) -> rmcp::model::Tool {
        self.compiled().definition.clone()
    }

    /// Reads `arguments` into a call.
    ///
    /// # Errors
    /// [`Error::InvalidArguments`] for anything that the input schema does not allow; all that is
    /// wrong is named at once.
    pub fn read(&self, arguments: JsonObject) -> Result<Box<dyn Call>> {
        let compiled = self.compiled();
        let mut wrong = unknown(&arguments, &compiled.definition.input_schema);
        let mut arguments = Value::Object(arguments);
        whole_numbers(&mut arguments);
        if let Some(input) = &compiled.input {
            let errors = input.iter_errors(&arguments).filter(|error| !is_about_a_name(error));
            wrong.extend(errors.map(|error| describe(&error)));
        }
        if !wrong.is_empty() {
            return Err(Error::InvalidArguments(wrong.join("; ")));
        }
        let Value::Object(arguments) = arguments else { return (self.read)(JsonObject::new()) };
        (self.read)(arguments)
    }

    /// What is made from the types once and then kept.
    fn compiled(&self) -> Arc<Compiled> {
        static COMPILED: LazyLock<RwLock<HashMap<&'static str, Arc<Compiled>>>> =
            LazyLock::new(RwLock::default);
        if let Ok(kept) = COMPILED.read()
            && let Some(compiled) = kept.get(self.name)
        {
            return Arc::clone(compiled);
        }
        let definition = (self.definition)();
        let schema = Value::Object(definition.input_schema.as_ref().clone());
        let input = jsonschema::draft202012::new(&schema)
            .inspect_err(|error| tracing::error!(tool = self.name, %error, "schema unusable"))
            .ok();
        let compiled = Arc::new(Compiled { definition, input });
        if let Ok(mut kept) = COMPILED.write() {
            kept.insert(self.name, Arc::clone(&compiled));
        }
        compiled
    }
}

struct Compiled {
    definition: rmcp::model::Tool,
    /// A contract test holds that every schema compiles.
    input: Option<jsonschema::Validator>,
}

impl<T: Tool> Call for T {
    fn scopes(&self) -> Vec<&'static str> {
        Tool::scopes(self)
    }

    fn approval(&self) -> Option<String> {
        Tool::approval(self)
    }

    fn question<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(Tool::question(self, cx))
    }

    fn run(self: Box<Self>, cx: Context) -> BoxFuture<'static, Result<Rendered>> {
        Box::pin(async move {
            let output = Tool::run(*self, &cx).await?;
            let structured = serde_json::to_value(&output).map_err(Error::internal)?;
            Ok(Rendered { text: output.text(), structured })
        })
    }
}

impl From<Rendered> for CallToolResult {
    fn from(answer: Rendered) -> Self {
        let mut result = Self::success(vec![ContentBlock::text(answer.text)]);
        result.structured_content = Some(answer.structured);
        result
    }
}

fn define<T: Tool>() -> rmcp::model::Tool {
    let input = Arc::new(schema::of_input::<T>());
    rmcp::model::Tool::new(T::NAME, schema::description::<T>(), input)
        .with_title(T::TITLE)
        .with_raw_output_schema(Arc::new(schema::of_output::<T::Output>()))
        .with_annotations(T::EFFECT.annotations(T::TITLE))
}

/// How alike a wrong name and a right one must be for the one to be offered for the other.
const ALIKE: f64 = 0.8;

/// Arguments that the tool does not have, each with the one that may be meant.
fn unknown(arguments: &JsonObject, schema: &JsonObject) -> Vec<String> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let known = || properties.into_iter().flat_map(|properties| properties.keys());
    arguments
        .keys()
        .filter(|name| !known().any(|known| known == *name))
        .map(|name| {
            let alike = known()
                .map(|known| (strsim::jaro_winkler(name, known), known))
                .filter(|(likeness, _)| *likeness >= ALIKE)
                .max_by(|(one, _), (other, _)| one.total_cmp(other));
            let name = crate::text::clean_line(name, 60);
            match alike {
                Some((_, known)) => {
                    format!("there is no argument `{name}`; did you mean `{known}`?")
                }
                None => format!("there is no argument `{name}`"),
            }
        })
        .collect()
}

/// What [`unknown`] has said already.
fn is_about_a_name(error: &jsonschema::ValidationError<'_>) -> bool {
    use jsonschema::error::ValidationErrorKind as Kind;
    let about_names = matches!(error.kind(), Kind::AdditionalProperties { .. } | Kind::FalseSchema);
    about_names && error.instance_path().as_str().matches('/').count() <= 1
}

/// `42.0` is an integer to JSON Schema and to models, but not to serde.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            // Only numbers that every double can tell apart from their neighbours.
            let whole = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e15);
            if let Some(whole) = whole.and_then(|whole| format!("{whole:.0}").parse::<i64>().ok()) {
                *number = whole.into();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(whole_numbers),
        Value::Object(values) => values.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

/// One thing that is wrong, with the place it is wrong at.
///
/// The value itself is shown only as far as the validator quotes it, cleaned and cut: it comes from
/// the model, which may repeat what a stranger wrote.
fn describe(error: &jsonschema::ValidationError<'_>) -> String {
    let place = error.instance_path().to_string();
    let place = place.trim_start_matches('/').replace('/', ".");
    let what = match error.kind() {
        // The validator names only the first few.
        jsonschema::error::ValidationErrorKind::Enum { options } => {
            format!("{} is not one of {options}", error.instance())
        }
        _ => error.to_string(),
    };
    let what = crate::text::clean_line(&what, 300);
    if place.is_empty() { what } else { format!("`{place}`: {what}") }
}
