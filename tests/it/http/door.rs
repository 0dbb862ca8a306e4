//! Who is let in: names, origins, proxies, tokens; and what is told to whoever asks.

use bitbucket_vault_mcp::server::http::Certificate;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Served, header, whole};

/// What the server answers to these very bytes: its status line's number.
async fn raw(served: &Served, request: &str) -> u16 {
    let address = served.url.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap_or("0").parse().unwrap()
}

#[tokio::test]
async fn says_at_both_places_whom_to_ask_for_a_token() {
    let served = Served::new().await;
    for path in ["", "/mcp"] {
        let url = format!("{}/.well-known/oauth-protected-resource{path}", served.url);
        let response = served.client.get(&url).header("origin", "https://a.example").send().await;
        let response = response.unwrap();
        assert_eq!(header(&response, "content-type"), "application/json");
        assert_eq!(header(&response, "access-control-allow-origin"), "*");
        let expected = json!({
            "resource": format!("{}/mcp", served.url),
            "authorization_servers": [format!("{}/", served.sandbox.auth0_domain())],
            "scopes_supported": ["bitbucket:read", "bitbucket:write"],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": ["ES256", "RS256"],
            "resource_name": "Bitbucket with Auth0 Token Vault",
        });
        assert_eq!(whole(response).await, (200, expected));
        let refused = served.client.post(&url).send().await.unwrap();
        assert_eq!(refused.status(), 405);
    }
}

#[tokio::test]
async fn asks_whoever_shows_nothing_for_a_token() {
    let served = Served::new().await;
    for method in ["POST", "GET", "DELETE"] {
        let response = served.request(method.parse().unwrap(), None).send().await.unwrap();
        let expected = format!(
            "Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\", \
             scope=\"bitbucket:read bitbucket:write\"",
            served.url
        );
        assert_eq!(header(&response, "www-authenticate"), expected);
        assert_eq!(header(&response, "cache-control"), "no-store");
        let body =
            json!({ "error": "unauthorized", "error_description": "no access token was sent" });
        assert_eq!(whole(response).await, (401, body), "{method}");
    }
    assert_eq!(served.sandbox.requests().iter().filter(|it| it.path == "/oauth/token").count(), 0);
}

#[tokio::test]
async fn answers_to_its_own_name_only() {
    let served = Served::new().await;
    let port = served.url.rsplit(':').next().unwrap();
    for (head, status) in [
        (format!("GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"), 401),
        (format!("GET /mcp HTTP/1.1\r\nHost: localhost:{port}\r\n"), 401),
        (format!("GET /mcp HTTP/1.1\r\nHost: LOCALHOST:{port}\r\n"), 401),
        ("GET /mcp HTTP/1.1\r\nHost: localhost\r\n".to_owned(), 421),
        (format!("GET /mcp HTTP/1.1\r\nHost: evil.example:{port}\r\n"), 421),
        (format!("GET /mcp HTTP/1.1\r\nHost: 127.0.0.1:{port}.evil.example\r\n"), 400),
        (format!("GET /mcp HTTP/1.1\r\nHost: localhost:{port}\r\nHost: evil.example\r\n"), 400),
        (format!("GET /mcp HTTP/1.1\r\nHost: x@localhost:{port}\r\n"), 400),
        ("GET /mcp HTTP/1.1\r\n".to_owned(), 400),
        ("GET /mcp HTTP/1.0\r\n".to_owned(), 400),
        (format!("GET http://evil.example/mcp HTTP/1.1\r\nHost: localhost:{port}\r\n"), 421),
        (format!("GET http://localhost:{port}/mcp HTTP/1.1\r\nHost: evil.example\r\n"), 421),
        ("GET /livez HTTP/1.1\r\nHost: 10.1.2.3:80\r\n".to_owned(), 200),
        (format!("GET /link/x HTTP/1.1\r\nHost: evil.example:{port}\r\n"), 421),
        (
            "GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: evil.example\r\n"
                .to_owned(),
            421,
        ),
        (format!("GET /nothing HTTP/1.1\r\nHost: localhost:{port}\r\n"), 404),
    ] {
        let request = format!("{head}Connection: close\r\n\r\n");
        assert_eq!(raw(&served, &request).await, status, "{request}");
    }
}

#[tokio::test]
async fn answers_http_2_by_the_same_rules() {
    let served = Served::new().await;
    let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let url = format!("{}/mcp", served.url);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 401);
    let foreign = client.get(&url).header("host", "evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 421);
}

