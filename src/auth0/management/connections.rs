//! Connections, and the applications that each is enabled for.

use serde::Deserialize;
use serde_json::json;

use super::{Body, Connection, Management};
use crate::auth0::Error;

const CONNECTIONS: &str = "connections";
/// The most that a page of a connection's applications holds.
const TAKE: &str = "50";
/// A thousand applications.
const MAX_PAGES: usize = 20;

#[derive(Deserialize)]
struct Enabled {
    clients: Vec<EnabledClient>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct EnabledClient {
    client_id: String,
}

impl Management {
    /// Every connection of the tenant, whole. `read:connections`; their options come with
    /// `read:connections_options` only.
    ///
    /// # Errors
    /// As all of these calls: [`Error::Management`] when Auth0 does not let this application ask, or
    /// does not take what it sends, and [`Error::RateLimited`] when that does not end in half a minute.
    pub async fn every_connection(&self) -> Result<Vec<Connection>, Error> {
        self.list(&self.place(CONNECTIONS), CONNECTIONS, "a list of connections").await
    }

    /// The connections of a strategy, whole. As [`every_connection`](Self::every_connection).
    ///
    /// # Errors
    /// The same.
    pub async fn connections(&self, strategy: &str) -> Result<Vec<Connection>, Error> {
        let mut url = self.place(CONNECTIONS);
        url.query_pairs_mut().append_pair("strategy", strategy);
        self.list(&url, CONNECTIONS, "a list of connections").await
    }

    /// The connection of this name, whatever its strategy. `read:connections`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn connection_named(&self, name: &str) -> Result<Option<Connection>, Error> {
        let mut url = self.place(CONNECTIONS);
        url.query_pairs_mut().append_pair("name", name);
        let found: Vec<Connection> = self.list(&url, CONNECTIONS, "a list of connections").await?;
        Ok(found.into_iter().find(|connection| connection.name == name))
    }

    /// A connection by id. `read:connections`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection), and when there is no such connection.
    pub async fn connection(&self, id: &str) -> Result<Connection, Error> {
        self.read(self.object(CONNECTIONS, id, "")?).await?.json("a connection")
    }

