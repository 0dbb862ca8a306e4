//! The connection's Token Vault settings for an application of the user's own, as code that works.
//!
//! The templates are files of the language that they are written in. What is put into them is held to
//! an alphabet that means nothing in any of these languages, so it cannot become code.

use url::Url;

use super::Setup;

/// What the code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnippetKind {
    /// The Auth0 AI SDK for TypeScript, with Vercel's AI SDK.
    AiTypescript,
    /// The Auth0 AI SDK for Python, with LangChain.
    AiPython,
    /// A Next.js application with nextjs-auth0.
    Nextjs,
    /// Plain HTTP, by curl.
    Http,
    /// Rust, with reqwest.
    Rust,
}

/// The names that are put into the code.
#[derive(Clone, Debug)]
pub struct SnippetNames {
    /// The domain that people and applications use.
    pub domain: Url,
    /// The connection.
    pub connection: String,
    /// The client id of the user's own application; read from the environment where it is not known.
    pub client_id: Option<String>,
}

/// Code, and what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// How the packages are installed that it needs; empty where it needs none.
    pub install: &'static str,
    /// The code.
    pub files: Vec<SnippetFile>,
    /// The environment variables that it reads.
    pub environment: Vec<EnvironmentVariable>,
}

/// One file of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnippetFile {
    /// Where it goes, relative to the project.
    pub path: &'static str,
    /// What is in it.
    pub code: String,
}

/// A variable that code reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvironmentVariable {
    /// Its name.
    pub name: &'static str,
    /// What belongs into it.
    pub about: &'static str,
}

/// A name that cannot be put into code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} holds characters that have no place in code")]
pub struct UnfitName {
    what: &'static str,
}

/// What one kind is made of.
struct Template {
    install: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// How a client id is written that is known, around the id.
    known: (&'static str, &'static str),
    /// How it is read from the environment.
    unknown: &'static str,
    environment: &'static [EnvironmentVariable],
}

impl SnippetKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::AiTypescript, Self::AiPython, Self::Nextjs, Self::Http, Self::Rust];

    fn template(self) -> &'static Template {
        match self {
            Self::AiTypescript => &AI_TYPESCRIPT,
            Self::AiPython => &AI_PYTHON,
            Self::Nextjs => &NEXTJS,
            Self::Http => &HTTP,
            Self::Rust => &RUST,
        }
    }
}

const CLIENT_SECRET: EnvironmentVariable = EnvironmentVariable {
    name: "AUTH0_CLIENT_SECRET",
    about: "the secret of your application at Auth0",
};
const CLIENT_ID: EnvironmentVariable =
    EnvironmentVariable { name: "AUTH0_CLIENT_ID", about: "the client id of your application" };

const AI_TYPESCRIPT: Template = Template {
    install: "npm install @auth0/ai@5.1.1 @auth0/ai-vercel@4.1.0 ai@5.0.277 zod@3.25.76",
    files: &[("bitbucket.ts", include_str!("templates/ai_typescript.ts"))],
    known: ("\"", "\""),
    unknown: "process.env.AUTH0_CLIENT_ID",
    environment: &[CLIENT_SECRET],
};
const AI_PYTHON: Template = Template {
    install: "pip install auth0-ai-langchain==1.0.1 httpx==0.28.1",
    files: &[("bitbucket.py", include_str!("templates/ai_python.py"))],
    known: ("\"", "\""),
    unknown: "os.environ[\"AUTH0_CLIENT_ID\"]",
    environment: &[CLIENT_SECRET],
};
const NEXTJS: Template = Template {
    install: "npm install @auth0/nextjs-auth0@4.30.0",
    files: &[
        ("lib/auth0.ts", include_str!("templates/nextjs/auth0.ts")),
        ("proxy.ts", include_str!("templates/nextjs/proxy.ts")),
        ("app/api/bitbucket/route.ts", include_str!("templates/nextjs/route.ts")),
    ],
    known: ("\"", "\""),
    unknown: "process.env.AUTH0_CLIENT_ID",
    environment: &[
        CLIENT_SECRET,
        EnvironmentVariable {
            name: "AUTH0_SECRET",
            about: "32 random bytes in hex, which seal the session cookie",
        },
        EnvironmentVariable { name: "APP_BASE_URL", about: "where your application is reached" },
    ],
};
const HTTP: Template = Template {
    install: "",
    files: &[("bitbucket.sh", include_str!("templates/http.sh"))],
    known: ("\"", "\""),
    unknown: "\"${AUTH0_CLIENT_ID:?}\"",
    environment: &[
        CLIENT_SECRET,
        EnvironmentVariable {
            name: "AUTH0_REFRESH_TOKEN",
            about: "the refresh token that the user's sign-in to your application gave",
        },
    ],
};
const RUST: Template = Template {
    install: "cargo add reqwest@0.13 --features form,json && cargo add serde_json@1",
    files: &[("src/bitbucket.rs", include_str!("templates/rust.rs"))],
    known: ("String::from(\"", "\")"),
    unknown: "std::env::var(\"AUTH0_CLIENT_ID\")?",
    environment: &[CLIENT_SECRET],
};

