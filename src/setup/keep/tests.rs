//! Files, and what somebody may have put in their place.

use super::*;

fn keep(folder: &Path) -> Keep {
    Keep {
        folder: folder.join("state/secrets"),
        stdio_config: folder.join("config/config.toml"),
        http_config: folder.join("config/http.toml"),
    }
}

fn entry(key: &'static str, value: &str) -> Entry {
    Entry { variable: key, key, value: value.into(), instead: &[] }
}

fn groups() -> Vec<Group> {
    let secret = Entry {
        instead: &["auth0-client-secret"],
        ..entry("auth0-client-secret-file", "/secrets/client-secret-a")
    };
    vec![
        Group { entries: vec![entry("auth0-domain", "acme.eu.auth0.com")], is_base: true },
        Group { entries: vec![entry("auth0-client-id", "a"), secret], is_base: false },
    ]
}

/// What becomes of a configuration file, and which of the three settings it has then.
async fn extended(text: Option<&str>) -> (String, [bool; 3]) {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(folder.path());
    if let Some(text) = text {
        std::fs::create_dir(folder.path().join("config")).unwrap();
        std::fs::write(&keep.stdio_config, text).unwrap();
    }
    let kept = keep.settings(Transports::Stdio, groups()).await.unwrap();
    let written: Vec<_> = kept.iter().map(|kept| kept.written_to.is_some()).collect();
    let text = std::fs::read_to_string(&keep.stdio_config).unwrap_or_default();
    (text, written.try_into().unwrap())
}

#[tokio::test]
async fn adds_what_is_lacking_and_leaves_the_rest_byte_for_byte() {
    let table = [
        None,
        Some(""),
        Some("# mine\nlog = 'debug'   # loud\n\n# the end"),
        Some("\u{feff}log = \"debug\"\n"),
        Some("# windows\r\nlog = \"debug\"\r\n"),
        Some("auth0-domain = 'https://acme.eu.auth0.com/'\nlog = \"debug\"\n"),
        Some("log = \"debug\"\n\n[table]\nkey = 1 # not ours\n"),
        Some("toolsets = [\n  \"a\", # b\n]\n"),
    ];
    for before in table {
        let (after, written) = extended(before).await;
        assert_eq!(written, [true; 3], "{before:?}");
        let before = before.unwrap_or_default();
        assert!(after.starts_with(before) || after.ends_with(before), "{before:?} {after:?}");
        let lone = after.replace("\r\n", "").contains('\n');
        assert!(!before.contains("\r\n") || !lone, "{after:?}");
        let after: toml::Table = after.trim_start_matches('\u{feff}').parse().unwrap();
        assert!(after["auth0-domain"].as_str().unwrap().contains("acme.eu.auth0.com"));
        assert_eq!(after["auth0-client-id"].as_str(), Some("a"));
        assert_eq!(after["auth0-client-secret-file"].as_str(), Some("/secrets/client-secret-a"));
    }
    let (text, _) = extended(Some("log = \"debug\" # loud\n")).await;
    insta::assert_snapshot!(text, @r#"
    log = "debug" # loud

    # Added when the tenant was set up
    auth0-domain = "acme.eu.auth0.com"
    auth0-client-id = "a"
    auth0-client-secret-file = "/secrets/client-secret-a"
    "#);
    assert_eq!(extended(Some(&text)).await, (text.clone(), [true; 3]));
}

#[tokio::test]
async fn leaves_to_the_person_what_they_have_decided() {
    let table = [
        // Another tenant: nothing of ours belongs there.
        ("auth0-domain = \"other.eu.auth0.com\"\n", [false, false, false]),
        ("auth0-domain = 7\n", [false, false, false]),
        // Another application.
        ("auth0-client-id = \"b\"\n", [true, false, false]),
        ("auth0-client-id = \"a\"\nauth0-client-secret = \"s\"\n", [true, true, false]),
        ("auth0-client-secret-file = \"/mine\"\n", [true, false, false]),
    ];
    for (before, expected) in table {
        let (after, written) = extended(Some(before)).await;
        assert_eq!(written, expected, "{before}");
        assert!(after.starts_with(before), "{after}");
        let added = after.strip_prefix(before).unwrap();
        assert!(!added.contains("client"), "{added}");
        assert_eq!(added.contains("auth0-domain"), expected[0], "{added}");
    }
}

#[tokio::test]
async fn refuses_a_file_that_it_does_not_understand_and_quotes_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(folder.path());
    std::fs::create_dir(folder.path().join("config")).unwrap();
    let text = "auth0-client-secret = hush";
    std::fs::write(&keep.stdio_config, text).unwrap();
    let refused = keep.prepare(Transports::Stdio).await.unwrap_err();
    let said = format!("{refused} {refused:?}").replace(folder.path().to_str().unwrap(), "FOLDER");
    assert!(!said.contains("hush"), "{said}");
    insta::assert_snapshot!(
        refused.to_string().replace(folder.path().to_str().unwrap(), "FOLDER"),
        @"the configuration file `FOLDER/config/config.toml` cannot be extended: it is not TOML"
    );
    keep.settings(Transports::Stdio, groups()).await.unwrap_err();
    assert_eq!(std::fs::read_to_string(&keep.stdio_config).unwrap(), text);
    keep.prepare(Transports::Http).await.unwrap();
}

