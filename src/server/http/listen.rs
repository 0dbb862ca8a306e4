//! Connections: accepted, encrypted where there is a certificate, and brought to an end together.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;

use super::drain::Drain;
use super::{App, HttpParts, HttpSettings};

/// How long a client may take for the head of its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// The same for later ones; a connection that says nothing for so long is closed.
const NEXT_REQUEST: Duration = Duration::from_secs(60);
/// How many requests of one HTTP/2 connection run at once.
const STREAMS: u32 = 100;
/// How long connections may take to close once everything is answered.
const CLOSING: Duration = Duration::from_secs(2);

/// A certificate chain and its key, good to serve https with.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<ServerConfig>);

impl Certificate {
    /// Reads a chain and its private key from PEM files.
    ///
    /// # Errors
    /// When a file cannot be read, or the two do not make a certificate.
    pub fn read(chain: &Path, key: &Path) -> std::io::Result<Self> {
        let chain: Vec<_> = CertificateDer::pem_file_iter(chain)
            .and_then(Iterator::collect)
            .map_err(std::io::Error::other)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(std::io::Error::other)?;
        let mut config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(std::io::Error::other)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// Serves on `listener` until `stop`, then lets what is under way come to its end.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve_on(
    listener: TcpListener,
    certificate: Option<Certificate>,
    settings: HttpSettings,
    parts: HttpParts,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let app = App::new(&settings, parts)?;
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?
        .acceptor(NoDelayAcceptor::new())
        .handle(handle.clone())
        .first_request_timeout(FIRST_REQUEST)
        .accept_error_handler(|peer, error| tracing::debug!(?peer, %error, "no connection"));
    let builder = server.http_builder();
    builder.http1().header_read_timeout(Some(NEXT_REQUEST));
    builder.http2().max_concurrent_streams(STREAMS).keep_alive_interval(Some(NEXT_REQUEST));

    let (health, verifier) = (Arc::clone(&app.health), app.verifier.clone());
    let readying = tokio::spawn(async move { health.become_ready(&verifier).await });
    let App { router, drain, streams, patience, .. } = app;
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let end = End { handle, drain, streams, patience };
    let outcome = match certificate {
        Some(Certificate(config)) => {
            let tls = RustlsConfig::from_config(config);
            let server = server.map(|inner| RustlsAcceptor::new(tls).acceptor(inner));
            end.after(stop, server.serve(service)).await
        }
        None => end.after(stop, server.serve(service)).await,
    };
    readying.abort();
    outcome
}

/// What brings a server to its end.
struct End {
    handle: Handle<SocketAddr>,
    drain: Drain,
    streams: CancellationToken,
    patience: Duration,
}

impl End {
    /// Lets the server go on until `stop`, and then ends it: first the connections that are idle, then
    /// those whose requests are answered, then the streams that would never end by themselves.
    async fn after(
        self,
        stop: CancellationToken,
        serving: impl Future<Output = std::io::Result<()>>,
    ) -> std::io::Result<()> {
        tokio::pin!(serving);
        tokio::select! {
            ended = &mut serving => return ended,
            () = stop.cancelled() => {}
        }
        tracing::info!("shutting down: calls under way come to their end");
        self.handle.graceful_shutdown(None);
        let ending = async {
            self.drain.end(self.patience).await;
            // Not before: to a call that is under way this would be a failure.
            self.streams.cancel();
            tokio::time::sleep(CLOSING).await;
            self.handle.shutdown();
        };
        tokio::select! {
            ended = &mut serving => ended,
            () = ending => serving.await,
        }
    }
}
