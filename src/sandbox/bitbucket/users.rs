//! `/user` and `/users`: who the token belongs to, and who somebody is.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::call::Call;
use super::errors::ApiError;
use super::page::{self, Paging};
use super::scopes::needs;
use super::shapes::braces;
use super::state::Api;
use crate::sandbox::people::{PEOPLE, Person};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/user", needs("account", get(me)))
        .route("/user/emails", needs("email", get(emails)))
        .route("/users/{user}", get(user))
}

/// The person with this `{uuid}` or Atlassian account id. Usernames and nicknames find nobody.
pub(crate) fn find(id: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.bitbucket_uuid == id || person.account_id == id)
}

async fn me(call: Call) -> Response {
    let person = call.grant.person;
    let mut body = whole(&call.api, person);
    if let Some(body) = body.as_object_mut() {
        body.insert("username".into(), json!(person.nickname));
        body.insert("has_2fa_enabled".into(), Value::Null);
    }
    call.answer(body, &[])
}

async fn emails(call: Call) -> Result<Response, ApiError> {
    let email = json!({
        "type": "email",
        "email": call.grant.person.email,
        "is_primary": true,
        "is_confirmed": true,
        "links": { "self": { "href": format!("{}/user/emails/{}", call.api.base(), call.grant.person.email) } },
    });
    page::respond(&call, vec![email], Paging::up_to(100))
}

async fn user(call: Call, Path(id): Path<String>) -> Result<Response, ApiError> {
    let person = find(&id).ok_or_else(|| ApiError::not_found(format!("No such user: {id}")))?;
    Ok(call.answer(whole(&call.api, person), &[]))
}

fn whole(api: &Api, person: &Person) -> Value {
    let mut account = api.account(person);
    let url = format!("{}/users/{}", api.base(), braces(person.bitbucket_uuid));
    if let Some(account) = account.as_object_mut() {
        account.insert("account_status".into(), json!("active"));
        account.insert("created_on".into(), json!("2021-03-08T10:22:41.525465+00:00"));
        account.insert("is_staff".into(), json!(false));
        account.insert("location".into(), Value::Null);
        if let Some(links) = account.get_mut("links").and_then(Value::as_object_mut) {
            let repositories =
                format!("{}/repositories/{}", api.base(), braces(person.bitbucket_uuid));
            links.insert("repositories".into(), json!({ "href": repositories }));
            links
                .insert("snippets".into(), json!({ "href": url.replace("/users/", "/snippets/") }));
            links.insert("hooks".into(), json!({ "href": format!("{url}/hooks") }));
        }
    }
    account
}
