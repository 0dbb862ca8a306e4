//! Where values come from, and which of them wins.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::problems::{Misfit, Problem, nearest, shown};
use super::settings::{LATER, NOT_YET, REPOSITORIES, SETTINGS, Setting, Shape};
use super::values::words;

/// Values of flags, by the variable of their setting.
pub type Flags = BTreeMap<&'static str, Vec<String>>;

/// Everything that a configuration is made from.
#[derive(Clone)]
pub struct Sources {
    /// The flags on the command line.
    pub flags: Flags,
    /// The environment.
    pub environment: BTreeMap<String, OsString>,
    /// The configuration file, if there is one.
    pub file: Option<ConfigFile>,
    /// Where that file is, or would be: there set-up writes what it has found out.
    pub config_path: Option<PathBuf>,
    /// The default of the state folder, where the platform has one.
    pub state_folder: Option<PathBuf>,
    /// How the files are read that hold secrets and certificates.
    pub read: fn(&Path) -> io::Result<String>,
    /// What a sandbox said about itself.
    pub(super) sandbox: Option<BTreeMap<String, String>>,
}

/// The configuration file as it was found.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its text, or why there is none.
    pub text: Result<String, String>,
    /// Whether other users of the machine may read it.
    pub exposed: bool,
}

impl Sources {
    /// Sources with an environment and nothing else.
    pub fn new(environment: BTreeMap<String, OsString>) -> Self {
        Self {
            flags: Flags::new(),
            environment,
            file: None,
            config_path: None,
            state_folder: None,
            read: read_file,
            sandbox: None,
        }
    }

    /// Whether a sandbox stands in for Auth0 and Bitbucket.
    #[must_use]
    pub fn in_a_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Uses a running sandbox: its settings take the place of whatever the other sources say about
    /// Auth0 and about where Bitbucket is, so that nothing of a real tenant reaches it. What the
    /// sandbox says about other settings counts too.
    pub fn in_sandbox<N: Into<String>>(
        mut self,
        settings: impl IntoIterator<Item = (N, String)>,
    ) -> Self {
        self.sandbox =
            Some(settings.into_iter().map(|(name, value)| (name.into(), value)).collect());
        self
    }

    /// In a sandbox, has set-up write to `path`, and later reads what it says there as the sandbox's own
    /// word: the person's own file is not touched for a trial.
    #[must_use]
    pub fn keeping_at(mut self, path: PathBuf) -> Self {
        self.config_path = Some(path);
        self
    }

    /// What set-up has written for the sandbox.
    pub(super) fn adopt_kept(&mut self) {
        let Some(path) = &self.config_path else { return };
        let Ok(Ok(table)) = (self.read)(path).map(|text| text.parse::<toml::Table>()) else {
            return;
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let text = |key: &str| table.get(key).and_then(toml::Value::as_str);
        for setting in SETTINGS {
            let plain = setting.key.and_then(text).map(str::to_owned);
            let value = plain.or_else(|| {
                let path = text(&setting.file_key()?)?;
                (self.read)(&folder.join(path)).ok()
            });
            if let (Some(settings), Some(value)) = (&mut self.sandbox, value) {
                settings.insert(setting.variable.to_owned(), value);
            }
        }
    }
}

fn read_file(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}

/// A value and the name under which it was given.
pub(super) struct Given {
    /// A flag, a variable, or a key and its file, in backticks.
    pub(super) name: String,
    /// What was given.
    pub(super) value: Value,
}

pub(super) enum Value {
    One(String),
    Many(Vec<String>),
}

/// The sources, opened: the file parsed, unknown names found.
pub(super) struct Opened<'a> {
    sources: &'a Sources,
    file: toml::Table,
    /// The variables of settings that were given, but not in a way that can be read.
    pub(super) unreadable: BTreeSet<&'static str>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
}

impl<'a> Opened<'a> {
    pub(super) fn open(sources: &'a Sources) -> Self {
        let mut opened = Self {
            sources,
            file: toml::Table::new(),
            unreadable: BTreeSet::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        };
        opened.check_environment();
        if let Some(file) = &sources.file {
            opened.open_file(file);
        }
        opened
    }

    /// The value that wins for `setting`, if anybody gave one.
    pub(super) fn find(&mut self, setting: &'static Setting) -> Option<Given> {
        if let Some(settings) = &self.sources.sandbox {
            if let Some(value) = settings.get(setting.variable).cloned() {
                return Some(Given { name: "the sandbox".to_owned(), value: Value::One(value) });
            }
            if setting.names_a_service() {
                return None;
            }
        }
        let problems = self.problems.len();
        let given = self
            .flag(setting)
            .or_else(|| self.variable(setting))
            .or_else(|| self.file_entry(setting));
        if given.is_none() && self.problems.len() > problems {
            self.unreadable.insert(setting.variable);
        }
        given
    }

