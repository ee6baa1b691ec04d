//! Every fault, at every feed: a shown state with a stable code and words that name nobody, and the next good answer is
//! taken by the same feed.

use entente_exercise::{Fault, Os};
use serde_json::json;

use super::*;

/// Every feed of a project, beside machines in one zone.
async fn feeds() -> (Trial, Vec<Box<dyn Ask>>) {
    let trial = Trial::start(NO_SIGNAL).await;
    trial.machines.add(3, Os::Windows, ("us-central1", "us-central1-a"), true, onset() - TimeDelta::days(1));
    let mut compute = trial.compute();
    trial.ask(&mut compute).await.unwrap();
    let source = [psh::Source::Project(PROJECT.into())];
    let organization = [psh::Source::Organization(ORGANIZATION.into())];
    let feeds: Vec<Box<dyn Ask>> = vec![
        Box::new(compute),
        Box::new(trial.operations()),
        Box::new(trial.osconfig(&[])),
        Box::new(trial.psh(&source)),
        Box::new(trial.psh(&organization)),
    ];
    (trial, feeds)
}

/// Plays a fault at every feed, and gives the failure of each; then cures it.
async fn played(fault: Fault) -> Vec<Failure> {
    let (trial, mut feeds) = feeds().await;
    let mut failures = Vec::new();
    for feed in &mut feeds {
        trial.ask(feed.as_mut()).await.unwrap();
        trial.gcp.faults().keep("", fault.clone());
        let failure = trial.ask(feed.as_mut()).await.unwrap_err();
        for text in [&failure.error.text, &failure.error.code] {
            assert!(!text.contains("acme") && !text.contains(ORGANIZATION), "{text}");
        }
        trial.gcp.faults().lift();
        let cured = trial.ask(feed.as_mut()).await;
        assert!(cured.is_ok_and(|reading| reading.lacks.is_none()), "{} goes on by itself", feed.profile().slug);
        failures.push(failure);
    }
    failures
}

fn codes(failures: &[Failure]) -> Vec<&str> {
    failures.iter().map(|failure| failure.error.code.as_str()).collect()
}

#[tokio::test]
async fn over_the_quota_is_throttled_whatever_its_status() {
    let failures = played(Fault::Throttled { retry_after: None }).await;
    assert_eq!(codes(&failures), ["throttled"; 5]);
    assert!(failures[0].error.text.contains("rateLimitExceeded"), "{}", failures[0].error.text);
    assert!(failures[2].error.text.contains("RATE_LIMIT_EXCEEDED"), "{}", failures[2].error.text);
}

#[tokio::test]
async fn the_pause_that_google_names_is_kept() {
    let pause = Duration::from_secs(1);
    let failures = played(Fault::Throttled { retry_after: Some(pause) }).await;
    assert_eq!(codes(&failures), ["throttled"; 5]);
    assert!(failures.iter().all(|failure| failure.retry_after == Some(pause)));
}

#[tokio::test]
async fn a_pause_that_google_names_where_it_failed_is_kept_from_the_first_call_on() {
    let (trial, mut feeds) = feeds().await;
    let unavailable = json!({"headers": {"status": "503", "retry-after": "3600"}, "body": {}});
    trial.gcp.replay("", vec![unavailable]);
    let before = trial.paths().len();
    for feed in &mut feeds {
        for code in ["provider-error", "throttled"] {
            let failure = trial.ask(feed.as_mut()).await.unwrap_err();
            assert_eq!(failure.error.code, code);
            let pause = failure.retry_after.unwrap();
            assert!(pause <= Duration::from_secs(3_600) && pause > Duration::from_secs(3_420), "{pause:?}");
        }
    }
    let mut asked = trial.paths().split_off(before);
    let count = asked.len();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), count, "nothing is asked again before that time: {asked:?}");
}

#[tokio::test]
async fn a_stall_ends_with_the_time_of_the_call() {
    assert_eq!(codes(&played(Fault::Stall(Duration::from_secs(30))).await), ["stalled"; 5]);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    assert_eq!(codes(&played(Fault::Truncated).await), ["truncated"; 5]);
}

