//! The token endpoint: refreshes, and what comes out of the vault.
//!
//! Its path is fixed by the domain, so none of this waits for discovery.
//! <https://auth0.com/docs/api/authentication/token-vault-token-exchange/get-token>

use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::error::Asked;
use super::wire::TIMEOUT;
use super::{BearerToken, Error, Identity, MyAccountToken, RefreshToken, Tenant, VaultToken};

/// The grant by which Token Vault gives tokens out.
pub(crate) const VAULT_GRANT: &str =
    "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token";
const REFRESH_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
const VAULT_TOKEN_TYPE: &str =
    "http://auth0.com/oauth/token-type/federated-connection-access-token";
/// How long a token that can be asked for again may take: a person waits for it before anything else.
const PATIENCE: Duration = Duration::from_secs(8);
/// What linking needs of the My Account API. Auth0 drops scopes that it does not know in silence.
pub(super) const MY_ACCOUNT_SCOPE: &str =
    "create:me:connected_accounts read:me:connected_accounts delete:me:connected_accounts";

/// Whose vault an exchange opens, by the token that shows it (RFC 8693 section 2.1).
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// The refresh token that this application got at the person's sign-in.
    Refresh(&'a RefreshToken),
    /// The access token that a caller showed at our API. This application must be the API's Custom
    /// API Client.
    Access(&'a BearerToken),
}

/// What a refresh without an audience gives.
#[derive(Debug)]
pub struct Refreshed {
    /// The refresh token's successor, where the tenant rotates them. The old one is dead already.
    pub rotated: Option<RefreshToken>,
    /// Who the person is, where the login asked for `openid` and the ID token holds.
    pub identity: Option<Identity>,
    /// How long the new access token lives.
    pub expires_in: Option<Duration>,
}

#[derive(Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: Option<SecretString>,
    pub(super) refresh_token: Option<SecretString>,
    pub(super) id_token: Option<SecretString>,
    #[serde(default)]
    expires_in: serde_json::Value,
    scope: Option<String>,
}

impl Tenant {
    /// Asks whether `token` still stands, and for whom.
    ///
    /// An ID token that does not hold says nothing, and is logged: the refresh itself has happened, and
    /// with it perhaps the one answer that holds the refresh token's successor.
    ///
    /// # Errors
    /// [`Error::SignedOut`] when it does not.
    pub async fn refresh(&self, token: &RefreshToken) -> Result<Refreshed, Error> {
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", token.expose())];
        let tokens = self.grant(Asked::Refresh, &parameters).await?;
        let expires_in = tokens.life();
        let identity = match &tokens.id_token {
            None => None,
            Some(id_token) => match self.identify(id_token.expose_secret(), None).await {
                Ok(identity) => Some(identity),
                Err(error) => {
                    tracing::warn!(%error, "the ID token of a refresh says nothing");
                    None
                }
            },
        };
        Ok(Refreshed { rotated: successor(token, tokens.refresh_token), identity, expires_in })
    }

