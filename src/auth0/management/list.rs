//! Lists of the Management API, page by page.

use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::Management;
use crate::auth0::Error;

/// What a page holds at most.
const PER_PAGE: usize = 50;
/// Auth0 numbers no more than a thousand objects.
const MAX_PAGES: usize = 20;

/// One page, in either shape.
struct Page {
    items: Vec<Value>,
    /// How many there are altogether, where the answer says so.
    total: Option<u64>,
}

impl Management {
    /// Everything at `url`, which the envelope calls `name`.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        url: &Url,
        name: &str,
        what: &'static str,
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        for page in 0..MAX_PAGES {
            let mut url = url.clone();
            url.query_pairs_mut()
                .append_pair("include_totals", "true")
                .append_pair("per_page", &PER_PAGE.to_string())
                .append_pair("page", &page.to_string());
            let answer: Value = self.read(url).await?.json(what)?;
            let page = Page::of(answer, name).ok_or(Error::Unreadable(what))?;
            let so_far = all.len() + page.items.len();
            let last = match page.total {
                Some(total) => page.items.is_empty() || so_far as u64 >= total,
                None => page.items.len() < PER_PAGE,
            };
            for item in page.items {
                all.push(serde_json::from_value(item).map_err(|_| Error::Unreadable(what))?);
            }
            if last {
                return Ok(all);
            }
        }
        Err(Error::Unreadable("a list of at most a thousand"))
    }
}

impl Page {
    fn of(answer: Value, name: &str) -> Option<Self> {
        match answer {
            Value::Array(items) => Some(Self { items, total: None }),
            Value::Object(mut envelope) => {
                let total = envelope.get("total").and_then(Value::as_u64);
                match envelope.remove(name)? {
                    Value::Array(items) => Some(Self { items, total }),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{asked, management, ready};
    use super::*;

    const CLIENTS: &str = "/api/v2/clients";

    fn applications(range: std::ops::Range<usize>) -> Vec<Value> {
        range.map(|number| json!({ "client_id": format!("app{number}") })).collect()
    }

    #[tokio::test]
    async fn reads_every_page_of_an_envelope() {
        let stand_in = ready().await;
        let envelope = |start: usize, clients: Vec<Value>| json!({ "total": 51, "start": start, "limit": 50, "clients": clients });
        stand_in.answer_next(CLIENTS, 200, envelope(0, applications(0..50)));
        stand_in.answer_next(CLIENTS, 200, envelope(50, applications(50..51)));
        let read = management(&stand_in).applications().await.unwrap();
        assert_eq!((read.len(), read[50].client_id.as_str()), (51, "app50"));
        assert_eq!(
            asked(&stand_in),
            [
                "GET /api/v2/clients?include_totals=true&per_page=50&page=0",
                "GET /api/v2/clients?include_totals=true&per_page=50&page=1",
            ]
        );
    }

    #[tokio::test]
    async fn reads_bare_lists_until_one_is_short() {
        let stand_in = ready().await;
        stand_in.answer_next(CLIENTS, 200, applications(0..50).into());
        stand_in.answer_next(CLIENTS, 200, applications(50..53).into());
        assert_eq!(management(&stand_in).applications().await.unwrap().len(), 53);
        stand_in.answer_next(CLIENTS, 200, json!([]));
        assert!(management(&stand_in).applications().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn takes_no_part_of_a_list_for_the_whole() {
        let stand_in = ready().await;
        stand_in.answer(
            CLIENTS,
            200,
            json!({ "total": 9000, "start": 0, "limit": 50, "clients": applications(0..50) }),
        );
        let error = management(&stand_in).applications().await.unwrap_err();
        assert_eq!(error.to_string(), "Auth0's answer is not a list of at most a thousand");
        assert_eq!(asked(&stand_in).len(), MAX_PAGES);
    }

    #[tokio::test]
    async fn refuses_what_is_no_list() {
        let stand_in = ready().await;
        for odd in [json!({}), json!({ "clients": {} }), json!("x"), json!([{ "name": "no id" }])] {
            stand_in.answer(CLIENTS, 200, odd);
            let error = management(&stand_in).applications().await.unwrap_err();
            assert_eq!(error.to_string(), "Auth0's answer is not a list of applications");
        }
    }
}
