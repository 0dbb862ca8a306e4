//! The broker against a tenant and a Bitbucket on loopback.

use std::time::Instant;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::*;
use crate::auth0::{self, ClientAuthentication};
use crate::net::Http;
use crate::sandbox::{Effect, Fault, Options, Sandbox, Service, Switch};

pub(super) struct Stage {
    pub(super) sandbox: Sandbox,
    pub(super) tenant: Tenant,
    pub(super) broker: Broker,
}

impl Stage {
    pub(super) async fn start() -> Self {
        Self::with_capacity(100).await
    }

    async fn with_capacity(capacity: u64) -> Self {
        Self::with(capacity, Duration::ZERO).await
    }

    /// A broker as it is over HTTP, with a memory that does not run out within a test.
    async fn for_many() -> Self {
        Self::with(100, Duration::from_secs(900)).await
    }

    async fn with(capacity: u64, miss_age: Duration) -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let settings = auth0::Settings {
            domain: Url::parse(&sandbox.auth0_domain()).unwrap(),
            client_id: sandbox.client_id(),
            authentication: ClientAuthentication::Secret(sandbox.client_secret().into()),
            organization: None,
        };
        let tenant = Tenant::new(Http::new(), settings).unwrap();
        let base = Url::parse(&sandbox.bitbucket_api_url()).unwrap();
        let connector = Arc::new(Connector::new(Http::new(), base));
        let settings = Settings {
            connection: "bitbucket".into(),
            cache_age: Duration::from_secs(900),
            miss_age,
            capacity,
        };
        let broker = Broker::new(tenant.clone(), connector, settings);
        Self { sandbox, tenant, broker }
    }

    fn proof(&self, account: &str) -> Proof {
        let token = SecretString::from(self.sandbox.refresh_token(account).unwrap());
        let caller = Caller {
            issuer: self.tenant.domain().to_string(),
            subject: account.to_owned(),
            organization: None,
        };
        Proof { caller, token: SubjectToken::Refresh(RefreshToken::new(token)) }
    }

    async fn name(&self, proof: &Proof) -> Result<String, Error> {
        let client = self.broker.client(proof, limits(30_000)).await?;
        Ok(client.user().await?.nickname.unwrap())
    }

    fn requests(&self, service: Service) -> usize {
        self.sandbox.requests().iter().filter(|request| request.service == service).count()
    }
}

fn limits(milliseconds: u64) -> Limits {
    let deadline = Instant::now() + Duration::from_millis(milliseconds);
    Limits { deadline, cancel: CancellationToken::new() }
}

#[tokio::test]
async fn costs_one_exchange_for_32_calls_at_once_and_50_after() {
    let stage = Stage::start().await;
    let proof = stage.proof("linked");
    let names = futures::future::join_all((0..32).map(|_| stage.name(&proof))).await;
    assert!(names.into_iter().all(|name| name.unwrap() == "ana"));
    for _ in 0..50 {
        assert_eq!(stage.name(&proof).await.unwrap(), "ana");
    }
    assert_eq!(stage.broker.counts(), Counts { exchanges: 1, hits: 50, cached: 1 });
    assert_eq!(stage.sandbox.world().exchanges("linked"), 1);
    assert_eq!(stage.requests(Service::Auth0), 1);
}

#[tokio::test]
async fn costs_one_exchange_more_when_the_token_is_revoked_and_fails_no_call() {
    let stage = Stage::start().await;
    let proof = stage.proof("linked");
    stage.name(&proof).await.unwrap();
    stage.sandbox.world().revoke_bitbucket_token("linked");
    let names = futures::future::join_all((0..32).map(|_| stage.name(&proof))).await;
    assert!(names.into_iter().all(|name| name.unwrap() == "ana"));
    assert_eq!(stage.broker.counts().exchanges, 2);
}