    /// A token for the My Account API, and the refresh token's successor if there is one.
    ///
    /// # Errors
    /// [`Error::MyAccountUnavailable`] when the tenant is not set up for it,
    /// [`Error::SignedOut`] when the refresh token is gone.
    pub async fn my_account(
        &self,
        token: &RefreshToken,
    ) -> Result<(MyAccountToken, Option<RefreshToken>), Error> {
        let audience = self.my_account_audience();
        let parameters = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose()),
            ("audience", &audience),
            ("scope", MY_ACCOUNT_SCOPE),
        ];
        let tokens = self.grant(Asked::MyAccountToken, &parameters).await?;
        let access_token = tokens.access_token.ok_or(Error::Unreadable("an access token"))?;
        Ok((MyAccountToken::new(access_token), successor(token, tokens.refresh_token)))
    }

    /// Whether Auth0 can be asked for something out of the vault. For as long as a 429 of the token
    /// endpoint wants it, but a minute at most, it is not to be: not for anybody.
    ///
    /// # Errors
    /// [`Error::RateLimited`] with the time that is left.
    pub fn may_exchange(&self) -> Result<(), Error> {
        match self.inner.pause.left(Instant::now()) {
            None => Ok(()),
            after => Err(Error::RateLimited { after }),
        }
    }

    /// The access token that the vault keeps for this person and `connection`. This asks in any case;
    /// [`may_exchange`](Self::may_exchange) tells whether that makes sense.
    ///
    ///
    /// `login_hint` tells several accounts on one connection apart. No `scope` is sent: it would ask
    /// for less than was granted, which not every provider can do.
    ///
    /// # Errors
    /// [`Error::NotLinked`] and [`Error::LinkBroken`] when the person has to link,
    /// [`Error::SignedOut`] when they have to sign in or the caller's token has ended, and what a
    /// tenant's set-up can get wrong.
    pub async fn vault_token(
        &self,
        subject: Subject<'_>,
        connection: &str,
        login_hint: Option<&str>,
    ) -> Result<VaultToken, Error> {
        let (asked, token_type, token) = match subject {
            Subject::Refresh(token) => (Asked::VaultToken, REFRESH_TOKEN_TYPE, token.expose()),
            Subject::Access(token) => {
                (Asked::VaultTokenOfCaller, ACCESS_TOKEN_TYPE, token.expose())
            }
        };
        let mut parameters = vec![
            ("grant_type", VAULT_GRANT),
            ("subject_token_type", token_type),
            ("subject_token", token),
            ("requested_token_type", VAULT_TOKEN_TYPE),
            ("connection", connection),
        ];
        parameters.extend(login_hint.map(|hint| ("login_hint", hint)));
        let tokens = self.grant(asked, &parameters).await?;
        let life = tokens.life();
        let access_token = tokens.access_token.filter(|token| !token.expose_secret().is_empty());
        let access_token = access_token.ok_or(Error::Unreadable("an access token"))?;
        // RFC 6750 §2.1: such a token could never be sent, so it must not be kept either.
        if !access_token.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Unreadable("an access token that can be sent"));
        }
        Ok(VaultToken::new(access_token, life, tokens.scope))
    }

    /// A token for the application itself, for the API `audience`, and how long it lives.
    pub(super) async fn client_credentials(
        &self,
        audience: &str,
    ) -> Result<(SecretString, Option<Duration>, Option<String>), Error> {
        let parameters = [("grant_type", "client_credentials"), ("audience", audience)];
        let tokens = self.grant(Asked::ManagementToken, &parameters).await?;
        let life = tokens.life();
        let access_token = tokens.access_token.ok_or(Error::Unreadable("an access token"))?;
        Ok((access_token, life, tokens.scope))
    }

    /// Ends what `token` stands for. A token that is gone already counts as ended.
    ///
    /// # Errors
    /// When Auth0 could not be reached or did not accept us.
    pub async fn revoke(&self, token: &RefreshToken) -> Result<(), Error> {
        let url = self.endpoint("oauth/revoke");
        let answer = self.send(&url, self.form(&url, &[("token", token.expose())])).await?;
        if answer.is_success() { Ok(()) } else { Err(Error::of(Asked::Revoke, &answer)) }
    }

    pub(super) async fn grant(
        &self,
        asked: Asked,
        parameters: &[(&str, &str)],
    ) -> Result<Tokens, Error> {
        let url = self.endpoint("oauth/token");
        let form = self.form(&url, parameters);
        let answer = self.send_within(asked.patience(), &url, form).await?;
        if answer.is_success() {
            answer.json("a token answer")
        } else {
            let error = Error::of(asked, &answer);
            if let Error::RateLimited { after: Some(after) } = error {
                self.inner.pause.begin(Instant::now(), after);
            }
            Err(error)
        }
    }

    /// What sends `parameters` to `url` with our proof, a new one at each try.
    fn form(
        &self,
        url: &Url,
        parameters: &[(&str, &str)],
    ) -> impl Fn(&reqwest::Client) -> Result<reqwest::RequestBuilder, Error> {
        move |client| {
            let credentials = self.inner.credentials.form()?;
            let proof = credentials.iter().map(|(name, value)| (*name, value.as_str()));
            let form = parameters.iter().copied().chain(proof).collect::<Vec<_>>();
            Ok(client.post(url.clone()).form(&form))
        }
    }
}

