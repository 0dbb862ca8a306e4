//! Where other programs keep their configuration on this machine, as the environment says.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Sources;

/// The operating system, as far as it decides where files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Linux, and whatever else follows the XDG base directories.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// The folders of this person and of this process.
#[derive(Clone, Debug)]
pub struct Places {
    /// The operating system.
    pub system: System,
    /// The person's home.
    pub home: PathBuf,
    /// `XDG_CONFIG_HOME`, or what it stands for.
    pub config_home: PathBuf,
    /// `APPDATA` of Windows.
    pub app_data: PathBuf,
    /// `LOCALAPPDATA` of Windows.
    pub local_app_data: PathBuf,
    /// `CLAUDE_CONFIG_DIR`, where it is set.
    pub claude_config_dir: Option<PathBuf>,
    /// `CODEX_HOME`, where it is set.
    pub codex_home: Option<PathBuf>,
    /// `GEMINI_CLI_HOME`, where it is set: it stands in for the home.
    pub gemini_home: Option<PathBuf>,
    /// The current folder.
    pub current: PathBuf,
    /// This program, by the path that it will also have after an update where there is such a one.
    pub program: PathBuf,
}

impl Places {
    /// The places of this process.
    ///
    /// # Errors
    /// Where it is not known whose home it is, where we are, or what we are.
    pub fn gather(sources: &Sources) -> std::io::Result<Self> {
        let system = if cfg!(windows) {
            System::Windows
        } else if cfg!(target_os = "macos") {
            System::MacOs
        } else {
            System::Linux
        };
        let variable = |name: &str| folder(sources.environment.get(name));
        let home = match etcetera::home_dir() {
            Ok(home) => home,
            Err(error) => return Err(std::io::Error::other(error)),
        };
        let program = std::env::current_exe()?;
        let program = sources
            .environment
            .get("PATH")
            .and_then(|path| stable(&program, path))
            .unwrap_or(program);
        Ok(Self {
            system,
            config_home: variable("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
            app_data: variable("APPDATA").unwrap_or_else(|| home.join("AppData").join("Roaming")),
            local_app_data: variable("LOCALAPPDATA")
                .unwrap_or_else(|| home.join("AppData").join("Local")),
            claude_config_dir: variable("CLAUDE_CONFIG_DIR"),
            codex_home: variable("CODEX_HOME"),
            gemini_home: variable("GEMINI_CLI_HOME"),
            current: std::env::current_dir()?,
            program,
            home,
        })
    }
}

/// The XDG specification has relative paths ignored, and nobody else gives them a meaning either.
fn folder(value: Option<&OsString>) -> Option<PathBuf> {
    value.map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The entry of `PATH` that leads to this very program. Package managers put a link there whose target
/// has the version in its name, and that target is gone after the next update.
fn stable(program: &Path, path: &OsString) -> Option<PathBuf> {
    let name = program.file_name()?;
    let real = program.canonicalize().ok()?;
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.canonicalize().is_ok_and(|target| target == real))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn names_the_program_by_the_link_that_outlives_an_update() {
        let root = tempfile::tempdir().unwrap();
        let (cellar, bin) = (root.path().join("cellar/1.2.3"), root.path().join("bin"));
        for folder in [&cellar, &bin] {
            std::fs::create_dir_all(folder).unwrap();
        }
        let program = cellar.join("bitbucket-vault-mcp");
        std::fs::write(&program, "").unwrap();
        let path = std::env::join_paths([root.path(), &bin]).unwrap();
        assert_eq!(stable(&program, &path), None);
        let link = bin.join("bitbucket-vault-mcp");
        std::os::unix::fs::symlink(&program, &link).unwrap();
        assert_eq!(stable(&program, &path), Some(link.clone()));
        std::fs::remove_file(&link).unwrap();
        std::fs::write(&link, "another program").unwrap();
        assert_eq!(stable(&program, &path), None);
    }

    #[test]
    fn takes_no_relative_folder() {
        assert_eq!(folder(Some(&"configuration".into())), None);
        assert_eq!(folder(Some(&"".into())), None);
        assert_eq!(folder(Some(&"/etc".into())), Some(PathBuf::from("/etc")));
    }
}
