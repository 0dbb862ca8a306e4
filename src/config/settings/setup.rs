//! The settings that let the server see to the tenant itself, and set the connection up.

use super::{Group, Setting, Shape};

/// The Management API's client.
pub static AUTH0_MANAGEMENT_CLIENT_ID: Setting = Setting {
    variable: "AUTH0_MANAGEMENT_CLIENT_ID",
    key: Some("auth0-management-client-id"),
    flag: Some("auth0-management-client-id"),
    group: Group::Setup,
    shape: Shape::Text,
    about: "The client ID of a machine-to-machine application for the Management API. With it the tools that set the connection up exist; `setup guide` says which scopes it needs. With `read:users` alone, `http` can say when an account was linked and whether there are several",
    default: None,
    example: "hN5cT8vKp1mXz7wQe3rYb9uLs4dJg6oA",
};

/// That client's secret.
pub static AUTH0_MANAGEMENT_CLIENT_SECRET: Setting = Setting {
    variable: "AUTH0_MANAGEMENT_CLIENT_SECRET",
    key: Some("auth0-management-client-secret"),
    flag: None,
    group: Group::Setup,
    shape: Shape::Secret,
    about: "That application's client secret",
    default: None,
    example: "the secret from the machine-to-machine application's settings page",
};

/// Where the Management API is.
pub static AUTH0_MANAGEMENT_DOMAIN: Setting = Setting {
    variable: "AUTH0_MANAGEMENT_DOMAIN",
    key: Some("auth0-management-domain"),
    flag: Some("auth0-management-domain"),
    group: Group::Setup,
    shape: Shape::Text,
    about: "The tenant's canonical domain, where `AUTH0_DOMAIN` is a custom one; the Management API knows no other. Left out, `AUTH0_DOMAIN`",
    default: None,
    example: "acme.eu.auth0.com",
};

/// The consumer's key.
pub static BITBUCKET_CONSUMER_KEY: Setting = Setting {
    variable: "BITBUCKET_CONSUMER_KEY",
    key: Some("bitbucket-consumer-key"),
    flag: Some("bitbucket-consumer-key"),
    group: Group::Setup,
    shape: Shape::Text,
    about: "The key of the Bitbucket OAuth consumer that the connection is to use. Left out, the administrator is asked for it when it is needed, never through the agent",
    default: None,
    example: "Xw3rTq8ZkPn5VbYd2S",
};

/// The consumer's secret.
pub static BITBUCKET_CONSUMER_SECRET: Setting = Setting {
    variable: "BITBUCKET_CONSUMER_SECRET",
    key: Some("bitbucket-consumer-secret"),
    flag: None,
    group: Group::Setup,
    shape: Shape::Secret,
    about: "That consumer's secret. It is written into the connection and kept nowhere else",
    default: None,
    example: "the secret from the consumer's page at Bitbucket",
};
