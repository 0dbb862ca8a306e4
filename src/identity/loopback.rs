//! The server on this machine that a browser comes back to, for as long as one person needs it.
//!
//! RFC 8252 §7.3, except that the port is one of six: Auth0 wants every callback URL registered. Any
//! page in any browser can send requests here, so the Host must be the very one of the callback URL
//! (a page whose name was rebound to 127.0.0.1 sends its own), and nothing here may be framed, cached
//! or told on.

use std::ops::RangeInclusive;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Error;
use super::guard::{Site, guard};

/// The ports whose callback URLs are registered with the application.
pub const PORTS: RangeInclusive<u16> = 18484..=18489;
/// How long the last page may take to reach the browser.
const LAST_PAGE: Duration = Duration::from_secs(2);

/// A small web server on 127.0.0.1. It stops when dropped.
pub struct Loopback {
    host: String,
    callback_url: Url,
    listener: Option<TcpListener>,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Loopback {
    /// Takes the first of [`PORTS`] that is free. Requests wait until [`serve`](Self::serve).
    ///
    /// # Errors
    /// [`Error::NoPort`] when none is.
    pub async fn bind() -> Result<Self, Error> {
        Self::bind_first_of(PORTS).await
    }

    /// Takes the first of `ports` that is free; port 0 stands for any.
    ///
    /// # Errors
    /// [`Error::NoPort`] when none is.
    pub async fn bind_first_of(ports: RangeInclusive<u16>) -> Result<Self, Error> {
        for port in ports.clone() {
            // Never 0.0.0.0: other machines have no business here.
            let listener = match TcpListener::bind(("127.0.0.1", port)).await {
                Ok(listener) => listener,
                Err(error) => {
                    tracing::debug!(port, %error, "the port cannot be used");
                    continue;
                }
            };
            let Ok(address) = listener.local_addr() else { continue };
            let host = address.to_string();
            let Ok(callback_url) = Url::parse(&format!("http://{host}/callback")) else { continue };
            let stop = CancellationToken::new();
            return Ok(Self { host, callback_url, listener: Some(listener), stop, task: None });
        }
        Err(Error::NoPort { first: *ports.start(), last: *ports.end() })
    }

    /// Where Auth0 sends the browser back.
    #[must_use]
    pub fn callback_url(&self) -> &Url {
        &self.callback_url
    }

    /// The URL of `path`, which starts with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> Url {
        let mut url = self.callback_url.clone();
        url.set_path(path);
        url
    }

