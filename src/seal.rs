//! Values that travel through a client's hands and come back: cursors and request states.
//!
//! A client may change them, replay them, or hand them to another person's session. So each is
//! signed, ends at a set time, and opens only for the caller, the tool and the arguments that it was
//! made for. What is inside is readable by the client and must hold nothing secret.

use std::time::Duration;

use rmcp::model::{RequestStateCodec, RequestStateError, SealOptions};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// Signs and opens values with a key of this process.
#[derive(Clone, Debug)]
pub struct Seal {
    codec: RequestStateCodec,
}

/// What a sealed value is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// What kind of value it is: a cursor is not a request state.
    pub kind: &'a str,
    /// Whose call it belongs to.
    pub caller: &'a str,
    /// The tool's name.
    pub tool: &'a str,
    /// [`digest`] of the arguments that must not change.
    pub arguments: &'a str,
}

/// Why a value could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// It was changed, or made for another caller, tool or arguments, or by another process.
    #[error("it does not belong to this call")]
    Foreign,
}

impl Seal {
    /// A seal with a new random key: what it signs ends with the process.
    #[must_use]
    pub fn new() -> Self {
        let key: [u8; 32] = rand::random();
        // 32 bytes are what the checked constructor asks for.
        Self { codec: RequestStateCodec::new_unchecked(key.to_vec()) }
    }

    /// Signs `value` for `binding`; it opens for `life`.
    ///
    /// # Errors
    /// When `value` cannot be written as JSON.
    pub fn close<T: Serialize>(
        &self,
        value: &T,
        binding: &Binding<'_>,
        life: Duration,
    ) -> Result<String, RequestStateError> {
        let associated = binding.bytes();
        let options = SealOptions::new().associated_data(&associated).ttl(life);
        self.codec.seal_json_with(value, &options)
    }

    /// Opens what [`close`](Self::close) made for the same `binding`.
    ///
    /// # Errors
    /// [`Broken`]: nothing more is told, since the asker may be guessing.
    pub fn open<T: DeserializeOwned>(
        &self,
        sealed: &str,
        binding: &Binding<'_>,
    ) -> Result<T, Broken> {
        self.codec.open_json_with(sealed, &binding.bytes()).map_err(|error| match error {
            RequestStateError::Expired => Broken::Expired,
            _ => Broken::Foreign,
        })
    }
}

impl Default for Seal {
    fn default() -> Self {
        Self::new()
    }
}

impl Binding<'_> {
    /// The parts with their lengths, so that no two bindings read the same.
    fn bytes(&self) -> Vec<u8> {
        [self.kind, self.caller, self.tool, self.arguments]
            .iter()
            .flat_map(|part| [part.len().to_be_bytes().as_slice(), part.as_bytes()].concat())
            .collect()
    }
}

/// A digest of `arguments` that ignores the order of their names and leaves out `without`.
#[must_use]
pub fn digest(arguments: &serde_json::Map<String, serde_json::Value>, without: &[&str]) -> String {
    let mut names: Vec<&String> =
        arguments.keys().filter(|name| !without.contains(&name.as_str())).collect();
    names.sort();
    let mut hash = Sha256::new();
    for name in names {
        let value = arguments.get(name).map(ToString::to_string).unwrap_or_default();
        for part in [name.as_str(), value.as_str()] {
            hash.update(part.len().to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BINDING: Binding<'static> =
        Binding { kind: "cursor", caller: "ana", tool: "list_branches", arguments: "d1" };

    #[test]
    fn opens_only_for_the_call_it_was_made_for() {
        let seal = Seal::new();
        let sealed = seal.close(&7, &BINDING, Duration::from_secs(60)).unwrap();
        assert_eq!(seal.open::<u8>(&sealed, &BINDING), Ok(7));
        for other in [
            Binding { kind: "state", ..BINDING },
            Binding { caller: "ben", ..BINDING },
            Binding { tool: "list_commits", ..BINDING },
            Binding { arguments: "d2", ..BINDING },
        ] {
            assert_eq!(seal.open::<u8>(&sealed, &other), Err(Broken::Foreign), "{other:?}");
        }
        assert_eq!(Seal::new().open::<u8>(&sealed, &BINDING), Err(Broken::Foreign));
    }

    #[test]
    fn opens_nothing_that_was_changed_or_is_over() {
        let seal = Seal::new();
        let sealed = seal.close(&7, &BINDING, Duration::from_secs(60)).unwrap();
        let changed = sealed.replace('A', "B") + "x";
        assert_eq!(seal.open::<u8>(&changed, &BINDING), Err(Broken::Foreign));
        let over = seal.close(&7, &BINDING, Duration::ZERO).unwrap();
        std::thread::sleep(Duration::from_millis(5));
        assert_eq!(seal.open::<u8>(&over, &BINDING), Err(Broken::Expired));
    }

    #[test]
    fn digests_by_content_and_not_by_order() {
        let one = json!({ "a": 1, "b": "x", "cursor": "c" });
        let two = json!({ "b": "x", "a": 1 });
        let digest_of = |v: &serde_json::Value| digest(v.as_object().unwrap(), &["cursor"]);
        assert_eq!(digest_of(&one), digest_of(&two));
        assert_ne!(digest_of(&one), digest_of(&json!({ "a": 1, "b": "y" })));
    }
}
