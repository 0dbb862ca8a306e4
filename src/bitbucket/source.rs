//! Files and folders at a commit.

use serde::Deserialize;

use super::repositories::bbql_string;
use super::{Bytes, Error, FilePath, Page, Repository, Resume};

/// The most entries on a page.
const PAGE: u32 = 100;

/// A file or folder in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct EntryData {
    pub(crate) path: String,
    #[serde(rename = "type")]
    pub(crate) kind: EntryKind,
    pub(crate) size: Option<u64>,
    /// `link`, `executable`, `subrepository`, `binary`, `lfs`.
    #[serde(default)]
    pub(crate) attributes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum EntryKind {
    #[serde(rename = "commit_directory")]
    Folder,
    /// What is not a folder: a file, a link, a submodule.
    #[serde(other, rename = "commit_file")]
    File,
}

/// What is at a path.
#[derive(Debug)]
pub(crate) enum Content {
    /// A file that can be read as text; bytes that are not UTF-8 are replaced.
    Text {
        text: String,
        /// Whether some bytes were not UTF-8.
        lossy: bool,
        /// Whether the file is longer than what was read.
        truncated: bool,
        /// The file's size in bytes, where it is known.
        size: Option<u64>,
    },
    /// A file that is no text. All but its first bytes was left alone.
    Binary { size: Option<u64>, content_type: Option<String> },
    /// A file that git only holds a pointer to. What it points to was left alone.
    Lfs { size: Option<u64> },
    /// A folder.
    Folder,
}

impl Repository<'_> {
    /// `GET /src/{commit}/{path}/`: what is in a folder, and in the ones below it down to `depth`.
    pub(crate) async fn folder(
        &self,
        hash: &str,
        path: &FilePath,
        depth: u32,
        limit: usize,
        resume: Option<&Resume>,
    ) -> Result<Page<EntryData>, Error> {
        // Bitbucket walks the tree breadth first, and answers 555 where that takes too long.
        let depth = Some(depth).filter(|depth| *depth > 1).map(|depth| ("max_depth", depth));
        self.client
            .get(self.path().fixed("src").segment(hash).rest(path).folder())
            .queries(depth)
            .fields("values.path,values.type,values.size,values.attributes,next,size")
            .slow()
            .page(PAGE, limit, resume)
            .await
    }

    /// `GET /src/{commit}/{path}`, at most `limit` bytes of it.
    ///
    /// One request tells everything apart before the file is downloaded: a file in LFS is a
    /// redirect away from the API, which is not followed, and a binary file shows itself in its
    /// type or its first bytes. (`format=meta` would tell too, at the price of a request more.)
    pub(crate) async fn file(
        &self,
        hash: &str,
        path: &FilePath,
        limit: usize,
    ) -> Result<Content, Error> {
        let call = self
            .client
            .get(self.path().fixed("src").segment(hash).rest(path))
            .raw_file()
            .tells_when_elsewhere()
            .slow();
        let bytes = call.bytes_if(limit, |first| !is_binary(first)).await?;
        if bytes.elsewhere.is_some() {
            return Ok(Content::Lfs { size: None });
        }
        Ok(judge(bytes))
    }
}

impl Repository<'_> {
    /// `GET /src/{commit}/{path}`: the bytes as they are, at most `limit` of them. A file in LFS is
    /// told by where it is.
    pub(crate) async fn raw(
        &self,
        hash: &str,
        path: &FilePath,
        limit: usize,
    ) -> Result<Bytes, Error> {
        self.client
            .get(self.path().fixed("src").segment(hash).rest(path))
            .raw_file()
            .tells_when_elsewhere()
            .slow()
            .bytes(limit)
            .await
    }

    /// `GET /src/{commit}/{path}?format=meta`: what is there, without its contents.
    pub(crate) async fn entry(&self, hash: &str, path: &FilePath) -> Result<EntryData, Error> {
        self.client
            .get(self.path().fixed("src").segment(hash).rest(path))
            .query("format", "meta")
            .fields("path,type,size,attributes")
            .json()
            .await
    }

    /// What is at these paths below `folder`, down to `depth`, in one request: `GET
    /// /src/{commit}/{folder}/?q=`. What is not there does not come.
    pub(crate) async fn entries(
        &self,
        hash: &str,
        folder: &FilePath,
        depth: u32,
        paths: &[&FilePath],
    ) -> Result<Vec<EntryData>, Error> {
        let conditions: Vec<String> =
            paths.iter().map(|path| format!("path = {}", bbql_string(path.as_str()))).collect();
        let depth = Some(depth).filter(|depth| *depth > 1).map(|depth| ("max_depth", depth));
        let page: Page<EntryData> = self
            .client
            .get(self.path().fixed("src").segment(hash).rest(folder).folder())
            .queries(depth)
            .query("q", conditions.join(" OR "))
            .fields("values.path,values.type,values.size,values.attributes,next")
            .slow()
            .all(PAGE, PAGE as usize)
            .await?;
        Ok(page.values)
    }
}

