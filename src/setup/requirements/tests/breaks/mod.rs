//! A tenant that is ready, broken in one place at a time: which rows change, and what would mend them.

mod http;

use serde_json::{Value, json};

use super::mend::mended;
use super::tenants::{API_CLIENT_ID, STDIO_ID, push, ready};
use super::{check, edits, plan, short, wanted};
use crate::setup::Transports;
use crate::setup::row::{Row, State};

/// What a broken tenant is told, beyond what a ready one is.
fn told(transports: Transports, name: &str, breaks: &dyn Fn(&mut Value)) -> String {
    let wanted = wanted(transports);
    let before: Vec<Row> =
        check(&wanted, &ready()).into_iter().map(|finding| finding.row).collect();
    let mut tenant = ready();
    breaks(&mut tenant);
    let findings = check(&wanted, &tenant);
    let changed = findings.iter().filter(|finding| !before.contains(&finding.row));
    let mut told = format!("# {name}");
    for finding in changed {
        told.push_str(&format!("\n{}", short(&finding.row)));
    }
    for line in plan(&findings).lines() {
        told.push_str(&format!("\n    {line}"));
    }
    // What we would change, mends it, and for good.
    if !edits(&findings).is_empty() {
        let after = check(&wanted, &mended(&wanted, &tenant));
        assert_eq!(plan(&after), "", "{name}");
        let by_hand =
            |finding: &&super::Finding| finding.row.state != State::Ok && finding.edits.is_empty();
        let left: Vec<_> = after.iter().filter(by_hand).map(|one| one.row.id).collect();
        let was: Vec<_> = findings.iter().filter(by_hand).map(|one| one.row.id).collect();
        assert!(left.iter().all(|id| was.contains(id)), "{name}: {left:?}");
    }
    told
}

fn application<'a>(tenant: &'a mut Value, id: &str) -> &'a mut Value {
    let all = tenant["applications"].as_array_mut().unwrap();
    all.iter_mut().find(|one| one["client_id"] == id).unwrap()
}

fn without(list: &mut Value, gone: &str) {
    list.as_array_mut().unwrap().retain(|one| one != gone);
}

type Break<'a> = (&'a str, &'a dyn Fn(&mut Value));

