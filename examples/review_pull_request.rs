//! An agent's loop in one page: start the server as a child, look for a pull request to review, read
//! what it changes, and say something about it. Against the sandbox, so it works offline:
//!
//! ```sh
//! cargo build && cargo run --example review_pull_request
//! ```

use anyhow::{Context, ensure};
use rmcp::model::CallToolRequestParams;
use rmcp::service::RunningService;
use rmcp::transport::TokioChildProcess;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::process::Command;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Examples are built into a folder beside the program.
    let program = std::env::current_exe()?;
    let folder =
        program.parent().and_then(|examples| examples.parent()).context("no build folder")?;
    let mut server = Command::new(folder.join("bitbucket-vault-mcp"));
    server.args(["stdio", "--sandbox", "--as", "linked"]);
    let client = ().serve(TokioChildProcess::new(server)?).await?;

    let waiting = json!({ "repository": "acme/shop", "reviewer": "me", "limit": 1 });
    let list = call(&client, "list_pull_requests", waiting).await?;
    let number = list.pointer("/pull_requests/0/number").context("nothing waits for a review")?;

    let about = |mut arguments: Value| {
        if let Value::Object(arguments) = &mut arguments {
            arguments.insert("repository".to_owned(), "acme/shop".into());
            arguments.insert("number".to_owned(), number.clone());
        }
        arguments
    };
    call(&client, "get_pull_request", about(json!({}))).await?;
    call(&client, "get_pull_request_diff", about(json!({ "max_bytes": 4096 }))).await?;
    // Here a model would think.
    let review = json!({ "comments": [{ "text": "Thank you. Could this have a test?" }] });
    call(&client, "review_pull_request", about(review)).await?;

    client.cancel().await?;
    Ok(())
}

/// Calls a tool, shows what a model would read, and gives what code reads.
#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn call(
    client: &RunningService<RoleClient, ()>,
    tool: &'static str,
    arguments: Value,
) -> anyhow::Result<Value> {
    let Value::Object(arguments) = arguments else { anyhow::bail!("arguments are an object") };
    let request = CallToolRequestParams::new(tool).with_arguments(arguments);
    let result = client.call_tool(request).await?;
    let text = result.content.first().and_then(|block| block.as_text()).context("no text")?;
    println!("── {tool}\n{}\n", text.text);
    ensure!(result.is_error != Some(true), "{tool} failed");
    result.structured_content.context("no structure")
}
