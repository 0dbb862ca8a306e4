//! What only a person can do, in steps: the OAuth consumer at Bitbucket, and the application by which
//! we set up all else.
//!
//! It is for people who have neither yet, so it can be had without any credentials.

use std::fmt::Write as _;

use url::Url;

use super::wanted::IDENTITY_SCOPE;
use super::{ManagementScope, Setup, Transports, management_scopes, minimal, permission};
use crate::auth0::management::CustomDomain;
use crate::text::clean_line;

/// How the application is called in the guide by which the tenant is set up.
const SETUP_APPLICATION: &str = "bitbucket-vault-mcp-setup";

/// What the guide is made for.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// The domain that people and applications use: the tenant's, or a custom one. Ends in a slash.
    pub domain: Url,
    /// What is known of that domain.
    pub standing: DomainStanding,
    /// The Bitbucket scopes that the tools need which exist.
    pub scopes: Vec<&'static str>,
    /// For which transports.
    pub transports: Transports,
    /// Whether the settings name the application by which the tenant is set up.
    pub has_management: bool,
    /// Whether the settings have the consumer's key and secret.
    pub has_consumer: bool,
}

/// What is known of the domain that is used. Bitbucket sends people back to exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainStanding {
    /// Nobody could be asked.
    Unknown,
    /// It could not be read: one sentence.
    Unreadable(String),
    /// It is the tenant's own, and there is no other.
    Own,
    /// It is the tenant's own, and there is this custom one besides, which is verified.
    OwnBeside(String),
    /// It is a custom one, which is verified.
    Custom,
    /// It is a custom one that is not verified yet; its status.
    Unverified(String),
}

/// The guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guide {
    /// The callback URL that the consumer must have.
    pub callback: Url,
    /// The boxes to tick for the consumer.
    pub permissions: Vec<TickBox>,
    /// The scopes that the application needs at the Management API.
    pub management_scopes: Vec<ManagementScope>,
    /// What to do, in order.
    pub steps: Vec<GuideStep>,
}

/// A box to tick on the consumer's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickBox {
    /// The scope that it gives.
    pub scope: &'static str,
    /// Where it stands and what it says, such as `Pull requests: Write`.
    pub label: String,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuideStep {
    /// What it comes to.
    pub title: String,
    /// What to do for it, one thing a line. A line that begins with a space belongs to the one before.
    pub lines: Vec<String>,
}

impl Setup {
    /// The guide for this tenant, as far as the tenant can be read.
    pub async fn guide(&self, transports: Option<Transports>) -> Guide {
        let settings = &self.inner;
        let standing = match settings.management.custom_domains().await {
            Ok(domains) => standing(settings.domain.host_str().unwrap_or_default(), &domains),
            Err(error) => DomainStanding::Unreadable(error.to_string()),
        };
        Guide::new(&Occasion {
            domain: settings.domain.clone(),
            standing,
            scopes: settings.scopes.clone(),
            transports: transports.unwrap_or(settings.transports),
            has_management: true,
            has_consumer: settings.consumer.is_some(),
        })
    }
}

/// How `host` stands among the custom domains of its tenant.
fn standing(host: &str, domains: &[CustomDomain]) -> DomainStanding {
    let is_ready = |domain: &&CustomDomain| domain.status == "ready";
    match domains.iter().find(|domain| domain.domain.eq_ignore_ascii_case(host)) {
        Some(ours) if is_ready(&ours) => DomainStanding::Custom,
        Some(ours) => DomainStanding::Unverified(clean_line(&ours.status, 40)),
        None => match domains.iter().find(is_ready) {
            Some(other) => DomainStanding::OwnBeside(clean_line(&other.domain, 253)),
            None => DomainStanding::Own,
        },
    }
}

impl Guide {
    /// The guide for an occasion.
    #[must_use]
    pub fn new(occasion: &Occasion) -> Self {
        let mut callback = occasion.domain.clone();
        callback.set_path("/login/callback");
        let scopes = minimal(occasion.scopes.iter().copied().chain([IDENTITY_SCOPE]));
        let permissions: Vec<TickBox> = scopes.into_iter().map(TickBox::of).collect();
        let management_scopes: Vec<_> = management_scopes(occasion.transports).collect();
        let steps = vec![
            consumer(occasion, &callback, &permissions),
            application(occasion, &management_scopes),
            hand_over(occasion),
            go_on(occasion),
        ];
        Self { callback, permissions, management_scopes, steps }
    }

