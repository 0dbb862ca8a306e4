//! What the two services were asked, in order.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// A sandbox that runs for days must not grow without end.
const KEPT: usize = 10_000;

/// One of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// The Auth0 tenant.
    Auth0,
    /// Bitbucket Cloud.
    Bitbucket,
}

/// One request that a service received.
///
/// `Debug` leaves out what can hold a token: the query, the header and the body.
#[derive(Clone)]
#[non_exhaustive]
pub struct Recorded {
    /// Which service.
    pub service: Service,
    /// The HTTP method.
    pub method: String,
    /// The path and query, as they came.
    pub path: String,
    /// The `Host` header.
    pub host: Option<String>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The body, as text.
    pub body: String,
    /// The status answered; none while the request is being handled, or when its caller went away.
    pub status: Option<u16>,
    /// When it came.
    pub time: jiff::Timestamp,
}

impl fmt::Debug for Recorded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        let status = self.status.unwrap_or(0);
        write!(formatter, "{:?} {} {path} -> {status}", self.service, self.method)
    }
}

/// The requests so far.
#[derive(Default)]
pub(crate) struct Record {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    requests: VecDeque<(u64, Recorded)>,
    next: u64,
}

impl Record {
    /// Notes a request and gives the ticket to note its answer with.
    pub(crate) fn arrived(&self, request: Recorded) -> u64 {
        let mut inner = self.lock();
        let ticket = inner.next;
        inner.next += 1;
        if inner.requests.len() == KEPT {
            inner.requests.pop_front();
        }
        inner.requests.push_back((ticket, request));
        ticket
    }

    pub(crate) fn answered(&self, ticket: u64, status: u16) {
        let mut inner = self.lock();
        let found = inner.requests.iter_mut().rev().find(|(number, _)| *number == ticket);
        if let Some((_, request)) = found {
            request.status = Some(status);
        }
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.lock().requests.iter().map(|(_, request)| request.clone()).collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().requests.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Record, Recorded, Service};

    fn request(path: &str) -> Recorded {
        Recorded {
            service: Service::Auth0,
            method: "POST".into(),
            path: path.into(),
            host: None,
            authorization: Some("Bearer hidden".into()),
            body: "hidden".into(),
            status: None,
            time: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn prints_no_token() {
        assert_eq!(format!("{:?}", request("/callback?code=hidden")), "Auth0 POST /callback -> 0");
    }

    #[test]
    fn gives_each_request_its_own_answer() {
        let record = Record::default();
        let first = record.arrived(request("/first"));
        let second = record.arrived(request("/second"));
        record.answered(second, 201);
        record.answered(first, 500);
        let statuses: Vec<_> = record.all().iter().map(|request| request.status).collect();
        assert_eq!(statuses, [Some(500), Some(201)]);
        record.clear();
        assert!(record.all().is_empty());
    }
}