impl Setup {
    /// The names of this tenant. Left out, the application is the one by which this server serves one
    /// person; the one by which it serves many does not exchange refresh tokens.
    #[must_use]
    pub fn snippet_names(&self, client_id: Option<String>) -> SnippetNames {
        let settings = &self.inner;
        let ours = || match &settings.application {
            Some((transports, id)) if transports.stdio() => Some(id.clone()),
            _ => None,
        };
        SnippetNames {
            domain: settings.domain.clone(),
            connection: settings.connection.clone(),
            client_id: client_id.or_else(ours),
        }
    }
}

impl Snippet {
    /// The code of a kind, with the names in it.
    ///
    /// # Errors
    /// When a name could be taken for code.
    pub fn new(kind: SnippetKind, names: &SnippetNames) -> Result<Self, UnfitName> {
        let template = kind.template();
        let issuer = fit("the domain", names.domain.as_str().trim_end_matches('/'), ":/.-_[]")?;
        let host = issuer.split_once("://").map_or(issuer, |(_, host)| host);
        let connection = fit("the connection's name", &names.connection, "-_.")?;
        let client_id = match &names.client_id {
            Some(id) => {
                let (before, after) = template.known;
                format!("{before}{}{after}", fit("the client id", id, "-_")?)
            }
            None => template.unknown.to_owned(),
        };
        let fill = |text: &str| {
            text.replace("{{issuer}}", issuer)
                .replace("{{host}}", host)
                .replace("{{connection}}", connection)
                .replace("{{client_id}}", &client_id)
        };
        let files = template.files.iter();
        let mut environment = template.environment.to_vec();
        if names.client_id.is_none() {
            environment.insert(0, CLIENT_ID);
        }
        Ok(Self {
            install: template.install,
            files: files.map(|(path, text)| SnippetFile { path, code: fill(text) }).collect(),
            environment,
        })
    }
}

/// `name`, if it is made of letters, digits and `besides` alone.
fn fit<'a>(what: &'static str, name: &'a str, besides: &str) -> Result<&'a str, UnfitName> {
    let is_fit = |character: char| character.is_ascii_alphanumeric() || besides.contains(character);
    let fits = (1..=253).contains(&name.len()) && name.chars().all(is_fit);
    if fits { Ok(name) } else { Err(UnfitName { what }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(connection: &str, client_id: Option<&str>) -> SnippetNames {
        SnippetNames {
            domain: Url::parse("https://acme.eu.auth0.com/").unwrap(),
            connection: connection.to_owned(),
            client_id: client_id.map(str::to_owned),
        }
    }

    #[test]
    fn leaves_no_gap_in_a_template() {
        for kind in SnippetKind::ALL {
            for client_id in [Some("abc123"), None] {
                let snippet = Snippet::new(kind, &names("bitbucket", client_id)).unwrap();
                let code: String = snippet.files.iter().map(|file| file.code.as_str()).collect();
                assert!(!code.contains("{{"), "{kind:?}: {code}");
                assert!(code.contains("acme.eu.auth0.com"), "{kind:?}");
                assert!(code.contains("\"bitbucket\""), "{kind:?}");
                assert_eq!(code.contains("abc123"), client_id.is_some(), "{kind:?}");
                assert_eq!(code.contains("AUTH0_CLIENT_ID"), client_id.is_none(), "{kind:?}");
                for variable in &snippet.environment {
                    assert!(code.contains(variable.name), "{kind:?}: {}", variable.name);
                }
            }
        }
    }

    #[test]
    fn lets_no_name_become_code() {
        for kind in SnippetKind::ALL {
            for name in [
                "a\"; rm -rf ~; \"",
                "a'b",
                "a`b",
                "a$(b)",
                "a\\",
                "a\nb",
                "a b",
                "a{{issuer}}",
                "",
                "a;",
                "ä",
                "a\u{202e}b",
                "a#b",
                "a/b",
            ] {
                let unfit = Snippet::new(kind, &names(name, None)).unwrap_err();
                assert_eq!(
                    unfit.to_string(),
                    "the connection's name holds characters that have no place in code"
                );
                assert!(Snippet::new(kind, &names("bitbucket", Some(name))).is_err(), "{name}");
            }
            assert!(Snippet::new(kind, &names(&"a".repeat(254), None)).is_err());
        }
    }

    #[test]
    fn takes_any_domain_that_settings_can_hold() {
        for (domain, host) in [
            ("https://login.acme.com/", "login.acme.com"),
            ("http://127.0.0.1:4567/", "127.0.0.1:4567"),
            ("http://[::1]:4567/", "[::1]:4567"),
        ] {
            let domain = Url::parse(domain).unwrap();
            let names = SnippetNames { domain, ..names("bitbucket", None) };
            let snippet = Snippet::new(SnippetKind::AiPython, &names).unwrap();
            assert!(snippet.files[0].code.contains(&format!("\"domain\": \"{host}\"")));
        }
    }
}
