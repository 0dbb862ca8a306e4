//! A client of a server that many people share: over HTTP, with a token in hand. The server is a child
//! with a sandbox in it, so this works offline; elsewhere a client gets its token by signing the person
//! in, as the server's metadata says (RFC 9728).
//!
//! ```sh
//! cargo build && cargo run --example http_client
//! ```

use std::process::Stdio;

use anyhow::{Context, bail, ensure};
use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStderr, Command};

#[expect(clippy::print_stdout, reason = "an example shows what it does")]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Examples are built into a folder beside the program.
    let program = std::env::current_exe()?;
    let folder =
        program.parent().and_then(|examples| examples.parent()).context("no build folder")?;
    let mut server = Command::new(folder.join("bitbucket-vault-mcp"))
        .args(["http", "--sandbox", "--listen", "127.0.0.1:0", "--log", "off"])
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut said = BufReader::new(server.stderr.take().context("no stderr")?).lines();
    let url = word_after(" for ", &mut said).await?;
    let token = word_after("linked: ", &mut said).await?;

    // A proxy of the environment knows nothing of this machine.
    let http = reqwest::Client::builder().no_proxy().build()?;
    let config = StreamableHttpClientTransportConfig::with_uri(url).auth_header(token);
    let client = ().serve(StreamableHttpClientTransport::with_client(http, config)).await?;
    let waiting = json!({ "repository": "acme/shop", "reviewer": "me" });
    for (tool, arguments) in [("get_account", json!({})), ("list_pull_requests", waiting)] {
        let arguments = serde_json::from_value(arguments)?;
        let request = CallToolRequestParams::new(tool).with_arguments(arguments);
        let result = client.call_tool(request).await?;
        // What a model would read.
        let text = result.content.first().and_then(|block| block.as_text()).context("no text")?;
        println!("── {tool}\n{}\n", text.text);
        ensure!(result.is_error != Some(true), "{tool} failed");
    }
    client.cancel().await?;
    server.kill().await?;
    Ok(())
}

/// The word behind `mark` in what the server says at its start.
async fn word_after(
    mark: &str,
    said: &mut Lines<BufReader<ChildStderr>>,
) -> anyhow::Result<String> {
    while let Some(line) = said.next_line().await? {
        if let Some((_, rest)) = line.split_once(mark) {
            return Ok(rest.split(' ').next().unwrap_or(rest).to_owned());
        }
    }
    bail!("the server did not start")
}
