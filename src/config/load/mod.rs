//! From sources to a configuration, or to everything that is wrong with them.

mod http;
mod setup;

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

pub use http::{Door, door};

use super::problems::{Misfit, Problem, Problems};
use super::settings::{self, Setting};
use super::sources::{Given, Opened, Sources, Value};
use super::{Auth0, ClientAuthentication, Config, LogFormat, Logging, values};

/// What exists to be named by settings. This layer knows no tools, so the caller says.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Every toolset.
    pub toolsets: &'a [&'a str],
    /// Those that `default` stands for.
    pub default_toolsets: &'a [&'a str],
    /// Every tool.
    pub tools: &'a [&'a str],
    /// The toolsets that exist only with a management application.
    pub management_toolsets: &'a [&'a str],
    /// Their tools.
    pub management_tools: &'a [&'a str],
}

/// What a command cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The tenant and the application's credentials.
    Auth0,
    /// The same; or else the tenant and a management application, which can make one.
    Stdio,
    /// The tenant, the application's credentials, and everything to serve many people over HTTP.
    Http,
    /// The tenant and a management application.
    Setup,
    /// The tenant alone.
    Tenant,
    /// Every setting may be left out.
    Nothing,
}

/// Reads a whole configuration. It touches nothing but the files of secrets and
/// certificates that the sources name.
pub fn load(sources: &Sources, known: &Known<'_>, need: Need) -> Result<Config, Problems> {
    let mut reader = Reader(Opened::open(sources));
    let management = reader.management_given();
    let tenant = reader.auth0(need, &management);
    let has_management = management.is_given();
    let management = reader.management(management, need, &tenant);
    let consumer = reader.consumer();
    let bitbucket_api_url = reader.one(&settings::BITBUCKET_API_URL, values::api_url);
    let repositories = reader.repositories();
    let toolsets = reader.toolsets(known, has_management);
    let tool = |word: &str| values::one_of(word, "tool", known.tools).map(|()| word.to_owned());
    let tools = reader.many(&settings::TOOLS, |word| {
        setup::exists(word, known.management_tools, has_management)?;
        tool(word)
    });
    let exclude_tools = reader.many(&settings::EXCLUDE_TOOLS, tool);
    let read_only = reader.one(&settings::READ_ONLY, values::switch);
    let approval = reader.one(&settings::APPROVAL, values::approval);
    let deadline = reader.one(&settings::DEADLINE, |text| {
        values::duration(text, Duration::from_secs(5), Duration::from_secs(600))
    });
    let max_calls = reader.one(&settings::MAX_CALLS, |text| values::count(text, 1, 1024));
    let cache_age = reader.one(&settings::CACHE_AGE, |text| {
        values::duration(text, Duration::from_secs(1), Duration::from_secs(24 * 60 * 60))
    });
    let http = (need == Need::Http).then(|| reader.http(&tenant, max_calls));
    let (public_url, api_client_id) = match (need, &management) {
        (Need::Http, _) | (_, None) => (None, None),
        (_, Some(_)) => reader.http_to_set_up(),
    };
    let state_dir = reader.state_dir();
    let logging = reader.logging();

    let whole = http.as_ref().is_none_or(Option::is_some);
    let sandboxed = sources.sandbox.is_some();
    let Opened { problems, warnings, .. } = reader.0;
    let (
        Some(bitbucket_api_url),
        Some(read_only),
        Some(approval),
        Some(deadline),
        Some(max_calls),
        Some(cache_age),
        Some(state_dir),
        Some(logging),
        true,
    ) = (
        bitbucket_api_url,
        read_only,
        approval,
        deadline,
        max_calls,
        cache_age,
        state_dir,
        logging,
        whole && problems.is_empty(),
    )
    else {
        return Err(Problems(problems));
    };
    Ok(Config {
        tenant: tenant.named(),
        auth0: tenant.auth0,
        management,
        consumer,
        public_url,
        api_client_id,
        http: http.flatten(),
        bitbucket_api_url,
        toolsets: toolsets.filter(|names| !names.is_empty()),
        tools: tools.filter(|names| !names.is_empty()),
        exclude_tools: exclude_tools.unwrap_or_default(),
        read_only,
        repositories: repositories.unwrap_or_default(),
        approval,
        deadline,
        max_calls,
        cache_age,
        state_dir,
        logging,
        sandboxed,
        warnings,
    })
}

/// How to log, before anything else is known to be good. Whoever then loads the configuration
/// learns of a problem in it; until then the default serves.
pub fn logging(sources: &Sources) -> Logging {
    Reader(Opened::open(sources)).logging().unwrap_or_else(|| Logging {
        filter: settings::LOG.default.unwrap_or_default().to_owned(),
        format: LogFormat::Text,
    })
}