    /// The text of a file that a setting names.
    pub(super) fn read(&self, path: &Path) -> io::Result<String> {
        (self.sources.read)(path)
    }

    /// The default of the state folder.
    pub(super) fn state_folder(&self) -> Option<PathBuf> {
        self.sources.state_folder.clone()
    }

    fn flag(&self, setting: &Setting) -> Option<Given> {
        let values = self.sources.flags.get(setting.variable)?;
        let value = match setting.shape {
            Shape::List => Value::Many(values.iter().flat_map(|text| words(text)).collect()),
            _ => Value::One(values.last()?.clone()),
        };
        Some(Given { name: format!("`--{}`", setting.flag?), value })
    }

    fn variable(&mut self, setting: &'static Setting) -> Option<Given> {
        let plain = self.variable_text(setting.variable).filter(|text| {
            // Forms and templates leave variables empty that nobody filled in. An allow-list is
            // the exception: to read an empty one as no limit would open what was to be shut.
            !text.is_empty() || setting.variable == REPOSITORIES.variable
        });
        let twin = setting.file_variable();
        let path = twin.as_deref().and_then(|twin| self.variable_text(twin));
        match (plain, path.filter(|path| !path.is_empty()), twin) {
            (Some(_), Some(_), Some(twin)) => {
                self.both(&format!("`{}`", setting.variable), &format!("`{twin}`"))
            }
            (Some(text), ..) => Some(Given {
                name: format!("`{}`", setting.variable),
                value: match setting.shape {
                    Shape::List => Value::Many(words(&text)),
                    _ => Value::One(text),
                },
            }),
            (None, Some(path), Some(twin)) => {
                self.secret_file(format!("`{twin}`"), Path::new(&path))
            }
            _ => None,
        }
    }

    fn variable_text(&mut self, variable: &str) -> Option<String> {
        let value = self.sources.environment.get(variable)?;
        let text = value.to_str().map(str::to_owned);
        if text.is_none() {
            let misfit = Misfit::new("is not UTF-8", "set it again");
            self.problems.push(misfit.named(&format!("`{variable}`")));
        }
        text
    }

    fn file_entry(&mut self, setting: &'static Setting) -> Option<Given> {
        let key = setting.key?;
        let plain = self.file.remove(key);
        let twin = setting.file_key();
        let path = twin.as_deref().and_then(|twin| self.file.remove(twin));
        match (plain, path, twin) {
            (Some(_), Some(_), Some(twin)) => {
                let (plain, twin) = (self.key_name(key), self.key_name(&twin));
                self.both(&plain, &twin)
            }
            (Some(value), ..) => {
                let name = self.key_name(key);
                self.file_value(name, setting.shape, value)
            }
            (None, Some(path), Some(twin)) => {
                let name = self.key_name(&twin);
                let Given { name, value } = self.file_value(name, Shape::Text, path)?;
                let Value::One(path) = value else { return None };
                let folder = self.sources.file.as_ref().and_then(|file| file.path.parent());
                self.secret_file(name, &folder.unwrap_or(Path::new("")).join(path))
            }
            _ => None,
        }
    }

    fn file_value(&mut self, name: String, shape: Shape, value: toml::Value) -> Option<Given> {
        let given = match (shape, value) {
            (Shape::List, toml::Value::String(text)) => Some(Value::Many(words(&text))),
            (Shape::List, toml::Value::Array(items)) => items
                .into_iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<_>>()
                .map(Value::Many),
            (_, toml::Value::String(text)) => Some(Value::One(text)),
            (Shape::Switch, toml::Value::Boolean(switch)) => Some(Value::One(switch.to_string())),
            (Shape::Text, toml::Value::Integer(number)) => Some(Value::One(number.to_string())),
            _ => None,
        };
        if given.is_none() {
            let misfit = match shape {
                Shape::List => Misfit::new("is not a list of strings", "write `[\"…\", \"…\"]`"),
                Shape::Switch => {
                    Misfit::new("is neither true nor false", "write `true` or `false`")
                }
                Shape::Text | Shape::Secret => {
                    Misfit::new("is not a string", "write it in double quotes")
                }
            };
            self.problems.push(misfit.named(&name));
        }
        given.map(|value| Given { name, value })
    }

    fn secret_file(&mut self, name: String, path: &Path) -> Option<Given> {
        match self.read(path) {
            Ok(text) => Some(Given { name, value: Value::One(text) }),
            Err(error) => {
                let what = format!("cannot be read: {error}");
                let hint = format!("check the file `{}`", shown(&path.to_string_lossy()));
                self.problems.push(Misfit::new(what, hint).named(&name));
                None
            }
        }
    }

