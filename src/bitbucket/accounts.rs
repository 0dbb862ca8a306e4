//! The user that a token belongs to.

use serde::Deserialize;

use super::{Client, Error, Path};

/// The account that a client acts as.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Account {
    pub(crate) uuid: String,
    pub(crate) account_id: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) nickname: Option<String>,
    /// Missing in most answers since user names are private.
    pub(crate) username: Option<String>,
}

impl Client {
    /// `GET /user`
    pub(crate) async fn user(&self) -> Result<Account, Error> {
        let fields = "uuid,account_id,display_name,nickname,username";
        self.get(Path::new("user")).fields(fields).json().await
    }
}
