//! Secrets: none is lost, none is shown, and none is made that cannot be kept.

use super::*;

/// Every secret of the stories.
const SECRETS: &[&str] = &[SECRET, "hush-management", "fresh-secret"];

#[tokio::test]
async fn refuses_to_erase_a_secret_that_it_can_neither_read_nor_write_back() {
    let story = Story::ready().await;
    story.tenant.change("connections", |connection| connection["options"]["scope"] = json!([]));
    for masked in [json!("********"), json!("[REDACTED]"), json!(""), json!(null)] {
        let secret = story.tenant.all("connections")[0]["options"]["client_secret"].clone();
        story.tenant.change("connections", |one| one["options"]["client_secret"] = masked.clone());
        let written = story.tenant.written();
        let setup = story.without_consumer();
        let plan = setup.plan(&Choice::default()).await.unwrap();
        assert!(plan.wants_consumer, "{masked}");
        let refused = apply(&setup, &plan).await.unwrap_err();
        assert!(matches!(refused, ApplyError::NoConsumer), "{masked}: {refused}");
        for (key, secret) in [("", "x"), ("x", ""), (" ", " ")] {
            let blank = Consumer { key: key.into(), secret: secret.into() };
            let refused = setup.apply(&plan.digest, Some(blank), &|_, _, _| {}).await.unwrap_err();
            assert!(matches!(refused, ApplyError::NoConsumer), "{masked}: {refused}");
        }
        assert_eq!(story.tenant.written(), written, "{masked}");
        story.tenant.change("connections", |one| one["options"]["client_secret"] = secret.clone());
    }
}

#[tokio::test]
async fn writes_a_hidden_secret_back_where_it_is_supplied() {
    let story = Story::ready().await;
    story.tenant.change("connections", |one| {
        one["options"]["client_secret"] = "********".into();
        one["options"]["scope"] = json!([]);
        one["options"]["profile"] = true.into();
    });
    let setup = story.without_consumer();
    let plan = setup.plan(&Choice::default()).await.unwrap();
    let written = story.tenant.written();
    let other = Consumer { key: "another-key".into(), secret: "another".into() };
    let refused = setup.apply(&plan.digest, Some(other), &|_, _, _| {}).await.unwrap_err();
    assert!(matches!(refused, ApplyError::OtherConsumer { .. }), "{refused}");
    assert_eq!(story.tenant.written(), written);
    let applied = setup.apply(&plan.digest, Some(consumer()), &|_, _, _| {}).await.unwrap();
    assert_eq!((applied.stopped, applied.remaining), (None, vec![]));
    let options = &story.tenant.all("connections")[0]["options"];
    assert_eq!((&options["client_secret"], &options["profile"]), (&json!(SECRET), &json!(true)));
}

#[tokio::test]
async fn takes_the_consumer_from_the_person_where_the_settings_have_none() {
    let story = Story::start().await;
    let setup = story.without_consumer();
    let plan = setup.plan(&Choice::default()).await.unwrap();
    assert!(plan.wants_consumer);
    let refused = apply(&setup, &plan).await.unwrap_err();
    assert!(matches!(refused, ApplyError::NoConsumer), "{refused}");
    assert_eq!(story.tenant.written(), 0);
    let applied = setup.apply(&plan.digest, Some(consumer()), &|_, _, _| {}).await.unwrap();
    assert_eq!((applied.stopped, applied.remaining), (None, vec![]));
    let options = &story.tenant.all("connections")[0]["options"];
    assert_eq!(
        (&options["client_id"], &options["client_secret"]),
        (&json!("consumer-key"), &json!(SECRET))
    );
    assert_eq!(story.shown(&setup.plan(&Choice::default()).await.unwrap()), "");
}