    /// The steps, numbered, as people read them.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (number, step) in (1..).zip(&self.steps) {
            let _ = write!(text, "{}{number}. {}", if number == 1 { "" } else { "\n" }, step.title);
            for line in &step.lines {
                let bullet = if line.starts_with(' ') { "  " } else { "- " };
                let _ = write!(text, "\n   {bullet}{line}");
            }
        }
        text
    }
}

impl TickBox {
    fn of(scope: &'static str) -> Self {
        let label = permission(scope).map_or_else(
            || format!("the one for `{scope}`"),
            |known| format!("{}: {}", known.heading, known.label),
        );
        Self { scope, label }
    }
}

fn consumer(occasion: &Occasion, callback: &Url, permissions: &[TickBox]) -> GuideStep {
    let mut lines = vec![
        "bitbucket.org, the cog at the top, Workspace settings, OAuth consumers (under Apps and \
         features), Add consumer"
            .to_owned(),
        "Name: what people will read when they consent, such as `Auth0 Token Vault`".to_owned(),
        format!("Callback URL, exactly: {callback}"),
    ];
    lines.extend(domain_lines(&occasion.standing, callback));
    lines.push(
        "This is a private consumer: leave it unticked. It would let whoever has the key and secret \
         act without any person, which Token Vault never does"
            .to_owned(),
    );
    lines.push("Permissions: tick these".to_owned());
    lines.extend(permissions.iter().map(|one| format!("  {} (`{}`)", one.label, one.scope)));
    lines.push(
        "Leave the others alone, but for those that the page ticks along by itself: these bring all \
         that the tools need"
            .to_owned(),
    );
    lines.push(
        "Save, then open the new consumer in the list: it shows its Key and its Secret".to_owned(),
    );
    GuideStep {
        title: "Make an OAuth consumer at Bitbucket, as an admin of any one workspace; it serves \
                people of every workspace"
            .to_owned(),
        lines,
    }
}

fn domain_lines(standing: &DomainStanding, callback: &Url) -> Vec<String> {
    let domain = callback.host_str().unwrap_or_default();
    match standing {
        DomainStanding::Own => Vec::new(),
        DomainStanding::Custom => {
            vec![format!("  `{domain}` is a custom domain of the tenant, and verified")]
        }
        DomainStanding::Unverified(status) => vec![format!(
            "  `{domain}` is a custom domain of the tenant that is not verified yet (`{status}`): \
             finish that first, under Branding, Custom Domains"
        )],
        DomainStanding::OwnBeside(custom) => vec![format!(
            "  the tenant has the custom domain `{custom}` too. A consumer has one callback URL, and \
                 it must be of the domain in `AUTH0_DOMAIN`: to use the custom one, set that first; the \
                 callback URL is https://{custom}/login/callback then"
        )],
        DomainStanding::Unknown => vec![
            "  where the tenant has a custom domain that people sign in at, `AUTH0_DOMAIN` must be \
             that one, and so must this"
                .to_owned(),
        ],
        DomainStanding::Unreadable(why) => vec![format!(
            "  whether the tenant has a custom domain could not be read: {why}. If people sign in at \
             one, `AUTH0_DOMAIN` must be that one, and so must this"
        )],
    }
}

fn application(occasion: &Occasion, scopes: &[ManagementScope]) -> GuideStep {
    let mut lines = Vec::new();
    if occasion.has_management {
        lines.push(
            "the settings name one already: compare its permissions with these, under Applications, \
             APIs, Auth0 Management API"
                .to_owned(),
        );
    } else {
        lines.push(format!(
            "manage.auth0.com, Applications, Applications, Create Application: \
             `{SETUP_APPLICATION}`, Machine to Machine Applications, Create"
        ));
        lines.push("API: Auth0 Management API".to_owned());
    }
    lines.push("Permissions: exactly these".to_owned());
    let width = scopes.iter().map(|scope| scope.name.len()).max().unwrap_or_default();
    lines.extend(scopes.iter().map(|scope| format!("  {:width$}  {}", scope.name, scope.purpose)));
    if !occasion.has_management {
        lines.push("Authorize; the Settings tab shows Client ID and Client Secret".to_owned());
    }
    GuideStep {
        title: "Make a machine-to-machine application at Auth0, as an admin of the tenant: this \
                server sets up all else with it"
            .to_owned(),
        lines,
    }
}