#[tokio::test]
async fn lets_no_foreign_page_in() {
    let served =
        Served::with(|wanted| wanted.http.allowed_origins = vec!["https://tool.example".into()])
            .await;
    let port = served.url.rsplit(':').next().unwrap();
    for (origin, status) in [
        (format!("http://127.0.0.1:{port}"), 401),
        (format!("http://localhost:{port}"), 401),
        ("https://tool.example".to_owned(), 401),
        ("https://evil.example".to_owned(), 403),
        ("http://tool.example".to_owned(), 403),
        ("http://localhost".to_owned(), 403),
        ("null".to_owned(), 403),
    ] {
        let request = served.request(reqwest::Method::POST, None).header("origin", &origin);
        let response = request.send().await.unwrap();
        let allowed = header(&response, "access-control-allow-origin").to_owned();
        assert_eq!((response.status().as_u16(), origin.clone()), (status, origin.clone()));
        assert_eq!(allowed, if status == 403 { "" } else { &origin });
        let preflight =
            served.client.request(reqwest::Method::OPTIONS, format!("{}/mcp", served.url));
        let preflight = preflight
            .header("origin", &origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,mcp-protocol-version")
            .send()
            .await
            .unwrap();
        assert_eq!(preflight.status(), if status == 403 { 403 } else { 204 }, "{origin}");
        assert_eq!(header(&preflight, "access-control-allow-origin"), allowed);
    }
    let response = served.request(reqwest::Method::POST, None);
    let response = response.header("origin", "https://tool.example").send().await.unwrap();
    assert_eq!(
        header(&response, "access-control-expose-headers"),
        "Mcp-Session-Id, WWW-Authenticate, Retry-After"
    );
    assert_eq!(header(&response, "vary"), "Origin");
}

#[tokio::test]
async fn knows_three_methods() {
    let served = Served::new().await;
    for method in ["PUT", "PATCH", "HEAD", "TRACE"] {
        let response = served.request(method.parse().unwrap(), None).send().await.unwrap();
        assert_eq!(response.status(), 405, "{method}");
        assert_eq!(header(&response, "allow"), "POST, GET, DELETE, OPTIONS");
    }
}

#[tokio::test]
async fn answers_nobody_who_comes_past_the_proxies() {
    let served =
        Served::with(|wanted| wanted.http.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()])
            .await;
    let request = served.request(reqwest::Method::POST, None);
    let response = request.header("x-forwarded-for", "10.0.0.1").send().await.unwrap();
    let says = json!("this server answers only its own proxies; use its public address");
    assert_eq!(whole(response).await, (403, says));
    let health = served.client.get(format!("{}/livez", served.url)).send().await.unwrap();
    assert_eq!(whole(health).await, (200, json!("alive")));
}

#[tokio::test]
async fn is_ready_once_it_has_the_keys() {
    let served = Served::new().await;
    let url = format!("{}/readyz", served.url);
    let ready = async || whole(served.client.get(&url).send().await.unwrap()).await;
    while ready().await.0 != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(ready().await, (200, json!("ready")));

    // Nobody listens on port 1.
    let lost = Served::with(|wanted| wanted.auth0 = Some("http://127.0.0.1:1/".into())).await;
    let response = lost.client.get(format!("{}/readyz", lost.url)).send().await.unwrap();
    assert_eq!(whole(response).await, (503, json!("waiting for the keys of Auth0")));
    let token = lost.token("linked");
    let response =
        lost.call(&token, "list_workspaces", &json!({}), json!({})).send().await.unwrap();
    assert_eq!(header(&response, "retry-after"), "5");
    let body = json!({
        "error": "temporarily_unavailable",
        "error_description": "Auth0 cannot be reached to check the access token",
    });
    assert_eq!(whole(response).await, (503, body));
}

#[tokio::test]
async fn speaks_https_where_there_is_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    std::fs::write(&chain, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let served = Served::with(|wanted| {
        wanted.certificate = Some(Certificate::read(&chain, &key).unwrap());
        wanted.http.public_url.set_scheme("https").unwrap();
    })
    .await;
    let port = served.url.rsplit(':').next().unwrap();
    let trusted = reqwest::Certificate::from_pem(pair.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).build().unwrap();
    let url = format!("https://localhost:{port}/mcp");
    let response = client.get(&url).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (401, reqwest::Version::HTTP_2));
    assert!(header(&response, "www-authenticate").contains("\"https://127.0.0.1:"));
    // Whoever does not trust the certificate, or speaks no TLS, gets no further.
    assert!(served.client.get(&url).send().await.is_err());
    assert!(served.client.get(format!("http://localhost:{port}/mcp")).send().await.is_err());
    // A key that belongs to another certificate is no use.
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&key, other.signing_key.serialize_pem()).unwrap();
    assert!(Certificate::read(&chain, &key).is_err());
}
