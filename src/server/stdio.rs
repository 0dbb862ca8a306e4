//! The way in for one person: JSON-RPC lines on standard input and output.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ErrorData;
use rmcp::service::{RoleServer, RxJsonRpcMessage, ServerInitializeError, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::io::stdio_pipes;
use rmcp::{RoleServer as Role, ServiceExt};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::Server;

/// The longest line that is read: longer ones are answered with an error and skipped.
const LONGEST_LINE: usize = 4 * 1024 * 1024;

/// How long calls that are under way may still answer once the client has closed its side, as scripts
/// do that send all their requests at once. A call that waits for a person gets no longer either.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Serves until the client closes standard input.
///
/// # Errors
/// When the streams cannot be used, or the client breaks the protocol before its first request.
pub async fn serve(server: Server) -> Result<(), ServerInitializeError> {
    let (reader, writer) = streams();
    serve_on(server, reader, writer).await
}

/// Serves on any two streams.
///
/// # Errors
/// See [`serve`].
pub async fn serve_on<R, W>(
    server: Server,
    reader: R,
    writer: W,
) -> Result<(), ServerInitializeError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let lines = Lines::new(reader, writer);
    let ended = lines.ended.clone();
    let service = match server.serve(lines).await {
        Ok(service) => service,
        // The client went away before it said anything: nothing is wrong.
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let last_answers = async {
        ended.cancelled().await;
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        outcome = service.waiting() => if let Err(error) = outcome {
            tracing::error!(%error, "the session ended badly");
        },
        () = last_answers => tracing::info!("the client has gone; calls under way are dropped"),
    }
    Ok(())
}

type Streams = (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>);

/// The fastest streams for what standard input and output are.
///
/// Most clients give pipes. Node gives a pair of sockets, on which the ordinary handles would go
/// through the blocking pool at a third of the speed.
fn streams() -> Streams {
    #[cfg(unix)]
    if let Some(streams) = sockets() {
        return streams;
    }
    let (reader, writer) = stdio_pipes();
    (Box::new(reader), Box::new(writer))
}

#[cfg(unix)]
fn sockets() -> Option<Streams> {
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::fs::FileTypeExt;

    fn stream(fd: std::os::fd::BorrowedFd<'_>) -> Option<tokio::net::UnixStream> {
        let file = std::fs::File::from(fd.try_clone_to_owned().ok()?);
        if !file.metadata().ok()?.file_type().is_socket() {
            return None;
        }
        let socket = std::os::unix::net::UnixStream::from(OwnedFd::from(file));
        socket.set_nonblocking(true).ok()?;
        tokio::net::UnixStream::from_std(socket).ok()
    }

    let reader = stream(std::io::stdin().as_fd())?;
    let writer = stream(std::io::stdout().as_fd())?;
    Some((Box::new(reader), Box::new(writer)))
}

/// One JSON-RPC message a line.
///
/// rmcp's own transport drops a line that is not JSON without a word; here its sender is told what
/// is wrong, and the next line is read as if nothing had been.
struct Lines<R, W> {
    reader: BufReader<R>,
    line: Vec<u8>,
    /// Set while the rest of a line that is too long is skipped.
    skipping: bool,
    writer: Arc<Mutex<Option<W>>>,
    /// Fires at the end of input.
    ended: CancellationToken,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Lines<R, W> {
    fn new(reader: R, writer: W) -> Self {
        Self {
            reader: BufReader::new(reader),
            line: Vec::new(),
            skipping: false,
            writer: Arc::new(Mutex::new(Some(writer))),
            ended: CancellationToken::new(),
        }
    }

    /// Reads on until a whole line is in `self.line`; `None` at the end of input.
    ///
    /// Safe to drop at any await: what was read stays in `self`, and the next call goes on.
    async fn read_line(&mut self) -> std::io::Result<Option<Result<(), ErrorData>>> {
        loop {
            let available = self.reader.fill_buf().await?;
            if available.is_empty() {
                return Ok(None);
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(available.len(), |end| end + 1);
            if !self.skipping {
                self.line.extend(available.iter().take(taken));
            }
            self.reader.consume(taken);
            let complete = end.is_some();
            if self.line.len() > LONGEST_LINE {
                self.line.clear();
                self.skipping = true;
            }
            if complete && std::mem::take(&mut self.skipping) {
                let says = format!("the line is longer than {LONGEST_LINE} bytes");
                return Ok(Some(Err(ErrorData::invalid_request(says, None))));
            }
            if complete {
                return Ok(Some(Ok(())));
            }
        }
    }

    /// The message on the line that was read; what is wrong with it; or nothing to see.
    fn parse(&mut self) -> Option<Result<RxJsonRpcMessage<RoleServer>, Value>> {
        let line = std::mem::take(&mut self.line);
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line).trim_ascii();
        let message = if text.is_empty() {
            None
        } else {
            match serde_json::from_slice::<RxJsonRpcMessage<RoleServer>>(text) {
                Ok(message) => Some(Ok(message)),
                Err(_) => explain(text).map(Err),
            }
        };
        // Keep the buffer: the next line is likely as long.
        self.line = line;
        self.line.clear();
        message
    }
}

/// What to answer to a line that is no message. Nothing for a notification that nobody knows.
fn explain(text: &[u8]) -> Option<Value> {
    let (error, id) = match serde_json::from_slice::<Value>(text) {
        Err(error) => {
            let says = format!("the line is not JSON (column {})", error.column());
            (ErrorData::parse_error(says, None), None)
        }
        Ok(Value::Object(object))
            if object.contains_key("method") && !object.contains_key("id") =>
        {
            tracing::debug!("a notification of an unknown kind was ignored");
            return None;
        }
        Ok(value) => {
            let id = value.get("id").filter(|id| id.is_string() || id.is_number()).cloned();
            (ErrorData::invalid_request("the line is no JSON-RPC 2.0 message of MCP", None), id)
        }
    };
    Some(refusal(&error, id))
}

/// An error answer. Its `id` is null where the request's could not be read (JSON-RPC 2.0, section 5).
fn refusal(error: &ErrorData, id: Option<Value>) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": error })
}

async fn write<W: AsyncWrite + Unpin>(
    writer: &Mutex<Option<W>>,
    message: &impl Serialize,
) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut writer = writer.lock().await;
    let Some(writer) = writer.as_mut() else {
        return Err(std::io::ErrorKind::NotConnected.into());
    };
    writer.write_all(&line).await?;
    writer.flush().await
}

impl<R, W> Transport<Role> for Lines<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = std::io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let writer = Arc::clone(&self.writer);
        async move { write(&writer, &message).await }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let refused = match self.read_line().await {
                Ok(Some(Ok(()))) => match self.parse() {
                    Some(Ok(message)) => return Some(message),
                    Some(Err(refused)) => refused,
                    None => continue,
                },
                Ok(Some(Err(error))) => refusal(&error, None),
                Ok(None) => {
                    self.ended.cancel();
                    return None;
                }
                Err(error) => {
                    tracing::error!(%error, "standard input cannot be read");
                    self.ended.cancel();
                    return None;
                }
            };
            // On its own task, since this future may be dropped while it waits.
            let writer = Arc::clone(&self.writer);
            tokio::spawn(async move {
                if let Err(error) = write(&writer, &refused).await {
                    tracing::debug!(%error, "the client no longer listens");
                }
            });
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        let writer = self.writer.lock().await.take();
        match writer {
            Some(mut writer) => writer.shutdown().await,
            None => Ok(()),
        }
    }
}
