//! What only a person can do, in steps: the OAuth consumer at Bitbucket, and the application by which
//! we set up all else.
//!
//! It is for people who have neither yet, so it can be had without any credentials.

use std::fmt::Write as _;

use url::Url;

use super::{ManagementScope, Setup, Transports, management_scopes, minimal, permission};
use crate::auth0::management::CustomDomain;
use crate::text::clean_line;

/// How the application is called in the guide by which the tenant is set up.
const SETUP_APPLICATION: &str = "bitbucket-vault-mcp-setup";
/// Without a user id Auth0 links no account, and Bitbucket tells it to this scope alone.
const IDENTITY_SCOPE: &str = "account";

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
        DomainStanding::OwnBeside(custom) => vec![
            format!(
                "  The tenant has the custom domain `{custom}` too. A consumer has one callback URL, and \
                 it must be of the domain in `AUTH0_DOMAIN`: to use the custom one, set that first; the \
                 callback URL is https://{custom}/login/callback then"
            ),
        ],
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