impl Asked {
    /// How long one try may take. A code is good for one use, so its answer is waited for longer.
    fn patience(self) -> Duration {
        if self == Self::CodeExchange { TIMEOUT } else { PATIENCE }
    }
}

impl Tokens {
    /// `expires_in`, as a number or as digits. Without one the caller decides.
    fn life(&self) -> Option<Duration> {
        let seconds = match &self.expires_in {
            serde_json::Value::Number(number) => number.as_f64()?,
            serde_json::Value::String(digits) => digits.parse().ok()?,
            _ => return None,
        };
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// A tenant that does not rotate sends the same token again, or none.
fn successor(old: &RefreshToken, new: Option<SecretString>) -> Option<RefreshToken> {
    new.map(RefreshToken::new).filter(|new| new != old && !new.expose().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::ClientAuthentication;
    use super::super::stand_in::{StandIn, private_key};
    use super::*;

    fn token(text: &str) -> RefreshToken {
        RefreshToken::new(text.into())
    }

    #[tokio::test]
    async fn takes_a_token_out_of_the_vault_in_one_request() {
        let stand_in = StandIn::start().await;
        stand_in.answer(
            "/oauth/token",
            200,
            json!({
                "access_token": "bb", "expires_in": 1377, "scope": "account repository",
                "issued_token_type": VAULT_TOKEN_TYPE, "token_type": "Bearer",
            }),
        );
        let vault = stand_in
            .tenant()
            .vault_token(Subject::Refresh(&token("rt")), "bitbucket", None)
            .await
            .unwrap();
        assert_eq!(vault.expose(), "bb");
        assert_eq!(vault.expires_in, Some(Duration::from_secs(1377)));
        assert_eq!(vault.scope.as_deref(), Some("account repository"));
        let requests = stand_in.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(
            requests[0].form(),
            "grant_type=urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token\n\
             subject_token_type=urn:ietf:params:oauth:token-type:refresh_token\n\
             subject_token=rt\n\
             requested_token_type=http://auth0.com/oauth/token-type/federated-connection-access-token\n\
             connection=bitbucket\n\
             client_id=app\n\
             client_secret=hush"
        );
    }

    #[tokio::test]
    async fn tells_accounts_of_one_connection_apart() {
        let stand_in = StandIn::start().await;
        stand_in.answer("/oauth/token", 200, json!({ "access_token": "bb" }));
        let tenant = stand_in.tenant();
        let vault = tenant
            .vault_token(Subject::Refresh(&token("rt")), "bitbucket", Some("ana-2"))
            .await
            .unwrap();
        assert_eq!((vault.expires_in, vault.scope), (None, None));
        assert!(stand_in.requests()[0].form().contains("\nlogin_hint=ana-2\n"));
    }

    #[tokio::test]
    async fn asks_once_when_auth0_refuses() {
        let stand_in = StandIn::start().await;
        for (status, code, said) in [
            (
                401,
                "federated_connection_refresh_token_not_found",
                "no account of this connection is linked",
            ),
            (429, "too_many_requests", "Auth0's rate limit is reached"),
            (500, "server_error", "Auth0 is not working right now (HTTP 500)"),
        ] {
            stand_in.answer("/oauth/token", status, json!({ "error": code }));
            let before = stand_in.requests().len();
            let tenant = stand_in.tenant();
            let error = tenant
                .vault_token(Subject::Refresh(&token("rt")), "bitbucket", None)
                .await
                .unwrap_err();
            assert_eq!((error.to_string().as_str(), stand_in.requests().len()), (said, before + 1));
        }
    }

    #[tokio::test]
    async fn refuses_an_answer_without_a_token() {
        let stand_in = StandIn::start().await;
        for body in
            [json!({}), json!({ "access_token": "" }), json!([]), json!({ "access_token": 7 })]
        {
            stand_in.answer("/oauth/token", 200, body);
            let tenant = stand_in.tenant();
            assert!(
                tenant
                    .vault_token(Subject::Refresh(&token("rt")), "bitbucket", None)
                    .await
                    .is_err()
            );
        }
    }

    #[tokio::test]
    async fn refuses_a_token_that_no_header_can_carry() {
        let stand_in = StandIn::start().await;
        for text in ["bb\nline", "bb cc", "b\u{e9}", "\u{7f}"] {
            stand_in.answer("/oauth/token", 200, json!({ "access_token": text }));
            let tenant = stand_in.tenant();
            let error = tenant
                .vault_token(Subject::Refresh(&token("rt")), "bitbucket", None)
                .await
                .unwrap_err();
            assert_eq!(error.to_string(), "Auth0's answer is not an access token that can be sent");
        }
    }

    #[tokio::test]
    async fn gives_up_early_only_on_what_can_be_asked_for_again() {
        assert_eq!(Asked::VaultToken.patience(), Duration::from_secs(8));
        assert_eq!(Asked::CodeExchange.patience(), Duration::from_secs(20));
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", silent.local_addr().unwrap())).unwrap();
        let tenant = StandIn::start().await.tenant();
        let get = |client: &reqwest::Client| Ok(client.get(url.clone()));
        let error = tenant.send_within(Duration::from_millis(50), &url, get).await.err().unwrap();
        assert_eq!(error.to_string(), "Auth0 did not answer in time");
    }

    #[tokio::test]
    async fn keeps_a_rotated_token_whatever_else_is_wrong() {
        let stand_in = StandIn::start().await;
        stand_in.answer(
            "/oauth/token",
            200,
            json!({
                "access_token": "at", "refresh_token": "rt-2", "id_token": "broken",
            }),
        );
        let refreshed = stand_in.tenant().refresh(&token("rt")).await.unwrap();
        assert_eq!((refreshed.rotated, refreshed.identity), (Some(token("rt-2")), None));
    }

    #[tokio::test]
    async fn asks_for_the_my_account_api_of_the_same_domain() {
        let stand_in = StandIn::start().await;
        stand_in.answer("/oauth/token", 200, json!({ "access_token": "me" }));
        let (my_account, rotated) = stand_in.tenant().my_account(&token("rt")).await.unwrap();
        assert_eq!((my_account.expose(), rotated), ("me", None));
        assert_eq!(
            stand_in.requests()[0].form(),
            format!(
                "grant_type=refresh_token\nrefresh_token=rt\naudience={}me/\n\
                 scope={MY_ACCOUNT_SCOPE}\nclient_id=app\nclient_secret=hush",
                stand_in.domain()
            )
        );
    }

    #[tokio::test]
    async fn signs_instead_of_sending_a_secret() {
        let stand_in = StandIn::start().await;
        stand_in.answer("/oauth/revoke", 200, json!("OK"));
        let key = ClientAuthentication::SigningKey(private_key().into());
        stand_in.tenant_with(key, None).revoke(&token("rt")).await.unwrap();
        let form = stand_in.requests()[0].form();
        assert!(form.starts_with("token=rt\nclient_id=app\nclient_assertion_type="), "{form}");
        assert!(!form.contains("client_secret"));
    }

    #[tokio::test]
    async fn says_when_auth0_cannot_be_reached() {
        let tenant = StandIn::start().await.tenant();
        // The stand-in is gone with the end of the statement above.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let error = tenant
            .vault_token(Subject::Refresh(&token("rt")), "bitbucket", None)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "Auth0 could not be reached");
    }
}
