//! The Bitbucket token of an Auth0 user, out of Token Vault.

use std::error::Error;

const AUTH0: &str = "https://acme.eu.auth0.com";
const CONNECTION: &str = "bitbucket";
const BITBUCKET: &str = "https://api.bitbucket.org/2.0";

/// Who the user is at Bitbucket whose Auth0 refresh token this is.
pub async fn bitbucket_user(
    http: &reqwest::Client,
    refresh_token: &str,
) -> Result<serde_json::Value, Box<dyn Error + Send + Sync>> {
    let token = bitbucket_token(http, refresh_token).await?;
    let answer = http.get(format!("{BITBUCKET}/user")).bearer_auth(token).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}

/// A token for Bitbucket. Keep it for as long as `expires_in` says, rather than to ask each time.
///
/// # Errors
/// Auth0's code: `federated_connection_refresh_token_not_found` where no account is linked,
/// `federated_connection_refresh_token_flow_failed` where Bitbucket no longer accepts it.
pub async fn bitbucket_token(
    http: &reqwest::Client,
    refresh_token: &str,
) -> Result<String, Box<dyn Error + Send + Sync>> {
    let client_id = std::env::var("AUTH0_CLIENT_ID")?;
    let client_secret = std::env::var("AUTH0_CLIENT_SECRET")?;
    let form = [
        (
            "grant_type",
            "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
        ),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
        ("subject_token", refresh_token),
        (
            "requested_token_type",
            "http://auth0.com/oauth/token-type/federated-connection-access-token",
        ),
        ("connection", CONNECTION),
        ("client_id", client_id.as_str()),
        ("client_secret", client_secret.as_str()),
    ];
    let answer = http.post(format!("{AUTH0}/oauth/token")).form(&form).send().await?;
    let answer: serde_json::Value = answer.json().await?;
    if let Some(token) = answer["access_token"].as_str() {
        return Ok(token.to_owned());
    }
    Err(answer["error"].as_str().unwrap_or("no token").into())
}
