//! Everything over https with a private certificate authority, as the built binary has it.
//!
//! `SSL_CERT_FILE` is how the libraries below us learn of an authority on these systems; elsewhere they
//! go by what the system itself trusts.
#![cfg(not(any(windows, target_os = "macos")))]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;

use bitbucket_vault_mcp::sandbox::Certificates;
use serde_json::{Value, json};

use crate::child::{Server, program};

/// `sandbox --tls`, and the settings that it printed.
fn sandbox(authority: &Path, more: &[&str]) -> (Server, BTreeMap<String, String>) {
    let authority = authority.to_str().unwrap();
    let arguments = [&["sandbox", "--tls", "--json", "--ca-file", authority], more].concat();
    let mut sandbox = Server::start(program(&arguments));
    let settings = serde_json::from_value(sandbox.read()).unwrap();
    (sandbox, settings)
}

fn run(arguments: &[&str], settings: &BTreeMap<String, String>) -> Output {
    program(arguments).envs(settings).output().unwrap()
}

fn stdout(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_program_works_with_an_authority_that_ssl_cert_file_names_and_with_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let (_sandbox, mut settings) = sandbox(&authority, &[]);
    let names: Vec<&str> = settings.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "AUTH0_API_CLIENT_ID",
            "AUTH0_API_CLIENT_SECRET",
            "AUTH0_AUDIENCE",
            "AUTH0_CLIENT_ID",
            "AUTH0_CLIENT_SECRET",
            "AUTH0_DOMAIN",
            "AUTH0_MANAGEMENT_CLIENT_ID",
            "AUTH0_MANAGEMENT_CLIENT_SECRET",
            "AUTH0_MANAGEMENT_DOMAIN",
            "AUTH0_REFRESH_TOKEN",
            "BITBUCKET_API_URL",
            "BITBUCKET_MCP_PUBLIC_URL",
            "NODE_EXTRA_CA_CERTS",
            "REQUESTS_CA_BUNDLE",
            "SSL_CERT_FILE",
        ]
    );
    assert_eq!(settings["SSL_CERT_FILE"], authority.to_str().unwrap());
    assert!(settings["AUTH0_DOMAIN"].starts_with("https://localhost:"));
    assert!(settings["BITBUCKET_API_URL"].starts_with("https://localhost:"));

    let said = stdout(&run(&["whoami", "--json"], &settings));
    assert_eq!(
        (&said["subject"], &said["accounts"][0]["username"]),
        (&json!("auth0|ana"), &json!("ana"))
    );
    let said = stdout(&run(&["call", "list_repositories", "workspace=acme"], &settings));
    assert!(said["repositories"][0]["repository"] == "acme/shop", "{said}");

    settings
        .insert("SSL_CERT_FILE".to_owned(), folder.path().join("other.pem").display().to_string());
    std::fs::write(&settings["SSL_CERT_FILE"], Certificates::new().unwrap().authority).unwrap();
    let refused = run(&["whoami", "--json"], &settings);
    assert_eq!(refused.status.code(), Some(1));
    let errors = String::from_utf8(refused.stderr).unwrap();
    assert!(errors.contains("Auth0 could not be reached"), "{errors}");
}

#[tokio::test]
async fn http_serves_with_a_certificate_and_reaches_auth0_over_https() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    // Free now; nobody else on this machine is likely to take just this one meanwhile.
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("https://localhost:{}", listen.port());
    let (_sandbox, mut settings) = sandbox(&folder.path().join("ca.pem"), &["--public-url", &url]);
    assert_eq!(settings["AUTH0_AUDIENCE"], format!("{url}/mcp"));
    let own = Certificates::new().unwrap();
    settings.remove("AUTH0_REFRESH_TOKEN");
    settings.extend([
        ("BITBUCKET_MCP_LISTEN".to_owned(), listen.to_string()),
        ("BITBUCKET_MCP_TLS_CERT".to_owned(), file("server.pem", &own.certificate)),
        ("BITBUCKET_MCP_TLS_KEY".to_owned(), file("server.key", &own.key)),
    ]);
    let mut command = program(&["http"]);
    command.envs(&settings);
    let server = Server::start(command);

    let authority = reqwest::Certificate::from_pem(own.authority.as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([authority]).build().unwrap();
    let began = std::time::Instant::now();
    // Ready means that the tenant's keys have been had, over https.
    while !client
        .get(format!("{url}/readyz"))
        .send()
        .await
        .is_ok_and(|answer| answer.status().is_success())
    {
        assert!(began.elapsed().as_secs() < 30, "{:?}", server.everything());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let metadata = client.get(format!("{url}/.well-known/oauth-protected-resource/mcp"));
    let metadata: Value = metadata.send().await.unwrap().json().await.unwrap();
    assert_eq!(metadata["resource"], format!("{url}/mcp"));
    assert_eq!(
        metadata["authorization_servers"],
        json!([format!("{}/", settings["AUTH0_DOMAIN"])])
    );
    let refused = client.post(format!("{url}/mcp")).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(client.get(url.replace("https:", "http:")).send().await.is_err());
}
