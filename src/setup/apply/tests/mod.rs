//! Plans that are applied to a tenant in memory.

mod faults;
mod secrets;
mod tenant;

use std::path::Path;
use std::sync::Mutex;

use serde_json::{Value, json};
use url::Url;

use super::super::{Choice, Digest, Keep, Plan, Settings, Setup, Transports};
use super::{Applied, ApplyError};
use crate::auth0::{Management, ManagementSettings};
use crate::bitbucket::Consumer;
use crate::net;
use tenant::Tenant;

const SECRET: &str = "hush-bitbucket";

fn consumer() -> Consumer {
    Consumer { key: "consumer-key".into(), secret: SECRET.into() }
}

fn settings(tenant: &Tenant, folder: &Path) -> Settings {
    let management = ManagementSettings {
        domain: tenant.domain.clone(),
        client_id: "machine".into(),
        client_secret: "hush-management".into(),
    };
    Settings {
        management: Management::new(net::Http::new(), management).unwrap(),
        domain: tenant.domain.clone(),
        connection: "bitbucket".into(),
        application: None,
        api_client: None,
        public_url: Some(Url::parse("https://mcp.example.com/").unwrap()),
        organization: None,
        consumer: Some(consumer()),
        scopes: vec!["repository", "pullrequest:write"],
        transports: Transports::Stdio,
        keep: Some(Keep {
            folder: folder.join("state/secrets"),
            stdio_config: folder.join("config/config.toml"),
            http_config: folder.join("config/http.toml"),
        }),
    }
}

/// A tenant, and a place for what is kept.
struct Story {
    tenant: Tenant,
    folder: tempfile::TempDir,
}

impl Story {
    async fn start() -> Self {
        Self { tenant: Tenant::start().await, folder: tempfile::tempdir().unwrap() }
    }

    /// One in which everything is done.
    async fn ready() -> Self {
        let story = Self::start().await;
        let setup = story.setup();
        let plan = setup.plan(&both()).await.unwrap();
        let applied = apply(&setup, &plan).await.unwrap();
        assert_eq!(applied.stopped, None);
        story
    }

    fn settings(&self) -> Settings {
        settings(&self.tenant, self.folder.path())
    }

    fn setup(&self) -> Setup {
        Setup::new(self.settings())
    }

    /// A set-up that knows no consumer.
    fn without_consumer(&self) -> Setup {
        Setup::new(Settings { consumer: None, ..self.settings() })
    }

    /// The text of a file, with what differs from run to run named.
    fn read(&self, path: &str) -> String {
        self.stable(&std::fs::read_to_string(self.folder.path().join(path)).unwrap())
    }

    fn stable(&self, text: &str) -> String {
        let folder = self.folder.path().to_str().unwrap();
        let domain = self.tenant.domain.as_str().trim_end_matches('/');
        text.replace(folder, "FOLDER").replace(domain, "DOMAIN")
    }

    fn shown(&self, plan: &Plan) -> String {
        let changes = plan.changes.iter().map(|change| {
            let super::super::Change { object, action, field, from, to } = change;
            format!("{action:?} {object}: {field}: {from} -> {to}")
        });
        self.stable(&changes.collect::<Vec<_>>().join("\n"))
    }
}

fn both() -> Choice {
    Choice { transports: Some(Transports::Both), ..Choice::default() }
}

async fn apply(setup: &Setup, plan: &Plan) -> Result<Applied, ApplyError> {
    setup.apply(&plan.digest, None, &|_, _, _| {}).await
}

