use std::fmt::Write as _;
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::bitbucket::Scopes;
use crate::broker::{Failure, Probe, Step};
use crate::text::Foreign;
use crate::tool::{Answer, Context, Effect, Tool};

/// What the scopes are compared in.
const SCOPES: &str = "scopes";

/// Prove that the connection works for this user: sign-in, a fresh token exchange, a real call of
/// Bitbucket, and the scopes granted against those that the tools need. A failed step says why, and
/// what mends it. Call it after `configure_connection`, or when calls fail and it is not clear why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TestConnection {}

/// How each step went.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Tested {
    /// Whether every step went well.
    works: bool,
    /// The steps in order. What comes after a step that brought nothing was not tried.
    steps: Vec<Tried>,
    /// The Bitbucket account that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Foreign>,
    /// The scopes that it granted; absent where nobody says.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    /// The scopes that it did not grant and that tools need.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
    /// How many seconds the Bitbucket token has left; Auth0 renews it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
}

/// One step.
#[derive(Debug, Serialize, JsonSchema)]
struct Tried {
    /// What was tried.
    step: &'static str,
    /// Whether it went well.
    ok: bool,
    /// What came of it; the cause where it failed.
    says: String,
    /// What mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Tool for TestConnection {
    const NAME: &'static str = "test_connection";
    const TITLE: &'static str = "Prove that the connection works";
    const EFFECT: Effect = Effect::Reads;
    // It tells which are lacking, so it needs none.
    const SCOPES: &'static [&'static str] = &[];
    type Output = Tested;

    async fn run(self, cx: &Context) -> Result<Tested> {
        let setup = cx.setup()?;
        let probe = cx.probe().await;
        if probe.is_ok() {
            setup.proved(SystemTime::now());
        }
        Ok(Tested::of(probe, setup.scopes()))
    }
}

