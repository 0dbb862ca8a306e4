//! Users, and the accounts in their vaults.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::sandbox::people::PEOPLE;
use crate::sandbox::world::ConnectedAccount;

use super::super::Auth0;
use super::super::claims::insert;
use super::super::objects::Object;
use super::super::paging;
use super::super::tenant::Tenant;
use super::errors::ManagementError;

const DEFAULT_TAKE: usize = 50;
/// The documents give no number; a recording shows that 50 is not too many.
const LARGEST_TAKE: usize = 100;

/// `GET /users/{id}/connected-accounts`
pub(super) async fn connected_accounts(
    State(auth0): State<Auth0>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Value>, ManagementError> {
    auth0.admit(&headers, &["read:users"])?;
    if !id.contains('|') {
        let text = format!(
            "Path validation error: 'Object didn't pass validation for format user-id: {id}' on \
             property id (The user_id of the user)."
        );
        return Err(ManagementError::bad_request("invalid_uri", text));
    }
    let (mut start, mut take) = (0, DEFAULT_TAKE);
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let invalid = |why: &str| ManagementError::invalid_query(why, &name);
        match &*name {
            "from" => start = paging::start(&value).ok_or_else(|| invalid("Invalid cursor"))?,
            "take" => {
                let within = value.parse().ok().filter(|take| (1..=LARGEST_TAKE).contains(take));
                take = within.ok_or_else(|| invalid("Expected a number from 1 to 100"))?;
            }
            _ => return Err(invalid("Additional properties not allowed")),
        }
    }
    let person = PEOPLE.iter().find(|person| person.auth0_id == id);
    let person = person.ok_or_else(|| {
        ManagementError::not_found(Some("inexistent_user"), "The user does not exist.")
    })?;
    let world = auth0.world.lock();
    let theirs = world.accounts.iter().filter(|account| account.owner == person);
    Ok(Json(paging::page(
        "connected_accounts",
        theirs.map(|account| describe(&world.tenant, account)).collect(),
        start,
        take,
    )))
}

fn describe(tenant: &Tenant, account: &ConnectedAccount) -> Value {
    let connection = tenant.connection(&account.connection);
    let mut described = json!({
        "id": account.id,
        "connection": connection.map(Object::name),
        "connection_id": account.connection,
        "strategy": connection.and_then(|connection| connection.text("strategy")),
        "access_type": "offline",
        "scopes": account.scopes,
        "created_at": format!("{:.3}", account.created_at),
    });
    if let Some(organization) = &account.organization {
        insert(&mut described, "organization_id", organization.clone());
    }
    described
}
