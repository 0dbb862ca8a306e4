//! The API as a client meets it, over a real port.

mod committing;
mod edits;
mod frame;
mod histories;
mod merging;
mod places;
mod pull_requests;
mod reviewing;
mod searching;
mod seed;
mod sources;

use std::sync::Arc;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Api, router};
use crate::sandbox::Start;
use crate::sandbox::world::World;

/// A running API and the people who may call it.
struct Served {
    base: String,
    world: Arc<World>,
    http: Client,
}

/// An answer, read whole.
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Served {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let world = Arc::new(World::new("http://127.0.0.1:1", Start::Ready));
        let api = Api::new(Arc::clone(&world), origin.clone());
        tokio::spawn(async move { axum::serve(listener, router(api)).await });
        let http = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { base: format!("{origin}/2.0"), world, http }
    }

    /// A request of `who`, to a path or a whole address.
    fn request(&self, who: &str, method: Method, path: &str) -> RequestBuilder {
        let url = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}{path}", self.base),
        };
        self.http.request(method, url).bearer_auth(self.world.bitbucket_token(who).unwrap())
    }

    async fn get(&self, who: &str, path: &str) -> Answer {
        Answer::of(self.request(who, Method::GET, path)).await
    }

    async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        Answer::of(self.request(who, Method::POST, path).json(&body)).await
    }

    async fn put(&self, who: &str, path: &str, body: Value) -> Answer {
        Answer::of(self.request(who, Method::PUT, path).json(&body)).await
    }

    async fn delete(&self, who: &str, path: &str) -> Answer {
        Answer::of(self.request(who, Method::DELETE, path)).await
    }

    /// Every item of a list, by following `next`.
    async fn all(&self, who: &str, path: &str) -> Vec<Value> {
        let mut values = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let page = self.get(who, &path).await.json();
            values.extend(page["values"].as_array().unwrap().iter().cloned());
            next = page["next"].as_str().map(str::to_owned);
        }
        values
    }
}

impl Answer {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }
}

fn numbers(values: &[Value]) -> Vec<u64> {
    values.iter().map(|value| value["id"].as_u64().unwrap()).collect()
}

/// The query `q=…`, encoded.
fn q(query: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new()).append_pair("q", query).finish()
}

fn nothing() -> Value {
    json!({})
}
