//! The sandbox's people: who they are at Auth0 and who they are at Bitbucket.

/// Everybody the two services know.
pub(crate) static PEOPLE: [Person; 4] = [
    Person {
        account: Some("linked"),
        auth0_id: "auth0|ana",
        name: "Ana Lima",
        email: "ana@example.test",
        nickname: "ana",
        bitbucket_uuid: "{5a0c1f3e-8d27-4a41-9c7e-0a2b6f1d3e01}",
        account_id: "712020:5a0c1f3e-0001-4a41-9c7e-a11ce0000001",
        linked_at_start: true,
        scopes: CONSUMER_SCOPES,
    },
    Person {
        account: Some("limited"),
        auth0_id: "auth0|ben",
        name: "Ben Okoye",
        email: "ben@example.test",
        nickname: "ben",
        bitbucket_uuid: "{b3d94c60-52fe-4b8f-8f0d-7c1e9a4b5d02}",
        account_id: "712020:b3d94c60-0002-4b8f-8f0d-b0b000000002",
        linked_at_start: true,
        scopes: &["account", "repository", "pullrequest", "project"],
    },
    Person {
        account: Some("guest"),
        auth0_id: "auth0|gus",
        name: "Gus Weber",
        email: "gus@example.test",
        nickname: "gus",
        bitbucket_uuid: "{91e7f2ab-6c05-4d3a-b7a9-3f8d2c6e1b03}",
        account_id: "712020:91e7f2ab-0003-4d3a-b7a9-905000000003",
        linked_at_start: false,
        scopes: CONSUMER_SCOPES,
    },
    Person {
        account: None,
        auth0_id: "auth0|cleo",
        name: "Cleo Marsh",
        email: "cleo@example.test",
        nickname: "cleo",
        bitbucket_uuid: "{c07e5d18-3b9f-4e62-a5d4-6e9b1f7a2c04}",
        account_id: "712020:c07e5d18-0004-4e62-a5d4-c1e000000004",
        linked_at_start: false,
        scopes: CONSUMER_SCOPES,
    },
];

/// What the sandbox's Bitbucket consumer asks for. Bitbucket takes scopes from the consumer, whatever
/// a request names. It has what every toolset needs, so that each can be tried.
pub(crate) const CONSUMER_SCOPES: &[&str] = &[
    "account",
    "repository:write",
    "repository:admin",
    "repository:delete",
    "pullrequest:write",
    "pipeline",
    "pipeline:write",
    "pipeline:variable",
    "project",
    "webhook",
    "snippet:write",
];

/// One person, with an identity at each service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// What the sandbox's users call the account; somebody without one never signs in.
    pub(crate) account: Option<&'static str>,
    /// The `sub` at Auth0.
    pub(crate) auth0_id: &'static str,
    /// The name to show.
    pub(crate) name: &'static str,
    /// An address that reaches nobody.
    pub(crate) email: &'static str,
    /// The nickname, at both services.
    pub(crate) nickname: &'static str,
    /// The uuid at Bitbucket, in braces.
    pub(crate) bitbucket_uuid: &'static str,
    /// The Atlassian account id.
    pub(crate) account_id: &'static str,
    /// Whether the vault holds this person's Bitbucket account when the sandbox starts.
    pub(crate) linked_at_start: bool,
    /// What a link of this person's Bitbucket account is granted.
    pub(crate) scopes: &'static [&'static str],
}

/// The person behind `name`: an account (`linked`), a nickname (`ana`) or an Auth0 id (`auth0|ana`).
pub(crate) fn find(name: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| {
        person.account == Some(name) || person.nickname == name || person.auth0_id == name
    })
}
