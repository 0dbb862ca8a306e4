//! The settings that the server needs once the tenant is set up.

use url::Url;

use super::super::edit::Object;
use super::super::keep::{Entry, Group, Kept};
use super::super::wanted::Wanted;
use super::super::{Setup, Transports};
use super::write::Writer;

/// The settings that are written, by variable and by the key in the configuration file.
pub static WRITTEN: &[(&str, &str)] = &[
    DOMAIN,
    CLIENT_ID,
    CLIENT_SECRET,
    CONNECTION,
    ORGANIZATION,
    AUDIENCE,
    PUBLIC_URL,
    API_CLIENT_ID,
    API_CLIENT_SECRET,
];

const DOMAIN: (&str, &str) = ("AUTH0_DOMAIN", "auth0-domain");
const CLIENT_ID: (&str, &str) = ("AUTH0_CLIENT_ID", "auth0-client-id");
const CLIENT_SECRET: (&str, &str) = ("AUTH0_CLIENT_SECRET_FILE", "auth0-client-secret-file");
const CONNECTION: (&str, &str) = ("AUTH0_CONNECTION", "auth0-connection");
const ORGANIZATION: (&str, &str) = ("AUTH0_ORGANIZATION", "auth0-organization");
const AUDIENCE: (&str, &str) = ("AUTH0_AUDIENCE", "auth0-audience");
const PUBLIC_URL: (&str, &str) = ("BITBUCKET_MCP_PUBLIC_URL", "public-url");
const API_CLIENT_ID: (&str, &str) = ("AUTH0_API_CLIENT_ID", "auth0-api-client-id");
const API_CLIENT_SECRET: (&str, &str) =
    ("AUTH0_API_CLIENT_SECRET_FILE", "auth0-api-client-secret-file");

/// Other ways to say how an application proves itself.
const INSTEAD: &[&str] =
    &["auth0-client-secret", "auth0-client-signing-key", "auth0-client-signing-key-file"];
const API_INSTEAD: &[&str] = &[
    "auth0-api-client-secret",
    "auth0-api-client-signing-key",
    "auth0-api-client-signing-key-file",
];

/// The connection where nobody says.
const DEFAULT_CONNECTION: &str = "bitbucket";

/// What stands for a secret that we have never seen.
const ELSEWHERE: &str =
    "a file with the client secret from the application's page in the dashboard";

/// An application whose settings are wanted.
struct Named {
    id: String,
    /// The path of its file.
    secret: Option<String>,
    variables: [(&'static str, &'static str); 2],
    instead: &'static [&'static str],
}

impl Setup {
    /// Writes the settings that no source has yet, as far as that can be done, and says what they are.
    pub(super) async fn keep_settings(&self, wanted: &Wanted, writer: &Writer) -> Vec<Kept> {
        let mut kept = Vec::new();
        for transport in wanted.transports.each() {
            let named = self.applications(transport, writer);
            if named.is_empty() {
                continue;
            }
            let (known, unknown): (Vec<_>, Vec<_>) =
                named.into_iter().partition(|one| one.secret.is_some());
            if !known.is_empty() {
                kept.extend(self.write_settings(transport, wanted, writer, &known).await);
            }
            kept.extend(unknown.iter().flat_map(|one| one.group().entries).map(by_hand(transport)));
        }
        kept
    }

    /// The applications of `transport` that are there and that the settings do not name.
    fn applications(&self, transport: Transports, writer: &Writer) -> Vec<Named> {
        let settings = &self.inner;
        let web = if transport.http() { Object::HttpApplication } else { Object::StdioApplication };
        let is_named = settings.application.as_ref().is_some_and(|(of, _)| *of == transport);
        let mut named = Vec::new();
        if !is_named {
            named.extend(writer.named(&web, [CLIENT_ID, CLIENT_SECRET], INSTEAD));
        }
        if transport.http() && settings.api_client.is_none() {
            let variables = [API_CLIENT_ID, API_CLIENT_SECRET];
            named.extend(writer.named(&Object::ApiClient, variables, API_INSTEAD));
        }
        named
    }

    async fn write_settings(
        &self,
        transport: Transports,
        wanted: &Wanted,
        writer: &Writer,
        named: &[Named],
    ) -> Vec<Kept> {
        let base = Group { entries: vec![entry(DOMAIN, host(&wanted.domain))], is_base: true };
        let mut groups = vec![base];
        if let Some((audience, url)) = wanted.api().zip(wanted.public_url.as_ref())
            && transport.http()
        {
            let url = url.origin().ascii_serialization();
            let entries = vec![entry(AUDIENCE, audience), entry(PUBLIC_URL, url)];
            groups.push(Group { entries, is_base: false });
        }
        let connection = Some(&wanted.connection).filter(|name| *name != DEFAULT_CONNECTION);
        for (key, value) in [(CONNECTION, connection), (ORGANIZATION, wanted.organization.as_ref())]
        {
            let entries = value.into_iter().map(|value| entry(key, value.clone())).collect();
            groups.push(Group { entries, is_base: false });
        }
        groups.extend(named.iter().map(Named::group));
        let by_hand: Vec<_> =
            groups.iter().flat_map(|group| group.entries.clone()).map(by_hand(transport)).collect();
        let Some(keep) = &writer.keep else { return by_hand };
        match keep.settings(transport, groups).await {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(%error, "the settings were not written");
                by_hand
            }
        }
    }
}

impl Writer {
    fn named(
        &self,
        object: &Object,
        variables: [(&'static str, &'static str); 2],
        instead: &'static [&'static str],
    ) -> Option<Named> {
        let id = self.places.id(object)?.to_owned();
        let secret = self.secrets.get(&id).cloned();
        let secret = secret.or_else(|| self.keep.as_ref()?.secret_of(&id));
        // A configuration file cannot name every path.
        let secret = secret.and_then(|path| path.to_str().map(str::to_owned));
        Some(Named { id, secret, variables, instead })
    }
}

impl Named {
    fn group(&self) -> Group {
        let [id, secret] = self.variables;
        let path = self.secret.as_deref().unwrap_or(ELSEWHERE);
        let secret = entry(secret, path.to_owned());
        let secret = Entry { instead: self.instead, ..secret };
        Group { entries: vec![entry(id, self.id.clone()), secret], is_base: false }
    }
}

fn entry((variable, key): (&'static str, &'static str), value: String) -> Entry {
    Entry { variable, key, value, instead: &[] }
}

fn by_hand(transport: Transports) -> impl Fn(Entry) -> Kept {
    move |Entry { variable, value, .. }| Kept { transport, variable, value, written_to: None }
}

/// A domain as people write it: a bare host means https.
fn host(domain: &Url) -> String {
    let origin = domain.origin().ascii_serialization();
    origin.strip_prefix("https://").map(str::to_owned).unwrap_or(origin)
}
