//! The only place that reads the environment, and the configuration file that it points to.

use std::ffi::OsString;
use std::path::PathBuf;

use etcetera::BaseStrategy;

use super::settings::CONFIG;
use super::sources::{ConfigFile, Flags, Sources};

/// The folder of ours inside the platform's.
const FOLDER: &str = "bitbucket-vault-mcp";

impl Sources {
    /// What this process was given: these flags, its environment, and its configuration file.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn gather(flags: Flags) -> Self {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            // Windows does not tell `Path` from `PATH`.
            Some((if cfg!(windows) { name.to_ascii_uppercase() } else { name }, value))
        });
        let mut sources = Self::new(environment.collect());
        sources.flags = flags;
        let folders = etcetera::choose_base_strategy().ok();
        let folder = folders.as_ref().map(BaseStrategy::config_dir);
        sources.config_path = sources.config_path(folder);
        sources.file = sources.config_file();
        sources.state_folder = folders
            .map(|folders| folders.state_dir().unwrap_or_else(|| folders.cache_dir()).join(FOLDER));
        sources
    }

    /// The same sources with the configuration file as it is now.
    #[must_use]
    pub fn reread(&self) -> Self {
        let mut sources = self.clone();
        if sources.sandbox.is_some() {
            sources.adopt_kept();
        } else {
            sources.file = sources.config_file();
        }
        sources
    }

    /// Where somebody said that the file is.
    fn named_path(&self) -> Option<PathBuf> {
        let flag = self.flags.get(CONFIG.variable).and_then(|values| values.last());
        flag.map(OsString::from)
            .or_else(|| self.environment.get(CONFIG.variable).cloned())
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    }

    fn config_path(&self, folder: Option<PathBuf>) -> Option<PathBuf> {
        self.named_path().or_else(|| Some(folder?.join(FOLDER).join("config.toml")))
    }

    /// Nobody misses the default file, but a named one.
    fn config_file(&self) -> Option<ConfigFile> {
        let path = self.config_path.clone()?;
        (self.named_path().is_some() || path.exists()).then(|| open(path))
    }
}

fn open(path: PathBuf) -> ConfigFile {
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
    ConfigFile { exposed: std::fs::metadata(&path).is_ok_and(|found| exposed(&found)), text, path }
}

/// Whether others on this machine may read it.
#[cfg(unix)]
pub(crate) fn exposed(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    found.permissions().mode() & 0o077 != 0
}

/// Elsewhere the home folder's own access list is all that there is.
#[cfg(not(unix))]
pub(crate) fn exposed(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn found(mode: u32) -> ConfigFile {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FOLDER).join("config.toml");
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "read-only = true").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        let mut sources = Sources::new(BTreeMap::new());
        sources.config_path = sources.config_path(Some(folder.path().to_owned()));
        sources.config_file().unwrap()
    }

    #[test]
    fn sees_who_may_read_the_file() {
        assert!(!found(0o600).exposed);
        assert!(found(0o640).exposed);
        assert!(found(0o604).exposed);
    }

    #[test]
    fn misses_no_default_file_but_a_named_one() {
        let mut sources = Sources::new(BTreeMap::new());
        sources.config_path = sources.config_path(Some(PathBuf::from("/nowhere")));
        assert!(sources.config_file().is_none());
        sources.environment.insert("BITBUCKET_MCP_CONFIG".to_owned(), "/nowhere/x.toml".into());
        sources.config_path = sources.config_path(None);
        assert!(sources.config_file().unwrap().text.is_err());
    }

    #[test]
    fn sees_what_was_written_since() {
        let folder = tempfile::tempdir().unwrap();
        let mut sources = Sources::new(BTreeMap::new());
        sources.config_path = sources.config_path(Some(folder.path().to_owned()));
        assert!(sources.reread().file.is_none());
        let path = sources.config_path.clone().unwrap();
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "read-only = true").unwrap();
        assert_eq!(sources.reread().file.unwrap().text.unwrap(), "read-only = true");
    }
}
