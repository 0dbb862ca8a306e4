//! The bodies of requests, which take room while they arrive: a caller's room is taken before any of
//! it is read, so that nobody fills the memory with bodies that never end.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer;
use super::places::{Share, Shares};
use crate::identity::Caller;

/// The longest body that is read.
const LONGEST: usize = 4 * UNIT;
/// How long a client may take to send its body.
const PATIENCE: Duration = Duration::from_secs(30);
/// What room is counted in. A shorter body takes as much, so that short ones have an end too.
const UNIT: usize = 1024 * 1024;
/// How much room there is, in units.
const ROOM: usize = 256;
/// How much of it one caller gets, in units: eight of the longest bodies.
const ROOM_PER_CALLER: usize = 32;
/// When to come back where there is no room, in seconds.
const RETRY: u16 = 1;

/// The room for bodies.
pub(super) struct Bodies {
    all: Arc<Semaphore>,
    shares: Shares,
}

impl Bodies {
    /// Room for bodies, with none in it yet.
    pub(super) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(ROOM)), shares: Shares::new(ROOM_PER_CALLER) }
    }

    /// The whole body of a request of `caller`, unless it is too long or too slow, or there is no room.
    pub(super) async fn read(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Bytes, Box<Response>> {
        let announced =
            headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let length = announced.unwrap_or(LONGEST);
        if length > LONGEST {
            return Err(too_long());
        }
        let _room = self.take(caller, length.div_ceil(UNIT).max(1))?;
        match tokio::time::timeout(PATIENCE, Limited::new(body, LONGEST).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
            Ok(Err(_)) => Err(refused(StatusCode::BAD_REQUEST, "the body broke off")),
            Err(_) => Err(refused(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
        }
    }

    fn take(
        &self,
        caller: &Caller,
        units: usize,
    ) -> Result<(Share, OwnedSemaphorePermit), Box<Response>> {
        let full = |says| {
            let refused = answer::refusal(StatusCode::TOO_MANY_REQUESTS, None, says);
            Box::new(answer::retry_after(refused, RETRY))
        };
        let share = self.shares.take(caller, units).ok_or_else(|| {
            full("too many of your requests are still arriving; wait for one to be answered")
        })?;
        let permit = u32::try_from(units)
            .ok()
            .and_then(|units| Arc::clone(&self.all).try_acquire_many_owned(units).ok())
            .ok_or_else(|| full("too many requests are still arriving; try again in a moment"))?;
        Ok((share, permit))
    }
}

fn too_long() -> Box<Response> {
    refused(StatusCode::PAYLOAD_TOO_LARGE, &format!("the body is longer than {LONGEST} bytes"))
}

fn refused(status: StatusCode, says: &str) -> Box<Response> {
    Box::new(answer::refusal(status, None, says))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(subject: &str) -> Caller {
        Caller { issuer: "https://i/".into(), subject: subject.into(), organization: None }
    }

    async fn says(refused: Box<Response>) -> (u16, String) {
        let status = refused.status().as_u16();
        let body = refused.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        (status, body["error"]["message"].as_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn neither_one_caller_nor_all_of_them_can_fill_the_memory() {
        let bodies = Bodies::new();
        let mut taken = Vec::new();
        for subject in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            for _ in 0..8 {
                taken.push(bodies.take(&caller(subject), 4).unwrap());
            }
            let mine = "too many of your requests are still arriving; wait for one to be answered";
            let refused = bodies.take(&caller(subject), 1).unwrap_err();
            assert_eq!(says(refused).await, (429, mine.to_owned()));
        }
        let all = "too many requests are still arriving; try again in a moment";
        let refused = bodies.take(&caller("i"), 1).unwrap_err();
        assert_eq!(says(refused).await, (429, all.to_owned()));
        taken.pop();
        taken.push(bodies.take(&caller("i"), 4).unwrap());
        drop(taken);
        assert_eq!(bodies.all.available_permits(), ROOM);
    }

    #[tokio::test]
    async fn a_body_that_has_arrived_takes_no_room() {
        let bodies = Bodies::new();
        for _ in 0..40 {
            let body = bodies.read(&caller("ana"), &HeaderMap::new(), Body::from("{}")).await;
            assert_eq!(body.unwrap(), "{}");
        }
        assert_eq!(bodies.all.available_permits(), ROOM);
    }

    #[tokio::test]
    async fn reads_nothing_of_a_body_that_is_too_long() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, "4194305".parse().unwrap());
        let endless = Body::from_stream(futures::stream::pending::<Result<Bytes, axum::Error>>());
        let refused = Bodies::new().read(&caller("ana"), &headers, endless).await.unwrap_err();
        let expected = "the body is longer than 4194304 bytes".to_owned();
        assert_eq!(says(refused).await, (413, expected));
    }
}