/// The answer where a command uses settings that it did not ask for.
pub(super) fn no_auth0() -> Problems {
    Problems(vec![missing(&settings::AUTH0_DOMAIN, "")])
}

struct Reader<'a>(Opened<'a>);

/// What is known of the tenant, and the whole of it where nothing is missing.
struct Tenant {
    domain: Option<Url>,
    client_id: Option<String>,
    connection: Option<String>,
    organization: Option<String>,
    auth0: Option<Auth0>,
}

impl Tenant {
    fn named(&self) -> Option<super::Tenant> {
        Some(super::Tenant {
            domain: self.domain.clone()?,
            client_id: self.client_id.clone(),
            connection: self.connection.clone()?,
            organization: self.organization.clone(),
        })
    }
}

impl Reader<'_> {
    fn auth0(&mut self, need: Need, management: &setup::Given) -> Tenant {
        let domain = self.maybe(&settings::AUTH0_DOMAIN, values::domain);
        let client_id = self.maybe(&settings::AUTH0_CLIENT_ID, values::identifier);
        let client =
            self.client(&settings::AUTH0_CLIENT_SECRET, &settings::AUTH0_CLIENT_SIGNING_KEY);
        let connection = self.one(&settings::AUTH0_CONNECTION, values::identifier);
        let organization = self.maybe(&settings::AUTH0_ORGANIZATION, values::identifier);
        let refresh_token = self.refresh_token(need);
        if need != Need::Nothing {
            self.require(&domain, &settings::AUTH0_DOMAIN, "");
        }
        let none = matches!((&client_id, &client), (Found::Nothing, Found::Nothing));
        let needs_application = match need {
            Need::Auth0 | Need::Http => true,
            Need::Stdio => !(none && management.is_given()),
            Need::Setup | Need::Tenant | Need::Nothing => false,
        };
        if needs_application {
            self.require(&client_id, &settings::AUTH0_CLIENT_ID, "");
            let or = format!(" or `{}`", settings::AUTH0_CLIENT_SIGNING_KEY.variable);
            self.require(&client, &settings::AUTH0_CLIENT_SECRET, &or);
        }
        let (domain, client_id) = (domain.good(), client_id.good());
        let organization = organization.good();
        let auth0 = || {
            Some(Auth0 {
                domain: domain.clone()?,
                client_id: client_id.clone()?,
                client: client.good()?,
                connection: connection.clone()?,
                organization: organization.clone(),
                refresh_token: refresh_token.good(),
            })
        };
        let auth0 = auth0();
        Tenant { domain, client_id, connection, organization, auth0 }
    }

    fn refresh_token(&mut self, need: Need) -> Found<SecretString> {
        if need == Need::Http {
            if let Some(Given { name, .. }) = self.0.find(&settings::AUTH0_REFRESH_TOKEN) {
                self.0.warnings.push(format!(
                    "{name} does nothing here: over HTTP everybody comes with a token of their own"
                ));
            }
            return Found::Nothing;
        }
        self.maybe(&settings::AUTH0_REFRESH_TOKEN, values::secret)
    }

    fn client(
        &mut self,
        secret: &'static Setting,
        key: &'static Setting,
    ) -> Found<ClientAuthentication> {
        let both = [secret, key];
        match (self.0.find(secret), self.0.find(key)) {
            (Some(secret), Some(key)) => {
                let name = format!("{} and {}", secret.name, key.name);
                let hint = "keep the one that the application in Auth0 is set up for";
                self.0.problems.push(Misfit::new("are both given", hint).named(&name));
                Found::Bad
            }
            (Some(given), None) => {
                self.read(given, |text| values::secret(text).map(ClientAuthentication::Secret))
            }
            (None, Some(given)) => self.read(given, |text| {
                values::signing_key(text).map(ClientAuthentication::SigningKey)
            }),
            (None, None) => {
                let unreadable = |setting: &Setting| self.0.unreadable.contains(setting.variable);
                if both.into_iter().any(unreadable) { Found::Bad } else { Found::Nothing }
            }
        }
    }

    fn repositories(&mut self) -> Option<Vec<String>> {
        let given = self.0.find(&settings::REPOSITORIES)?;
        let name = given.name.clone();
        let globs = self.each(given, values::repository_glob);
        if globs.as_ref().is_some_and(Vec::is_empty) {
            let hint = "name what is allowed, as in `acme/*`, or leave it out to allow everything";
            self.0
                .problems
                .push(Misfit::new("is an allow-list that allows nothing", hint).named(&name));
        }
        globs
    }

    fn toolsets(&mut self, known: &Known<'_>, management: bool) -> Option<Vec<String>> {
        let existing = |names: &[&str]| -> Vec<String> {
            let exists = |name: &&&str| management || !known.management_toolsets.contains(name);
            names.iter().filter(exists).map(|&name| name.to_owned()).collect()
        };
        let words = self.many(&settings::TOOLSETS, |word| match word {
            "all" => Ok(existing(known.toolsets)),
            "default" => Ok(existing(known.default_toolsets)),
            _ => {
                setup::exists(word, known.management_toolsets, management)?;
                values::one_of(word, "toolset", known.toolsets).map(|()| vec![word.to_owned()])
            }
        })?;
        let mut names: Vec<String> = Vec::new();
        for name in words.into_iter().flatten() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Some(names)
    }

    fn state_dir(&mut self) -> Option<PathBuf> {
        match self.maybe(&settings::STATE_DIR, |text| Ok(PathBuf::from(text))) {
            Found::Good(path) => Some(path),
            Found::Bad => None,
            Found::Nothing => {
                let folder = self.0.state_folder();
                if folder.is_none() {
                    self.0.problems.push(missing(&settings::STATE_DIR, ""));
                }
                folder
            }
        }
    }

    fn logging(&mut self) -> Option<Logging> {
        let filter = self.one(&settings::LOG, values::log);
        let format = self.one(&settings::LOG_FORMAT, values::log_format);
        Some(Logging { filter: filter?, format: format? })
    }
}

