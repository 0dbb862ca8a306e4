//! The requirements, one file for each kind of object.

mod api;
mod api_client;
mod application;
mod connection;
mod finding;
mod grants;
mod management;
mod my_account;
mod tenant;
#[cfg(test)]
mod tests;

pub(in crate::setup) use finding::Finding;
pub use management::{ManagementScope, management_scopes};

use super::row::Report;
use super::snapshot::Snapshot;
use super::target::Target;
use super::wanted::Wanted;
use super::{Choice, Setup};
use crate::auth0::Error;

/// Every requirement, held against the tenant, in the order in which they are best mended.
pub(super) fn findings(wanted: &Wanted, snapshot: &Snapshot) -> Vec<Finding> {
    let target = &Target::of(wanted, snapshot);
    let http = wanted.transports.http();
    let mut findings = vec![management::scopes(target), tenant::custom_domain(target)];
    if http {
        findings.extend(tenant::settings(target));
    }
    findings.extend(my_account::api(target));
    if http {
        findings.extend(api::rows(target));
    }
    findings.extend(application::rows(target));
    if http {
        findings.extend(api_client::rows(target));
    }
    findings.extend(my_account::grants(target));
    if http {
        findings.push(api::grant(target));
        findings.push(grants::third_parties(target));
    }
    findings.extend(connection::rows(target));
    if http {
        findings.push(connection::login_of_third_parties(target));
    }
    findings.push(tenant::mfa(target));
    findings.push(application::organization(target));
    findings.push(connection::exchange(target));
    findings
}

impl Setup {
    /// Reads the tenant and says how every requirement stands.
    ///
    /// # Errors
    /// When the Management API cannot be used at all.
    pub async fn check(&self, choice: &Choice) -> Result<Report, Error> {
        let wanted = self.wanted(choice);
        let snapshot = self.snapshot(&wanted).await?;
        let rows = findings(&wanted, &snapshot).into_iter().map(|finding| finding.row).collect();
        Ok(Report { rows })
    }
}