#[tokio::test]
async fn does_not_go_round_in_circles_when_the_vault_returns_the_refused_token() {
    let stage = Stage::start().await;
    let proof = stage.proof("linked");
    stage.sandbox.world().change_tenant(|tenant| tenant.set(Switch::KeepsRevokedTokens, true));
    stage.name(&proof).await.unwrap();
    stage.sandbox.world().revoke_bitbucket_token("linked");
    stage.sandbox.clear_requests();
    assert!(matches!(stage.name(&proof).await, Err(Error::LinkBroken)));
    assert_eq!((stage.requests(Service::Auth0), stage.requests(Service::Bitbucket)), (1, 1));
}

#[tokio::test]
async fn finds_an_unlinked_person_before_anything_reaches_bitbucket() {
    let stage = Stage::start().await;
    let refused = stage.broker.client(&stage.proof("guest"), limits(30_000)).await;
    assert!(matches!(refused, Err(Error::NotLinked)));
    assert_eq!(stage.requests(Service::Bitbucket), 0);
}

#[tokio::test]
async fn tells_a_withdrawn_grant_and_an_ended_session_apart() {
    let stage = Stage::start().await;
    let proof = stage.proof("linked");
    stage.sandbox.world().revoke_bitbucket_grant("linked");
    assert!(matches!(stage.name(&proof).await, Err(Error::LinkBroken)));
    stage.sandbox.world().revoke_refresh_token("linked");
    assert!(matches!(stage.name(&proof).await, Err(Error::NotSignedIn)));
}

#[tokio::test]
async fn keeps_people_apart_by_issuer_subject_and_organization() {
    let stage = Stage::start().await;
    let (ana, ben) = (stage.proof("linked"), stage.proof("limited"));
    assert_eq!(stage.name(&ana).await.unwrap(), "ana");
    assert_eq!(stage.name(&ben).await.unwrap(), "ben");
    let mut elsewhere = ana.clone();
    elsewhere.caller.organization = Some("org_1".into());
    assert_eq!(stage.name(&elsewhere).await.unwrap(), "ana");
    assert_eq!(stage.broker.counts(), Counts { exchanges: 3, hits: 0, cached: 3 });
}

#[tokio::test]
async fn forgets_the_token_after_an_unlink() {
    let stage = Stage::start().await;
    let proof = stage.proof("linked");
    stage.name(&proof).await.unwrap();
    stage.sandbox.world().unlink("linked");
    stage.broker.forget(&proof.caller);
    assert!(matches!(stage.name(&proof).await, Err(Error::NotLinked)));
    assert_eq!(stage.broker.counts().cached, 0);
}

#[tokio::test]
async fn forgets_the_token_in_every_organization_of_the_person() {
    let stage = Stage::start().await;
    let (ana, ben) = (stage.proof("linked"), stage.proof("limited"));
    let mut elsewhere = ana.clone();
    elsewhere.caller.organization = Some("org_1".into());
    for proof in [&ana, &elsewhere, &ben] {
        stage.name(proof).await.unwrap();
    }
    stage.sandbox.world().unlink("linked");
    stage.broker.forget(&elsewhere.caller);
    for proof in [&ana, &elsewhere] {
        assert!(matches!(stage.name(proof).await, Err(Error::NotLinked)));
    }
    assert_eq!(stage.broker.counts().cached, 1);
}

#[tokio::test]
async fn costs_a_newcomer_one_exchange_where_there_is_no_room_left() {
    let stage = Stage::with_capacity(1).await;
    for account in ["linked", "linked", "linked", "limited", "limited", "limited"] {
        stage.name(&stage.proof(account)).await.unwrap();
        stage.broker.shared.slots.run_pending_tasks();
    }
    assert_eq!(stage.broker.counts().exchanges, 2);
}

#[tokio::test]
async fn keeps_tokens_of_so_many_callers_only() {
    let stage = Stage::with_capacity(1).await;
    for account in ["linked", "limited", "linked", "limited"] {
        stage.name(&stage.proof(account)).await.unwrap();
    }
    stage.broker.shared.slots.run_pending_tasks();
    assert_eq!(stage.broker.counts().cached, 1);
}

