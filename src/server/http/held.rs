//! A response body that keeps something until it has been sent, or nobody wants it any more.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::time::Sleep;

/// A body with what is let go of together with it.
pub(super) struct Held<T> {
    body: Body,
    _kept: T,
    /// When the body ends, whatever may follow.
    end: Option<Pin<Box<Sleep>>>,
}

impl<T: Send + Unpin + 'static> Held<T> {
    /// `body`, which keeps `kept`.
    pub(super) fn new(body: Body, kept: T) -> Self {
        Self { body, _kept: kept, end: None }
    }

    /// The same, but over after `life`.
    pub(super) fn ending_after(mut self, life: std::time::Duration) -> Self {
        self.end = Some(Box::pin(tokio::time::sleep(life)));
        self
    }
}

impl<T: Unpin> HttpBody for Held<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // Looked at first: a body that always has more must end too.
        if self.end.as_mut().is_some_and(|end| end.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
