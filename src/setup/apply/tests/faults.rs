//! Writes that go wrong.

use super::super::super::Change;
use super::tenant::Fault;
use super::*;

const FAULTS: [Fault; 4] = [Fault::Refused, Fault::Down, Fault::Lost, Fault::Forgotten];

/// How many writes make an empty tenant ready.
async fn all_writes(choice: &Choice) -> usize {
    let story = Story::start().await;
    let setup = story.setup();
    apply(&setup, &setup.plan(choice).await.unwrap()).await.unwrap();
    story.tenant.written()
}

/// Lets one write go wrong, holds what is told against the tenant, and runs it again.
async fn fails_and_finishes(choice: &Choice, number: usize, fault: Fault) {
    let story = Story::start().await;
    story.tenant.objects().fault = Some((number, fault));
    let setup = story.setup();
    let plan = setup.plan(choice).await.unwrap();
    let applied = apply(&setup, &plan).await.unwrap();
    let mut together = applied.applied.clone();
    together.extend(applied.remaining.clone());
    assert_eq!(together, plan.changes, "{number} {fault:?}");
    let now = setup.plan(choice).await.unwrap();
    let told = format!("{number} {fault:?} {:?}", applied.stopped);
    if fault == Fault::Lost {
        // It is there, so there is nothing to stop for; but Auth0 says a secret only once.
        let is_about_a_secret =
            applied.stopped.is_none_or(|why| why.contains("answer with its secret was lost"));
        assert!(is_about_a_secret && applied.remaining.is_empty(), "{told}");
    } else {
        assert!(applied.stopped.is_some(), "{told}");
        // The purposes of a connection follow it at once.
        assert!((1..=2).contains(&(story.tenant.written() - number)), "{told}");
        let fields = |changes: &[Change]| -> Vec<_> {
            changes.iter().map(|one| (one.object.clone(), one.field.clone())).collect()
        };
        let now = fields(&now.changes);
        let mut remaining = fields(&applied.remaining);
        // People can sign in with a connection that was made without its purposes, which is left so.
        let is_made = remaining.iter().all(|(_, field)| field != "strategy");
        remaining.retain(|(_, field)| !is_made || field != "authentication.active");
        assert_eq!(now, remaining, "{told}");
    }
    let applied = apply(&setup, &now).await.unwrap();
    assert_eq!((applied.stopped, applied.remaining.len()), (None, 0), "{told}");
    let last = setup.plan(choice).await.unwrap();
    assert_eq!(story.shown(&last), "", "{told}");
}

#[tokio::test]
async fn says_what_was_done_when_a_write_fails_and_finishes_when_run_again() {
    let choice = Choice::default();
    let all = all_writes(&choice).await;
    assert!(all > 4, "{all}");
    for number in 0..all {
        for fault in FAULTS {
            fails_and_finishes(&choice, number, fault).await;
        }
    }
}

#[tokio::test]
async fn does_so_for_both_transports_as_well() {
    let all = all_writes(&both()).await;
    assert!(all > 12, "{all}");
    for (number, fault) in (0..all).zip(FAULTS.into_iter().cycle()) {
        fails_and_finishes(&both(), number, fault).await;
    }
}

#[tokio::test]
async fn tells_why_it_stopped_in_one_sentence() {
    let mut told = Vec::new();
    for fault in [Fault::Refused, Fault::Down, Fault::Forgotten] {
        for number in [0, 1, 3, 4, 5] {
            let story = Story::start().await;
            story.tenant.objects().fault = Some((number, fault));
            let setup = story.setup();
            let plan = setup.plan(&Choice::default()).await.unwrap();
            let applied = apply(&setup, &plan).await.unwrap();
            told.push(applied.stopped.unwrap());
        }
    }
    insta::assert_snapshot!(told.join("\n"), @"
    the My Account API was not written: the management client's grant for the Management API lacks `update:everything`
    the application `bitbucket-vault-mcp` was not written: the management client's grant for the Management API lacks `update:everything`
    the connection `bitbucket` was not written: the management client's grant for the Management API lacks `update:everything`
    the connection `bitbucket` was created, but not its purposes: the management client's grant for the Management API lacks `update:everything`
    the connection `bitbucket` for application `bitbucket-vault-mcp` was not written: the management client's grant for the Management API lacks `update:everything`
    the My Account API was not written as far as can be seen: Auth0 is not working right now (HTTP 503)
    the application `bitbucket-vault-mcp` was not written as far as can be seen: Auth0 is not working right now (HTTP 503)
    the connection `bitbucket` was not written as far as can be seen: Auth0 is not working right now (HTTP 503)
    the connection `bitbucket` was not written as far as can be seen: Auth0 is not working right now (HTTP 503)
    the connection `bitbucket` for application `bitbucket-vault-mcp` was not written as far as can be seen: Auth0 is not working right now (HTTP 503)
    the My Account API was written, but is not there
    the application `bitbucket-vault-mcp` was written, but is not there
    the connection `bitbucket` was created, but not its purposes: Auth0 refused in an unexpected way (HTTP 404)
    the connection `bitbucket` was written, but Auth0 shows `connected_accounts.active`, `authentication.active` otherwise
    the connection `bitbucket` for application `bitbucket-vault-mcp` was written, but is not there
    ");
}

#[tokio::test]
async fn never_sends_a_write_again_whose_answer_was_lost() {
    for number in 0..all_writes(&both()).await {
        let story = Story::start().await;
        story.tenant.objects().fault = Some((number, Fault::Lost));
        let setup = story.setup();
        let plan = setup.plan(&both()).await.unwrap();
        apply(&setup, &plan).await.unwrap();
        let writes = story.tenant.objects().writes.clone();
        let mut once = writes.clone();
        once.dedup();
        assert_eq!(writes, once);
        assert_eq!(story.tenant.all("clients").len(), 3, "{number}");
    }
}

#[tokio::test]
async fn asks_for_the_secret_that_was_lost_with_an_answer() {
    let story = Story::start().await;
    let setup = story.setup();
    let plan = setup.plan(&Choice::default()).await.unwrap();
    // My Account comes first, then the application.
    story.tenant.objects().fault = Some((1, Fault::Lost));
    let applied = apply(&setup, &plan).await.unwrap();
    assert!(applied.remaining.is_empty());
    let stopped = applied.stopped.unwrap();
    insta::assert_snapshot!(stopped, @"the application `bitbucket-vault-mcp` was created, but the answer with its secret was lost: copy the secret from the application's page in the dashboard");
    let kept: Vec<_> = applied
        .kept
        .iter()
        .map(|kept| format!("{} = {}, {:?}", kept.variable, kept.value, kept.written_to))
        .collect();
    insta::assert_snapshot!(kept.join("\n"), @"
    AUTH0_CLIENT_ID = client00000000000000000000000002, None
    AUTH0_CLIENT_SECRET_FILE = a file with the client secret from the application's page in the dashboard, None
    ");
    assert!(!story.folder.path().join("config/config.toml").exists());
}

#[tokio::test]
async fn writes_nothing_where_the_tenant_cannot_be_read() {
    let story = Story::start().await;
    let setup = story.setup();
    let plan = setup.plan(&Choice::default()).await.unwrap();
    drop(story.tenant);
    let refused = apply(&setup, &plan).await.unwrap_err();
    assert!(matches!(refused, ApplyError::Auth0(_)), "{refused}");
}