    /// Makes a connection. `create:connections`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn create_connection(&self, body: &Body) -> Result<Connection, Error> {
        self.create(self.place(CONNECTIONS), body).await?.json("a connection")
    }

    /// Changes a connection. `update:connections`, and `update:connections_options` where `body` has
    /// `options`, which replace those that are there.
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn update_connection(&self, id: &str, body: &Body) -> Result<Connection, Error> {
        self.update(self.object(CONNECTIONS, id, "")?, body).await?.json("a connection")
    }

    /// The client ids that a connection is enabled for. `read:connections`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn connection_clients(&self, id: &str) -> Result<Vec<String>, Error> {
        let url = self.object(CONNECTIONS, id, "/clients")?;
        let mut clients = Vec::new();
        let mut from: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut url = url.clone();
            url.query_pairs_mut().append_pair("take", TAKE);
            if let Some(from) = &from {
                url.query_pairs_mut().append_pair("from", from);
            }
            let page: Enabled =
                self.read(url).await?.json("a list of a connection's applications")?;
            clients.extend(page.clients.into_iter().map(|client| client.client_id));
            match page.next {
                Some(next) if Some(&next) != from.as_ref() && !next.is_empty() => from = Some(next),
                _ => return Ok(clients),
            }
        }
        Err(Error::Unreadable("a list of at most a thousand"))
    }

    /// Enables or disables a connection for one application. `update:connections`
    ///
    /// # Errors
    /// As [`every_connection`](Self::every_connection).
    pub async fn enable_connection(
        &self,
        id: &str,
        client_id: &str,
        on: bool,
    ) -> Result<(), Error> {
        let url = self.object(CONNECTIONS, id, "/clients")?;
        let change = json!([{ "client_id": client_id, "status": on }]);
        self.update_with(url, &change).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::testing::{asked, body, management, ready};
    use super::*;

    /// As recorded, with the options of ours.
    fn recorded() -> Value {
        json!({
            "id": "con_sytCTiCS494Z9iAx", "name": "bitbucket", "strategy": "bitbucket",
            "options": { "client_id": "key", "client_secret": "consumer secret", "scope": ["account"] },
            "is_domain_connection": false, "authentication": { "active": false },
            "connected_accounts": { "active": true, "cross_app_access": false },
            "enabled_clients": [], "realms": ["bitbucket"],
        })
    }

    #[tokio::test]
    async fn finds_connections_by_strategy_and_by_name() {
        let stand_in = ready().await;
        stand_in.answer(
            "/api/v2/connections",
            200,
            json!({ "total": 1, "start": 0, "limit": 50, "connections": [recorded()] }),
        );
        let management = management(&stand_in);
        let found = management.connections("bitbucket").await.unwrap();
        assert_eq!(management.every_connection().await.unwrap().len(), found.len());
        let connection = management.connection_named("bitbucket").await.unwrap().unwrap();
        assert!(management.connection_named("other").await.unwrap().is_none());
        assert_eq!(connection.id, "con_sytCTiCS494Z9iAx");
        let purpose = connection.connected_accounts.as_ref().unwrap();
        assert!(purpose.active && purpose.other.contains_key("cross_app_access"));
        assert_eq!(connection.is_domain_connection, Some(false));
        let said = format!("{connection:?}");
        assert!(said.contains("client_secret") && !said.contains("consumer secret"), "{said}");
        let all = "include_totals=true&per_page=50&page=0";
        assert_eq!(
            asked(&stand_in),
            [
                format!("GET /api/v2/connections?strategy=bitbucket&{all}"),
                format!("GET /api/v2/connections?{all}"),
                format!("GET /api/v2/connections?name=bitbucket&{all}"),
                format!("GET /api/v2/connections?name=other&{all}"),
            ]
        );
    }

    #[tokio::test]
    async fn reads_a_connection_whose_options_are_hidden() {
        let stand_in = ready().await;
        let mut hidden = recorded();
        hidden
            .as_object_mut()
            .unwrap()
            .retain(|name, _| ["id", "name", "strategy"].contains(&name.as_str()));
        stand_in.answer("/api/v2/connections/con_1", 200, hidden);
        let connection = management(&stand_in).connection("con_1").await.unwrap();
        assert!(connection.options.is_none() && connection.connected_accounts.is_none());
    }

    #[tokio::test]
    async fn makes_and_changes_a_connection() {
        let stand_in = ready().await;
        stand_in.answer("/api/v2/connections", 201, recorded());
        stand_in.answer("/api/v2/connections/con_1", 200, recorded());
        let management = management(&stand_in);
        let made = body(&json!({ "name": "bitbucket", "strategy": "bitbucket" }));
        management.create_connection(&made).await.unwrap();
        let changed = body(&json!({ "connected_accounts": { "active": true } }));
        management.update_connection("con_1", &changed).await.unwrap();
        assert_eq!(
            asked(&stand_in),
            [
                r#"POST /api/v2/connections {"name":"bitbucket","strategy":"bitbucket"}"#,
                r#"PATCH /api/v2/connections/con_1 {"connected_accounts":{"active":true}}"#,
            ]
        );
    }

    #[tokio::test]
    async fn reads_and_changes_for_whom_a_connection_is_enabled() {
        let stand_in = ready().await;
        let place = "/api/v2/connections/con_1/clients";
        stand_in.answer_next(
            place,
            200,
            json!({ "clients": [{ "client_id": "one" }, { "client_id": "two" }], "next": "p2" }),
        );
        stand_in.answer_next(place, 200, json!({ "clients": [{ "client_id": "three" }] }));
        stand_in.answer(place, 204, Value::Null);
        let management = management(&stand_in);
        let clients = management.connection_clients("con_1").await.unwrap();
        assert_eq!(clients, ["one", "two", "three"]);
        management.enable_connection("con_1", "one", true).await.unwrap();
        management.enable_connection("con_1", "two", false).await.unwrap();
        assert_eq!(
            asked(&stand_in),
            [
                format!("GET {place}?take=50"),
                format!("GET {place}?take=50&from=p2"),
                format!(r#"PATCH {place} [{{"client_id":"one","status":true}}]"#),
                format!(r#"PATCH {place} [{{"client_id":"two","status":false}}]"#),
            ]
        );
    }
}
