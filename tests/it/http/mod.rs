//! The server over HTTP, from outside: real sockets, the sandbox behind it, and clients that send
//! exactly what a test says.

mod calls;
mod consumer;
mod door;
mod end;
mod limits;
mod links;
mod people;
mod sessions;
mod stage;

use serde_json::{Value, json};

use stage::{Bearer, Served};

/// What a whole answer is, for comparison.
async fn whole(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|_| json!(text.trim_end())))
}

/// A header of an answer.
fn header<'a>(response: &'a reqwest::Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}
