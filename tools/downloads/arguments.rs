//! Arguments that only these tools take.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{Foreign, clean_line};
use crate::tools::content;
use crate::tools::shown::NAME;

/// The name of a file that is offered for download.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, with = "String")]
pub(super) struct FileName(pub(super) String);

impl TryFrom<String> for FileName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if content::is_file_name(&text) {
            Ok(Self(text))
        } else {
            Err(format!("`{}` is no file's name without a folder", clean_line(&text, 80)))
        }
    }
}

impl FileName {
    /// As it is shown.
    pub(super) fn shown(&self) -> Foreign {
        Foreign::line(&self.0, NAME)
    }
}
