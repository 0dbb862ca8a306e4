//! Where secrets are, for whoever looks after the modes of files.

use std::path::PathBuf;

use super::Sources;
use super::settings::{SETTINGS, Setting};
use super::sources::ConfigFile;

/// The files of secrets that variables and the configuration file name.
#[must_use]
pub fn secret_files(sources: &Sources) -> Vec<PathBuf> {
    let table = sources.file.as_ref().and_then(table);
    let named = |setting: &Setting| {
        let variable = setting.file_variable()?;
        let by_variable = sources.environment.get(&variable).map(PathBuf::from);
        by_variable.or_else(|| {
            let key = setting.file_key()?;
            Some(PathBuf::from(entry(table.as_ref()?, &key)?.as_str()?))
        })
    };
    let files = SETTINGS.iter().filter_map(|setting| named(setting));
    files.filter(|path| !path.as_os_str().is_empty()).collect()
}

/// Whether a configuration file holds a secret itself.
#[must_use]
pub fn holds_a_secret(file: &ConfigFile) -> bool {
    let Some(table) = table(file) else { return false };
    SETTINGS
        .iter()
        .filter(|setting| setting.secret())
        .any(|setting| setting.key.is_some_and(|key| entry(&table, key).is_some()))
}

fn table(file: &ConfigFile) -> Option<toml::Table> {
    file.text.as_ref().ok()?.parse().ok()
}

/// Keys may be spelled with dashes or underscores.
fn entry<'a>(table: &'a toml::Table, key: &str) -> Option<&'a toml::Value> {
    table.iter().find(|(typed, _)| typed.replace('_', "-") == key).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn finds_files_by_variable_and_by_key() {
        let text =
            "auth0_client_secret_file = \"/b\"\nauth0-management-client-secret-file = \"/c\"\n";
        let file =
            ConfigFile { path: "/config.toml".into(), text: Ok(text.into()), exposed: false };
        assert!(!holds_a_secret(&file));
        let variable = ("AUTH0_MANAGEMENT_CLIENT_SECRET_FILE".to_owned(), "/a".into());
        let mut sources = Sources::new(BTreeMap::from([variable]));
        sources.file = Some(file);
        let mut files = secret_files(&sources);
        files.sort();
        assert_eq!(files, [PathBuf::from("/a"), PathBuf::from("/b")]);
        let text = Ok("auth0_client_secret = \"x\"".to_owned());
        assert!(holds_a_secret(&ConfigFile { path: "/c".into(), text, exposed: true }));
    }
}
