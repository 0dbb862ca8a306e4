//! What a call of an operation takes besides its name.

use schemars::JsonSchema;
use serde::Deserialize;

/// A parameter of the path or the query.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct Argument {
    /// Its name.
    pub(super) name: String,
    /// Its value; numbers and booleans as text.
    #[schemars(length(max = 4_000))]
    pub(super) value: String,
}

/// A file of a form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(super) struct FileArgument {
    /// The form's field; a path for `createSourceCommit`.
    #[schemars(length(min = 1, max = 1_024))]
    pub(super) name: String,
    /// What the file is called.
    #[schemars(length(min = 1, max = 255))]
    pub(super) file_name: Option<String>,
    /// Its text.
    pub(super) text: Option<String>,
    /// Its bytes instead.
    pub(super) base64: Option<String>,
}
