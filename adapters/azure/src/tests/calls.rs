//! Every way in which a call fails: it is shown with a code and the next step, says nothing of whose call it was, and is over
//! as soon as the double answers again.

use entente_exercise::Fault;
use entente_sidecar::account::Trouble;

use super::*;
use crate::arm::{Call, Cloud};
use crate::machine::Machines;

/// All feeds that ask.
fn feeds(trial: &Trial) -> Vec<Box<dyn Ask>> {
    let events = settings::Events { tenant: true, ..settings::Events::default() };
    vec![
        Box::new(trial.vm()),
        Box::new(trial.resources(true)),
        Box::new(trial.services(events)),
        Box::new(trial.emerging()),
        Box::new(trial.repairs()),
    ]
}

/// A fault at every call, and whether it is over as soon as it is lifted.
async fn comes_and_goes(trial: &Trial, feed: &mut dyn Ask, fault: &Fault, code: &str) {
    let slug = feed.profile().slug.clone();
    trial.faults.keep("/providers/", fault.clone());
    let failure = failure(feed).await;
    assert_eq!(failure.error.code, code, "{slug}: {}", failure.error.text);
    assert!(failure.error.text.contains("; "), "the next step is named: {}", failure.error.text);
    assert_eq!(secret::found_in(failure.error.text.as_bytes()), Vec::<String>::new());
    let wished = if let Fault::Throttled { retry_after } = fault { *retry_after } else { None };
    assert_eq!(failure.retry_after, wished, "{slug} {fault:?}");
    trial.faults.lift();
    assert!(reading(feed).await.lacks.is_none(), "{slug} after {fault:?}");
}

#[tokio::test]
async fn every_fault_is_shown_and_over_without_a_restart() {
    let trial = Trial::new().await;
    trial.add(3, Os::Windows, ("eastus", "1"), true);
    for mut feed in feeds(&trial) {
        for (fault, code) in [
            (Fault::Throttled { retry_after: Some(Duration::from_secs(1)) }, "throttled"),
            (Fault::Throttled { retry_after: None }, "throttled"),
            (Fault::Truncated, "truncated"),
            (Fault::Expired, "expired"),
            (Fault::Forbidden, "forbidden"),
            (Fault::Internal, "provider-error"),
        ] {
            comes_and_goes(&trial, feed.as_mut(), &fault, code).await;
        }
    }
}

#[tokio::test]
async fn a_provider_that_stalls_is_not_waited_for() {
    let trial = Trial::within(Duration::from_millis(300)).await;
    for mut feed in feeds(&trial) {
        reading(feed.as_mut()).await;
        comes_and_goes(&trial, feed.as_mut(), &Fault::Stall(Duration::from_secs(30)), "stalled").await;
    }
}

