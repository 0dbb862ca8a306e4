//! The tenant's own settings.

use super::finding::{Finding, quoted, requirement, set, shown_name, shown_switch};
use crate::auth0::management::{Application, TenantSettings};
use crate::setup::edit::{Action, Object};
use crate::setup::target::Target;

/// The profile by which `resource` names an API (RFC 8707), as MCP clients do.
const COMPATIBILITY: &str = "compatibility";
/// A custom domain that works.
const READY: &str = "ready";

/// The rows that matter to `http` alone.
pub(super) fn settings(target: &Target<'_>) -> [Finding; 3] {
    [resource_profile(target), issuer_parameter(target), registration(target)]
}

fn resource_profile(target: &Target<'_>) -> Finding {
    let requirement = requirement(
        "tenant.resource_profile",
        "resource parameter compatibility profile",
        format!("`{COMPATIBILITY}`"),
        "MCP clients name the API by `resource`, which Auth0 passes over otherwise",
    );
    match target.snapshot.tenant.known() {
        Err(why) => requirement.unread(why),
        Ok(tenant) => match tenant.resource_parameter_profile.as_deref() {
            Some(COMPATIBILITY) => requirement.ok(format!("`{COMPATIBILITY}`")),
            found => {
                let found = found.map_or_else(|| "not set".to_owned(), shown_name);
                let edit = set(
                    &Object::Tenant,
                    Action::Update,
                    "resource_parameter_profile",
                    found.as_str(),
                    COMPATIBILITY,
                );
                let fix =
                    "turn on Resource Parameter Compatibility Profile under Settings > Advanced";
                requirement.wrong(found, fix, vec![edit])
            }
        },
    }
}

fn issuer_parameter(target: &Target<'_>) -> Finding {
    const FIELD: &str = "authorization_response_iss_parameter_supported";
    let requirement = requirement(
        "tenant.issuer_parameter",
        "issuer in authorization responses (RFC 9207)",
        "on",
        "MCP clients check which server has answered",
    );
    match target.snapshot.tenant.known() {
        Err(why) => requirement.unread(why),
        Ok(tenant) => match tenant.authorization_response_iss_parameter_supported {
            Some(true) => requirement.ok("on"),
            found => requirement.wrong(
                shown_switch(found),
                "turn on Include Issuer in Authorization Responses under Settings > Advanced",
                vec![set(&Object::Tenant, Action::Update, FIELD, shown_switch(found), true)],
            ),
        },
    }
}

/// How MCP clients become known to the tenant. Every way will do, but there has to be one.
fn registration(target: &Target<'_>) -> Finding {
    const DOCUMENTS: &str = "client_id_metadata_document_supported";
    let requirement = requirement(
        "tenant.registration",
        "a way for MCP clients to become known",
        "metadata documents (CIMD), dynamic registration (DCR), or clients that you register",
        "Auth0 lets nobody sign in with a client that it does not know",
    );
    let tenant = match target.snapshot.tenant.known() {
        Err(why) => return requirement.unread(why),
        Ok(tenant) => tenant,
    };
    let registered = match target.snapshot.applications.known() {
        Err(why) => return requirement.unread(why),
        Ok(all) => all.iter().filter(|one| is_third_party(one)).count(),
    };
    let mut ways = Vec::new();
    if tenant.client_id_metadata_document_supported == Some(true) {
        ways.push("clients give the address of their metadata document (CIMD)".to_owned());
    }
    if registers_dynamically(tenant) {
        let mode = tenant.dynamic_client_registration_security_mode.as_deref();
        let mode = mode.map_or_else(String::new, |mode| format!(", {}", shown_name(mode)));
        ways.push(format!("clients register themselves (DCR{mode})"));
    }
    if registered > 0 {
        ways.push(format!("third-party clients are registered: {registered}"));
    }
    if !ways.is_empty() {
        return requirement.ok(ways.join("; "));
    }
    let from = shown_switch(tenant.client_id_metadata_document_supported);
    requirement.wrong(
        "neither, and no third-party client is registered",
        "turn on Client ID Metadata Documents under Settings > Advanced",
        vec![set(&Object::Tenant, Action::Update, DOCUMENTS, from, true)],
    )
}

fn registers_dynamically(tenant: &TenantSettings) -> bool {
    let flag =
        tenant.flags.as_ref().and_then(|flags| flags.get("enable_dynamic_client_registration"));
    flag.and_then(serde_json::Value::as_bool) == Some(true)
}

fn is_third_party(application: &Application) -> bool {
    application.is_first_party == Some(false)
}

/// No exchange can answer for a person who is asked for a second factor.
pub(super) fn mfa(target: &Target<'_>) -> Finding {
    let requirement = requirement(
        "mfa.policy",
        "when a second factor is asked for",
        "not always",
        "Token Vault fails where Auth0 always asks for a second factor",
    );
    match target.snapshot.mfa_policies.known() {
        Err(why) => requirement.unread(why),
        Ok(policies) if policies.iter().any(|one| one == "all-applications") => requirement.wrong(
            "always",
            "choose Never under Security > Multi-factor Auth, and ask for it by an Action on \
             interactive sign-ins",
            Vec::new(),
        ),
        Ok(policies) if policies.is_empty() => requirement.ok("never, or by an Action"),
        Ok(policies) => requirement.ok(quoted(policies.iter().map(String::as_str))),
    }
}

/// That the domain in the settings is one of the tenant's, and works.
pub(super) fn custom_domain(target: &Target<'_>) -> Finding {
    let wanted = target.wanted;
    let host = |url: &url::Url| url.host_str().unwrap_or_default().to_ascii_lowercase();
    let (used, own) = (host(&wanted.domain), host(&wanted.canonical));
    let requirement = requirement(
        "custom_domain",
        "the domain that people sign in at",
        format!("`{used}` is the tenant's own domain, or a custom domain that is ready"),
        "tokens, links and the consumer's callback URL all name this one domain",
    );
    let domains = match target.snapshot.custom_domains.known() {
        Err(why) => return requirement.unread(why),
        Ok(domains) => domains,
    };
    let is_used = |domain: &str| domain.eq_ignore_ascii_case(&used);
    match domains.iter().find(|one| is_used(&one.domain)) {
        Some(one) if one.status == READY => requirement.ok("a custom domain that is ready"),
        Some(one) => requirement.wrong(
            format!("a custom domain with the status `{}`", shown_name(&one.status)),
            "finish its verification under Settings > Custom Domains",
            Vec::new(),
        ),
        None if used != own => requirement.wrong(
            format!("the tenant `{own}` has no such custom domain"),
            "correct `AUTH0_DOMAIN` or `AUTH0_MANAGEMENT_DOMAIN`",
            Vec::new(),
        ),
        None => {
            let ready = domains.iter().filter(|one| one.status == READY);
            let others = ready.map(|one| one.domain.as_str()).collect::<Vec<_>>();
            match others.is_empty() {
                true => requirement.ok("the tenant's own domain"),
                false => requirement.ok(format!(
                    "the tenant's own domain; {} is ready and not used",
                    quoted(others)
                )),
            }
        }
    }
}
