//! Compares text with a file in the repository; `UPDATE=1` rewrites the file.

use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "the switch that rewrites goldens is no setting")]
pub(crate) fn check(path: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{} is out of date; run `UPDATE=1 cargo test` and review the change\n\n{actual}",
        path.display()
    );
}