fn judge(bytes: Bytes) -> Content {
    if is_listing(&bytes) {
        return Content::Folder;
    }
    if is_binary(&bytes) {
        return Content::Binary { size: bytes.total, content_type: bytes.content_type };
    }
    let mut data = bytes.data;
    if bytes.truncated {
        // The last character may be cut in two.
        let whole = match std::str::from_utf8(&data) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => data.len(),
        };
        data.truncate(whole);
    }
    let (text, lossy) = match String::from_utf8(data) {
        Ok(text) => (text, false),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    };
    if let Some(size) = lfs_pointer(&text) {
        return Content::Lfs { size: Some(size) };
    }
    Content::Text { text, lossy, truncated: bytes.truncated, size: bytes.total }
}

/// Git's own rule: a NUL byte near the beginning. Types that cannot be text are not even looked at.
fn is_binary(bytes: &Bytes) -> bool {
    let media_type = bytes.content_type.as_deref().unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let never_text = matches!(
        essence.split_once('/'),
        Some(("audio" | "font", _)) | Some(("application", "pdf" | "zip" | "gzip" | "x-tar"))
    ) || (essence.starts_with("image/") && essence != "image/svg+xml")
        // TypeScript's `.ts` is an MPEG stream to many tables of types.
        || (essence.starts_with("video/") && essence != "video/mp2t" && essence != "video/vnd.dlna.mpeg-tts");
    never_text || bytes.data.iter().take(8 * 1024).any(|byte| *byte == 0)
}

/// A folder without a final slash answers with its listing, which is no attachment.
fn is_listing(bytes: &Bytes) -> bool {
    #[derive(Deserialize)]
    struct Listing {
        values: Vec<EntryData>,
    }
    let is_json =
        bytes.content_type.as_deref().is_some_and(|kind| kind.starts_with("application/json"));
    is_json
        && !bytes.is_attachment
        && serde_json::from_slice::<Listing>(&bytes.data)
            .is_ok_and(|listing| listing.values.iter().all(|entry| !entry.path.is_empty()))
}

/// The size that a Git LFS pointer names.
/// <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>
fn lfs_pointer(text: &str) -> Option<u64> {
    if text.len() > 1_024 || !text.starts_with("version https://git-lfs.github.com/spec/") {
        return None;
    }
    text.lines().find_map(|line| line.strip_prefix("size ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bitbucket::RepositoryId;
    use crate::bitbucket::stand_in::{Reply, StandIn};

    const POINTER: &str = "version https://git-lfs.github.com/spec/v1\n\
                           oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n\
                           size 12345\n";

    #[tokio::test]
    async fn tells_files_apart_before_downloading_them() {
        let stand_in = StandIn::new(|asked| {
            let file = |content_type, body: Vec<u8>| {
                Reply::new(200, content_type, body)
                    .header("content-disposition", "attachment; filename=\"x\"")
            };
            match asked.target.rsplit('/').next().unwrap_or_default() {
                "a.rs" => file("text/plain", b"fn main() {}\n".to_vec()),
                "a.json" => file("application/json", b"{\"values\":[]}".to_vec()),
                "blob" => file("application/octet-stream", [vec![7, 0], vec![1; 30_000]].concat()),
                "a.png" => file("image/png", b"PNG".to_vec()),
                "big.psd" => Reply::redirect(301, "https://media.example/x"),
                "pointer.psd" => file("text/plain", POINTER.into()),
                "latin" => file("text/plain", b"caf\xe9".to_vec()),
                _ => Reply::json(
                    200,
                    &json!({ "values": [{ "path": "src/a", "type": "commit_file" }] }),
                ),
            }
        })
        .await;
        let client = stand_in.client();
        let repository = client.repository(&RepositoryId::try_from("acme/shop").unwrap());
        let mut told = Vec::new();
        for name in ["a.rs", "a.json", "blob", "a.png", "big.psd", "pointer.psd", "latin", "src"] {
            let path = FilePath::try_from(name).unwrap();
            told.push(match repository.file("h", &path, 1 << 20).await.unwrap() {
                Content::Text { text, lossy, .. } => format!("{name}: text {text:?} {lossy}"),
                Content::Binary { size, .. } => format!("{name}: binary {size:?}"),
                Content::Lfs { size } => format!("{name}: lfs {size:?}"),
                Content::Folder => format!("{name}: folder"),
            });
        }
        assert_eq!(
            told,
            [
                "a.rs: text \"fn main() {}\\n\" false",
                "a.json: text \"{\\\"values\\\":[]}\" false",
                "blob: binary Some(30002)",
                "a.png: binary Some(3)",
                "big.psd: lfs None",
                "pointer.psd: lfs Some(12345)",
                "latin: text \"caf\u{fffd}\" true",
                "src: folder",
            ]
        );
        assert_eq!(stand_in.seen().len(), 8);
    }

    #[tokio::test]
    async fn cuts_between_characters() {
        let stand_in = StandIn::new(|_| Reply::new(200, "text/plain", "añb")).await;
        let client = stand_in.client();
        let repository = client.repository(&RepositoryId::try_from("acme/shop").unwrap());
        let path = FilePath::try_from("x").unwrap();
        match repository.file("h", &path, 2).await.unwrap() {
            Content::Text { text, lossy, truncated, size } => {
                assert_eq!((text.as_str(), lossy, truncated, size), ("a", false, true, Some(4)));
            }
            other => panic!("{other:?}"),
        }
    }
}