#[test]
fn takes_no_client_id_for_a_path() {
    let name = secrets::name_of("J7KLabc_-9");
    assert_eq!(name, "client-secret-J7KLabc_-9");
    let strange =
        ["", ".", "..", "../../etc/passwd", "a/b", "a\\b", "a\0b", "ä", "a b", &"a".repeat(65)];
    for id in strange {
        let name = secrets::name_of(id);
        assert_eq!(name.len(), "client-secret.".len() + 64, "{id}");
        assert!(!name.contains(['/', '\\', '\0']), "{name}");
    }
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[tokio::test]
    async fn lets_nobody_else_read_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let keep = keep(folder.path());
        keep.prepare(Transports::Both).await.unwrap();
        assert_eq!(std::fs::read_dir(&keep.folder).unwrap().count(), 0);
        // Open to all, since before us.
        set_mode(&keep.folder, 0o777);
        assert_eq!(keep.secret_of("a"), None);
        let path = keep.secret("a", "hush".into()).await.unwrap();
        assert_eq!(keep.secret_of("a").as_ref(), Some(&path));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "hush");
        assert_eq!((mode(&keep.folder), mode(&path)), (0o700, 0o600));
        assert_eq!(std::fs::read_dir(&keep.folder).unwrap().count(), 1);
        keep.settings(Transports::Stdio, groups()).await.unwrap();
        assert_eq!(mode(&keep.stdio_config), 0o600);
    }

    #[tokio::test]
    async fn follows_no_link_with_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let keep = keep(folder.path());
        let elsewhere = folder.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        std::fs::create_dir_all(folder.path().join("state")).unwrap();
        // The folder itself.
        symlink(&elsewhere, &keep.folder).unwrap();
        let refused = keep.prepare(Transports::Stdio).await.unwrap_err();
        assert!(refused.to_string().ends_with("it is a link"), "{refused}");
        keep.secret("a", "hush".into()).await.unwrap_err();
        assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
        std::fs::remove_file(&keep.folder).unwrap();
        // The file.
        keep.prepare(Transports::Stdio).await.unwrap();
        let theirs = elsewhere.join("theirs");
        std::fs::write(&theirs, "theirs").unwrap();
        symlink(&theirs, keep.folder.join("client-secret-a")).unwrap();
        assert_eq!(keep.secret_of("a"), None);
        let path = keep.secret("a", "hush".into()).await.unwrap();
        assert!(!path.is_symlink());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "hush");
        assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "theirs");
    }

    #[tokio::test]
    async fn leaves_a_configuration_file_its_mode_and_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let keep = keep(folder.path());
        let dotfiles = folder.path().join("dotfiles");
        std::fs::create_dir(&dotfiles).unwrap();
        std::fs::create_dir(folder.path().join("config")).unwrap();
        let real = dotfiles.join("mine.toml");
        std::fs::write(&real, "log = \"debug\"\n").unwrap();
        set_mode(&real, 0o640);
        symlink(&real, &keep.stdio_config).unwrap();
        keep.settings(Transports::Stdio, groups()).await.unwrap();
        assert!(keep.stdio_config.is_symlink());
        assert_eq!(mode(&real), 0o640);
        assert!(std::fs::read_to_string(&real).unwrap().contains("auth0-client-id"));
        assert_eq!(std::fs::read_dir(&dotfiles).unwrap().count(), 1);
    }
}
