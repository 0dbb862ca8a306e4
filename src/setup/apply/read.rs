//! Reads one object as it is now, in the words in which it is written.

use serde_json::{Map, Value, json};

use super::super::edit::{Edit, Object, Set};
use super::super::place::Places;
use super::super::plan::is_readable;
use super::super::target::{is_for_third_parties, is_for_users};
use crate::auth0::management::{
    Application, Body, ClientGrant, Connection, Purpose, ResourceServer, TenantSettings,
};
use crate::auth0::{Error, Management, ManagementProblem};
use crate::bitbucket::Consumer;

/// Where a connection has what its provider needs.
pub(super) const OPTIONS: &str = "options";

/// An object as it is now.
pub(super) struct Found {
    /// By what the API calls it; nothing of what has no id.
    pub(super) id: Option<String>,
    /// The fields that we know of.
    pub(super) fields: Body,
}

/// Reads `object`: by its id where that is known, else by what makes it the only one of its kind.
pub(super) async fn read(
    management: &Management,
    places: &Places,
    object: &Object,
) -> Result<Option<Found>, Error> {
    let id = places.id(object);
    Ok(match object {
        Object::Tenant => Some(of_tenant(management.tenant_settings().await?)),
        Object::MyAccount | Object::Api => management.api(places.key(object)).await?.map(of_api),
        Object::StdioApplication | Object::HttpApplication | Object::ApiClient => {
            let application = match id {
                Some(id) => management.application(id).await?,
                None => only(management.applications().await?, places.key(object)),
            };
            application.map(of_application)
        }
        Object::Grant { application, api } => {
            let client = places.id(application);
            let is_ours = |grant: &ClientGrant| match id {
                Some(id) => grant.id == id,
                None => grant.client_id.as_deref() == client && is_for_users(grant),
            };
            let grants = management.grants(places.key(api)).await?;
            grants.into_iter().find(is_ours).map(of_grant)
        }
        Object::ThirdPartyGrant => {
            let is_ours = |grant: &ClientGrant| match id {
                Some(id) => grant.id == id,
                None => is_for_third_parties(grant) && is_for_users(grant),
            };
            let grants = management.grants(places.key(&Object::Api)).await?;
            grants.into_iter().find(is_ours).map(of_grant)
        }
        Object::Connection => {
            let connection = match id {
                Some(id) => there(management.connection(id).await)?,
                None => management.connection_named(places.key(object)).await?,
            };
            connection.map(of_connection)
        }
        Object::Enabled { application } => {
            let (Some(connection), Some(client)) =
                (places.id(&Object::Connection), places.id(application))
            else {
                return Ok(None);
            };
            let clients = management.connection_clients(connection).await?;
            let enabled = clients.iter().any(|one| one == client);
            enabled.then(|| Found { id: None, fields: Map::new() })
        }
        Object::LoginConnection { id } => {
            there(management.connection(id).await)?.map(of_connection)
        }
    })
}

fn there<T>(read: Result<T, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(Error::Management(ManagementProblem::Absent)) => Ok(None),
        read => read.map(Some),
    }
}

/// Whether `found` is as `edit` has it. Auth0 may add to what was written, and leaves out what is off
/// or empty.
pub(super) fn holds(
    edit: &Edit,
    found: &Found,
    places: &Places,
    consumer: Option<&Consumer>,
) -> bool {
    let mut path = edit.field.split('.');
    let outer = path.next().and_then(|key| found.fields.get(key));
    let value = path.fold(outer, |value, key| value?.get(key));
    match (&edit.object, &edit.set) {
        // It is there, which is all that there is to it.
        (Object::Enabled { .. }, _) => true,
        // Whoever may not read options has created them, since they are not changed unread.
        (Object::Connection, _) if is_hidden(edit.field, found) => true,
        // Auth0 gives its own API a name of its own.
        (Object::MyAccount, _) if edit.field == "name" => true,
        (_, Set::Value(wanted)) => covers(value, wanted),
        (_, Set::IdOf(object)) => value.and_then(Value::as_str) == places.id(object),
        (_, Set::ConsumerKey) => {
            value.and_then(Value::as_str) == consumer.map(|consumer| consumer.key.as_str())
        }
        // A secret is compared only as being there.
        (_, Set::ConsumerSecret) => value.is_some_and(|value| !is_blank(value)),
    }
}

/// Without the scope for them, options are not there at all.
fn is_hidden(field: &str, found: &Found) -> bool {
    field.starts_with(OPTIONS) && !found.fields.contains_key(OPTIONS)
}