#[tokio::test]
async fn makes_an_empty_tenant_ready_in_one_go() {
    let story = Story::start().await;
    let setup = story.setup();
    let plan = setup.plan(&Choice::default()).await.unwrap();
    insta::assert_snapshot!(story.shown(&plan), @"
    Create My Account API: identifier: not set -> DOMAIN/me/
    Create My Account API: name: not set -> Auth0 My Account API
    Create application `bitbucket-vault-mcp`: name: not set -> bitbucket-vault-mcp
    Create application `bitbucket-vault-mcp`: app_type: not set -> regular_web
    Create application `bitbucket-vault-mcp`: is_first_party: not set -> true
    Create application `bitbucket-vault-mcp`: token_endpoint_auth_method: not set -> client_secret_post
    Create application `bitbucket-vault-mcp`: oidc_conformant: not set -> true
    Create application `bitbucket-vault-mcp`: jwt_configuration.alg: not set -> RS256
    Create application `bitbucket-vault-mcp`: grant_types: not set -> authorization_code, refresh_token, urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token
    Create application `bitbucket-vault-mcp`: callbacks: not set -> http://127.0.0.1:18484/callback, http://127.0.0.1:18485/callback, http://127.0.0.1:18486/callback, http://127.0.0.1:18487/callback, http://127.0.0.1:18488/callback, http://127.0.0.1:18489/callback
    Create application `bitbucket-vault-mcp`: refresh_token.rotation_type: not set -> non-rotating
    Create application `bitbucket-vault-mcp`: refresh_token.expiration_type: not set -> non-expiring
    Create application `bitbucket-vault-mcp`: refresh_token.policies: not set -> `DOMAIN/me/`: `create:me:connected_accounts`, `read:me:connected_accounts`, `delete:me:connected_accounts`
    Create grant of application `bitbucket-vault-mcp` for My Account API: client_id: not set -> the application's client id
    Create grant of application `bitbucket-vault-mcp` for My Account API: audience: not set -> DOMAIN/me/
    Create grant of application `bitbucket-vault-mcp` for My Account API: scope: not set -> create:me:connected_accounts, read:me:connected_accounts, delete:me:connected_accounts
    Create grant of application `bitbucket-vault-mcp` for My Account API: subject_type: not set -> user
    Create connection `bitbucket`: name: not set -> bitbucket
    Create connection `bitbucket`: strategy: not set -> bitbucket
    Create connection `bitbucket`: options.client_id: not set -> consumer-key
    Create connection `bitbucket`: options.client_secret: not set -> set
    Create connection `bitbucket`: options.scope: not set -> account, pullrequest:write
    Create connection `bitbucket`: connected_accounts.active: not set -> true
    Create connection `bitbucket`: authentication.active: not set -> false
    Update connection `bitbucket` for application `bitbucket-vault-mcp`: status: not enabled -> enabled
    ");
    assert!(!plan.wants_consumer);
    let told = Mutex::new(Vec::new());
    let progress = |done: usize, total: usize, what: &str| {
        told.lock().unwrap().push(format!("{done}/{total} {what}"));
    };
    let applied = setup.apply(&plan.digest, None, &progress).await.unwrap();
    assert_eq!((applied.stopped, applied.remaining), (None, vec![]));
    assert_eq!(applied.applied, plan.changes);
    insta::assert_snapshot!(told.into_inner().unwrap().join("\n"), @"
    0/5 My Account API
    1/5 application `bitbucket-vault-mcp`
    2/5 grant of application `bitbucket-vault-mcp` for My Account API
    3/5 connection `bitbucket`
    4/5 connection `bitbucket` for application `bitbucket-vault-mcp`
    5/5 everything is written and read back
    ");
    insta::assert_snapshot!(story.stable(&story.tenant.objects().writes.join("\n")), @r#"
    POST resource-servers {"identifier":"DOMAIN/me/","name":"Auth0 My Account API"}
    POST clients {"app_type":"regular_web","callbacks":["http://127.0.0.1:18484/callback","http://127.0.0.1:18485/callback","http://127.0.0.1:18486/callback","http://127.0.0.1:18487/callback","http://127.0.0.1:18488/callback","http://127.0.0.1:18489/callback"],"grant_types":["authorization_code","refresh_token","urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"],"is_first_party":true,"jwt_configuration":{"alg":"RS256"},"name":"bitbucket-vault-mcp","oidc_conformant":true,"refresh_token":{"expiration_type":"non-expiring","policies":[{"audience":"DOMAIN/me/","scope":["create:me:connected_accounts","read:me:connected_accounts","delete:me:connected_accounts"]}],"rotation_type":"non-rotating"},"token_endpoint_auth_method":"client_secret_post"}
    POST client-grants {"audience":"DOMAIN/me/","client_id":"client00000000000000000000000002","scope":["create:me:connected_accounts","read:me:connected_accounts","delete:me:connected_accounts"],"subject_type":"user"}
    POST connections {"name":"bitbucket","options":{"client_id":"consumer-key","client_secret":"hush-bitbucket","scope":["account","pullrequest:write"]},"strategy":"bitbucket"}
    PATCH connections/con_4 {"authentication":{"active":false},"connected_accounts":{"active":true}}
    PATCH connections/con_4/clients [{"client_id":"client00000000000000000000000002","status":true}]
    "#);
    insta::assert_snapshot!(story.read("config/config.toml"), @r#"
    # Added when the tenant was set up
    auth0-domain = "DOMAIN"
    auth0-client-id = "client00000000000000000000000002"
    auth0-client-secret-file = "FOLDER/state/secrets/client-secret-client00000000000000000000000002"
    "#);
    let kept: Vec<_> = applied
        .kept
        .iter()
        .map(|kept| format!("{} {} {:?}", kept.variable, kept.value, kept.written_to.is_some()))
        .collect();
    insta::assert_snapshot!(story.stable(&kept.join("\n")), @"
    AUTH0_DOMAIN DOMAIN true
    AUTH0_CLIENT_ID client00000000000000000000000002 true
    AUTH0_CLIENT_SECRET_FILE FOLDER/state/secrets/client-secret-client00000000000000000000000002 true
    ");
}

#[tokio::test]
async fn has_nothing_to_do_where_all_is_done() {
    let story = Story::ready().await;
    let written = story.tenant.written();
    let config = story.read("config/http.toml");
    for choice in [both(), Choice::default()] {
        let setup = story.setup();
        let plan = setup.plan(&choice).await.unwrap();
        assert_eq!(story.shown(&plan), "");
        assert!(!plan.wants_consumer);
        let applied = apply(&setup, &plan).await.unwrap();
        assert_eq!((applied.stopped, applied.applied, applied.remaining), (None, vec![], vec![]));
    }
    assert_eq!(story.tenant.written(), written);
    assert_eq!(story.read("config/http.toml"), config);
    insta::assert_snapshot!(config, @r#"
    # Added when the tenant was set up
    auth0-domain = "DOMAIN"
    auth0-audience = "https://mcp.example.com/mcp"
    public-url = "https://mcp.example.com"
    auth0-client-id = "client00000000000000000000000004"
    auth0-client-secret-file = "FOLDER/state/secrets/client-secret-client00000000000000000000000004"
    auth0-api-client-id = "client00000000000000000000000005"
    auth0-api-client-secret-file = "FOLDER/state/secrets/client-secret-client00000000000000000000000005"
    "#);
}

#[tokio::test]
async fn writes_nothing_once_the_tenant_is_another_one() {
    let story = Story::ready().await;
    story.tenant.change("clients", |client| client["callbacks"] = json!([]));
    let setup = story.setup();
    let plan = setup.plan(&Choice::default()).await.unwrap();
    let written = story.tenant.written();
    let callback = json!(["http://127.0.0.1:18484/callback"]);
    story.tenant.change("clients", |client| client["callbacks"] = callback.clone());
    let Err(ApplyError::Changed(now)) = apply(&setup, &plan).await else { panic!() };
    assert_ne!(now.digest, plan.digest);
    assert_eq!(story.tenant.written(), written);
    // The new plan is as good as one that was asked for.
    let applied = apply(&setup, &now).await.unwrap();
    assert_eq!((applied.stopped, applied.applied.len()), (None, 1));
    assert_eq!(story.tenant.written(), written + 1);
    // An application that took the place of another is another plan, however alike they are.
    story.tenant.change("clients", |client| client["callbacks"] = json!([]));
    let plan = setup.plan(&Choice::default()).await.unwrap();
    story.tenant.change("clients", |client| client["client_id"] = "another".into());
    assert!(matches!(apply(&setup, &plan).await, Err(ApplyError::Changed(_))));
}

#[tokio::test]
async fn takes_only_digests_of_this_very_plan() {
    let story = Story::start().await;
    let setup = story.setup();
    let plan = setup.plan(&Choice::default()).await.unwrap();
    let digest = plan.digest.to_string();
    // The same plan under another choice, and with one digit changed.
    let other = Choice { login: true, ..Choice::default() };
    let login = setup.plan(&other).await.unwrap().digest.to_string();
    let (_, choice) = login.split_once('.').unwrap();
    let last = if digest.ends_with('0') { '1' } else { '0' };
    for forged in [format!("{digest}.{choice}"), format!("{}{last}", &digest[..31])] {
        let forged = Digest::parse(&forged).unwrap();
        let refused = setup.apply(&forged, None, &|_, _, _| {}).await;
        assert!(matches!(refused, Err(ApplyError::Changed(_))), "{forged}");
    }
    assert_eq!(story.tenant.written(), 0);
}

#[tokio::test]
async fn leaves_alone_what_it_was_not_asked_to_change() {
    let story = Story::ready().await;
    story.tenant.change("connections", |connection| {
        connection["options"]["profile"] = true.into();
        connection["options"]["upstream_params"] = json!({ "a": { "value": "b" } });
        connection["options"]["scope"] = json!(["snippet"]);
        connection["connected_accounts"] = json!({ "active": false, "cross_app_access": true });
    });
    story.tenant.change("clients", |client| {
        client["refresh_token"]["rotation_type"] = "rotating".into();
        client["refresh_token"]["leeway"] = 7.into();
        client["refresh_token"]["policies"][0]["audience"] = "https://other/".into();
        client["grant_types"] = json!(["password"]);
    });
    let before = story.tenant.all("connections")[0]["options"].clone();
    let setup = story.without_consumer();
    let plan = setup.plan(&Choice::default()).await.unwrap();
    insta::assert_snapshot!(story.shown(&plan), @"
    Update application `bitbucket-vault-mcp`: grant_types: password -> password, authorization_code, refresh_token, urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token
    Update application `bitbucket-vault-mcp`: refresh_token.rotation_type: rotating -> non-rotating
    Update application `bitbucket-vault-mcp`: refresh_token.policies: not set -> `DOMAIN/me/`: `create:me:connected_accounts`, `read:me:connected_accounts`, `delete:me:connected_accounts`
    Update connection `bitbucket`: options.scope: snippet -> snippet, account, pullrequest:write
    Update connection `bitbucket`: connected_accounts.active: false -> true
    ");
    let applied = apply(&setup, &plan).await.unwrap();
    assert_eq!((applied.stopped, applied.remaining), (None, vec![]));
    let connection = &story.tenant.all("connections")[0];
    let mut options = connection["options"].clone();
    assert_eq!(options["scope"][0], "snippet");
    options["scope"] = before["scope"].clone();
    assert_eq!(options, before);
    assert_eq!(
        connection["connected_accounts"],
        json!({ "active": true, "cross_app_access": true })
    );
    let client = &story.tenant.all("clients")[0];
    assert_eq!(client["refresh_token"]["leeway"], 7);
    assert_eq!(client["refresh_token"]["policies"][0]["audience"], "https://other/");
    assert_eq!(client["refresh_token"]["policies"].as_array().map(Vec::len), Some(2));
    assert_eq!(client["grant_types"][0], "password");
}

#[tokio::test]
async fn lets_one_apply_write_at_a_time() {
    let story = Story::start().await;
    let setup = story.setup();
    let plan = setup.plan(&Choice::default()).await.unwrap();
    let (first, second) = tokio::join!(apply(&setup, &plan), apply(&setup, &plan));
    let mut ended = [first, second].map(|ended| match ended {
        Ok(applied) => format!("{:?}", applied.stopped),
        Err(error) => error.to_string(),
    });
    ended.sort();
    assert_eq!(ended[0], "None");
    assert!(ended[1].starts_with("the tenant has changed"), "{}", ended[1]);
    assert_eq!(story.tenant.all("clients").len(), 1);
}

#[tokio::test]
async fn reads_a_list_in_whatever_order_it_comes() {
    let story = Story::ready().await;
    story.tenant.change("clients", |client| {
        for key in ["callbacks", "grant_types"] {
            let mut all: Vec<Value> = client[key].as_array().unwrap().clone();
            all.reverse();
            client[key] = all.into();
        }
    });
    let plan = story.setup().plan(&both()).await.unwrap();
    assert_eq!(story.shown(&plan), "");
}