#[tokio::test]
async fn a_small_trouble_on_the_way_is_not_worth_a_word() {
    let trial = Trial::new().await;
    trial.faults.play("/providers/", Fault::Internal, 2);
    assert!(reading(&mut trial.emerging()).await.lacks.is_none());
    assert_eq!(trial.double.calls().iter().filter(|call| call.target.contains("emergingIssues")).count(), 3);
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_and_named_where_a_token_is_refused() {
    let trial = Trial::new().await;
    trial.add(2, Os::Windows, ("eastus", "1"), true);
    let mut feed = trial.vm();
    trial.faults.keep("", Fault::ClockOff(600));
    assert!(reading(&mut feed).await.items.is_empty(), "agents are timed by the provider's own clock");
    assert!(feed.clock_offset_ms().is_some_and(|offset| (590_000..610_000).contains(&offset)));
    trial.faults.lift();
    trial.faults.keep("/providers/", Fault::Expired);
    let expired = failure(&mut feed).await;
    assert_eq!(expired.error.code, "expired", "{}", expired.error.text);
    trial.arm.skew().set(600_000);
    // The answer's own date puts the clock right again before the refusal is read.
    assert_eq!(failure(&mut feed).await.error.code, "expired");
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_replaced() {
    let trial = Trial::new().await;
    let mut feed = trial.emerging();
    reading(&mut feed).await;
    trial.double.revoke_before(Utc::now() + TimeDelta::hours(1));
    let refused = failure(&mut feed).await;
    assert_eq!(
        (refused.error.code.as_str(), refused.error.text.contains("InvalidAuthenticationToken")),
        ("unauthenticated", true)
    );
    reading(&mut feed).await;
}

#[tokio::test]
async fn a_secret_that_is_renewed_in_its_file_is_enough() {
    let trial = Trial::new().await;
    let file = trial.folder.path().join("secret");
    std::fs::write(&file, "").unwrap();
    let mut feed = trial.emerging();
    let refused = failure(&mut feed).await;
    assert_eq!(refused.error.code, "unauthenticated");
    assert!(refused.error.text.contains("the file of the secret cannot be read"), "{}", refused.error.text);
    std::fs::write(&file, "a new secret").unwrap();
    reading(&mut feed).await;
    let shown = trial.double.calls().into_iter().find(|call| call.target.contains("/oauth2/v2.0/token")).unwrap();
    assert!(String::from_utf8_lossy(&shown.body).contains("client_secret=a+new+secret"));
}

#[tokio::test]
async fn a_service_account_and_a_certificate_are_taken_too() {
    let trial = Trial::with(|identity| {
        identity.kind = IdentityKind::WorkloadIdentity;
    })
    .await;
    reading(&mut trial.emerging()).await;
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["x.example".into()]).unwrap().self_signed(&key).unwrap();
    let pem = format!("{}{}", key.serialize_pem(), certificate.pem());
    let trial = Trial::with(|identity| {
        identity.kind = IdentityKind::ClientCertificate;
        std::fs::write(identity.file.clone().unwrap(), pem).unwrap();
    })
    .await;
    reading(&mut trial.emerging()).await;
    let shown = trial.double.calls().into_iter().find(|call| call.target.contains("/oauth2/v2.0/token")).unwrap();
    assert!(String::from_utf8_lossy(&shown.body).contains("client_assertion=ey"));
}

#[tokio::test]
async fn who_is_not_known_to_entra_is_told_its_code_and_nothing_else() {
    let trial = Trial::with(|identity| std::fs::write(identity.file.clone().unwrap(), "wrong").unwrap()).await;
    let refused = failure(&mut trial.emerging()).await;
    assert_eq!(refused.error.code, "unauthenticated", "{}", refused.error.text);
    assert!(refused.error.text.contains("(AADSTS7000215)"), "{}", refused.error.text);
    assert_eq!(secret::found_in(refused.error.text.as_bytes()), Vec::<String>::new());
}

#[tokio::test]
async fn a_page_at_another_host_is_not_asked_for() {
    let trial = Trial::new().await;
    trial.add(5, Os::Linux, ("eastus", "1"), true);
    trial.double.page(1);
    let mut feed = trial.vm();
    reading(&mut feed).await;
    for host in [
        "https://evil.example",
        "http://management.azure.com",
        "https://management.azure.com.evil.example",
        "https://management.azure.com:444",
        "https://token@management.azure.com",
        "nonsense",
    ] {
        trial.double.lead_astray(Some(host));
        let failure = failure(&mut feed).await;
        assert!(failure.error.text.contains("another host"), "{host}: {}", failure.error.text);
    }
    let there = trial.double.url();
    let (named, other) = (there.replace("//", "//token@"), format!("{there}0"));
    for host in [&named, &other, &there.replace("http:", "https:")] {
        trial.double.lead_astray(Some(host));
        let failure = failure(&mut feed).await;
        assert!(failure.error.text.contains("another host"), "{host}: {}", failure.error.text);
    }
    trial.double.lead_astray(None);
    assert!(reading(&mut feed).await.lacks.is_none());
}

#[tokio::test]
async fn an_endpoint_in_place_of_arm_may_name_itself() {
    let trial = Trial::new().await;
    let windows = trial.add(5, Os::Windows, ("eastus", "1"), true);
    trial.double.page(1);
    trial.double.lead_astray(Some(&trial.double.url()));
    let mut feed = trial.vm();
    assert_eq!(reading(&mut feed).await.lacks, None);
    trial.set(&windows, Condition::BootLoop);
    assert_eq!(counted(impact(&reading(&mut feed).await.items, "azure.vm:main/guest"), Quantity::Affected), 5);
}

#[tokio::test]
async fn an_endless_list_ends() {
    let trial = Trial::new().await;
    trial.add(5, Os::Linux, ("eastus", "1"), true);
    trial.double.page(1);
    // Every page leads to one and the same.
    trial.double.lead_astray(Some(
        "https://management.azure.com/providers/Microsoft.ResourceHealth/emergingIssues/default?api-version=1&x=",
    ));
    let refused = failure(&mut trial.vm()).await;
    assert_eq!(refused.error.code, "unreadable", "{}", refused.error.text);
}

#[tokio::test]
async fn one_subscription_that_fails_costs_only_itself() {
    let trial = Trial::new().await;
    trial.add(4, Os::Windows, ("eastus", "1"), true);
    let mut feed = trial.vm();
    reading(&mut feed).await;
    trial.faults.keep(&trial.double.subscriptions()[1], Fault::Forbidden);
    trial.set(&[0, 1, 2, 3], Condition::BootLoop);
    let told = reading(&mut feed).await;
    let lacks = told.lacks.unwrap();
    assert_eq!((lacks.error.code.as_str(), lacks.error.text.starts_with("1 of 2 calls failed")), ("forbidden", true));
    assert_eq!(counted(impact(&told.items, "azure.vm:main/guest"), Quantity::Affected), 2);
    trial.faults.lift();
    let told = reading(&mut feed).await;
    assert!(told.lacks.is_none());
    assert_eq!(counted(impact(&told.items, "azure.vm:main/guest"), Quantity::Affected), 4);
}

#[tokio::test]
async fn calls_name_their_version_and_change_nothing() {
    let trial = Trial::new().await;
    for mut feed in feeds(&trial) {
        reading(feed.as_mut()).await;
    }
    for call in trial.double.calls().iter().filter(|call| !call.target.contains("oauth2")) {
        assert!(call.target.contains("api-version=20"), "{}", call.target);
        let asks = call.method == "GET" || call.target.starts_with("/providers/Microsoft.ResourceGraph/resources?");
        assert!(asks, "{} {}", call.method, call.target);
    }
    let call: Call = Machines::call("s");
    assert_eq!(call.query, [("statusOnly", "true".to_owned())]);
    assert_eq!(Trouble::Forbidden.failure(call.api.name, call.api.permission, "").error.code, "forbidden");
}

#[tokio::test]
async fn a_cloud_of_its_own_has_its_own_hosts_for_calls_tokens_and_pages() {
    for (cloud, host) in
        [(Cloud::UsGovernment, "management.usgovcloudapi.net"), (Cloud::China, "management.chinacloudapi.cn")]
    {
        let trial = Trial::with(|identity| identity.cloud = cloud).await;
        trial.add(5, Os::Windows, ("usgovvirginia", ""), true);
        trial.double.page(1);
        trial.double.lead_astray(Some(&format!("https://{host}")));
        assert!(reading(&mut trial.vm()).await.lacks.is_none());
        let token = trial.double.calls().into_iter().find(|call| call.target.contains("/oauth2/v2.0/token")).unwrap();
        assert!(String::from_utf8_lossy(&token.body).contains(&format!("{host}%2F.default")));
        trial.double.lead_astray(Some("https://management.azure.com"));
        assert!(failure(&mut trial.vm()).await.error.text.contains("another host"));
    }
}
