//! What a repository has besides its git and its pull requests, area by area.

use std::sync::{Mutex, MutexGuard};

use super::state::{Repository, lock};
use super::{downloads, reports};

/// One store for each area.
#[derive(Debug, Default)]
pub(crate) struct Areas {
    reports: Mutex<reports::Store>,
    downloads: Mutex<downloads::Store>,
}

impl Areas {
    /// What is there from the start in the repository `full_name`.
    pub(crate) fn seeded(full_name: &str) -> Self {
        Self {
            reports: Mutex::new(reports::Store::seeded(full_name)),
            downloads: Mutex::new(downloads::Store::seeded(full_name)),
        }
    }
}

impl Repository {
    pub(crate) fn reports(&self) -> MutexGuard<'_, reports::Store> {
        lock(&self.areas.reports)
    }

    pub(crate) fn downloads(&self) -> MutexGuard<'_, downloads::Store> {
        lock(&self.areas.downloads)
    }
}