#[tokio::test]
async fn does_not_touch_options_that_it_cannot_see() {
    let story = Story::ready().await;
    story.tenant.change("connections", |one| {
        one["options"]["scope"] = json!([]);
        one["connected_accounts"]["active"] = false.into();
    });
    story.tenant.objects().hides_options = true;
    let before = story.tenant.all("connections")[0]["options"].clone();
    let setup = story.setup();
    let plan = setup.plan(&Choice::default()).await.unwrap();
    // The purpose is no option, and can be set all the same.
    let fields: Vec<_> = plan.changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(fields, ["connected_accounts.active"]);
    assert!(plan.by_hand.iter().any(|row| row.id == "connection.scopes"));
    let applied = apply(&setup, &plan).await.unwrap();
    assert_eq!((applied.stopped, applied.remaining), (None, vec![]));
    let connection = &story.tenant.all("connections")[0];
    assert_eq!(connection["options"], before);
    assert_eq!(connection["connected_accounts"]["active"], true);
}

#[tokio::test]
async fn makes_no_secret_that_it_cannot_keep() {
    let story = Story::start().await;
    let nowhere = Setup::new(Settings { keep: None, ..story.settings() });
    let plan = nowhere.plan(&Choice::default()).await.unwrap();
    let refused = apply(&nowhere, &plan).await.unwrap_err();
    assert!(matches!(refused, ApplyError::NowhereToKeep), "{refused}");
    std::fs::write(story.folder.path().join("state"), "a file").unwrap();
    let refused = apply(&story.setup(), &plan).await.unwrap_err();
    assert!(matches!(refused, ApplyError::Keep(_)), "{refused}");
    assert_eq!(story.tenant.written(), 0);
}

#[tokio::test]
async fn keeps_a_new_secret_even_if_the_caller_goes_away() {
    let story = Story::start().await;
    let setup = story.setup();
    let plan = setup.plan(&Choice::default()).await.unwrap();
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = Mutex::new(Some(tell));
    let progress = |done: usize, _: usize, _: &str| {
        if done == 1 {
            tell.lock().unwrap().take().unwrap().send(()).unwrap();
        }
    };
    let mut applying = Box::pin(setup.apply(&plan.digest, None, &progress));
    tokio::select! {
        _ = &mut applying => panic!(),
        _ = told => {}
    }
    // The application is the second write; it is sent at the next step, and then nobody waits.
    futures::future::poll_fn(|context| {
        let _ = applying.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
    drop(applying);
    let secrets = story.folder.path().join("state/secrets");
    for _ in 0..500 {
        let files = std::fs::read_dir(&secrets).unwrap();
        if files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("client-")) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // Whoever applies again finds the application and its secret.
    let plan = setup.plan(&Choice::default()).await.unwrap();
    let applied = apply(&setup, &plan).await.unwrap();
    assert_eq!(applied.stopped, None);
    assert!(applied.kept.iter().all(|kept| kept.written_to.is_some()), "{:?}", applied.kept);
    assert_eq!(story.tenant.all("clients").len(), 1);
}

#[tokio::test]
async fn shows_no_secret_in_anything_that_it_says() {
    let mut said = String::new();
    for fault in [None, Some((3, tenant::Fault::Refused)), Some((4, tenant::Fault::Lost))] {
        let story = Story::start().await;
        story.tenant.objects().fault = fault;
        let setup = story.setup();
        let plan = setup.plan(&both()).await.unwrap();
        said += &format!("{plan:?} {plan:#?} {}", serde_json::to_string(&plan.changes).unwrap());
        said += &format!("{} {:?}", plan.digest, plan.edits);
        let applied = apply(&setup, &plan).await.unwrap();
        said += &format!("{applied:?} {}", serde_json::to_string(&applied.applied).unwrap());
        if fault.is_none() {
            story.tenant.change("connections", |one| one["options"]["scope"] = json!([]));
        }
        let plan = setup.plan(&both()).await.unwrap();
        said += &format!("{plan:?} {:?} {:?}", plan.edits, plan.options);
        let error = ApplyError::Changed(Box::new(plan));
        said += &format!("{error} {error:?}");
        said += &std::fs::read_to_string(story.folder.path().join("config/config.toml"))
            .unwrap_or_default();
    }
    for secret in SECRETS {
        assert!(!said.contains(secret), "{secret}");
    }
    assert!(said.contains("client_secret"), "{said}");
}