fn hand_over(occasion: &Occasion) -> GuideStep {
    let mut lines = vec![
        "never paste a secret into a chat with an agent: none of the tools takes one".to_owned(),
    ];
    if !occasion.has_management {
        lines.push(format!(
            "in the server's environment or configuration file: `AUTH0_DOMAIN={}`, \
             `AUTH0_MANAGEMENT_CLIENT_ID`, and `AUTH0_MANAGEMENT_CLIENT_SECRET` or, as the path of a \
             file, `AUTH0_MANAGEMENT_CLIENT_SECRET_FILE`",
            shown(&occasion.domain)
        ));
        lines.push(
            "where `AUTH0_DOMAIN` is a custom domain, `AUTH0_MANAGEMENT_DOMAIN` is the tenant's own"
                .to_owned(),
        );
    }
    lines.push(if occasion.has_consumer {
        "the settings have the consumer's key and secret already".to_owned()
    } else {
        "the consumer's Key and Secret are asked for when they are needed: on a page in the browser, \
         or at a terminal without an echo. Or set `BITBUCKET_CONSUMER_KEY`, and \
         `BITBUCKET_CONSUMER_SECRET` or `BITBUCKET_CONSUMER_SECRET_FILE`"
            .to_owned()
    });
    if occasion.transports.http() {
        lines.push(
            "`BITBUCKET_MCP_PUBLIC_URL`: where the server is reached, such as https://mcp.example.com"
                .to_owned(),
        );
    }
    GuideStep { title: "Let the server have them".to_owned(), lines }
}

fn go_on(occasion: &Occasion) -> GuideStep {
    let mut lines = vec![
        "`check_connection`: how each requirement stands (at a terminal: `bitbucket-vault-mcp setup \
         check`)"
            .to_owned(),
        "`plan_connection`: what would be changed, and its digest (`setup plan`)".to_owned(),
        "`configure_connection`: applies exactly that (`setup apply`)".to_owned(),
    ];
    if occasion.transports.http() {
        lines.push(
            "over HTTP it exists only with `BITBUCKET_MCP_ALLOW_CONFIGURE=true`; at a terminal always"
                .to_owned(),
        );
    }
    lines.push(
        "`link_account`: the user signs in and consents; then `test_connection` proves that it works"
            .to_owned(),
    );
    GuideStep { title: "Check, plan, apply, test".to_owned(), lines }
}