fn all(transports: Transports, breaks: &[Break<'_>]) -> String {
    breaks
        .iter()
        .map(|(name, breaks)| told(transports, name, *breaks))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn tells_what_is_wrong_with_the_connection() {
    let breaks: [Break<'_>; 18] = [
        ("gone", &|t| {
            t["connections"].as_array_mut().unwrap().pop();
            t["connection_clients"] = json!([]);
        }),
        ("another strategy", &|t| t["connections"][1]["strategy"] = "oauth2".into()),
        ("another name", &|t| {
            t["connections"][1]["name"] = "bb".into();
            t["connection_clients"] = json!([]);
        }),
        ("another key", &|t| t["connections"][1]["options"]["client_id"] = "other".into()),
        ("another secret", &|t| t["connections"][1]["options"]["client_secret"] = "other".into()),
        ("no secret", &|t| {
            t["connections"][1]["options"].as_object_mut().unwrap().remove("client_secret");
        }),
        ("no options", &|t| t["connections"][1]["options"] = json!({})),
        ("options hidden", &|t| t["connections"][1]["options"] = Value::Null),
        ("too few scopes", &|t| {
            t["connections"][1]["options"]["scope"] = json!(["account", "snippet", "pullrequest"]);
        }),
        ("more scopes", &|t| push(&mut t["connections"][1]["options"]["scope"], "webhook".into())),
        ("scopes as text", &|t| {
            t["connections"][1]["options"]["scope"] = "account project".into();
            t["connections"][1]["options"]["freeform_scopes"] = json!(["pullrequest:write"]);
        }),
        ("no vault", &|t| t["connections"][1]["connected_accounts"] = json!({ "active": false })),
        ("an answer of before purposes", &|t| {
            let connection = t["connections"][1].as_object_mut().unwrap();
            connection.remove("connected_accounts");
            connection.remove("authentication");
        }),
        ("the old switch instead", &|t| {
            t["connections"][1]["connected_accounts"] = json!({ "active": false });
            t["connections"][1]["options"]["federated_connections_access_tokens"] =
                json!({ "active": true });
        }),
        ("the old switch besides", &|t| {
            t["connections"][1]["options"]["federated_connections_access_tokens"] =
                json!({ "active": true });
        }),
        ("no vault, and options hidden", &|t| {
            t["connections"][1]["options"] = Value::Null;
            t["connections"][1]["connected_accounts"] = json!({ "active": false });
        }),
        ("not enabled for one", &|t| without(&mut t["connection_clients"], API_CLIENT_ID)),
        ("enabled for none", &|t| t["connection_clients"] = json!([])),
    ];
    insta::assert_snapshot!(all(Transports::Both, &breaks), @"
    # gone
    connection.exists missing: none -> apply the plan, or make it under Authentication > Social
    connection.key missing: no connection yet -> apply the plan
    connection.scopes missing: no connection yet -> apply the plan
    connection.vault missing: no connection yet -> apply the plan
    connection.legacy_switch ok: no connection that could have it
    connection.login missing: no connection yet -> apply the plan
    connection.enabled.stdio missing: no connection yet -> apply the plan
    connection.enabled.http missing: no connection yet -> apply the plan
    connection.enabled.api missing: no connection yet -> apply the plan
        Create Connection name: not set => bitbucket
        Create Connection strategy: not set => bitbucket
        Create Connection options.client_id: not set => consumer-key
        Create Connection options.client_secret: not set => set
        Create Connection options.scope: not set => account, project, pullrequest:write
        Create Connection connected_accounts.active: not set => true
        Create Connection authentication.active: not set => false
        Update Enabled { application: StdioApplication } status: not enabled => enabled
        Update Enabled { application: HttpApplication } status: not enabled => enabled
        Update Enabled { application: ApiClient } status: not enabled => enabled
    # another strategy
    connection.exists wrong: one with the strategy `oauth2` -> give `AUTH0_CONNECTION` the name of a Bitbucket connection, or one that is free
    connection.key missing: a connection of another kind -> see `connection.exists`
    connection.scopes missing: a connection of another kind -> see `connection.exists`
    connection.vault missing: a connection of another kind -> see `connection.exists`
    connection.legacy_switch ok: no connection that could have it
    connection.login missing: a connection of another kind -> see `connection.exists`
    connection.enabled.stdio missing: a connection of another kind -> see `connection.exists`
    connection.enabled.http missing: a connection of another kind -> see `connection.exists`
    connection.enabled.api missing: a connection of another kind -> see `connection.exists`
    # another name
    connection.exists missing: none of this name, but `bb` with this strategy -> apply the plan, or set `AUTH0_CONNECTION` to use `bb`
    connection.key missing: no connection yet -> apply the plan
    connection.scopes missing: no connection yet -> apply the plan
    connection.vault missing: no connection yet -> apply the plan
    connection.legacy_switch ok: no connection that could have it
    connection.login missing: no connection yet -> apply the plan
    connection.enabled.stdio missing: no connection yet -> apply the plan
    connection.enabled.http missing: no connection yet -> apply the plan
    connection.enabled.api missing: no connection yet -> apply the plan
        Create Connection name: not set => bitbucket
        Create Connection strategy: not set => bitbucket
        Create Connection options.client_id: not set => consumer-key
        Create Connection options.client_secret: not set => set
        Create Connection options.scope: not set => account, project, pullrequest:write
        Create Connection connected_accounts.active: not set => true
        Create Connection authentication.active: not set => false
        Update Enabled { application: StdioApplication } status: not enabled => enabled
        Update Enabled { application: HttpApplication } status: not enabled => enabled
        Update Enabled { application: ApiClient } status: not enabled => enabled
    # another key
    connection.key wrong: key `other`, secret set -> apply the plan, or enter them on the connection's page, under Authentication > Social
        Update Connection options.client_id: other => consumer-key
        Update Connection options.client_secret: set => set
    # another secret
    connection.key wrong: key `consumer-key`, and not the secret of the settings -> apply the plan, or enter them on the connection's page, under Authentication > Social
        Update Connection options.client_secret: set => set
    # no secret
    connection.key missing: key `consumer-key`, secret not set -> apply the plan, or enter them on the connection's page, under Authentication > Social
        Update Connection options.client_secret: not set => set
    # no options
    connection.key missing: neither is set -> apply the plan, or enter them on the connection's page, under Authentication > Social
    connection.scopes wrong: lacks `account`, `project`, `pullrequest:write` -> apply the plan, or choose them on the connection's page, under Attributes
        Update Connection options.client_id: not set => consumer-key
        Update Connection options.client_secret: not set => set
        Update Connection options.scope: nothing => account, project, pullrequest:write
    # options hidden
    connection.key cannot tell: not readable -> grant `read:connections_options` to the management application, then check again
    connection.scopes cannot tell: not readable -> grant `read:connections_options` to the management application, then check again
    connection.legacy_switch ok: not readable, and of no effect beside the purpose
    # too few scopes
    connection.scopes wrong: lacks `project`, `pullrequest:write` -> apply the plan, or choose them on the connection's page, under Attributes
        Update Connection options.scope: account, snippet, pullrequest => account, snippet, pullrequest, project, pullrequest:write
    # more scopes
    connection.scopes ok: as wanted, and `webhook`
    # scopes as text
    # no vault
    connection.vault missing: off -> apply the plan, or turn on Connected Accounts for Token Vault on the connection's page, under Purpose
        Update Connection connected_accounts.active: false => true
    # an answer of before purposes
    connection.vault missing: off -> apply the plan, or turn on Connected Accounts for Token Vault on the connection's page, under Purpose
    connection.login ok: on, and left so
        Update Connection connected_accounts.active: not set => true
    # the old switch instead
    connection.vault missing: off -> apply the plan, or turn on Connected Accounts for Token Vault on the connection's page, under Purpose
    connection.legacy_switch wrong: on, while the purpose that took its place is off -> apply the plan, or turn on Connected Accounts for Token Vault on the connection's page, under Purpose
        Update Connection connected_accounts.active: false => true
    # the old switch besides
    connection.legacy_switch ok: on, and of no effect beside the purpose
    # no vault, and options hidden
    connection.key cannot tell: not readable -> grant `read:connections_options` to the management application, then check again
    connection.scopes cannot tell: not readable -> grant `read:connections_options` to the management application, then check again
    connection.vault missing: off -> apply the plan, or turn on Connected Accounts for Token Vault on the connection's page, under Purpose
    connection.legacy_switch cannot tell: not readable -> grant `read:connections_options` to the management application, then check again
        Update Connection connected_accounts.active: false => true
    # not enabled for one
    connection.enabled.api missing: not enabled -> apply the plan, or turn it on on the connection's page, under Applications
        Update Enabled { application: ApiClient } status: not enabled => enabled
    # enabled for none
    connection.enabled.stdio missing: not enabled -> apply the plan, or turn it on on the connection's page, under Applications
    connection.enabled.http missing: not enabled -> apply the plan, or turn it on on the connection's page, under Applications
    connection.enabled.api missing: not enabled -> apply the plan, or turn it on on the connection's page, under Applications
        Update Enabled { application: StdioApplication } status: not enabled => enabled
        Update Enabled { application: HttpApplication } status: not enabled => enabled
        Update Enabled { application: ApiClient } status: not enabled => enabled
    ");
}

#[test]
fn tells_what_is_wrong_with_the_application_of_stdio() {
    let breaks: [Break<'_>; 20] = [
        ("gone", &|t| {
            t["applications"].as_array_mut().unwrap().retain(|one| one["client_id"] != STDIO_ID);
            without(&mut t["connection_clients"], STDIO_ID);
            t["my_account_grants"].as_array_mut().unwrap().remove(0);
        }),
        ("twice", &|t| {
            let mut other = application(t, STDIO_ID).clone();
            other["client_id"] = "StdioApplication0000000000000002".into();
            push(&mut t["applications"], other);
        }),
        ("a Custom API Client", &|t| {
            application(t, STDIO_ID)["app_type"] = "resource_server".into()
        }),
        ("third-party", &|t| application(t, STDIO_ID)["is_first_party"] = false.into()),
        ("public", &|t| application(t, STDIO_ID)["token_endpoint_auth_method"] = "none".into()),
        ("a native application", &|t| {
            application(t, STDIO_ID)["token_endpoint_auth_method"] = Value::Null;
            application(t, STDIO_ID)["app_type"] = "native".into();
        }),
        ("with a private key", &|t| {
            application(t, STDIO_ID)["token_endpoint_auth_method"] = Value::Null;
        }),
        ("not conformant", &|t| application(t, STDIO_ID)["oidc_conformant"] = false.into()),
        ("grants as Auth0 makes them", &|t| {
            application(t, STDIO_ID)["grant_types"] =
                json!(["authorization_code", "implicit", "refresh_token", "client_credentials"]);
        }),
        ("no grants", &|t| application(t, STDIO_ID)["grant_types"] = Value::Null),
        ("two callbacks of six, and another", &|t| {
            application(t, STDIO_ID)["callbacks"] = json!([
                "http://127.0.0.1:18484/callback",
                "http://localhost:3000/callback",
                "http://127.0.0.1:18485/callback",
            ]);
        }),
        ("no callbacks", &|t| application(t, STDIO_ID)["callbacks"] = Value::Null),
        ("rotating", &|t| {
            application(t, STDIO_ID)["refresh_token"]["rotation_type"] = "rotating".into();
        }),
        ("nothing on refresh tokens", &|t| application(t, STDIO_ID)["refresh_token"] = Value::Null),
        ("another policy", &|t| {
            application(t, STDIO_ID)["refresh_token"]["policies"] =
                json!([{ "audience": "https://other", "scope": ["read"] }]);
        }),
        ("a policy that lacks a scope", &|t| {
            application(t, STDIO_ID)["refresh_token"]["policies"] = json!([
                { "audience": "https://other", "scope": ["read"] },
                { "audience": "https://acme.eu.auth0.com/me/",
                  "scope": ["read:me:connected_accounts", "read:me:factors"] },
            ]);
        }),
        ("skips the page that asks", &|t| {
            application(t, STDIO_ID)["skip_non_verifiable_callback_uri_confirmation_prompt"] =
                true.into();
        }),
        ("no grant for linking", &|t| {
            t["my_account_grants"].as_array_mut().unwrap().remove(0);
        }),
        ("a grant for the machine", &|t| {
            t["my_account_grants"][0]["subject_type"] = "client".into()
        }),
        ("a grant that lacks a scope", &|t| {
            t["my_account_grants"][0]["scope"] =
                json!(["read:me:connected_accounts", "read:me:factors"]);
        }),
    ];
    insta::assert_snapshot!(all(Transports::Stdio, &breaks), @"
    # gone
    stdio.exists missing: no such application -> apply the plan, or make a regular web application of this name under Applications
    stdio.first_party missing: no application yet -> apply the plan
    stdio.confidential missing: no application yet -> apply the plan
    stdio.oidc_conformant missing: no application yet -> apply the plan
    stdio.signing missing: no application yet -> apply the plan
    stdio.grants missing: no application yet -> apply the plan
    stdio.callbacks missing: no application yet -> apply the plan
    stdio.rotation missing: no application yet -> apply the plan
    stdio.refresh_policy missing: no application yet -> apply the plan
    my_account.grant.stdio missing: no application yet -> apply the plan
    connection.enabled.stdio missing: no application yet -> apply the plan
        Create StdioApplication name: not set => bitbucket-vault-mcp
        Create StdioApplication app_type: not set => regular_web
        Create StdioApplication is_first_party: not set => true
        Create StdioApplication token_endpoint_auth_method: not set => client_secret_post
        Create StdioApplication oidc_conformant: not set => true
        Create StdioApplication jwt_configuration.alg: not set => RS256
        Create StdioApplication grant_types: not set => authorization_code, refresh_token, urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token
        Create StdioApplication callbacks: not set => http://127.0.0.1:18484/callback, http://127.0.0.1:18485/callback, http://127.0.0.1:18486/callback, http://127.0.0.1:18487/callback, http://127.0.0.1:18488/callback, http://127.0.0.1:18489/callback
        Create StdioApplication refresh_token.rotation_type: not set => non-rotating
        Create StdioApplication refresh_token.expiration_type: not set => non-expiring
        Create StdioApplication refresh_token.policies: not set => `https://acme.eu.auth0.com/me/`: `create:me:connected_accounts`, `read:me:connected_accounts`, `delete:me:connected_accounts`
        Create Grant { application: StdioApplication, api: MyAccount } client_id: not set => the application's client id
        Create Grant { application: StdioApplication, api: MyAccount } audience: not set => https://acme.eu.auth0.com/me/
        Create Grant { application: StdioApplication, api: MyAccount } scope: not set => create:me:connected_accounts, read:me:connected_accounts, delete:me:connected_accounts
        Create Grant { application: StdioApplication, api: MyAccount } subject_type: not set => user
        Update Enabled { application: StdioApplication } status: not enabled => enabled
    # twice
    stdio.exists wrong: several applications are called `bitbucket-vault-mcp` -> give the client id of the right one instead of its name
    stdio.first_party missing: no application yet -> first name the application
    stdio.confidential missing: no application yet -> first name the application
    stdio.oidc_conformant missing: no application yet -> first name the application
    stdio.signing missing: no application yet -> first name the application
    stdio.grants missing: no application yet -> first name the application
    stdio.callbacks missing: no application yet -> first name the application
    stdio.rotation missing: no application yet -> first name the application
    stdio.refresh_policy missing: no application yet -> first name the application
    my_account.grant.stdio missing: no application yet -> first name the application
    connection.enabled.stdio missing: no application yet -> first name the application
    # a Custom API Client
    stdio.exists wrong: `bitbucket-vault-mcp` (`StdioApplication0000000000000001`), a Custom API Client -> name another application: that one signs nobody in
    # third-party
    stdio.first_party wrong: false -> apply the plan, or name an application of your own
        Update StdioApplication is_first_party: false => true
    # public
    stdio.confidential wrong: none -> apply the plan, or choose Client Secret (Post) under Credentials, and put the secret into the settings
        Update StdioApplication token_endpoint_auth_method: none => client_secret_post
    # a native application
    stdio.confidential wrong: not set, which is `none` for this kind of application -> apply the plan, or choose Client Secret (Post) under Credentials, and put the secret into the settings
        Update StdioApplication token_endpoint_auth_method: not set => client_secret_post
    # with a private key
    stdio.confidential ok: not `none`
    # not conformant
    stdio.oidc_conformant wrong: false -> apply the plan, or turn on OIDC Conformant under Advanced Settings > OAuth
        Update StdioApplication oidc_conformant: false => true
    # grants as Auth0 makes them
    stdio.grants wrong: lacks `urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token` -> apply the plan, or turn them on under Advanced Settings > Grant Types
        Update StdioApplication grant_types: authorization_code, implicit, refresh_token, client_credentials => authorization_code, implicit, refresh_token, client_credentials, urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token
    # no grants
    stdio.grants wrong: lacks `authorization_code`, `refresh_token`, `urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token` -> apply the plan, or turn them on under Advanced Settings > Grant Types
        Update StdioApplication grant_types: nothing => authorization_code, refresh_token, urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token
    # two callbacks of six, and another
    stdio.callbacks wrong: lacks `http://127.0.0.1:18486/callback`, `http://127.0.0.1:18487/callback`, `http://127.0.0.1:18488/callback`, `http://127.0.0.1:18489/callback` -> apply the plan, or add them to Allowed Callback URLs
        Update StdioApplication callbacks: http://127.0.0.1:18484/callback, http://localhost:3000/callback, http://127.0.0.1:18485/callback => http://127.0.0.1:18484/callback, http://localhost:3000/callback, http://127.0.0.1:18485/callback, http://127.0.0.1:18486/callback, http://127.0.0.1:18487/callback, http://127.0.0.1:18488/callback, http://127.0.0.1:18489/callback
    # no callbacks
    stdio.callbacks wrong: lacks `http://127.0.0.1:18484/callback`, `http://127.0.0.1:18485/callback`, `http://127.0.0.1:18486/callback`, `http://127.0.0.1:18487/callback`, `http://127.0.0.1:18488/callback`, `http://127.0.0.1:18489/callback` -> apply the plan, or add them to Allowed Callback URLs
        Update StdioApplication callbacks: nothing => http://127.0.0.1:18484/callback, http://127.0.0.1:18485/callback, http://127.0.0.1:18486/callback, http://127.0.0.1:18487/callback, http://127.0.0.1:18488/callback, http://127.0.0.1:18489/callback
    # rotating
    stdio.rotation wrong: rotating -> apply the plan, or turn off Refresh Token Rotation in the application's settings
        Update StdioApplication refresh_token.rotation_type: rotating => non-rotating
    # nothing on refresh tokens
    stdio.rotation wrong: not set -> apply the plan, or turn off Refresh Token Rotation in the application's settings
    stdio.refresh_policy missing: no policy for it -> apply the plan, or turn on the My Account API under Multi-Resource Refresh Token in the application's settings
        Update StdioApplication refresh_token.rotation_type: not set => non-rotating
        Update StdioApplication refresh_token.expiration_type: not set => non-expiring
        Update StdioApplication refresh_token.policies: not set => `https://acme.eu.auth0.com/me/`: `create:me:connected_accounts`, `read:me:connected_accounts`, `delete:me:connected_accounts`
    # another policy
    stdio.refresh_policy missing: no policy for it -> apply the plan, or turn on the My Account API under Multi-Resource Refresh Token in the application's settings
        Update StdioApplication refresh_token.policies: not set => `https://acme.eu.auth0.com/me/`: `create:me:connected_accounts`, `read:me:connected_accounts`, `delete:me:connected_accounts`
    # a policy that lacks a scope
    stdio.refresh_policy wrong: lacks `create:me:connected_accounts`, `delete:me:connected_accounts` -> apply the plan, or turn on the My Account API under Multi-Resource Refresh Token in the application's settings
        Update StdioApplication refresh_token.policies: `https://acme.eu.auth0.com/me/`: `read:me:connected_accounts`, `read:me:factors` => `https://acme.eu.auth0.com/me/`: `read:me:connected_accounts`, `read:me:factors`, `create:me:connected_accounts`, `delete:me:connected_accounts`
    # skips the page that asks
    stdio.confirmation ok: skipped, which Auth0 advises against in production
    # no grant for linking
    my_account.grant.stdio missing: no grant -> apply the plan, or authorize the application on the API's page, under Application Access, for user access
        Create Grant { application: StdioApplication, api: MyAccount } client_id: not set => the application's client id
        Create Grant { application: StdioApplication, api: MyAccount } audience: not set => https://acme.eu.auth0.com/me/
        Create Grant { application: StdioApplication, api: MyAccount } scope: not set => create:me:connected_accounts, read:me:connected_accounts, delete:me:connected_accounts
        Create Grant { application: StdioApplication, api: MyAccount } subject_type: not set => user
    # a grant for the machine
    my_account.grant.stdio wrong: a grant for the application itself only, not for its users -> apply the plan, or authorize the application on the API's page, under Application Access, for user access
        Create Grant { application: StdioApplication, api: MyAccount } client_id: not set => the application's client id
        Create Grant { application: StdioApplication, api: MyAccount } audience: not set => https://acme.eu.auth0.com/me/
        Create Grant { application: StdioApplication, api: MyAccount } scope: not set => create:me:connected_accounts, read:me:connected_accounts, delete:me:connected_accounts
        Create Grant { application: StdioApplication, api: MyAccount } subject_type: not set => user
    # a grant that lacks a scope
    my_account.grant.stdio wrong: lacks `create:me:connected_accounts`, `delete:me:connected_accounts` -> apply the plan, or authorize the application on the API's page, under Application Access, for user access
        Update Grant { application: StdioApplication, api: MyAccount } scope: read:me:connected_accounts, read:me:factors => read:me:connected_accounts, read:me:factors, create:me:connected_accounts, delete:me:connected_accounts
    ");
}

#[test]
fn tells_what_is_wrong_around_them() {
    let breaks: [Break<'_>; 12] = [
        ("My Account API not active", &|t| {
            t["my_account"] = Value::Null;
            t["my_account_grants"] = json!([]);
        }),
        ("My Account API wants proof", &|t| {
            t["my_account"]["proof_of_possession"] =
                json!({ "mechanism": "dpop", "required": true });
        }),
        ("My Account API for every application", &|t| {
            t["my_account"]["subject_type_authorization"]["user"]["policy"] = "allow_all".into();
            t["my_account_grants"] = json!([]);
        }),
        ("a second factor always", &|t| t["mfa_policies"] = json!(["all-applications"])),
        ("a second factor by risk", &|t| t["mfa_policies"] = json!(["confidence-score"])),
        ("a custom domain that is not used", &|t| {
            t["custom_domains"] = json!([{ "domain": "login.acme.example", "status": "ready" },
                                         { "domain": "new.acme.example", "status": "pending" }]);
        }),
        ("no login at domain level", &|t| {
            t["connections"][0]["is_domain_connection"] = false.into();
        }),
        ("no login at domain level, of two", &|t| {
            t["connections"][0]["is_domain_connection"] = false.into();
            push(
                &mut t["connections"],
                json!({
                    "id": "con_more", "name": "more", "strategy": "auth0",
                    "authentication": { "active": true },
                }),
            );
        }),
        ("no login at all", &|t| {
            t["connections"][0]["authentication"] = json!({ "active": false });
        }),
        ("a scope too few", &|t| without(&mut t["management_scopes"], "update:clients")),
        ("a scope too many", &|t| push(&mut t["management_scopes"], "delete:users".into())),
        ("scopes not told", &|t| t["management_scopes"] = "?Auth0 has not said so".into()),
    ];
    insta::assert_snapshot!(all(Transports::Both, &breaks), @r#"
    # My Account API not active
    my_account.active missing: not activated -> apply the plan, or activate it under Applications > APIs
    my_account.consent missing: not activated -> apply the plan
    my_account.grant.stdio missing: no grant -> apply the plan, or authorize the application on the API's page, under Application Access, for user access
    my_account.grant.http missing: no grant -> apply the plan, or authorize the application on the API's page, under Application Access, for user access
        Create MyAccount identifier: not set => https://acme.eu.auth0.com/me/
        Create MyAccount name: not set => Auth0 My Account API
        Create Grant { application: StdioApplication, api: MyAccount } client_id: not set => the application's client id
        Create Grant { application: StdioApplication, api: MyAccount } audience: not set => https://acme.eu.auth0.com/me/
        Create Grant { application: StdioApplication, api: MyAccount } scope: not set => create:me:connected_accounts, read:me:connected_accounts, delete:me:connected_accounts
        Create Grant { application: StdioApplication, api: MyAccount } subject_type: not set => user
        Create Grant { application: HttpApplication, api: MyAccount } client_id: not set => the application's client id
        Create Grant { application: HttpApplication, api: MyAccount } audience: not set => https://acme.eu.auth0.com/me/
        Create Grant { application: HttpApplication, api: MyAccount } scope: not set => create:me:connected_accounts, read:me:connected_accounts, delete:me:connected_accounts
        Create Grant { application: HttpApplication, api: MyAccount } subject_type: not set => user
    # My Account API wants proof
    my_account.active wrong: it takes only tokens that are bound to a key (DPoP), which linking does not support -> let its token sender-constraining be optional
    # My Account API for every application
    my_account.grant.stdio ok: not needed: the API lets every application act for its users
    my_account.grant.http ok: not needed: the API lets every application act for its users
    # a second factor always
    mfa.policy wrong: always -> choose Never under Security > Multi-factor Auth, and ask for it by an Action on interactive sign-ins
    # a second factor by risk
    mfa.policy ok: `confidence-score`
    # a custom domain that is not used
    custom_domain ok: the tenant's own domain; `login.acme.example` is ready and not used
    # no login at domain level
    third_parties.login_connection missing: `Username-Password-Authentication` is not at domain level -> apply the plan, or turn on Enable Domain-level Connection for `Username-Password-Authentication`
        Update LoginConnection { id: "con_users" } is_domain_connection: false => true
    # no login at domain level, of two
    third_parties.login_connection missing: none of `Username-Password-Authentication`, `more` is at domain level -> turn on Enable Domain-level Connection for the one that people shall sign in with
    # no login at all
    third_parties.login_connection missing: no connection for signing in -> make one under Authentication, and turn on Enable Domain-level Connection
    # a scope too few
    management.scopes missing: lacks `update:clients` -> grant `update:clients` to it on the page of the Auth0 Management API, under Application Access
    # a scope too many
    management.scopes ok: all of them, and 1 more that are not needed
    # scopes not told
    management.scopes cannot tell: not readable: Auth0 has not said so -> check again later
    "#);
}

#[test]
fn names_each_management_scope_that_is_lacking() {
    let reads: [(&str, &[&str]); 7] = [
        ("read:connections", &["connections", "connection_clients"]),
        ("read:clients", &["applications"]),
        ("read:client_grants", &["my_account_grants", "api_grants"]),
        ("read:resource_servers", &["my_account", "api"]),
        ("read:tenant_settings", &["tenant"]),
        ("read:custom_domains", &["custom_domains"]),
        ("read:mfa_policies", &["mfa_policies"]),
    ];
    let mut told = Vec::new();
    for scope in super::super::management_scopes(Transports::Both) {
        let scope = scope.name;
        let unreadable = reads.iter().find(|(read, _)| *read == scope);
        let mut tenant = ready();
        without(&mut tenant["management_scopes"], scope);
        for key in unreadable.map(|(_, keys)| *keys).unwrap_or_default() {
            tenant[*key] = format!("!{scope}").into();
        }
        if scope == "read:connections_options" {
            tenant["connections"][1]["options"] = Value::Null;
        }
        let findings = check(&wanted(Transports::Both), &tenant);
        let row = &findings[0].row;
        assert_eq!((row.state, row.found.as_str()), (State::Missing, &*format!("lacks `{scope}`")));
        let blind: Vec<_> = findings
            .iter()
            .filter(|one| one.row.state == State::CannotTell && one.row.id != "vault.exchange")
            .map(|one| {
                assert_eq!(one.row.found, "not readable", "{}", one.row.id);
                let fix =
                    format!("grant `{scope}` to the management application, then check again");
                assert_eq!(one.row.fix, fix, "{}", one.row.id);
                one.row.id
            })
            .collect();
        assert_eq!(plan(&findings), "", "{scope}: nothing is planned blindly");
        told.push(format!("{scope}: {}", blind.join(" ")));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    read:connections: connection.exists connection.key connection.scopes connection.vault connection.legacy_switch connection.login connection.enabled.stdio connection.enabled.http connection.enabled.api third_parties.login_connection
    create:connections: 
    update:connections: 
    read:connections_options: connection.key connection.scopes
    update:connections_options: 
    read:clients: tenant.registration stdio.exists stdio.first_party stdio.confidential stdio.oidc_conformant stdio.signing stdio.grants stdio.callbacks stdio.rotation stdio.refresh_policy stdio.confirmation http.exists http.first_party http.confidential http.oidc_conformant http.signing http.grants http.callbacks applications.separate api_client.exists api_client.linked api_client.grants my_account.grant.stdio my_account.grant.http connection.enabled.stdio connection.enabled.http connection.enabled.api organization
    create:clients: 
    update:clients: 
    read:client_grants: my_account.grant.stdio my_account.grant.http third_parties.grant
    create:client_grants: 
    update:client_grants: 
    read:resource_servers: my_account.active my_account.consent api.exists api.scopes api.signing api.dialect api.consent api.grant
    create:resource_servers: 
    update:resource_servers: 
    read:custom_domains: custom_domain
    read:mfa_policies: mfa.policy
    read:tenant_settings: tenant.resource_profile tenant.issuer_parameter tenant.registration
    update:tenant_settings: 
    read:users:
    ");
}
