//! One commit without a clone.

use super::multipart::Multipart;
use super::{Error, FilePath, Repository};

/// A commit that is to be made. It is made on top of `parent` only: Bitbucket answers 409 if the branch
/// is somewhere else by then.
#[derive(Debug)]
pub(crate) struct NewCommit {
    form: Multipart,
}

/// What a file is besides its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileMode {
    /// A file that is read.
    Plain,
    /// A file that is run.
    Executable,
}

/// What came of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    /// The new commit's whole hash, if the answer says it.
    pub(crate) hash: Option<String>,
}

impl NewCommit {
    /// A commit to `branch`, which is made at `parent` if there is none of that name.
    pub(crate) fn new(branch: &str, parent: &str, message: &str) -> Self {
        let form = Multipart::new()
            .text("message", message)
            .text("branch", branch)
            .text("parents", parent);
        Self { form }
    }

    /// Writes a file.
    pub(crate) fn write(mut self, path: &FilePath, mode: FileMode, data: Vec<u8>) -> Self {
        let name = path.as_str().rsplit('/').next().unwrap_or_default();
        self.form = self.form.file(&field(path), name, data);
        if mode == FileMode::Executable {
            self.form = self.form.attributes("executable");
        }
        self
    }

    /// Deletes a file: it is named, but has no contents.
    pub(crate) fn delete(mut self, path: &FilePath) -> Self {
        self.form = self.form.text("files", &field(path));
        self
    }
}

/// The leading slash tells a file called `message` from the message.
fn field(path: &FilePath) -> String {
    format!("/{}", path.as_str())
}

impl Repository<'_> {
    /// `POST /src`. The answer is empty; its `Location` names the commit.
    pub(crate) async fn commit(&self, commit: NewCommit) -> Result<Committed, Error> {
        let call = self.client.post(self.path().fixed("src")).multipart(commit.form).slow();
        let answer = call.answer::<serde::de::IgnoredAny>().await?;
        let location = answer.location.as_ref().and_then(|path| path.checked().ok());
        let last = location.and_then(|path| path.trim_end_matches('/').rsplit('/').next());
        Ok(Committed { hash: last.filter(|hash| super::is_hash(hash)).map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use crate::bitbucket::stand_in::{Reply, StandIn};
    use crate::bitbucket::{FileMode, FilePath, NewCommit, RepositoryId};

    #[tokio::test]
    async fn tells_a_file_called_message_from_the_message() {
        let hash = "a6e5e7d797edf751cbd839d6bd4aef86c941eec9";
        let stand_in = StandIn::new(move |_| {
            let place = format!("/2.0/repositories/acme/shop/commit/{hash}");
            Reply::new(201, "text/html", "").header("location", place)
        })
        .await;
        let client = stand_in.client();
        let repository = client.repository(&RepositoryId::try_from("acme/shop").unwrap());
        let path = FilePath::try_from("message").unwrap();
        let commit = NewCommit::new("feature/x", hash, "Say it")
            .write(&path, FileMode::Executable, b"text".to_vec())
            .delete(&FilePath::try_from("branch").unwrap());
        let committed = repository.commit(commit).await.unwrap();
        assert_eq!(committed.hash.as_deref(), Some(hash));
        let body = stand_in.asked().remove(0).body;
        for part in [
            "name=\"message\"\r\n\r\nSay it\r\n",
            "name=\"/message\"; filename=\"message\"; x-attributes=\"executable\"\r\n",
            "name=\"files\"\r\n\r\n/branch\r\n",
            "name=\"parents\"\r\n\r\na6e5e7d",
        ] {
            assert!(body.contains(part), "{part}: {body}");
        }
    }
}
