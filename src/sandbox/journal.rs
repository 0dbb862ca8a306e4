//! What was written through the Management API: the requests that change something, without the secrets
//! in them.

use serde_json::Value;

use super::Sandbox;
use super::record::Service;

/// Members that hold a secret, wherever they stand.
const SECRETS: [&str; 2] = ["client_secret", "signing_secret"];

/// One request that was to change something about the tenant.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Write {
    /// `POST`, `PATCH` or `DELETE`.
    pub method: String,
    /// The path below `/api/v2`.
    pub path: String,
    /// The body, with `set` in the place of each secret; `null` where there was none.
    pub body: Value,
    /// The status answered; nothing while it is under way or where no answer arrived.
    pub status: Option<u16>,
}

impl Write {
    /// Whether it was carried out, as far as its answer tells.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl Sandbox {
    /// Every request that was to change something about the tenant, oldest first, refused ones among
    /// them.
    pub fn writes(&self) -> Vec<Write> {
        let of_tenant = self.requests().into_iter().filter(|one| one.service == Service::Auth0);
        let of_api = of_tenant.filter_map(|one| {
            let path = one.path.strip_prefix("/api/v2")?.to_owned();
            (one.method != "GET").then(|| Write {
                path,
                method: one.method,
                body: hidden(serde_json::from_str(&one.body).unwrap_or_default()),
                status: one.status,
            })
        });
        of_api.collect()
    }
}

/// A body without its secrets.
fn hidden(body: Value) -> Value {
    match body {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| {
                let secret = SECRETS.contains(&name.as_str()) && !value.is_null();
                let shown = if secret { "set".into() } else { hidden(value) };
                (name, shown)
            });
            Value::Object(members.collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(hidden).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::hidden;

    #[test]
    fn leaves_out_secrets_wherever_they_stand() {
        let body = json!({
            "name": "x",
            "options": { "client_id": "k", "client_secret": "s", "scope": ["account"] },
            "list": [{ "signing_secret": "s" }, { "client_secret": null }],
        });
        let wanted = json!({
            "name": "x",
            "options": { "client_id": "k", "client_secret": "set", "scope": ["account"] },
            "list": [{ "signing_secret": "set" }, { "client_secret": null }],
        });
        assert_eq!(hidden(body), wanted);
    }
}
