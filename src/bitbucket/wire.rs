//! How Bitbucket writes things that many answers hold.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// A user in an answer. Every part may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct User {
    pub(crate) uuid: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) nickname: Option<String>,
}

impl User {
    /// The shorter of the names that people know them by.
    pub(crate) fn name(&self) -> Option<&str> {
        self.nickname.as_deref().or(self.display_name.as_deref())
    }
}

/// Reads `null` as the default: Bitbucket writes many absent things so.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a time; one that cannot be read does not make the whole answer unreadable.
pub(crate) fn time<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}
