//! Which files nobody writes by hand, and so nobody reviews line by line.

/// Lock files of package managers, by name.
const LOCK_FILES: &[&str] = &[
    "bun.lock",
    "bun.lockb",
    "cargo.lock",
    "cartfile.resolved",
    "composer.lock",
    "deno.lock",
    "flake.lock",
    "gemfile.lock",
    "go.sum",
    "go.work.sum",
    "gradle.lockfile",
    "mix.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "package.resolved",
    "packages.lock.json",
    "pdm.lock",
    "pipfile.lock",
    "pixi.lock",
    "pnpm-lock.yaml",
    "podfile.lock",
    "poetry.lock",
    "pubspec.lock",
    "uv.lock",
    "yarn.lock",
];

/// How the names of generated files end.
const ENDINGS: &[&str] = &[
    ".designer.cs",
    ".freezed.dart",
    ".g.cs",
    ".g.dart",
    ".generated.go",
    ".generated.ts",
    ".js.map",
    ".css.map",
    ".min.css",
    ".min.js",
    ".pb.cc",
    ".pb.go",
    ".pb.h",
    "_pb2.py",
    "_pb2_grpc.py",
];

/// Folders that hold generated or foreign files.
const FOLDERS: &[&str] = &["__generated__", "dist", "node_modules", "vendor"];

/// Whether `path` is a lock file or another file that a program wrote.
pub(crate) fn is_generated(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    LOCK_FILES.contains(&name)
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
        || folders.split('/').any(|folder| FOLDERS.contains(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_nobody_writes_by_hand() {
        for path in
            ["package-lock.json", "web/yarn.lock", "Cargo.lock", "a/vendor/b.go", "x.min.js"]
        {
            assert!(is_generated(path), "{path}");
        }
        for path in ["src/lock.rs", "package.json", "distance/x.rs", "vendor.go", "go.mod"] {
            assert!(!is_generated(path), "{path}");
        }
    }
}