/// What became of a setting that may be left out.
enum Found<T> {
    Good(T),
    Bad,
    Nothing,
}

impl<T> Found<T> {
    fn good(self) -> Option<T> {
        match self {
            Self::Good(value) => Some(value),
            Self::Bad | Self::Nothing => None,
        }
    }
}

impl Reader<'_> {
    /// The value of a setting that has a default, unless the given one is wrong.
    fn one<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, Misfit>,
    ) -> Option<T> {
        match self.maybe(setting, &parse) {
            Found::Nothing => parse(setting.default?).ok(),
            found => found.good(),
        }
    }

    /// The value of a setting that has no default.
    fn maybe<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, Misfit>,
    ) -> Found<T> {
        match self.0.find(setting) {
            Some(given) => self.read(given, parse),
            None if self.0.unreadable.contains(setting.variable) => Found::Bad,
            None => Found::Nothing,
        }
    }

    /// The values of a list, unless nobody gave it or one of them is wrong.
    fn many<T>(
        &mut self,
        setting: &'static Setting,
        parse: impl Fn(&str) -> Result<T, Misfit>,
    ) -> Option<Vec<T>> {
        let given = self.0.find(setting)?;
        self.each(given, parse)
    }

    fn each<T>(
        &mut self,
        given: Given,
        parse: impl Fn(&str) -> Result<T, Misfit>,
    ) -> Option<Vec<T>> {
        let words = match given.value {
            Value::One(text) => values::words(&text),
            Value::Many(words) => words,
        };
        let count = words.len();
        let mut read = Vec::with_capacity(count);
        for word in words {
            match parse(&word) {
                Ok(value) => read.push(value),
                Err(misfit) => self.0.problems.push(misfit.named(&given.name)),
            }
        }
        (read.len() == count).then_some(read)
    }

    /// Spaces and line breaks around a value are no part of it: editors end a file with one.
    fn read<T>(&mut self, given: Given, parse: impl Fn(&str) -> Result<T, Misfit>) -> Found<T> {
        let Value::One(text) = given.value else { return Found::Bad };
        match parse(text.trim()) {
            Ok(value) => Found::Good(value),
            Err(misfit) => {
                self.0.problems.push(misfit.named(&given.name));
                Found::Bad
            }
        }
    }

    fn require<T>(&mut self, found: &Found<T>, setting: &Setting, or: &str) {
        if matches!(found, Found::Nothing) {
            self.0.problems.push(missing(setting, or));
        }
    }
}

fn missing(setting: &Setting, or: &str) -> Problem {
    let file = setting.file_variable().map(|twin| format!(" (or `{twin}`)")).unwrap_or_default();
    let hint = if setting.secret() {
        format!("set it{file} to {}", setting.example)
    } else {
        format!("set it, for example to `{}`", setting.example)
    };
    Problem { name: format!("`{}`{or}", setting.variable), what: "is missing".to_owned(), hint }
}