#[tokio::test]
async fn renews_a_token_that_lives_shorter_than_a_call() {
    let stage = Stage::start().await;
    stage.sandbox.world().set_token_life(Duration::from_secs(1));
    let proof = stage.proof("linked");
    let client = stage.broker.client(&proof, limits(30_000)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(client.user().await.unwrap().nickname.unwrap(), "ana");
    assert_eq!(stage.broker.counts().exchanges, 2);
}

#[tokio::test]
async fn uses_a_token_that_is_all_but_over_for_the_whole_call() {
    let stage = Stage::start().await;
    let proof = stage.proof("linked");
    let token = stage.sandbox.world().bitbucket_token("linked").unwrap();
    let body = format!(r#"{{"access_token":"{token}","expires_in":0}}"#);
    let effect = Effect::Status {
        code: 200,
        body,
        content_type: "application/json".into(),
        headers: std::collections::BTreeMap::new(),
        handled: false,
    };
    stage.sandbox.faults().add(Fault::new(Service::Auth0, effect).path("/oauth/token"));
    let client = stage.broker.client(&proof, limits(30_000)).await.unwrap();
    for _ in 0..3 {
        assert_eq!(client.user().await.unwrap().nickname.as_deref(), Some("ana"));
    }
    assert_eq!(stage.broker.counts().exchanges, 1);
    assert_eq!(stage.name(&proof).await.unwrap(), "ana");
    assert_eq!(stage.broker.counts().exchanges, 2);
}

#[tokio::test]
async fn keeps_no_token_that_cannot_be_sent() {
    let stage = Stage::start().await;
    let proof = stage.proof("linked");
    let effect = Effect::Status {
        code: 200,
        body: r#"{"access_token":"bad\nline","expires_in":3600}"#.into(),
        content_type: "application/json".into(),
        headers: std::collections::BTreeMap::new(),
        handled: false,
    };
    stage.sandbox.faults().add(Fault::new(Service::Auth0, effect).path("/oauth/token").times(1));
    let error = stage.name(&proof).await.unwrap_err();
    assert_eq!(error.to_string(), "Auth0's answer is not an access token that can be sent");
    assert_eq!(stage.name(&proof).await.unwrap(), "ana");
}

#[tokio::test]
async fn shares_one_failure_of_the_vault_and_tries_again_for_the_next_call() {
    let stage = Stage::start().await;
    let proof = stage.proof("linked");
    let down = Fault::new(Service::Auth0, Effect::status(503)).path("/oauth/token").times(1);
    stage.sandbox.faults().add(down);
    let calls = futures::future::join_all((0..8).map(|_| stage.name(&proof))).await;
    assert!(calls.into_iter().all(|call| matches!(call, Err(Error::Auth0(_)))));
    assert_eq!(stage.broker.counts().exchanges, 1);
    assert_eq!(stage.name(&proof).await.unwrap(), "ana");
}

#[tokio::test]
async fn asks_once_for_somebody_who_is_not_linked_and_again_once_that_is_forgotten() {
    let stage = Stage::for_many().await;
    let guest = stage.proof("guest");
    for _ in 0..20 {
        assert!(matches!(stage.name(&guest).await, Err(Error::NotLinked)));
    }
    assert_eq!((stage.broker.counts().exchanges, stage.requests(Service::Auth0)), (1, 1));
    assert_eq!(stage.name(&stage.proof("linked")).await.unwrap(), "ana");
    stage.sandbox.world().link("guest");
    assert!(matches!(stage.name(&guest).await, Err(Error::NotLinked)));
    stage.broker.forget(&guest.caller);
    assert_eq!(stage.name(&guest).await.unwrap(), "gus");
    assert_eq!(stage.requests(Service::Auth0), 3);
}

#[tokio::test]
async fn asks_once_for_a_link_that_is_broken() {
    let stage = Stage::for_many().await;
    let proof = stage.proof("linked");
    stage.name(&proof).await.unwrap();
    stage.sandbox.world().revoke_bitbucket_grant("linked");
    stage.sandbox.clear_requests();
    for _ in 0..20 {
        assert!(matches!(stage.name(&proof).await, Err(Error::LinkBroken)));
    }
    assert_eq!((stage.requests(Service::Auth0), stage.requests(Service::Bitbucket)), (1, 1));
}

#[tokio::test]
async fn leaves_auth0_alone_for_everybody_for_as_long_as_it_wants() {
    let stage = Stage::start().await;
    let (ana, ben) = (stage.proof("linked"), stage.proof("limited"));
    stage.name(&ben).await.unwrap();
    stage.sandbox.clear_requests();
    let busy = |seconds: Option<&str>| {
        let effect = Effect::Status {
            code: 429,
            body: String::new(),
            content_type: "application/json".into(),
            headers: seconds.map(|text| ("retry-after".into(), text.into())).into_iter().collect(),
            handled: false,
        };
        stage.sandbox.faults().add(Fault::new(Service::Auth0, effect).times(1));
    };
    let left = |error: Error| match error {
        Error::Auth0(error) => match *error {
            auth0::Error::RateLimited { after } => after.map(|after| after.as_secs()),
            _ => panic!("{error:?}"),
        },
        _ => panic!("{error:?}"),
    };
    busy(None);
    assert_eq!(left(stage.name(&ana).await.unwrap_err()), None);
    busy(Some("3000"));
    assert_eq!(left(stage.name(&ana).await.unwrap_err()), Some(3000));
    for proof in [ana, stage.proof("guest")].iter().cycle().take(20) {
        let left = left(stage.name(proof).await.unwrap_err());
        assert!(left.is_some_and(|left| (1..=60).contains(&left)), "{left:?}");
    }
    assert_eq!((stage.broker.counts().exchanges, stage.requests(Service::Auth0)), (3, 2));
    assert_eq!(stage.name(&ben).await.unwrap(), "ben", "with the token at hand");
}

#[tokio::test]
async fn ends_with_the_calls_time_and_keeps_what_the_exchange_brings() {
    let stage = Stage::start().await;
    let proof = stage.proof("linked");
    let slow = Effect::Delay(Duration::from_millis(300));
    stage.sandbox.faults().add(Fault::new(Service::Auth0, slow).times(1));
    let late = stage.broker.client(&proof, limits(50)).await;
    assert!(matches!(late, Err(Error::TimedOut)));
    let cancelled = limits(30_000);
    cancelled.cancel.cancel();
    assert!(matches!(stage.broker.client(&proof, cancelled).await, Err(Error::Cancelled)));
    assert_eq!(stage.name(&proof).await.unwrap(), "ana");
    assert_eq!(stage.broker.counts().exchanges, 1);
}

#[tokio::test]
async fn does_not_guess_which_of_several_accounts_to_use() {
    let stage = Stage::start().await;
    let proof = stage.proof("linked");
    stage.broker.note_accounts(&proof.caller, vec!["cac_1".into(), "cac_2".into()]);
    let error = stage.name(&proof).await.unwrap_err();
    assert_eq!(error.to_string(), "several Bitbucket accounts are linked: cac_1, cac_2");
    assert_eq!(stage.broker.counts().exchanges, 0);
    let uuid = "{5a0c1f3e-8d27-4a41-9c7e-0a2b6f1d3e01}";
    stage.broker.choose(&proof.caller, Some(uuid.into()));
    assert_eq!(stage.name(&proof).await.unwrap(), "ana");
    assert!(stage.sandbox.requests()[0].body.contains("login_hint=%7B5a0c1f3e"));
}

#[tokio::test]
async fn asks_for_consent_again_only_where_it_can_help() {
    let stage = Stage::start().await;
    let caller = stage.proof("limited").caller;
    assert!(stage.broker.relinking_can_help(&caller, "pullrequest:write"));
    stage.broker.note_link(&caller, Some(Scopes::parse("account pullrequest")));
    assert!(!stage.broker.relinking_can_help(&caller, "pullrequest:write"));
    assert!(stage.broker.relinking_can_help(&caller, "repository"));
    stage.broker.note_link(&caller, Some(Scopes::parse("account pullrequest:write")));
    assert!(stage.broker.relinking_can_help(&caller, "pullrequest:write"));
}

#[tokio::test]
async fn prints_no_token() {
    let stage = Stage::start().await;
    let proof = stage.proof("linked");
    let SubjectToken::Refresh(token) = &proof.token else { panic!("{proof:?}") };
    assert!(!format!("{proof:?}").contains(token.expose()));
}
