//! The built binary as a child process, spoken to in lines of JSON.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long any answer may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program with `arguments`, in a clean environment and a home of its own.
pub(crate) fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bitbucket-vault-mcp"));
    let home = std::env::temp_dir().join(format!("bitbucket-vault-mcp-{}", std::process::id()));
    command.args(arguments).env_clear().env("HOME", &home).env("XDG_CONFIG_HOME", &home);
    command.env("BITBUCKET_MCP_STATE_DIR", home.join("state"));
    command
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Receiver<String>,
    next_id: u64,
    said: Vec<String>,
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let lines = reader(child.stdout.take().unwrap());
        let errors = reader(child.stderr.take().unwrap());
        Self { child, stdin, lines, errors, next_id: 0, said: Vec::new() }
    }

    /// `stdio --sandbox` as its `account`.
    pub(crate) fn sandbox(account: &str) -> Self {
        Self::start(program(&["stdio", "--sandbox", "--as", account]))
    }

    pub(crate) fn send_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        stdin.write_all(b"\n").unwrap();
        stdin.flush().unwrap();
    }

    /// Sends a request and returns its whole answer; notifications on the way are dropped.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let unasked = |request: &Value| panic!("the server asks: {request}");
        self.request_answering(method, params, unasked).0
    }

    /// The same for a client that answers requests of the server by what `answer` makes of them;
    /// gives the notifications on the way too.
    pub(crate) fn request_answering(
        &mut self,
        method: &str,
        params: Value,
        mut answer: impl FnMut(&Value) -> Value,
    ) -> (Value, Vec<Value>) {
        self.next_id += 1;
        let id = self.next_id;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send_line(&request.to_string());
        let mut notifications = Vec::new();
        loop {
            let message = self.read();
            match (message.get("method"), message.get("id")) {
                (Some(_), Some(asked)) => {
                    let said = answer(&message);
                    let answer = json!({ "jsonrpc": "2.0", "id": asked, "result": said });
                    self.send_line(&answer.to_string());
                }
                (Some(_), None) => notifications.push(message),
                (None, Some(answered)) if *answered == id => return (message, notifications),
                _ => {}
            }
        }
    }

    /// Opens a session in the old way.
    pub(crate) fn initialize(&mut self, version: &str, capabilities: Value) -> Value {
        let answer = self.request("initialize", initialize_params(version, capabilities));
        self.send_initialized();
        answer
    }

    /// Opens a session in the old way without waiting for the answer.
    pub(crate) fn send_initialize(&mut self, version: &str, capabilities: Value) {
        self.next_id += 1;
        let params = initialize_params(version, capabilities);
        let request = json!({ "jsonrpc": "2.0", "id": self.next_id, "method": "initialize", "params": params });
        self.send_line(&request.to_string());
        self.send_initialized();
    }

    fn send_initialized(&mut self) {
        let notice = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        self.send_line(&notice.to_string());
    }

    /// Calls a tool and returns its result.
    pub(crate) fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments }))["result"]
            .clone()
    }

    pub(crate) fn read(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("no line came from the server");
        let message = serde_json::from_str(&line);
        let message = message.unwrap_or_else(|_| panic!("stdout holds no JSON: {line}"));
        self.said.push(line);
        message
    }

    /// Ends it as [`end`](Self::end) does; gives everything it has ever written to stdout and stderr.
    pub(crate) fn everything(mut self) -> (String, String) {
        let mut said = std::mem::take(&mut self.said);
        let (_, _, rest, errors) = self.end();
        said.extend(rest);
        (said.join("\n"), errors)
    }

    /// Closes standard input and waits for the end; gives how long it took and all that was left.
    pub(crate) fn end(mut self) -> (ExitStatus, Duration, Vec<String>, String) {
        drop(self.stdin.take());
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(started.elapsed() < PATIENCE, "the server did not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let took = started.elapsed();
        let lines = self.lines.iter().collect();
        let errors = self.errors.iter().collect::<Vec<_>>().join("\n");
        (status, took, lines, errors)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn initialize_params(version: &str, capabilities: Value) -> Value {
    json!({
        "protocolVersion": version,
        "capabilities": capabilities,
        "clientInfo": { "name": "test", "version": "1" },
    })
}

/// The `_meta` of a request of the stateless protocol.
pub(crate) fn modern(mut params: Value, capabilities: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
    });
    params
}

/// The text that the model reads.
pub(crate) fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {result}"))
}

fn reader(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
