//! What a repository has besides its git and its pull requests, area by area.

use std::sync::{Mutex, MutexGuard};

use super::state::{Repository, lock};
use super::{administration, deployments, downloads, pipeline_settings, pipelines, reports};

/// One store for each area.
#[derive(Debug, Default)]
pub(crate) struct Areas {
    pipelines: Mutex<pipelines::Store>,
    pipeline_settings: Mutex<pipeline_settings::Store>,
    deployments: Mutex<deployments::Store>,
    reports: Mutex<reports::Store>,
    administration: Mutex<administration::Store>,
    downloads: Mutex<downloads::Store>,
}

impl Areas {
    /// What is there from the start in the repository `full_name`.
    pub(crate) fn seeded(full_name: &str) -> Self {
        Self {
            pipelines: Mutex::new(pipelines::Store::seeded(full_name)),
            pipeline_settings: Mutex::new(pipeline_settings::Store::seeded(full_name)),
            deployments: Mutex::new(deployments::Store::seeded(full_name)),
            reports: Mutex::new(reports::Store::seeded(full_name)),
            administration: Mutex::new(administration::Store::seeded(full_name)),
            downloads: Mutex::new(downloads::Store::seeded(full_name)),
        }
    }
}

impl Repository {
    pub(crate) fn pipelines(&self) -> MutexGuard<'_, pipelines::Store> {
        lock(&self.areas.pipelines)
    }

    pub(crate) fn pipeline_settings(&self) -> MutexGuard<'_, pipeline_settings::Store> {
        lock(&self.areas.pipeline_settings)
    }

    pub(crate) fn deployments(&self) -> MutexGuard<'_, deployments::Store> {
        lock(&self.areas.deployments)
    }

    pub(crate) fn reports(&self) -> MutexGuard<'_, reports::Store> {
        lock(&self.areas.reports)
    }

    pub(crate) fn administration(&self) -> MutexGuard<'_, administration::Store> {
        lock(&self.areas.administration)
    }

    pub(crate) fn downloads(&self) -> MutexGuard<'_, downloads::Store> {
        lock(&self.areas.downloads)
    }
}