/// A domain as it stands in settings: without a slash, and without `https://`.
fn shown(domain: &Url) -> String {
    let text = domain.as_str().trim_end_matches('/');
    text.strip_prefix("https://").unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occasion(domain: &str) -> Occasion {
        Occasion {
            domain: Url::parse(domain).unwrap(),
            standing: DomainStanding::Unknown,
            scopes: vec!["repository", "pullrequest", "pullrequest:write", "project", "pipeline"],
            transports: Transports::Stdio,
            has_management: false,
            has_consumer: false,
        }
    }

    #[test]
    fn tells_somebody_who_has_nothing_yet_all_that_they_have_to_do() {
        let guide = Guide::new(&occasion("https://acme.eu.auth0.com/"));
        assert_eq!(guide.callback.as_str(), "https://acme.eu.auth0.com/login/callback");
        insta::assert_snapshot!(guide.text(), @"
        1. Make an OAuth consumer at Bitbucket, as an admin of any one workspace; it serves people of every workspace
           - bitbucket.org, the cog at the top, Workspace settings, OAuth consumers (under Apps and features), Add consumer
           - Name: what people will read when they consent, such as `Auth0 Token Vault`
           - Callback URL, exactly: https://acme.eu.auth0.com/login/callback
               where the tenant has a custom domain that people sign in at, `AUTH0_DOMAIN` must be that one, and so must this
           - This is a private consumer: leave it unticked. It would let whoever has the key and secret act without any person, which Token Vault never does
           - Permissions: tick these
               Account: Read (`account`)
               Projects: Read (`project`)
               Pull requests: Write (`pullrequest:write`)
               Pipelines: Read (`pipeline`)
           - Leave the others alone, but for those that the page ticks along by itself: these bring all that the tools need
           - Save, then open the new consumer in the list: it shows its Key and its Secret
        2. Make a machine-to-machine application at Auth0, as an admin of the tenant: this server sets up all else with it
           - manage.auth0.com, Applications, Applications, Create Application: `bitbucket-vault-mcp-setup`, Machine to Machine Applications, Create
           - API: Auth0 Management API
           - Permissions: exactly these
               read:connections            find the Bitbucket connection and what it is enabled for
               create:connections          make the connection
               update:connections          turn on Token Vault for it, and enable it for applications
               read:connections_options    compare its key and scopes
               update:connections_options  write the consumer's key, secret and scopes into it
               read:clients                find the applications and check their settings
               create:clients              make the applications
               update:clients              correct their settings
               read:client_grants          see what the applications may do at APIs
               create:client_grants        let the applications act for people at APIs
               update:client_grants        add scopes to such grants
               read:resource_servers       find the My Account API, and the server's own
               create:resource_servers     activate the My Account API, and make the server's own
               update:resource_servers     correct their settings
               read:custom_domains         see whether the tenant has a custom domain
               read:mfa_policies           see whether a second factor is always asked for
           - Authorize; the Settings tab shows Client ID and Client Secret
        3. Let the server have them
           - never paste a secret into a chat with an agent: none of the tools takes one
           - in the server's environment or configuration file: `AUTH0_DOMAIN=acme.eu.auth0.com`, `AUTH0_MANAGEMENT_CLIENT_ID`, and `AUTH0_MANAGEMENT_CLIENT_SECRET` or, as the path of a file, `AUTH0_MANAGEMENT_CLIENT_SECRET_FILE`
           - where `AUTH0_DOMAIN` is a custom domain, `AUTH0_MANAGEMENT_DOMAIN` is the tenant's own
           - the consumer's Key and Secret are asked for when they are needed: on a page in the browser, or at a terminal without an echo. Or set `BITBUCKET_CONSUMER_KEY`, and `BITBUCKET_CONSUMER_SECRET` or `BITBUCKET_CONSUMER_SECRET_FILE`
        4. Check, plan, apply, test
           - `check_connection`: how each requirement stands (at a terminal: `bitbucket-vault-mcp setup check`)
           - `plan_connection`: what would be changed, and its digest (`setup plan`)
           - `configure_connection`: applies exactly that (`setup apply`)
           - `link_account`: the user signs in and consents; then `test_connection` proves that it works
        ");
    }

    #[test]
    fn tells_somebody_who_serves_many_what_is_left_to_do() {
        let guide = Guide::new(&Occasion {
            standing: DomainStanding::Custom,
            transports: Transports::Both,
            has_management: true,
            has_consumer: true,
            ..occasion("https://login.acme.com/")
        });
        insta::assert_snapshot!(guide.text(), @"
        1. Make an OAuth consumer at Bitbucket, as an admin of any one workspace; it serves people of every workspace
           - bitbucket.org, the cog at the top, Workspace settings, OAuth consumers (under Apps and features), Add consumer
           - Name: what people will read when they consent, such as `Auth0 Token Vault`
           - Callback URL, exactly: https://login.acme.com/login/callback
               `login.acme.com` is a custom domain of the tenant, and verified
           - This is a private consumer: leave it unticked. It would let whoever has the key and secret act without any person, which Token Vault never does
           - Permissions: tick these
               Account: Read (`account`)
               Projects: Read (`project`)
               Pull requests: Write (`pullrequest:write`)
               Pipelines: Read (`pipeline`)
           - Leave the others alone, but for those that the page ticks along by itself: these bring all that the tools need
           - Save, then open the new consumer in the list: it shows its Key and its Secret
        2. Make a machine-to-machine application at Auth0, as an admin of the tenant: this server sets up all else with it
           - the settings name one already: compare its permissions with these, under Applications, APIs, Auth0 Management API
           - Permissions: exactly these
               read:connections            find the Bitbucket connection and what it is enabled for
               create:connections          make the connection
               update:connections          turn on Token Vault for it, and enable it for applications
               read:connections_options    compare its key and scopes
               update:connections_options  write the consumer's key, secret and scopes into it
               read:clients                find the applications and check their settings
               create:clients              make the applications
               update:clients              correct their settings
               read:client_grants          see what the applications may do at APIs
               create:client_grants        let the applications act for people at APIs
               update:client_grants        add scopes to such grants
               read:resource_servers       find the My Account API, and the server's own
               create:resource_servers     activate the My Account API, and make the server's own
               update:resource_servers     correct their settings
               read:custom_domains         see whether the tenant has a custom domain
               read:mfa_policies           see whether a second factor is always asked for
               read:tenant_settings        see how MCP clients name the API and become known
               update:tenant_settings      turn on what MCP clients need
               read:users                  see which accounts a caller has linked
        3. Let the server have them
           - never paste a secret into a chat with an agent: none of the tools takes one
           - the settings have the consumer's key and secret already
           - `BITBUCKET_MCP_PUBLIC_URL`: where the server is reached, such as https://mcp.example.com
        4. Check, plan, apply, test
           - `check_connection`: how each requirement stands (at a terminal: `bitbucket-vault-mcp setup check`)
           - `plan_connection`: what would be changed, and its digest (`setup plan`)
           - `configure_connection`: applies exactly that (`setup apply`)
           - over HTTP it exists only with `BITBUCKET_MCP_ALLOW_CONFIGURE=true`; at a terminal always
           - `link_account`: the user signs in and consents; then `test_connection` proves that it works
        ");
    }

    #[test]
    fn asks_for_no_permission_that_another_brings_and_for_no_scope_that_only_others_need() {
        let guide =
            |transports| Guide::new(&Occasion { transports, ..occasion("https://a.test/") });
        let stdio = guide(Transports::Stdio);
        let scopes: Vec<&str> = stdio.permissions.iter().map(|one| one.scope).collect();
        assert_eq!(scopes, ["account", "project", "pullrequest:write", "pipeline"]);
        let names = |guide: &Guide| -> Vec<&str> {
            guide.management_scopes.iter().map(|scope| scope.name).collect()
        };
        let http = guide(Transports::Http);
        let more: Vec<&str> =
            names(&http).into_iter().filter(|name| !names(&stdio).contains(name)).collect();
        assert_eq!(more, ["read:tenant_settings", "update:tenant_settings", "read:users"]);
        assert_eq!(names(&http), names(&guide(Transports::Both)));
    }

    #[test]
    fn names_the_callback_url_of_the_domain_that_is_used() {
        let domains = |all: &[(&str, &str)]| -> Vec<CustomDomain> {
            let domain = |(domain, status): &(&str, &str)| CustomDomain {
                domain: (*domain).to_owned(),
                status: (*status).to_owned(),
            };
            all.iter().map(domain).collect()
        };
        let ready = [("login.acme.com", "ready"), ("old.acme.com", "disabled")];
        let pending = [("login.acme.com", "pending_verification")];
        let mut said = String::new();
        for (domain, custom) in [
            ("acme.eu.auth0.com", &[][..]),
            ("acme.eu.auth0.com", &ready[..]),
            ("acme.eu.auth0.com", &pending[..]),
            ("LOGIN.acme.com", &ready[..]),
            ("login.acme.com", &pending[..]),
        ] {
            let mut occasion = occasion(&format!("https://{domain}/"));
            let host = occasion.domain.host_str().unwrap().to_owned();
            occasion.standing = standing(&host, &domains(custom));
            let guide = Guide::new(&occasion);
            let lines = &guide.steps[0].lines[2..4];
            let note = lines.last().filter(|line| line.starts_with(' '));
            said += &format!("{}\n{}\n", lines[0], note.map_or("", |note| note.as_str()));
        }
        insta::assert_snapshot!(said, @"
        Callback URL, exactly: https://acme.eu.auth0.com/login/callback

        Callback URL, exactly: https://acme.eu.auth0.com/login/callback
          the tenant has the custom domain `login.acme.com` too. A consumer has one callback URL, and it must be of the domain in `AUTH0_DOMAIN`: to use the custom one, set that first; the callback URL is https://login.acme.com/login/callback then
        Callback URL, exactly: https://acme.eu.auth0.com/login/callback

        Callback URL, exactly: https://login.acme.com/login/callback
          `login.acme.com` is a custom domain of the tenant, and verified
        Callback URL, exactly: https://login.acme.com/login/callback
          `login.acme.com` is a custom domain of the tenant that is not verified yet (`pending_verification`): finish that first, under Branding, Custom Domains
        ");
    }
}
