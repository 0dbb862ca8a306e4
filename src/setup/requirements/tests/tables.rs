//! Whole tables.

use serde_json::json;

use super::tenants::{empty, ready};
use super::{check, plan, settings, table, wanted};
use crate::setup::row::State;
use crate::setup::{Choice, Setup, Transports};

#[test]
fn tells_everything_that_an_empty_tenant_lacks_for_stdio() {
    insta::assert_snapshot!(table(&check(&wanted(Transports::Stdio), &empty())), @"
    management.scopes ok: all of them, and 3 more that are not needed
    custom_domain ok: the tenant's own domain
    my_account.active missing: not activated -> apply the plan, or activate it under Applications > APIs
    my_account.consent missing: not activated -> apply the plan
    stdio.exists missing: no such application -> apply the plan, or make a regular web application of this name under Applications
    stdio.first_party missing: no application yet -> apply the plan
    stdio.confidential missing: no application yet -> apply the plan
    stdio.oidc_conformant missing: no application yet -> apply the plan
    stdio.signing missing: no application yet -> apply the plan
    stdio.grants missing: no application yet -> apply the plan
    stdio.callbacks missing: no application yet -> apply the plan
    stdio.rotation missing: no application yet -> apply the plan
    stdio.refresh_policy missing: no application yet -> apply the plan
    stdio.confirmation ok: not skipped for this application, as Auth0 advises
    applications.separate ok: separate
    my_account.grant.stdio missing: no application yet -> apply the plan
    connection.exists missing: none -> apply the plan, or make it under Authentication > Social
    connection.key missing: no connection yet -> apply the plan
    connection.scopes missing: no connection yet -> apply the plan
    connection.vault missing: no connection yet -> apply the plan
    connection.legacy_switch ok: no connection that could have it
    connection.login missing: no connection yet -> apply the plan
    connection.enabled.stdio missing: no connection yet -> apply the plan
    mfa.policy ok: never, or by an Action
    organization ok: none in the settings
    vault.exchange cannot tell: not tried since the server was started -> try it with `test_connection`
    ");
}

#[test]
fn tells_everything_that_an_empty_tenant_lacks_for_http() {
    insta::assert_snapshot!(table(&check(&wanted(Transports::Http), &empty())), @"
    management.scopes ok: all of them
    custom_domain ok: the tenant's own domain
    tenant.resource_profile wrong: audience -> apply the plan, or turn on Resource Parameter Compatibility Profile under Settings > Advanced
    tenant.issuer_parameter wrong: not set -> apply the plan, or turn on Include Issuer in Authorization Responses under Settings > Advanced
    tenant.registration wrong: neither, and no third-party client is registered -> apply the plan, or turn on Client ID Metadata Documents under Settings > Advanced
    my_account.active missing: not activated -> apply the plan, or activate it under Applications > APIs
    my_account.consent missing: not activated -> apply the plan
    api.exists missing: no API yet -> apply the plan
    api.scopes missing: no API yet -> apply the plan
    api.signing missing: no API yet -> apply the plan
    api.dialect missing: no API yet -> apply the plan
    api.consent missing: no API yet -> apply the plan
    http.exists missing: no such application -> apply the plan, or make a regular web application of this name under Applications
    http.first_party missing: no application yet -> apply the plan
    http.confidential missing: no application yet -> apply the plan
    http.oidc_conformant missing: no application yet -> apply the plan
    http.signing missing: no application yet -> apply the plan
    http.grants missing: no application yet -> apply the plan
    http.callbacks missing: no application yet -> apply the plan
    applications.separate ok: separate
    api_client.exists missing: none is linked to the API -> apply the plan, or add an application on the API's page
    api_client.linked missing: no application yet -> apply the plan
    api_client.grants missing: no application yet -> apply the plan
    my_account.grant.http missing: no application yet -> apply the plan
    api.grant missing: no API yet -> apply the plan
    third_parties.grant missing: none -> apply the plan, or add it on the API's page, under Application Access, for third-party applications
    connection.exists missing: none -> apply the plan, or make it under Authentication > Social
    connection.key missing: no connection yet -> apply the plan
    connection.scopes missing: no connection yet -> apply the plan
    connection.vault missing: no connection yet -> apply the plan
    connection.legacy_switch ok: no connection that could have it
    connection.login missing: no connection yet -> apply the plan
    connection.enabled.http missing: no connection yet -> apply the plan
    connection.enabled.api missing: no connection yet -> apply the plan
    third_parties.login_connection missing: `Username-Password-Authentication` is not at domain level -> apply the plan, or turn on Enable Domain-level Connection for `Username-Password-Authentication`
    mfa.policy ok: never, or by an Action
    organization ok: none in the settings
    vault.exchange cannot tell: not tried since the server was started -> try it with `test_connection`
    ");
}

#[test]
fn plans_what_an_empty_tenant_lacks() {
    insta::assert_snapshot!(plan(&check(&wanted(Transports::Both), &empty())), @r#"
    Update Tenant resource_parameter_profile: audience => compatibility
    Update Tenant authorization_response_iss_parameter_supported: not set => true
    Update Tenant client_id_metadata_document_supported: not set => true
    Create MyAccount identifier: not set => https://acme.eu.auth0.com/me/
    Create MyAccount name: not set => Auth0 My Account API
    Create Api name: not set => Bitbucket Vault MCP
    Create Api identifier: not set => https://mcp.acme.example/mcp
    Create Api allow_offline_access: not set => true
    Create Api scopes: not set => bitbucket:read, bitbucket:write, bitbucket:admin, connection:admin
    Create Api signing_alg: not set => RS256
    Create Api token_dialect: not set => rfc9068_profile
    Create Api skip_consent_for_verifiable_first_party_clients: not set => true
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
    Create HttpApplication name: not set => bitbucket-vault-mcp-http
    Create HttpApplication app_type: not set => regular_web
    Create HttpApplication is_first_party: not set => true
    Create HttpApplication token_endpoint_auth_method: not set => client_secret_post
    Create HttpApplication oidc_conformant: not set => true
    Create HttpApplication jwt_configuration.alg: not set => RS256
    Create HttpApplication grant_types: not set => authorization_code
    Create HttpApplication callbacks: not set => https://mcp.acme.example/link/signed-in, https://mcp.acme.example/link/connected
    Create ApiClient name: not set => bitbucket-vault-mcp-api
    Create ApiClient app_type: not set => resource_server
    Create ApiClient resource_server_identifier: not set => https://mcp.acme.example/mcp
    Create ApiClient grant_types: not set => urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token
    Create Grant { application: StdioApplication, api: MyAccount } client_id: not set => the application's client id
    Create Grant { application: StdioApplication, api: MyAccount } audience: not set => https://acme.eu.auth0.com/me/
    Create Grant { application: StdioApplication, api: MyAccount } scope: not set => create:me:connected_accounts, read:me:connected_accounts, delete:me:connected_accounts
    Create Grant { application: StdioApplication, api: MyAccount } subject_type: not set => user
    Create Grant { application: HttpApplication, api: MyAccount } client_id: not set => the application's client id
    Create Grant { application: HttpApplication, api: MyAccount } audience: not set => https://acme.eu.auth0.com/me/
    Create Grant { application: HttpApplication, api: MyAccount } scope: not set => create:me:connected_accounts, read:me:connected_accounts, delete:me:connected_accounts
    Create Grant { application: HttpApplication, api: MyAccount } subject_type: not set => user
    Create ThirdPartyGrant audience: not set => https://mcp.acme.example/mcp
    Create ThirdPartyGrant scope: not set => bitbucket:read, bitbucket:write
    Create ThirdPartyGrant subject_type: not set => user
    Create ThirdPartyGrant default_for: not set => third_party_clients
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
    Update LoginConnection { id: "con_users" } is_domain_connection: false => true
    "#);
}

#[test]
fn says_what_a_ready_tenant_has() {
    insta::assert_snapshot!(table(&check(&wanted(Transports::Both), &ready())), @r#"
    management.scopes ok: all of them
    custom_domain ok: the tenant's own domain
    tenant.resource_profile ok: `compatibility`
    tenant.issuer_parameter ok: on
    tenant.registration ok: clients give the address of their metadata document (CIMD)
    my_account.active ok: active
    my_account.consent ok: skipped
    api.exists ok: "Bitbucket Vault MCP"
    api.scopes ok: all of them
    api.signing ok: `RS256`
    api.dialect ok: `rfc9068_profile`
    api.consent ok: skipped
    stdio.exists ok: `bitbucket-vault-mcp` (`StdioApplication0000000000000001`)
    stdio.first_party ok: true
    stdio.confidential ok: client_secret_post
    stdio.oidc_conformant ok: true
    stdio.signing ok: RS256
    stdio.grants ok: all of them
    stdio.callbacks ok: all of them
    stdio.rotation ok: `non-rotating`
    stdio.refresh_policy ok: all of them
    stdio.confirmation ok: not skipped for this application, as Auth0 advises
    http.exists ok: `bitbucket-vault-mcp-http` (`HttpApplication00000000000000001`)
    http.first_party ok: true
    http.confidential ok: client_secret_post
    http.oidc_conformant ok: true
    http.signing ok: RS256
    http.grants ok: all of them
    http.callbacks ok: all of them
    applications.separate ok: separate
    api_client.exists ok: `bitbucket-vault-mcp-api` (`ApiClient00000000000000000000001`)
    api_client.linked ok: linked
    api_client.first_party ok: true
    api_client.confidential ok: client_secret_post
    api_client.oidc_conformant ok: true
    api_client.grants ok: all of them
    my_account.grant.stdio ok: as wanted
    my_account.grant.http ok: as wanted
    api.grant ok: every application may act for its users
    third_parties.grant ok: as wanted
    connection.exists ok: `con_bitbucket`
    connection.key ok: key `consumer-key`, secret set
    connection.scopes ok: as wanted
    connection.vault ok: on
    connection.legacy_switch ok: off
    connection.login ok: off
    connection.enabled.stdio ok: enabled
    connection.enabled.http ok: enabled
    connection.enabled.api ok: enabled
    third_parties.login_connection ok: `Username-Password-Authentication`
    mfa.policy ok: never, or by an Action
    organization ok: none in the settings
    vault.exchange cannot tell: not tried since the server was started -> try it with `test_connection`
    "#);
}

#[test]
fn says_what_is_wanted_and_why() {
    let rows = check(&wanted(Transports::Both), &ready());
    let told: Vec<_> = rows
        .iter()
        .map(|finding| {
            let row = &finding.row;
            format!("{}: {}. {}. {}", row.id, row.requirement, row.wanted, row.why)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    management.scopes: scopes of the management application. `read:connections`, `create:connections`, `update:connections`, `read:connections_options`, `update:connections_options`, `read:clients`, `create:clients`, `update:clients`, `read:client_grants`, `create:client_grants`, `update:client_grants`, `read:resource_servers`, `create:resource_servers`, `update:resource_servers`, `read:custom_domains`, `read:mfa_policies`, `read:tenant_settings`, `update:tenant_settings`, `read:users`. what it may not read cannot be checked, and what it may not write cannot be mended
    custom_domain: the domain that people sign in at. `acme.eu.auth0.com` is the tenant's own domain, or a custom domain that is ready. tokens, links and the consumer's callback URL all name this one domain
    tenant.resource_profile: resource parameter compatibility profile. `compatibility`. MCP clients name the API by `resource`, which Auth0 passes over otherwise
    tenant.issuer_parameter: issuer in authorization responses (RFC 9207). on. MCP clients check which server has answered
    tenant.registration: a way for MCP clients to become known. metadata documents (CIMD), dynamic registration (DCR), or clients that you register. Auth0 lets nobody sign in with a client that it does not know
    my_account.active: My Account API. `https://acme.eu.auth0.com/me/` is active. accounts are linked there
    my_account.consent: no consent page for the My Account API. first-party applications skip it. a refresh token is exchanged without a person who could consent
    api.exists: an API for the server. an API with the identifier `https://mcp.acme.example/mcp`. callers show access tokens of this API
    api.scopes: scopes of the API. `bitbucket:read`, `bitbucket:write`, `bitbucket:admin`, `connection:admin`. clients can be granted nothing that the API does not list
    api.signing: signature of the API's tokens. `RS256`. the server checks tokens with the keys that the tenant publishes
    api.dialect: kind of the API's tokens. any JWT profile of Auth0, neither encrypted nor bound to a client certificate. the server has to read the tokens
    api.consent: no consent page for our own applications. first-party applications skip it. after linking the server looks up the account without showing another page
    stdio.exists: a web application for `stdio`. a regular web application. people sign in with it
    stdio.first_party: first-party application. `is_first_party` is true. applications of other people can use neither Token Vault nor the My Account API
    stdio.confidential: confidential application. an authentication method other than `none`. Token Vault gives tokens only to applications that prove who they are
    stdio.oidc_conformant: OIDC-conformant application. `oidc_conformant` is true. Token Vault refuses others
    stdio.signing: signature of ID tokens. `RS256`. a sign-in is refused whose ID token the application's own secret has signed
    stdio.grants: grant types of the `stdio` application. `authorization_code`, `refresh_token`, `urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token`. Auth0 refuses a grant that is not listed
    stdio.callbacks: callback URLs of the `stdio` application. `http://127.0.0.1:18484/callback`, `http://127.0.0.1:18485/callback`, `http://127.0.0.1:18486/callback`, `http://127.0.0.1:18487/callback`, `http://127.0.0.1:18488/callback`, `http://127.0.0.1:18489/callback`. Auth0 sends no browser back to a URL that is not registered
    stdio.rotation: refresh token rotation. `non-rotating`. Token Vault does not support refresh tokens that rotate
    stdio.refresh_policy: multi-resource refresh token policy. `create:me:connected_accounts`, `read:me:connected_accounts`, `delete:me:connected_accounts` for `https://acme.eu.auth0.com/me/`. without it a sign-in gives no token for linking an account
    stdio.confirmation: page that asks before a browser returns to this machine. either. where a sign-in shows no other page, Auth0 asks whether the person meant to sign in here
    http.exists: a web application for `http`. a regular web application. people sign in with it
    http.first_party: first-party application. `is_first_party` is true. applications of other people can use neither Token Vault nor the My Account API
    http.confidential: confidential application. an authentication method other than `none`. Token Vault gives tokens only to applications that prove who they are
    http.oidc_conformant: OIDC-conformant application. `oidc_conformant` is true. Token Vault refuses others
    http.signing: signature of ID tokens. `RS256`. a sign-in is refused whose ID token the application's own secret has signed
    http.grants: grant types of the `http` application. `authorization_code`. Auth0 refuses a grant that is not listed
    http.callbacks: callback URLs of the `http` application. `https://mcp.acme.example/link/signed-in`, `https://mcp.acme.example/link/connected`. Auth0 sends no browser back to a URL that is not registered
    applications.separate: separate applications for `stdio` and `http`. no application serves both. every desktop holds the secret of the `stdio` application: whoever has it could pose as the server
    api_client.exists: a Custom API Client. an application that is linked to the API. the server exchanges callers' access tokens with it
    api_client.linked: link from the API client to the API. a Custom API Client of `https://mcp.acme.example/mcp`. Auth0 lets it exchange tokens of the API only that it is linked to
    api_client.first_party: first-party application. `is_first_party` is true. applications of other people can use neither Token Vault nor the My Account API
    api_client.confidential: confidential application. an authentication method other than `none`. Token Vault gives tokens only to applications that prove who they are
    api_client.oidc_conformant: OIDC-conformant application. `oidc_conformant` is true. Token Vault refuses others
    api_client.grants: grant types of the `API client` application. `urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token`. Auth0 refuses a grant that is not listed
    my_account.grant.stdio: user grant of the `stdio` application for the My Account API. `create:me:connected_accounts`, `read:me:connected_accounts`, `delete:me:connected_accounts`. without it nobody can link an account with this application
    my_account.grant.http: user grant of the `http` application for the My Account API. `create:me:connected_accounts`, `read:me:connected_accounts`, `delete:me:connected_accounts`. without it nobody can link an account with this application
    api.grant: access of the `http` application to the API, for its users. the API's user policy allows it, or a user grant. after linking the server looks up the account with such a token
    third_parties.grant: default grant of third-party clients for the API. `bitbucket:read`, `bitbucket:write`. MCP clients that register themselves get no token without it
    connection.exists: a Bitbucket connection. a connection called `bitbucket` with the strategy `bitbucket`. Token Vault keeps people's Bitbucket tokens under it
    connection.key: the consumer's key and secret. key `consumer-key` and its secret. Bitbucket gives tokens to the consumer that they belong to
    connection.scopes: Bitbucket scopes of the connection. `account`, `project`, `pullrequest:write`. the tools need them; the consumer's page must have them ticked, too
    connection.vault: connected accounts for Token Vault. on. Token Vault keeps nothing for a connection without it
    connection.legacy_switch: the old Token Vault switch. not relied on. `federated_connections_access_tokens` was replaced by the purpose in November 2025
    connection.login: sign-in with the connection. not needed. people who sign in with Bitbucket still have to link their account
    connection.enabled.stdio: connection enabled for the `stdio` application. enabled. Auth0 links and exchanges only for applications that the connection is enabled for
    connection.enabled.http: connection enabled for the `http` application. enabled. Auth0 links and exchanges only for applications that the connection is enabled for
    connection.enabled.api: connection enabled for the API client. enabled. Auth0 links and exchanges only for applications that the connection is enabled for
    third_parties.login_connection: a sign-in for people who come by third-party clients. a connection for signing in at domain level. third-party clients can use no other connection
    mfa.policy: when a second factor is asked for. not always. Token Vault fails where Auth0 always asks for a second factor
    organization: sign-in to an organization. none is needed, or Auth0 asks people for it. Auth0 refuses a sign-in to an organization that the application does not allow
    vault.exchange: a Bitbucket token from Token Vault. an exchange that works. settings can look right and not work, such as a consumer's secret
    ");
}

#[test]
fn has_one_row_for_each_requirement_whatever_the_tenant() {
    let ids = |tenant: &serde_json::Value| {
        let rows = check(&wanted(Transports::Both), tenant);
        let ids: Vec<&str> = rows.iter().map(|finding| finding.row.id).collect();
        let unique: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
        ids
    };
    // Auth0 makes an API client as it must be in these respects, so they are not planned.
    let of_a_client_that_is_there = ["first_party", "confidential", "oidc_conformant"];
    let of_ready: Vec<&str> = ids(&ready())
        .into_iter()
        .filter(|id| {
            let part = id.strip_prefix("api_client.");
            part.is_none_or(|part| !of_a_client_that_is_there.contains(&part))
        })
        .collect();
    assert_eq!(ids(&empty()), of_ready);
}

#[test]
fn says_of_each_row_that_is_not_ok_what_to_do() {
    for transports in [Transports::Stdio, Transports::Http, Transports::Both] {
        for finding in check(&wanted(transports), &empty()) {
            assert_eq!(
                finding.row.fix.is_empty(),
                finding.row.state == State::Ok,
                "{}",
                finding.row.id
            );
        }
    }
}

#[test]
fn needs_the_public_url_for_http() {
    let settings = crate::setup::Settings { public_url: None, ..settings(Transports::Http) };
    let wanted = Setup::new(settings).wanted(&Choice::default());
    let rows = check(&wanted, &empty());
    let told: Vec<_> = rows
        .iter()
        .filter(|finding| finding.row.state != State::Ok)
        .map(|finding| format!("{}: {}", finding.row.id, finding.row.fix))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    tenant.resource_profile: apply the plan, or turn on Resource Parameter Compatibility Profile under Settings > Advanced
    tenant.issuer_parameter: apply the plan, or turn on Include Issuer in Authorization Responses under Settings > Advanced
    tenant.registration: apply the plan, or turn on Client ID Metadata Documents under Settings > Advanced
    my_account.active: apply the plan, or activate it under Applications > APIs
    my_account.consent: apply the plan
    api.exists: set `BITBUCKET_MCP_PUBLIC_URL`
    api.scopes: set `BITBUCKET_MCP_PUBLIC_URL`
    api.signing: set `BITBUCKET_MCP_PUBLIC_URL`
    api.dialect: set `BITBUCKET_MCP_PUBLIC_URL`
    api.consent: set `BITBUCKET_MCP_PUBLIC_URL`
    http.exists: set `BITBUCKET_MCP_PUBLIC_URL`, so that a plan can make it
    http.first_party: first name the application
    http.confidential: first name the application
    http.oidc_conformant: first name the application
    http.signing: first name the application
    http.grants: first name the application
    http.callbacks: set `BITBUCKET_MCP_PUBLIC_URL`
    api_client.exists: set `BITBUCKET_MCP_PUBLIC_URL`, so that a plan can make it
    api_client.linked: first name the application
    api_client.grants: first name the application
    my_account.grant.http: apply the plan
    api.grant: set `BITBUCKET_MCP_PUBLIC_URL`
    third_parties.grant: set `BITBUCKET_MCP_PUBLIC_URL`
    connection.exists: apply the plan, or make it under Authentication > Social
    connection.key: apply the plan
    connection.scopes: apply the plan
    connection.vault: apply the plan
    connection.login: apply the plan
    connection.enabled.http: first name the application
    connection.enabled.api: first name the application
    third_parties.login_connection: apply the plan, or turn on Enable Domain-level Connection for `Username-Password-Authentication`
    vault.exchange: try it with `test_connection`
    ");
    insta::assert_snapshot!(plan(&rows), @r#"
    Update Tenant resource_parameter_profile: audience => compatibility
    Update Tenant authorization_response_iss_parameter_supported: not set => true
    Update Tenant client_id_metadata_document_supported: not set => true
    Create MyAccount identifier: not set => https://acme.eu.auth0.com/me/
    Create MyAccount name: not set => Auth0 My Account API
    Create Grant { application: HttpApplication, api: MyAccount } client_id: not set => the application's client id
    Create Grant { application: HttpApplication, api: MyAccount } audience: not set => https://acme.eu.auth0.com/me/
    Create Grant { application: HttpApplication, api: MyAccount } scope: not set => create:me:connected_accounts, read:me:connected_accounts, delete:me:connected_accounts
    Create Grant { application: HttpApplication, api: MyAccount } subject_type: not set => user
    Create Connection name: not set => bitbucket
    Create Connection strategy: not set => bitbucket
    Create Connection options.client_id: not set => consumer-key
    Create Connection options.client_secret: not set => set
    Create Connection options.scope: not set => account, project, pullrequest:write
    Create Connection connected_accounts.active: not set => true
    Create Connection authentication.active: not set => false
    Update LoginConnection { id: "con_users" } is_domain_connection: false => true
    "#);
}

#[test]
fn turns_signing_in_on_where_it_is_wished_and_never_off() {
    let told = |login: bool, active: bool| {
        let choice = Choice { login, ..Choice::default() };
        let wanted = Setup::new(settings(Transports::Stdio)).wanted(&choice);
        let mut tenant = ready();
        tenant["connections"][1]["authentication"] = json!({ "active": active });
        let rows = check(&wanted, &tenant);
        let row = rows.iter().find(|finding| finding.row.id == "connection.login").unwrap();
        format!("{} | {}", super::short(&row.row), plan(&rows))
    };
    insta::assert_snapshot!(
        [told(false, false), told(false, true), told(true, false), told(true, true)].join("\n"),
        @"
    connection.login ok: off | 
    connection.login ok: on, and left so | 
    connection.login missing: off -> apply the plan, or turn on Authentication on the connection's page, under Purpose | Update Connection authentication.active: false => true
    connection.login ok: on |
    "
    );
}

#[test]
fn knows_that_the_vault_works_once_it_has() {
    let setup = Setup::new(settings(Transports::Stdio));
    let told = || {
        let rows = check(&setup.wanted(&Choice::default()), &ready());
        super::short(&rows.iter().find(|one| one.row.id == "vault.exchange").unwrap().row)
    };
    assert_eq!(
        told(),
        "vault.exchange cannot tell: not tried since the server was started -> try it with \
         `test_connection`"
    );
    setup.clone().proved(std::time::SystemTime::now());
    assert_eq!(told(), "vault.exchange ok: it has worked since the server was started");
}