impl Tested {
    /// `probe`, and what it brought held against the scopes that are `wanted`.
    fn of(probe: Probe, wanted: &[&'static str]) -> Self {
        let compared = probe.is_ok().then(|| compare(probe.scopes.as_deref(), wanted));
        let (missing, last) = compared.unzip();
        let steps: Vec<Tried> = probe.steps.into_iter().chain(last).map(Into::into).collect();
        Self {
            works: steps.iter().all(|step| step.ok),
            steps,
            account: probe.account,
            scopes: probe.scopes,
            missing: missing.unwrap_or_default(),
            expires_in: probe.expires_in,
        }
    }
}

/// Which of the `wanted` scopes are not `granted`, and the step that says so.
fn compare(granted: Option<&[String]>, wanted: &[&'static str]) -> (Vec<String>, Step) {
    let Some(granted) = granted else {
        let says = "neither Bitbucket nor Auth0 says which were granted".to_owned();
        return (Vec::new(), Step { name: SCOPES, outcome: Ok(says) });
    };
    let scopes: Scopes = granted.iter().map(String::as_str).collect();
    // What Bitbucket does not say is implied may be all the same.
    let lacks = |scope: &&&str| scopes.allows(scope) == Some(false);
    let missing: Vec<String> = wanted.iter().filter(lacks).map(ToString::to_string).collect();
    let outcome = if missing.is_empty() {
        Ok("all that the tools need were granted".to_owned())
    } else {
        Err(Failure {
            why: format!("not granted: {}", missing.join(" ")),
            fix: "an admin ticks them on the Bitbucket OAuth consumer (`get_setup_guide` says where), \
                  and then the user links again: `link_account` with `again: true`"
                .to_owned(),
        })
    };
    (missing, Step { name: SCOPES, outcome })
}

impl From<Step> for Tried {
    fn from(step: Step) -> Self {
        let (ok, says, fix) = match step.outcome {
            Ok(says) => (true, says, None),
            Err(Failure { why, fix }) => (false, why, Some(fix)),
        };
        Self { step: step.name, ok, says, fix }
    }
}

impl Answer for Tested {
    fn text(&self) -> String {
        let mut text = String::from(match self.works {
            true => "the connection works for this user",
            false => "the connection does not work for this user yet",
        });
        if !self.works && self.account.is_some() {
            text = "the connection works for this user, but not for every tool".to_owned();
        }
        for step in &self.steps {
            let state = if step.ok { "ok" } else { "failed" };
            let _ = write!(text, "\n{state}: {}: {}", step.step, step.says);
            if let Some(fix) = &step.fix {
                let _ = write!(text, "\n  fix: {fix}");
            }
        }
        if self.account.is_none() {
            return text;
        }
        if let Some(scopes) = &self.scopes {
            let _ = write!(text, "\ngranted: {}", scopes.join(" "));
        }
        if let Some(seconds) = self.expires_in {
            let _ = write!(
                text,
                "\nthe Bitbucket token has {} left; Auth0 renews it by itself",
                life(seconds)
            );
        }
        text
    }
}

fn life(seconds: u64) -> String {
    let counted = |count: u64, unit: &str| match count {
        1 => format!("1 {unit}"),
        _ => format!("{count} {unit}s"),
    };
    let (minutes, hours) = ((seconds + 30) / 60, (seconds + 1_800) / 3_600);
    match minutes {
        0..2 => counted(seconds, "second"),
        2..120 => counted(minutes, "minute"),
        _ => counted(hours, "hour"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sandbox::{Effect, Fault, Service};
    use crate::testing::Stage;

    async fn test(stage: &Stage, account: &str) -> String {
        stage.call_as(account, "test_connection", json!({})).await
    }

    #[tokio::test]
    async fn proves_a_connection_step_by_step() {
        let stage = Stage::new().await;
        insta::assert_snapshot!(test(&stage, "linked").await, @r#"
        the connection works for this user
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        ok: token exchange: Token Vault gave a token for `bitbucket`
        ok: Bitbucket: `GET /user` answered as "ana"
        ok: scopes: all that the tools need were granted
        granted: account pipeline pipeline:variable pipeline:write project pullrequest:write repository:admin repository:delete snippet:write webhook
        the Bitbucket token has 2 hours left; Auth0 renews it by itself
        "#);
        assert!(stage.setup().proved_at().is_some());
    }

    #[tokio::test]
    async fn says_which_scopes_are_lacking_and_proves_the_exchange_all_the_same() {
        let stage = Stage::new().await;
        insta::assert_snapshot!(test(&stage, "limited").await, @r#"
        the connection works for this user, but not for every tool
        ok: sign-in: Auth0 renewed the sign-in of auth0|ben
        ok: token exchange: Token Vault gave a token for `bitbucket`
        ok: Bitbucket: `GET /user` answered as "ben"
        failed: scopes: not granted: pullrequest:write repository:write snippet snippet:write
          fix: an admin ticks them on the Bitbucket OAuth consumer (`get_setup_guide` says where), and then the user links again: `link_account` with `again: true`
        granted: account project pullrequest
        the Bitbucket token has 2 hours left; Auth0 renews it by itself
        "#);
        let said = stage.structured_as("limited", "test_connection", json!({})).await;
        assert_eq!(
            (&said["works"], &said["missing"]),
            (
                &json!(false),
                &json!(["pullrequest:write", "repository:write", "snippet", "snippet:write"])
            )
        );
        assert!(stage.setup().proved_at().is_some());
    }

    #[tokio::test]
    async fn tells_a_guest_how_to_link_without_offering_a_page() {
        let stage = Stage::new().await;
        insta::assert_snapshot!(test(&stage, "guest").await, @"
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|gus
        failed: token exchange: no Bitbucket account is linked for this user
          fix: call `link_account`, or ask the user to run `bitbucket-vault-mcp link`
        ");
        // Nobody is asked anything, even where the client could ask.
        let said = stage.call_consenting_as("guest", "test_connection", json!({})).await;
        assert!(said.contains("failed: token exchange: no Bitbucket account is linked"), "{said}");
        assert!(stage.setup().proved_at().is_none());
    }

    #[tokio::test]
    async fn exchanges_anew_whatever_is_cached() {
        let stage = Stage::new().await;
        for exchanges in 1..=3 {
            assert!(test(&stage, "linked").await.starts_with("the connection works"));
            assert_eq!(stage.sandbox().world().exchanges("linked"), exchanges);
        }
        // What the test brought is at hand for the next call.
        stage.call_as("linked", "list_workspaces", json!({})).await;
        assert_eq!(stage.sandbox().world().exchanges("linked"), 3);
        stage.sandbox().world().revoke_bitbucket_grant("linked");
        insta::assert_snapshot!(test(&stage, "linked").await, @"
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        failed: token exchange: Bitbucket no longer accepts the linked account, so it must be linked again
          fix: call `link_account`, or ask the user to run `bitbucket-vault-mcp link`; if a new link breaks as well, the key or secret that the connection has is not the Bitbucket consumer's, or the consumer is gone: an admin compares them
        ");
    }

    #[tokio::test]
    async fn says_what_is_wrong_with_the_tenant_and_what_mends_it() {
        let stage = Stage::new().await;
        let world = stage.sandbox().world();
        let mut all = String::new();
        world.rotate_refresh_tokens(true);
        all += &format!("rotation\n{}\n", test(&stage, "linked").await);
        world.rotate_refresh_tokens(false);
        world.change_tenant(|tenant| tenant.set(crate::sandbox::Switch::VaultGrant, false));
        all += &format!("\ngrant\n{}\n", test(&stage, "linked").await);
        world.change_tenant(|tenant| tenant.set(crate::sandbox::Switch::VaultGrant, true));
        for (name, status, code, words) in [
            (
                "vault",
                401,
                "access_denied_by_vault",
                "Token Vault is not enabled for the provided connection",
            ),
            ("mfa", 403, "mfa_required", ""),
            ("credentials", 401, "invalid_client", ""),
            ("denied", 403, "access_denied", ""),
            ("limit", 429, "too_many_requests", ""),
            ("trouble", 503, "server_error", ""),
            ("unknown", 400, "something_new", ""),
        ] {
            let body = json!({ "error": code, "error_description": words }).to_string();
            let answer = Effect::Status {
                code: status,
                body,
                content_type: "application/json".into(),
                headers: std::collections::BTreeMap::new(),
                handled: false,
            };
            stage.sandbox().faults().clear();
            // The sign-in is renewed at the same address before.
            let pass = Effect::Delay(std::time::Duration::ZERO);
            let fault = |effect| Fault::new(Service::Auth0, effect).path("/oauth/token");
            stage.sandbox().faults().add(fault(pass).times(1));
            stage.sandbox().faults().add(fault(answer));
            all += &format!("\n{name}\n{}\n", test(&stage, "linked").await);
        }
        insta::assert_snapshot!(all, @"
        rotation
        the connection does not work for this user yet
        failed: sign-in: Auth0 gave a new refresh token for the old one: the application rotates its refresh tokens, and Token Vault does not support that
          fix: an admin turns refresh token rotation off for the application; `plan_connection` plans that

        grant
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        failed: token exchange: the Auth0 application lacks a grant type that is needed
          fix: an admin adds the grants Authorization Code, Refresh Token and Token Vault to the application; `plan_connection` plans that

        vault
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        failed: token exchange: Token Vault is not enabled for the connection
          fix: an admin turns on Connected Accounts for Token Vault on the Bitbucket connection; `plan_connection` plans that

        mfa
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        failed: token exchange: Auth0 asks for a second factor, which a token exchange cannot give
          fix: an admin sets the tenant's MFA policy to `Never` or drives it by an Action that spares token exchanges

        credentials
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        failed: token exchange: Auth0 does not accept the application's credentials
          fix: check `AUTH0_CLIENT_ID` and `AUTH0_CLIENT_SECRET` against the application at Auth0

        denied
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        failed: token exchange: Auth0 denied access
          fix: an Auth0 Action or policy refuses this user; an admin sees why in the tenant's log

        limit
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        failed: token exchange: the rate limit of Auth0 is reached
          fix: call again in a minute

        trouble
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        failed: token exchange: Auth0 is not working right now (HTTP 503)
          fix: call again in a minute

        unknown
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        failed: token exchange: Auth0 refused the request (HTTP 400)
          fix: there is no use in trying again: an admin finds the reason in the tenant's log; check `AUTH0_CONNECTION` and the application's settings too; `check_connection` shows what is not as it must be
        ");
        assert!(stage.setup().proved_at().is_none());
    }

    #[tokio::test]
    async fn says_what_is_wrong_at_bitbucket() {
        let stage = Stage::new().await;
        let mut all = String::new();
        let faults = stage.sandbox().faults();
        // What Bitbucket's rate limit has taught is kept, so it comes last.
        for (name, effect) in [
            ("401", Effect::status(401)),
            ("403", Effect::status(403)),
            ("503", Effect::status(503)),
            ("unanswered", Effect::Unanswered),
            ("429", Effect::status(429)),
        ] {
            faults.clear();
            faults.add(Fault::new(Service::Bitbucket, effect));
            all += &format!("{name}\n{}\n\n", test(&stage, "linked").await);
        }
        faults.clear();
        stage.sandbox().world().set_scopes("guest", &["repository"]);
        stage.sandbox().world().link("guest");
        all += &format!("no `account`\n{}\n", test(&stage, "guest").await);
        insta::assert_snapshot!(all, @r#"
        401
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        ok: token exchange: Token Vault gave a token for `bitbucket`
        failed: Bitbucket: Bitbucket no longer accepts the linked account, so it must be linked again
          fix: call `link_account`, or ask the user to run `bitbucket-vault-mcp link`; if a new link breaks as well, the key or secret that the connection has is not the Bitbucket consumer's, or the consumer is gone: an admin compares them

        403
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        ok: token exchange: Token Vault gave a token for `bitbucket`
        failed: Bitbucket: Bitbucket does not let this user do that: "Forbidden"
          fix: a person with more rights in the repository or workspace can; an IP allow-list or enforced single sign-on of the workspace can be the reason too

        503
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        ok: token exchange: Token Vault gave a token for `bitbucket`
        failed: Bitbucket: Bitbucket answered 503: "Service Unavailable"
          fix: call again in a minute

        unanswered
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        ok: token exchange: Token Vault gave a token for `bitbucket`
        failed: Bitbucket: the answer of Bitbucket broke off
          fix: look at this machine's network, its proxy settings and the address in the settings; `bitbucket-vault-mcp doctor` tries each of them

        429
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|ana
        ok: token exchange: Token Vault gave a token for `bitbucket`
        failed: Bitbucket: the rate limit of Bitbucket is reached
          fix: how long is unknown, at most an hour; do other work first

        no `account`
        the connection does not work for this user yet
        ok: sign-in: Auth0 renewed the sign-in of auth0|gus
        ok: token exchange: Token Vault gave a token for `bitbucket`
        failed: Bitbucket: the linked Bitbucket account did not grant `account`
          fix: linking again will not help: an admin must tick `account` on the Bitbucket OAuth consumer, and then the user links again
        "#);
    }

    #[tokio::test]
    async fn says_when_the_sign_in_has_ended() {
        let stage = Stage::new().await;
        stage.served("linked").local.session.sign_out().await.unwrap();
        insta::assert_snapshot!(test(&stage, "linked").await, @"
        the connection does not work for this user yet
        failed: sign-in: nobody is signed in
          fix: call `link_account`, which signs the user in and links in one trip, or ask them to run `bitbucket-vault-mcp login`
        ");
    }

    #[test]
    fn takes_unknown_scopes_for_unknown_not_for_none() {
        let (missing, step) = compare(None, &["account"]);
        assert_eq!((missing.len(), step.outcome.is_ok()), (0, true));
        let granted = ["pullrequest:write".to_owned(), "pipeline:write".to_owned()];
        let wanted = ["account", "repository", "pullrequest", "repository:write", "pipeline"];
        let (missing, _) = compare(Some(&granted), &wanted);
        assert_eq!(missing, ["account"]);
    }

    #[test]
    fn tells_a_life_in_one_unit() {
        let said = [0, 1, 89, 90, 3_599, 7_199, 90_000].map(life);
        assert_eq!(
            said.join(", "),
            "0 seconds, 1 second, 89 seconds, 2 minutes, 60 minutes, 2 hours, 25 hours"
        );
    }
}
