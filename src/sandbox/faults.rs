//! Failing on purpose.
//!
//! A test adds a [`Fault`] to [`Faults`]; a sandbox that runs alone takes them over HTTP, on either
//! service, from loopback and with the header `x-sandbox: 1` (which no web page can send unasked):
//!
//! ```text
//! POST /_sandbox/faults     one fault, as JSON; more than one as an array
//! {"service": "bitbucket", "method": "POST", "path": "*/merge", "times": 1,
//!  "effect": {"status": {"code": 503, "headers": {"retry-after": "1"}}}}
//! {"service": "auth0", "path": "/oauth/token", "effect": {"delay": 1500}}
//! {"service": "bitbucket", "effect": "cut"}            also "unanswered", "expired_token", "revoked_token"
//! DELETE /_sandbox/faults   forgets them all
//! ```

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::record::Service;

/// One way in which a service fails.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which service fails.
    pub service: Service,
    /// For requests of this method only.
    #[serde(default)]
    pub method: Option<String>,
    /// For these paths only: a part of the path or, with `*`, a pattern for the whole of it. The query
    /// does not count.
    #[serde(default)]
    pub path: String,
    /// What happens.
    pub effect: Effect,
    /// How many requests it strikes; all of them when absent.
    #[serde(default)]
    pub times: Option<usize>,
}

/// What happens to a request that a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// This answer instead of the right one.
    #[serde(rename_all = "snake_case")]
    Status {
        /// The status.
        code: u16,
        /// The body; an error in the service's own shape when empty.
        #[serde(default)]
        body: String,
        /// The body's type.
        #[serde(default = "json")]
        content_type: String,
        /// Further headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Whether the request is carried out all the same, and only the answer is lost.
        #[serde(default)]
        handled: bool,
    },
    /// The right answer, late. In JSON: milliseconds.
    Delay(#[serde(deserialize_with = "milliseconds")] Duration),
    /// The request is carried out; the connection closes in the middle of the answer.
    Cut,
    /// The request is not carried out; the connection closes without an answer.
    Unanswered,
    /// The token that the request carries expires just before it is looked at.
    ExpiredToken,
    /// The token that the request carries is revoked just before it is looked at.
    RevokedToken,
}

/// The faults that lie in wait, oldest first. One request meets one fault at most.
#[derive(Default)]
pub struct Faults {
    waiting: Mutex<Vec<Fault>>,
}

impl Fault {
    /// A fault of every request to `service`, until narrowed.
    #[must_use]
    pub fn new(service: Service, effect: Effect) -> Self {
        Self { service, method: None, path: String::new(), effect, times: None }
    }

    /// Only requests of this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests to this path: a part of it or, with `*`, a pattern for the whole of it.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Only so many requests.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    fn strikes(&self, service: Service, method: &str, path: &str) -> bool {
        self.service == service
            && self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && matches(&self.path, path)
    }
}

impl Effect {
    /// An answer with this status and an error body in the service's own shape.
    #[must_use]
    pub fn status(code: u16) -> Self {
        Self::Status {
            code,
            body: String::new(),
            content_type: json(),
            headers: BTreeMap::new(),
            handled: false,
        }
    }

    /// The rate limit's answer, with `Retry-After`.
    #[must_use]
    pub fn rate_limit(seconds: u64) -> Self {
        Self::Status {
            code: 429,
            body: String::new(),
            content_type: json(),
            headers: BTreeMap::from([("retry-after".to_owned(), seconds.to_string())]),
            handled: false,
        }
    }
}

impl Faults {
    /// Adds a fault.
    pub fn add(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// Forgets all faults.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// What happens to this request, if a fault strikes it.
    pub(crate) fn strike(&self, service: Service, method: &str, path: &str) -> Option<Effect> {
        let mut waiting = self.lock();
        let index = waiting
            .iter()
            .position(|fault| fault.times != Some(0) && fault.strikes(service, method, path))?;
        let fault = waiting.get_mut(index)?;
        fault.times = fault.times.map(|times| times - 1);
        let effect = fault.effect.clone();
        waiting.retain(|fault| fault.times != Some(0));
        Some(effect)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `path` holds `pattern`, or is what a pattern with `*` says.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return path.contains(pattern);
    };
    let Some(mut left) = path.strip_prefix(first) else { return false };
    let mut rest = rest;
    while let Some((part, after)) = rest.split_once('*') {
        let Some((_, behind)) = left.split_once(part) else { return false };
        left = behind;
        rest = after;
    }
    left.ends_with(rest)
}

fn json() -> String {
    "application/json".to_owned()
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Effect, Fault, Faults, Service, matches};

    #[test]
    fn reads_a_path_as_a_part_or_as_a_pattern() {
        let path = "/2.0/repositories/acme/shop/pullrequests/42/merge";
        for (pattern, found) in [
            ("", true),
            ("pullrequests", true),
            ("*/merge", true),
            ("/2.0/*/pullrequests/*/merge", true),
            ("/2.0/*", true),
            ("*", true),
            ("*/pullrequests", false),
            ("/me/*", false),
            ("/2.0/repositories/acme/docs", false),
        ] {
            assert_eq!(matches(pattern, path), found, "{pattern}");
        }
    }

    #[test]
    fn strikes_as_often_as_it_was_told() {
        let faults = Faults::default();
        faults.add(Fault::new(Service::Auth0, Effect::Cut).path("/oauth/token").times(2));
        let strike = |service, path| faults.strike(service, "POST", path).is_some();
        assert!(!strike(Service::Bitbucket, "/oauth/token"));
        assert!(strike(Service::Auth0, "/oauth/token"));
        assert!(!strike(Service::Auth0, "/oauth/revoke"));
        assert!(strike(Service::Auth0, "/oauth/token"));
        assert!(!strike(Service::Auth0, "/oauth/token"));
    }

    #[test]
    fn reads_the_documented_json() {
        let read = |text| serde_json::from_str::<Fault>(text).unwrap();
        let merge = read(
            r#"{"service": "bitbucket", "method": "POST", "path": "*/merge", "times": 1,
                "effect": {"status": {"code": 429, "headers": {"retry-after": "1"}}}}"#,
        );
        let wanted = Fault::new(Service::Bitbucket, Effect::rate_limit(1));
        assert_eq!(merge, wanted.method("POST").path("*/merge").times(1));
        let delay = read(r#"{"service": "auth0", "effect": {"delay": 1500}}"#);
        assert_eq!(delay.effect, Effect::Delay(Duration::from_millis(1500)));
        let cut = read(r#"{"service": "bitbucket", "effect": "cut"}"#);
        assert_eq!(cut, Fault::new(Service::Bitbucket, Effect::Cut));
    }
}