    fn both(&mut self, left: &str, right: &str) -> Option<Given> {
        let misfit = Misfit::new("are both given", "keep one of them");
        self.problems.push(misfit.named(&format!("{left} and {right}")));
        None
    }

    fn check_environment(&mut self) {
        const PREFIX: &str = "BITBUCKET_MCP_";
        for (name, value) in &self.sources.environment {
            let upper = name.to_ascii_uppercase();
            if !upper.starts_with(PREFIX) || variables().any(|known| known == *name) {
                continue;
            }
            if LATER.contains(&name.as_str()) {
                self.warnings
                    .push(format!("`{name}` does nothing here: this version has no use for it"));
                continue;
            }
            if NOT_YET.contains(&name.as_str()) {
                if !value.is_empty() {
                    self.problems.push(not_yet().named(&format!("`{name}`")));
                }
                continue;
            }
            let known: Vec<String> =
                variables().filter(|known| known.starts_with(PREFIX)).collect();
            let nearest = nearest(&upper, known.iter().map(String::as_str)).unwrap_or(PREFIX);
            let misfit = Misfit::new("is not a setting", format!("did you mean `{nearest}`?"));
            self.problems.push(misfit.named(&format!("`{}`", shown(name))));
        }
    }

    fn open_file(&mut self, file: &ConfigFile) {
        let table = match &file.text {
            Ok(text) => text.parse::<toml::Table>().map_err(|error| {
                // The error's own `Display` quotes the line, and the line may hold a secret.
                let start = error.span().map_or(0, |span| span.start);
                let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
                let what = format!("is not TOML: line {line}: {}", error.message());
                Misfit::new(what, "write one `key = value` on each line")
            }),
            Err(reason) => Err(Misfit::new(
                format!("cannot be read: {reason}"),
                "`--config` or `BITBUCKET_MCP_CONFIG` says where it is",
            )),
        };
        match table {
            Ok(table) => self.check_file(file, table),
            Err(misfit) => {
                let name = format!("`{}`", shown(&file.path.to_string_lossy()));
                self.problems.push(misfit.named(&name));
            }
        }
    }

    fn check_file(&mut self, file: &ConfigFile, table: toml::Table) {
        let known: Vec<String> = keys().collect();
        for (typed, value) in table {
            let key = typed.replace('_', "-");
            if LATER.iter().any(|variable| later_key(variable) == key) {
                let name = self.key_name(&typed);
                self.warnings
                    .push(format!("{name} does nothing here: this version has no use for it"));
                continue;
            }
            if NOT_YET.iter().any(|variable| later_key(variable) == key) {
                self.problems.push(not_yet().named(&self.key_name(&typed)));
                continue;
            }
            if !known.contains(&key) {
                let nearest = nearest(&key, known.iter().map(String::as_str)).unwrap_or_default();
                let misfit = Misfit::new("is not a setting", format!("did you mean `{nearest}`?"));
                self.problems.push(misfit.named(&self.key_name(&typed)));
                continue;
            }
            let secret =
                SETTINGS.iter().any(|setting| setting.secret() && setting.key == Some(&key));
            if secret && file.exposed {
                let misfit = Misfit::new(
                    "is a secret in a file that others may read",
                    format!("run `chmod 600 {}`", shown(&file.path.to_string_lossy())),
                );
                self.problems.push(misfit.named(&self.key_name(&typed)));
            }
            if self.file.insert(key, value).is_some() {
                let misfit = Misfit::new("is given twice", "keep one of the two spellings");
                self.problems.push(misfit.named(&self.key_name(&typed)));
            }
        }
    }

    fn key_name(&self, key: &str) -> String {
        let path = self.sources.file.as_ref().map(|file| file.path.to_string_lossy());
        format!("`{}` in `{}`", shown(key), path.as_deref().unwrap_or("config.toml"))
    }
}

/// Every variable that means something now.
fn variables() -> impl Iterator<Item = String> {
    SETTINGS.iter().flat_map(|setting| {
        std::iter::once(setting.variable.to_owned()).chain(setting.file_variable())
    })
}

/// Every key that means something now.
fn keys() -> impl Iterator<Item = String> {
    SETTINGS
        .iter()
        .flat_map(|setting| setting.key.map(str::to_owned).into_iter().chain(setting.file_key()))
}

fn not_yet() -> Misfit {
    Misfit::new(
        "is not available yet, and nothing here protects in its place",
        "leave it out to start without",
    )
}

fn later_key(variable: &str) -> String {
    let name = variable.strip_prefix("BITBUCKET_MCP_").unwrap_or(variable);
    name.to_ascii_lowercase().replace('_', "-")
}