fn covers(found: Option<&Value>, wanted: &Value) -> bool {
    match (found, wanted) {
        (None | Some(Value::Null), wanted) => is_off(wanted),
        (Some(Value::Object(found)), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| covers(found.get(key), wanted))
        }
        (Some(Value::Array(found)), Value::Array(wanted)) => {
            wanted.iter().all(|wanted| found.iter().any(|found| covers(Some(found), wanted)))
        }
        (Some(found), wanted) => found == wanted,
    }
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_none_or(str::is_empty)
}

/// The application of this name, if there is just one. Whoever registers one of their own with the
/// tenant chooses its name, so those do not count.
fn only(applications: Vec<Application>, name: &str) -> Option<Application> {
    let is_it = |one: &Application| one.name == name && one.is_first_party != Some(false);
    let mut called = applications.into_iter().filter(is_it);
    let first = called.next()?;
    called.next().is_none().then_some(first)
}

fn of_application(application: Application) -> Found {
    let Application {
        client_id,
        name,
        client_secret: _,
        app_type,
        is_first_party,
        oidc_conformant,
        token_endpoint_auth_method,
        grant_types,
        callbacks,
        refresh_token,
        resource_server_identifier,
        organization_usage,
        skip_non_verifiable_callback_uri_confirmation_prompt,
        jwt_configuration,
        ..
    } = application;
    let fields = json!({
        "name": name,
        "app_type": app_type,
        "is_first_party": is_first_party,
        "oidc_conformant": oidc_conformant,
        "token_endpoint_auth_method": token_endpoint_auth_method,
        "grant_types": grant_types,
        "callbacks": callbacks,
        "refresh_token": refresh_token,
        "resource_server_identifier": resource_server_identifier,
        "organization_usage": organization_usage,
        "skip_non_verifiable_callback_uri_confirmation_prompt":
            skip_non_verifiable_callback_uri_confirmation_prompt,
        "jwt_configuration": jwt_configuration,
    });
    found(client_id, fields)
}

fn of_grant(grant: ClientGrant) -> Found {
    let ClientGrant {
        id,
        client_id,
        audience,
        scope,
        subject_type,
        allow_all_scopes,
        default_for,
        ..
    } = grant;
    let fields = json!({
        "client_id": client_id,
        "audience": audience,
        "scope": scope,
        "subject_type": subject_type,
        "allow_all_scopes": allow_all_scopes,
        "default_for": default_for,
    });
    found(id, fields)
}

fn of_api(api: ResourceServer) -> Found {
    let scopes = api.scopes.map(|scopes| {
        let scopes = scopes.into_iter();
        scopes.map(|one| json!({ "value": one.value, "description": one.description })).collect()
    });
    let scopes: Option<Vec<Value>> = scopes;
    let fields = json!({
        "name": api.name,
        "identifier": api.identifier,
        "signing_alg": api.signing_alg,
        "token_dialect": api.token_dialect,
        "enforce_policies": api.enforce_policies,
        "skip_consent_for_verifiable_first_party_clients":
            api.skip_consent_for_verifiable_first_party_clients,
        "allow_offline_access": api.allow_offline_access,
        "scopes": scopes,
        "subject_type_authorization": api.subject_type_authorization,
        "proof_of_possession": api.proof_of_possession,
    });
    found(api.id, fields)
}

fn of_connection(connection: Connection) -> Found {
    let mut fields = fields(json!({
        "name": connection.name,
        "strategy": connection.strategy,
        "authentication": connection.authentication.map(of_purpose),
        "connected_accounts": connection.connected_accounts.map(of_purpose),
        "is_domain_connection": connection.is_domain_connection,
    }));
    if let Some(options) = connection.options {
        fields.insert(OPTIONS.to_owned(), Value::Object(options.0));
    }
    Found { id: Some(connection.id), fields }
}

fn of_purpose(purpose: Purpose) -> Value {
    let mut fields = purpose.other;
    fields.insert("active".to_owned(), purpose.active.into());
    Value::Object(fields)
}

fn of_tenant(tenant: TenantSettings) -> Found {
    let fields = fields(json!({
        "resource_parameter_profile": tenant.resource_parameter_profile,
        "client_id_metadata_document_supported": tenant.client_id_metadata_document_supported,
        "authorization_response_iss_parameter_supported":
            tenant.authorization_response_iss_parameter_supported,
        "dynamic_client_registration_security_mode":
            tenant.dynamic_client_registration_security_mode,
        "flags": tenant.flags,
    }));
    Found { id: None, fields }
}

fn found(id: String, object: Value) -> Found {
    Found { id: Some(id), fields: fields(object) }
}

/// What is not there is not `null` either.
fn fields(object: Value) -> Body {
    match object {
        Value::Object(mut fields) => {
            fields.retain(|_, value| !value.is_null());
            fields
        }
        _ => Body::new(),
    }
}

/// Whether these options can be written back without losing their secret.
pub(super) fn has_secret(options: &Body) -> bool {
    is_readable(options.get("client_secret"))
}
