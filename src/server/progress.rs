//! Progress of a call, sent to the client in order and never after the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rmcp::model::ProgressNotificationParam;
use rmcp::service::{RequestContext, RoleServer};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::tool::Progress;

/// The progress of one call, if its client asked to hear of it.
pub(super) struct ClientProgress {
    reporter: Arc<Reporter>,
    sender: Option<JoinHandle<()>>,
}

impl ClientProgress {
    /// Starts to pass on what the call reports.
    pub(super) fn start(context: &RequestContext<RoleServer>) -> Self {
        let Some(token) = context.meta.get_progress_token() else {
            let reporter = Arc::new(Reporter::to(None));
            return Self { reporter, sender: None };
        };
        let (reports, mut queue) = mpsc::unbounded_channel::<Report>();
        let peer = context.peer.clone();
        let sender = tokio::spawn(async move {
            while let Some(report) = queue.recv().await {
                let mut notice =
                    ProgressNotificationParam::new(token.clone(), f64::from(report.done))
                        .with_message(report.message);
                if let Some(total) = report.total {
                    notice = notice.with_total(f64::from(total));
                }
                if peer.notify_progress(notice).await.is_err() {
                    return;
                }
            }
        });
        Self { reporter: Arc::new(Reporter::to(Some(reports))), sender: Some(sender) }
    }

    /// Where the call reports to.
    pub(super) fn reporter(&self) -> Arc<dyn Progress> {
        Arc::clone(&self.reporter) as Arc<dyn Progress>
    }

    /// Waits until all reports have gone out.
    pub(super) async fn finish(self) {
        drop(self.reporter);
        if let Some(sender) = self.sender
            && let Err(error) = sender.await
        {
            tracing::debug!(%error, "progress stopped");
        }
    }
}

struct Report {
    done: u32,
    total: Option<u32>,
    message: String,
}

struct Reporter {
    reports: Option<mpsc::UnboundedSender<Report>>,
    last: AtomicI64,
}

impl Reporter {
    fn to(reports: Option<mpsc::UnboundedSender<Report>>) -> Self {
        Self { reports, last: AtomicI64::new(-1) }
    }
}

impl Progress for Reporter {
    fn report(&self, done: u32, total: Option<u32>, message: &str) {
        let Some(reports) = &self.reports else { return };
        // The protocol wants every value greater than the one before.
        if self.last.fetch_max(done.into(), Ordering::AcqRel) < i64::from(done) {
            let _ = reports.send(Report { done, total, message: message.to_owned() });
        }
    }
}
