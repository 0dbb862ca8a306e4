//! Which files of a diff are wanted.

use globset::{GlobBuilder, GlobMatcher};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::Foreign;
use crate::tools::shown::path;

// A file, a folder, or a glob over paths.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, with = "String", extend("minLength" = 1))]
pub(super) struct Wanted {
    pub(super) text: String,
    pub(super) glob: Option<GlobMatcher>,
}

impl TryFrom<String> for Wanted {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = text.trim_start_matches("./").trim_matches('/').to_owned();
        let text = if matches!(text.as_str(), "" | ".") { "**".to_owned() } else { text };
        if !text.contains(['*', '?', '[', '{']) {
            return Ok(Self { text, glob: None });
        }
        // Like in a `.gitignore`, a pattern without a slash is about names at any depth.
        let pattern = if text.contains('/') { text.clone() } else { format!("**/{text}") };
        let glob = GlobBuilder::new(&pattern).literal_separator(true).build().map_err(|error| {
            format!("`paths`: {}", crate::text::clean_line(&error.to_string(), 200))
        })?;
        Ok(Self { text, glob: Some(glob.compile_matcher()) })
    }
}

impl Wanted {
    /// Whether it means the file at `path`.
    pub(super) fn takes(&self, path: &str) -> bool {
        let in_folder = || path.strip_prefix(&self.text).is_some_and(|rest| rest.starts_with('/'));
        // A file's own name can look like a glob: `[id].tsx`.
        path == self.text || self.glob.as_ref().map_or_else(in_folder, |glob| glob.is_match(path))
    }
}

/// The paths most like `asked`: the same name elsewhere, or nearly the same path.
pub(super) fn nearest<'a>(asked: &str, paths: impl Iterator<Item = &'a str>) -> Vec<Foreign> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let mut near: Vec<(f64, &str)> = paths
        .map(|path| {
            let same_name = name(path) == name(asked);
            let alike = strsim::normalized_damerau_levenshtein(path, asked);
            (if same_name { alike + 1.0 } else { alike }, path)
        })
        .filter(|(alike, _)| *alike >= 0.6)
        .collect();
    near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    near.into_iter().take(3).map(|(_, near)| path(near)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_files_folders_and_globs() {
        for (path, files) in [
            ("src/[id].tsx", vec!["src/[id].tsx"]),
            ("./src/", vec!["src/[id].tsx", "src/cart.ts"]),
            ("*.ts", vec!["src/cart.ts"]),
            ("src/*.ts?", vec!["src/[id].tsx"]),
            ("sr", vec![]),
        ] {
            let wanted = Wanted::try_from(path.to_owned()).unwrap();
            let paths = ["package-lock.json", "src/[id].tsx", "src/cart.ts"];
            let taken: Vec<&str> = paths.into_iter().filter(|path| wanted.takes(path)).collect();
            assert_eq!(taken, files, "{path}");
        }
    }
}