    /// Starts to answer with `router`. A second call does nothing.
    pub fn serve(&mut self, router: Router) {
        let Some(listener) = self.listener.take() else { return };
        let router = router
            .layer(middleware::from_fn_with_state(self.host.clone(), for_this_address))
            .layer(middleware::from_fn_with_state(Site::of(&self.callback_url), guard));
        let stop = self.stop.clone().cancelled_owned();
        self.task = Some(tokio::spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stop).await;
            if let Err(error) = served {
                tracing::warn!(%error, "the server for the browser has stopped");
            }
        }));
    }

    /// Stops, once the answers under way are out.
    pub async fn shut(mut self) {
        self.stop.cancel();
        self.listener = None;
        if let Some(task) = &mut self.task {
            // What is not out by then is cut off by the drop.
            let _ = tokio::time::timeout(LAST_PAGE, task).await;
        }
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Lets through what names the very host of the callback URL.
async fn for_this_address(State(host): State<String>, request: Request, next: Next) -> Response {
    if is_for(&host, request.uri(), request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "This server answers to its own address only.\n")
        .into_response()
}

fn is_for(host: &str, uri: &Uri, headers: &HeaderMap) -> bool {
    let mut named = headers.get_all(HOST).iter();
    let single = matches!((named.next(), named.next()), (Some(only), None) if only == host);
    single && uri.authority().is_none_or(|authority| authority.as_str() == host)
}

#[cfg(test)]
mod tests {
    use axum::Extension;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::super::CspNonce;
    use super::*;

    async fn page(Extension(CspNonce(nonce)): Extension<CspNonce>) -> String {
        format!("nonce {nonce}")
    }

    async fn start() -> Loopback {
        let mut loopback = Loopback::bind_first_of(0..=0).await.unwrap();
        loopback.serve(Router::new().route("/callback", get(page).post(page)));
        loopback
    }

    async fn send(loopback: &Loopback, request: &str) -> String {
        let mut stream = TcpStream::connect(&loopback.host).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn request(first: &str, headers: &[String]) -> String {
        format!("{first} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n", headers.join("\r\n"))
    }

    #[tokio::test]
    async fn answers_to_its_own_address_only() {
        let loopback = start().await;
        let host = loopback.host.clone();
        let port = loopback.callback_url.port().unwrap();
        let mut lines = Vec::new();
        for (what, hosts) in [
            ("own", vec![host.clone()]),
            ("name", vec![format!("localhost:{port}")]),
            ("no port", vec!["127.0.0.1".to_owned()]),
            ("rebound", vec![format!("evil.example.com:{port}")]),
            ("two", vec![host.clone(), "evil.example.com".to_owned()]),
        ] {
            let hosts = hosts.iter().map(|host| format!("Host: {host}")).collect::<Vec<_>>();
            let answer = send(&loopback, &request("GET /callback", &hosts)).await;
            lines.push(format!("{what}: {}", answer.lines().next().unwrap()));
        }
        insta::assert_snapshot!(lines.join("\n"), @r#"
        own: HTTP/1.1 200 OK
        name: HTTP/1.1 421 Misdirected Request
        no port: HTTP/1.1 421 Misdirected Request
        rebound: HTTP/1.1 421 Misdirected Request
        two: HTTP/1.1 421 Misdirected Request
        "#);
    }

    #[tokio::test]
    async fn takes_no_form_of_another_site() {
        let loopback = start().await;
        let mut lines = Vec::new();
        let own = format!("Origin: http://{}", loopback.host);
        for said in [
            "Sec-Fetch-Site: same-origin",
            "Sec-Fetch-Site: same-site",
            "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Site: none",
            "Origin: null",
            &own,
            "Origin: http://127.0.0.1:1",
            "Origin: https://evil.example.com",
        ] {
            let headers =
                [format!("Host: {}", loopback.host), said.into(), "Content-Length: 0".to_owned()];
            let answer = send(&loopback, &request("POST /callback", &headers)).await;
            let said = said.replace(&loopback.host, "HOST");
            lines.push(format!("{said}: {}", answer.lines().next().unwrap()));
        }
        insta::assert_snapshot!(lines.join("\n"), @r#"
        Sec-Fetch-Site: same-origin: HTTP/1.1 200 OK
        Sec-Fetch-Site: same-site: HTTP/1.1 403 Forbidden
        Sec-Fetch-Site: cross-site: HTTP/1.1 403 Forbidden
        Sec-Fetch-Site: none: HTTP/1.1 200 OK
        Origin: null: HTTP/1.1 200 OK
        Origin: http://HOST: HTTP/1.1 200 OK
        Origin: http://127.0.0.1:1: HTTP/1.1 403 Forbidden
        Origin: https://evil.example.com: HTTP/1.1 403 Forbidden
        "#);
    }

    #[tokio::test]
    async fn guards_every_page_by_headers() {
        let loopback = start().await;
        let host = [format!("Host: {}", loopback.host)];
        for path in ["/callback", "/nothing"] {
            let answer = send(&loopback, &request(&format!("GET {path}"), &host)).await;
            let policy = answer.lines().find(|line| line.starts_with("content-security")).unwrap();
            let nonce = policy.split('\'').find_map(|part| part.strip_prefix("nonce-")).unwrap();
            let headers = answer.lines().skip(1).take_while(|line| !line.is_empty());
            let mut headers = headers
                .filter(|line| !line.starts_with("date") && !line.starts_with("content-length"))
                .map(|line| line.replace(nonce, "NONCE"))
                .collect::<Vec<_>>();
            headers.sort();
            headers.retain(|line| !line.starts_with("content-type:"));
            insta::allow_duplicates! {
                insta::assert_snapshot!(headers.join("\n"), @r#"
                cache-control: no-store
                connection: close
                content-security-policy: default-src 'none'; style-src 'nonce-NONCE'; script-src 'nonce-NONCE'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'
                cross-origin-resource-policy: same-origin
                permissions-policy: camera=(), geolocation=(), microphone=(), payment=(), usb=()
                referrer-policy: no-referrer
                x-content-type-options: nosniff
                x-frame-options: DENY
                "#);
            }
            assert!(path == "/nothing" || answer.ends_with(&format!("nonce {nonce}")));
        }
    }

    #[tokio::test]
    async fn says_when_every_port_is_taken() {
        let taken = Loopback::bind_first_of(0..=0).await.unwrap();
        let port = taken.callback_url.port().unwrap();
        let error = Loopback::bind_first_of(port..=port).await.err().unwrap();
        assert_eq!(
            error.to_string(),
            format!("the ports {port} to {port} on 127.0.0.1 are all in use")
        );
    }

    #[tokio::test]
    async fn frees_its_port_when_it_ends() {
        let loopback = start().await;
        let port = loopback.callback_url.port().unwrap();
        loopback.shut().await;
        let again = Loopback::bind_first_of(port..=port).await.unwrap();
        drop(again);
        assert!(Loopback::bind_first_of(port..=port).await.is_ok());
    }
}
