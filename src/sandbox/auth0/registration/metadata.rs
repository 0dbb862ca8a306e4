//! What a client says about itself (RFC 7591 section 2).

use serde_json::Value;
use url::Url;

use super::super::loopback::is_loopback;

const LONGEST_NAME: usize = 128;
const LONGEST_ADDRESS: usize = 2_048;
const MOST_ADDRESSES: usize = 20;
/// Schemes that run or show something instead of leading back to an application.
const DANGEROUS_SCHEMES: &[&str] = &["about", "blob", "data", "file", "javascript", "vbscript"];

/// A client's metadata, as far as the tenant goes by it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) redirect_uris: Vec<String>,
    /// How it authenticates at the token endpoint, where it says so.
    pub(super) method: Option<String>,
}

/// What is wrong with metadata, as a sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    RedirectUri(String),
    Other(String),
}

impl Metadata {
    pub(super) fn read(metadata: &Value) -> Result<Self, Fault> {
        let other = |text: &str| Fault::Other(text.to_owned());
        if !metadata.is_object() {
            return Err(other("The metadata is not a JSON object"));
        }
        let name = match metadata.get("client_name") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(name)) if name.chars().count() <= LONGEST_NAME => name.clone(),
            Some(_) => return Err(other("client_name must be a text of 128 characters at most")),
        };
        let method = match metadata.get("token_endpoint_auth_method") {
            None | Some(Value::Null) => None,
            Some(Value::String(method)) => Some(method.clone()),
            Some(_) => return Err(other("token_endpoint_auth_method must be a text")),
        };
        // Left out, each means the authorization code (RFC 7591 section 2). What else a client could do
        // is not refused: it just cannot do it here.
        for (list, needed) in [("grant_types", "authorization_code"), ("response_types", "code")] {
            let Some(listed) = metadata.get(list) else { continue };
            let listed =
                listed.as_array().ok_or_else(|| other(&format!("{list} must be a list")))?;
            if !listed.iter().any(|one| one == needed) {
                return Err(other(&format!("{list} must hold {needed}")));
            }
        }
        Ok(Self { name, redirect_uris: redirect_uris(metadata)?, method })
    }
}

fn redirect_uris(metadata: &Value) -> Result<Vec<String>, Fault> {
    let fault = |text: &str| Fault::RedirectUri(text.to_owned());
    let listed = metadata.get("redirect_uris").and_then(Value::as_array);
    let listed = listed.filter(|listed| !listed.is_empty() && listed.len() <= MOST_ADDRESSES);
    let listed = listed.ok_or_else(|| fault("redirect_uris must list 1 to 20 addresses"))?;
    listed
        .iter()
        .map(|one| {
            let one = one.as_str().unwrap_or_default();
            if leads_back(one) {
                Ok(one.to_owned())
            } else {
                Err(Fault::RedirectUri(format!("redirect_uri cannot be used: {one}")))
            }
        })
        .collect()
}

/// Whether an address can belong to an application: https, http on this machine, or a scheme of its own
/// (RFC 8252 section 7), and no fragment (RFC 6749 section 3.1.2).
fn leads_back(address: &str) -> bool {
    if address.len() > LONGEST_ADDRESS {
        return false;
    }
    let Ok(url) = Url::parse(address) else { return false };
    url.fragment().is_none()
        && match url.scheme() {
            "https" => true,
            "http" => is_loopback(&url),
            scheme => !DANGEROUS_SCHEMES.contains(&scheme),
        }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Fault, Metadata};

    #[test]
    fn takes_what_agents_clients_send() {
        let metadata = json!({
            "client_name": "An editor",
            "redirect_uris": [
                "http://127.0.0.1:33418/",
                "https://editor.test/redirect",
                "editor://mcp/callback",
            ],
            "grant_types": [
                "authorization_code",
                "refresh_token",
                "urn:ietf:params:oauth:grant-type:device_code",
            ],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        });
        let read = Metadata::read(&metadata).unwrap();
        assert_eq!((&*read.name, read.redirect_uris.len()), ("An editor", 3));
        assert_eq!(read.method.as_deref(), Some("none"));
        let least = Metadata::read(&json!({ "redirect_uris": ["http://localhost/"] })).unwrap();
        assert_eq!((&*least.name, least.method), ("", None));
    }

    #[test]
    fn says_what_is_wrong_with_metadata() {
        let good = json!({ "redirect_uris": ["https://client.test/callback"] });
        let lists = "redirect_uris must list 1 to 20 addresses";
        for (name, value, text) in [
            ("redirect_uris", json!([]), lists),
            ("redirect_uris", json!("https://client.test/"), lists),
            ("redirect_uris", json!([7]), "redirect_uri cannot be used: "),
            ("redirect_uris", json!(["/callback"]), "redirect_uri cannot be used: /callback"),
            (
                "redirect_uris",
                json!(["http://client.test/"]),
                "redirect_uri cannot be used: http://client.test/",
            ),
            (
                "redirect_uris",
                json!(["https://client.test/#a"]),
                "redirect_uri cannot be used: https://client.test/#a",
            ),
            (
                "redirect_uris",
                json!(["javascript:alert(1)"]),
                "redirect_uri cannot be used: javascript:alert(1)",
            ),
        ] {
            let mut metadata = good.clone();
            metadata[name] = value;
            let fault = Metadata::read(&metadata).unwrap_err();
            assert_eq!(fault, Fault::RedirectUri(text.to_owned()));
        }
        for (name, value, text) in [
            (
                "client_name",
                json!("x".repeat(129)),
                "client_name must be a text of 128 characters at most",
            ),
            ("client_name", json!(7), "client_name must be a text of 128 characters at most"),
            ("token_endpoint_auth_method", json!([]), "token_endpoint_auth_method must be a text"),
            (
                "grant_types",
                json!(["client_credentials"]),
                "grant_types must hold authorization_code",
            ),
            ("response_types", json!("code"), "response_types must be a list"),
        ] {
            let mut metadata = good.clone();
            metadata[name] = value;
            assert_eq!(Metadata::read(&metadata), Err(Fault::Other(text.to_owned())), "{name}");
        }
        let text = "The metadata is not a JSON object";
        assert_eq!(Metadata::read(&Value::Null), Err(Fault::Other(text.to_owned())));
    }
}