#[tokio::test]
async fn credentials_that_have_expired_are_named_so() {
    assert_eq!(codes(&played(Fault::Expired).await), ["expired"; 5]);
}

#[tokio::test]
async fn what_is_forbidden_names_the_permission() {
    let failures = played(Fault::Forbidden).await;
    assert_eq!(codes(&failures), ["forbidden"; 5]);
    let permissions = [
        "compute.instances.list",
        "compute.zoneOperations.list",
        "osconfig.patchJobs.list",
        "servicehealth.events.list",
        "servicehealth.organizationEvents.list",
    ];
    for (failure, permission) in failures.iter().zip(permissions) {
        assert!(failure.error.text.contains(&format!("grant {permission} to")), "{}", failure.error.text);
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_the_reason_that_is_named() {
    let failures = played(Fault::ClockOff(600)).await;
    assert_eq!(codes(&failures), ["clock"; 5]);
    assert!(failures.iter().all(|failure| failure.error.text.contains("s behind the provider's")));
}

#[tokio::test]
async fn what_failed_inside_google_is_tried_again_before_it_is_told() {
    assert_eq!(codes(&played(Fault::Internal).await), ["provider-error"; 5]);
    let (trial, mut feeds) = feeds().await;
    for feed in &mut feeds {
        trial.gcp.faults().play("/v1/", Fault::Internal, 2);
        assert!(trial.ask(feed.as_mut()).await.is_ok(), "{}", feed.profile().slug);
        trial.gcp.faults().lift();
    }
}

#[tokio::test]
async fn the_clock_is_looked_at_while_all_is_well() {
    let (_trial, feeds) = feeds().await;
    let offset = feeds[0].clock_offset_ms().unwrap();
    assert!(offset.abs() < 5_000, "{offset}");
}

#[tokio::test]
async fn a_project_that_is_not_there_is_named_as_a_mistake_of_the_settings() {
    let trial = Trial::start(NO_SIGNAL).await;
    let failure = trial.ask(&mut trial.compute_of(&["acme-gone-999"])).await.unwrap_err();
    assert_eq!(failure.error.code, "not-found");
    assert!(failure.error.text.contains("settings") && !failure.error.text.contains("acme"));
}

#[tokio::test]
async fn nobody_listens_there() {
    let trial = Trial::start(NO_SIGNAL).await;
    let (google, mut feed) = (trial.google.clone(), trial.compute());
    trial.ask(&mut feed).await.unwrap();
    drop(google);
    let Trial { served, fleet, folder, .. } = trial;
    drop(served);
    // The port is free again once the double has stopped listening.
    let failure = loop {
        match feed.ask(at(onset())).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(failure) => break failure,
        }
    };
    assert!(["unreachable", "truncated"].contains(&failure.error.code.as_str()), "{failure:?}");
    drop((fleet, folder));
}

/// A trial whose calls show tokens, with the credentials of a user in a file that is read anew each time.
async fn with_tokens() -> Trial {
    let mut trial = Trial::start(NO_SIGNAL).await;
    trial.machines.add(3, Os::Windows, ("us-central1", "us-central1-a"), true, onset() - TimeDelta::days(1));
    trial.gcp.guard();
    let path = trial.folder.path().join("user.json");
    let user = serde_json::json!({
        "type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r",
        "token_uri": format!("{}/token", trial.served.url()),
    });
    std::fs::write(&path, user.to_string()).unwrap();
    let identity = move || {
        let user = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        google_cloud_auth::credentials::user_account::Builder::new(user).build()
    };
    trial.google = trial.google_as(Arc::new(identity));
    trial
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_replaced_without_a_restart() {
    let trial = with_tokens().await;
    let mut feed = trial.compute();
    assert!(trial.ask(&mut feed).await.is_ok());
    trial.gcp.revoke();
    assert_eq!(trial.ask(&mut feed).await.unwrap_err().error.code, "expired");
    assert!(trial.ask(&mut feed).await.is_ok(), "another token is asked for");
}

#[tokio::test]
async fn credentials_that_are_refused_for_good_are_read_anew() {
    let trial = with_tokens().await;
    trial.gcp.withhold(true);
    let mut feed = trial.compute();
    for _ in 0..2 {
        let failure = trial.ask(&mut feed).await.unwrap_err();
        assert_eq!(failure.error.code, "unauthenticated", "{}", failure.error.text);
    }
    trial.gcp.withhold(false);
    assert!(trial.ask(&mut feed).await.is_ok());
}

#[tokio::test]
async fn a_long_pause_is_told_by_every_call_and_waited_for_by_none() {
    let mut trial = Trial::start(NO_SIGNAL).await;
    for zone in ["us-central1-a", "us-central1-b", "us-central1-c"] {
        trial.machines.add(1, Os::Windows, ("us-central1", zone), true, onset() - TimeDelta::days(1));
    }
    trial.ask(&mut trial.compute()).await.unwrap();
    let mut operations = trial.operations();
    let hour = Duration::from_secs(3_600);
    trial.gcp.faults().keep("/operations", Fault::Throttled { retry_after: Some(hour) });
    trial.at(1);
    for _ in 0..2 {
        let failure = trial.ask(&mut operations).await.unwrap_err();
        let wish = failure.retry_after.unwrap();
        assert_eq!(failure.error.code, "throttled");
        assert!(wish <= hour && wish > hour - Duration::from_secs(180), "{wish:?}");
    }
    let asked = trial.paths().iter().filter(|path| path.contains("/operations")).count();
    assert!(asked <= 3, "nobody asks again before that time: {asked}");
}

/// What is told of a refusal with this reason, in the shape of the newer services and of Compute Engine.
async fn refused(reason: &str) -> [Failure; 2] {
    let trial = Trial::start(NO_SIGNAL).await;
    let message = format!("Caller of projects/{PROJECT} is refused.");
    let info =
        json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"});
    let new = json!({"code": 403, "message": message, "status": "PERMISSION_DENIED", "details": [info]});
    let old = json!({"code": 403, "message": message, "errors": [{"message": message, "reason": reason}]});
    trial.gcp.replay("/aggregated/", vec![json!({"headers": {"status": "403"}, "body": {"error": old}})]);
    trial.gcp.replay("/v1/", vec![json!({"headers": {"status": "403"}, "body": {"error": new}})]);
    let source = [psh::Source::Project(PROJECT.into())];
    let failures = [trial.ask(&mut trial.compute()).await, trial.ask(&mut trial.psh(&source)).await];
    failures.map(|failure| failure.unwrap_err())
}

#[tokio::test]
async fn every_403_is_told_by_what_mends_it() {
    for (reason, code, next) in [
        ("dailyLimitExceeded", "throttled", "lower its rate"),
        ("RATE_LIMIT_EXCEEDED", "throttled", "lower its rate"),
        ("SERVICE_DISABLED", "not-in-plan", "gcloud services enable"),
        ("accessNotConfigured", "not-in-plan", "gcloud services enable"),
        ("BILLING_DISABLED", "not-in-plan", "billing account"),
        ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "forbidden", "access scope cloud-platform"),
        ("insufficientPermissions", "forbidden", "access scope cloud-platform"),
        ("USER_PROJECT_DENIED", "forbidden", "serviceusage.services.use"),
        ("CONSUMER_INVALID", "forbidden", "names in the settings"),
        ("SECURITY_POLICY_VIOLATED", "forbidden", "service perimeter"),
        ("IAM_PERMISSION_DENIED", "forbidden", "grant "),
    ] {
        for failure in refused(reason).await {
            assert_eq!(failure.error.code, code, "{reason}");
            let text = failure.error.text;
            assert!(text.contains(next) && text.contains(reason) && !text.contains("acme"), "{reason}: {text}");
        }
    }
}
