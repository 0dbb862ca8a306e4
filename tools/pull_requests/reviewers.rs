//! Who is to review: people that were named, and the default reviewers that Bitbucket leaves out.

use futures::future::join_all;

use crate::bitbucket::{ByUuid, Client, Standing, User};

/// The reviewers of a pull request that is about to be opened.
pub(super) struct Reviewers {
    named: Vec<User>,
    default: Vec<User>,
    /// Default reviewers that Bitbucket does not take.
    pub(super) inactive: Vec<User>,
}

impl Reviewers {
    /// Everybody once, without the author, whom Bitbucket refuses.
    pub(super) fn new(author: &str, named: Vec<User>, default: Vec<Standing>) -> Self {
        let mut reviewers = Self { named: Vec::new(), default: Vec::new(), inactive: Vec::new() };
        for user in named {
            if user.uuid.is_some() && !reviewers.has(&user) {
                reviewers.named.push(user);
            }
        }
        for standing in default {
            let is_inactive = standing.is_inactive();
            let user = standing.user;
            if user.uuid.as_deref().is_none_or(|uuid| uuid == author) || reviewers.has(&user) {
                continue;
            }
            let list = if is_inactive { &mut reviewers.inactive } else { &mut reviewers.default };
            list.push(user);
        }
        reviewers
    }

    /// What Bitbucket is told.
    pub(super) fn ids(&self) -> Vec<ByUuid> {
        let all = self.named.iter().chain(&self.default);
        all.filter_map(|user| user.uuid.clone()).map(|uuid| ByUuid { uuid }).collect()
    }

    /// Looks every default reviewer up, and takes those out whose accounts are not in use or gone;
    /// whether there were any.
    pub(super) async fn drop_inactive(&mut self, client: &Client) -> bool {
        let uuid = |user: &User| user.uuid.clone().unwrap_or_default();
        let looks = self.default.iter().map(|user| {
            let uuid = uuid(user);
            async move {
                match client.standing(&uuid).await {
                    Ok(standing) => standing.is_inactive(),
                    Err(error) => error.is_not_found(),
                }
            }
        });
        let inactive = join_all(looks).await;
        let all = std::mem::take(&mut self.default);
        let before = self.inactive.len();
        for (user, is_inactive) in all.into_iter().zip(inactive) {
            let list = if is_inactive { &mut self.inactive } else { &mut self.default };
            list.push(user);
        }
        self.inactive.len() > before
    }

    fn has(&self, user: &User) -> bool {
        self.named.iter().chain(&self.default).any(|other| other.uuid == user.uuid)
    }
}
