//! Lists by checkpoint: `take` entries, from where the last answer ended.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Reads the cursor that an earlier page gave out.
pub(crate) fn start(cursor: &str) -> Option<usize> {
    let start = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    start.strip_prefix("start:")?.parse().ok()
}

/// One page of a list, as an object that has it under `name`, and the cursor of the next as `next`.
pub(crate) fn page(name: &str, all: Vec<Value>, start: usize, take: usize) -> Value {
    let end = start.saturating_add(take);
    let next = (end < all.len()).then(|| URL_SAFE_NO_PAD.encode(format!("start:{end}")));
    let page: Vec<_> = all.into_iter().skip(start).take(take).collect();
    match next {
        Some(next) => json!({ name: page, "next": next }),
        None => json!({ name: page }),
    }
}
