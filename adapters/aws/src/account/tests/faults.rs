//! Every way in which AWS fails, for every feed: a shown state, and recovery without a restart.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use entente_exercise::{Fault, Fleet as Machines, Os};
use entente_sidecar::Ask;

use super::{Bench, ask, ask_at};

/// How long is waited for what must come.
const PATIENCE: Duration = Duration::from_secs(180);

async fn bench() -> Bench {
    let machines = Machines::new();
    machines.add(3, Os::Windows, ("us-east-1", "us-east-1a"), false, Utc::now());
    Bench::new(machines).await
}

fn feeds(bench: &Bench) -> Vec<Box<dyn Ask>> {
    vec![
        Box::new(bench.ec2(&["us-east-1"])),
        Box::new(bench.ssm()),
        Box::new(bench.health(false)),
        Box::new(bench.health(true)),
        Box::new(bench.events()),
    ]
}

#[tokio::test]
async fn each_fault_has_its_word_in_each_protocol_and_passes() {
    let bench = bench().await;
    for mut feed in feeds(&bench) {
        let slug = feed.profile().slug.clone();
        for (fault, code) in [
            (Fault::Throttled { retry_after: None }, "throttled"),
            (Fault::Expired, "expired"),
            (Fault::Forbidden, "forbidden"),
            (Fault::Internal, "provider-error"),
            (Fault::Truncated, "truncated"),
        ] {
            bench.double.faults().keep("", fault.clone());
            let failure = ask(feed.as_mut()).await.expect_err(&format!("{slug}: {fault:?}"));
            assert_eq!(failure.error.code, code, "{slug}: {}", failure.error.text);
            bench.double.faults().lift();
            recovers(feed.as_mut(), &format!("{slug} after {fault:?}")).await;
        }
    }
}

#[tokio::test]
async fn whoever_does_not_answer_in_time_is_told_apart() {
    let bench = bench().await.in_a_hurry();
    for mut feed in feeds(&bench) {
        let slug = feed.profile().slug.clone();
        bench.double.faults().keep("", Fault::Stall(Duration::from_secs(600)));
        let failure = ask(feed.as_mut()).await.expect_err(&slug);
        assert_eq!(failure.error.code, "stalled", "{slug}: {}", failure.error.text);
        bench.double.faults().lift();
        recovers(feed.as_mut(), &slug).await;
    }
}

/// Asks until there is an answer: a machine that has much to do may take longer for it than a call may.
async fn recovers(feed: &mut dyn Ask, what: &str) {
    let end = tokio::time::Instant::now() + PATIENCE;
    while let Err(failure) = ask(feed).await {
        assert!(tokio::time::Instant::now() < end, "{what}: {}", failure.error.text);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_and_then_allowed_for() {
    let bench = bench().await;
    for mut feed in feeds(&bench) {
        let slug = feed.profile().slug.clone();
        bench.double.faults().keep("", Fault::ClockOff(600));
        let failure = ask(feed.as_mut()).await.expect_err(&slug);
        assert_eq!(failure.error.code, "clock", "{slug}");
        assert!(failure.error.text.contains("this machine's clock is"), "{slug}: {}", failure.error.text);
        let offset = feed.clock_offset_ms().unwrap();
        assert!((590_000..=610_000).contains(&offset), "{slug}: {offset}");
        // Each client signs by AWS's clock from its next call on.
        recovers(feed.as_mut(), &slug).await;
        bench.double.faults().lift();
    }
}

#[tokio::test]
async fn several_attempts_hide_what_passes_at_once() {
    let bench = bench().await.attempting(3);
    let mut feed = bench.ec2(&["us-east-1"]);
    bench.double.faults().play("DescribeInstances", Fault::Throttled { retry_after: None }, 1);
    bench.double.faults().play("DescribeInstanceStatus", Fault::ClockOff(600), 1);
    assert!(ask(&mut feed).await.is_ok());
}

#[tokio::test]
async fn whoever_is_told_to_wait_waits() {
    let bench = bench().await;
    let after = Duration::from_secs(90);
    for mut feed in feeds(&bench) {
        bench.double.faults().keep("", Fault::Throttled { retry_after: Some(after) });
        let failure = ask(feed.as_mut()).await.unwrap_err();
        assert_eq!(failure.retry_after, Some(after), "{}", feed.profile().slug);
        bench.double.faults().lift();
    }
}

#[tokio::test]
async fn whoever_is_told_to_wait_makes_no_further_attempt() {
    let bench = bench().await.attempting(3);
    let after = Duration::from_secs(90);
    for mut feed in feeds(&bench) {
        bench.double.faults().keep("", Fault::Throttled { retry_after: Some(after) });
        let before = bench.double.asked();
        let failure = ask(feed.as_mut()).await.unwrap_err();
        assert_eq!(failure.retry_after, Some(after), "{}", feed.profile().slug);
        let mut asked = bench.double.asked().split_off(before.len());
        let all = asked.len();
        asked.sort();
        asked.dedup();
        assert_eq!(all, asked.len(), "{}: {asked:?}", feed.profile().slug);
        bench.double.faults().lift();
    }
}

#[tokio::test]
async fn whoever_is_told_to_wait_in_one_region_waits_in_no_other() {
    let bench = bench().await;
    let mut feed = bench.ec2(&["us-east-1", "eu-west-1"]);
    let after = Some(Duration::from_secs(600));
    bench.double.faults().keep("@eu-west-1", Fault::Throttled { retry_after: after });
    let now = Utc::now();
    for later in [0, 60, 120] {
        let reading = ask_at(&mut feed, now + TimeDelta::seconds(later)).await.unwrap();
        let lacks = reading.lacks.unwrap();
        assert_eq!((lacks.error.code.as_str(), lacks.retry_after), ("throttled", None));
    }
    let asked = bench.double.asked().iter().filter(|call| call.ends_with("@eu-west-1")).count();
    assert_eq!(asked, 1, "it is spared until then");
}

#[tokio::test]
async fn a_region_that_is_not_enabled_is_told_apart_from_a_caller_who_is_unknown() {
    let bench = bench().await;
    bench.double.disable("me-south-1");
    let reading = ask(&mut bench.ec2(&["us-east-1", "me-south-1"])).await.unwrap();
    let lacks = reading.lacks.unwrap().error;
    assert_eq!(lacks.code, "unauthenticated");
    assert!(lacks.text.contains("enabled for the account"), "{}", lacks.text);
}

#[tokio::test]
async fn renewed_credentials_are_read_without_a_restart() {
    let bench = bench().await;
    let good = std::fs::read_to_string(bench.credentials()).unwrap();
    std::fs::write(bench.credentials(), "").unwrap();
    let mut feed = bench.ec2(&["us-east-1"]);
    let failure = ask(&mut feed).await.unwrap_err();
    assert_eq!(failure.error.code, "unauthenticated", "{}", failure.error.text);
    std::fs::write(bench.credentials(), good).unwrap();
    assert!(ask(&mut feed).await.is_ok());
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_unreachable() {
    let bench = bench().await;
    let mut feeds = feeds(&bench);
    drop(bench.double);
    tokio::time::sleep(Duration::from_millis(100)).await;
    for feed in &mut feeds {
        let failure = ask(feed.as_mut()).await.unwrap_err();
        assert_eq!(failure.error.code, "unreachable", "{}: {}", feed.profile().slug, failure.error.text);
    }
}

/// Whatever stands between may cut an answer and say that it is whole.
#[tokio::test]
async fn an_answer_of_the_right_length_that_ends_early_is_none() {
    let whole = "<DescribeInstanceStatusResponse><instanceStatusSet><item><instanceId>i-0aaaaaaaaaaaaaaa1</instanceId></item>\
                 </instanceStatusSet><nextToken>more</nextToken></DescribeInstanceStatusResponse>";
    let inventory = "<DescribeInstancesResponse><reservationSet></reservationSet></DescribeInstancesResponse>";
    for cut in [1, 60, 110, 140, whole.len() - 30, whole.len() - 1] {
        let bench = bench().await;
        let (answer, first) = (whole[..cut].to_owned(), inventory.to_owned());
        let url = said_to_be_whole(
            move |body| if body.contains("DescribeInstances&") { first.clone() } else { answer.clone() },
        )
        .await;
        let failure = ask(&mut bench.at(&url).ec2(&["us-east-1"])).await.unwrap_err();
        assert_eq!(failure.error.code, "truncated", "{cut}: {}", failure.error.text);
    }
}

/// Whatever stands between may answer in AWS's place, and AWS may write what cannot be read.
#[tokio::test]
async fn an_answer_that_is_whole_and_cannot_be_read_did_not_break_off() {
    let page = "<!DOCTYPE html><html><body>Sign in to the network</body></html>\n";
    let odd = "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><launchTime>soon</launchTime></item>\
               </instancesSet></item></reservationSet></DescribeInstancesResponse>";
    for answer in [page, odd, "Sign in to the network"] {
        let bench = bench().await;
        let url = said_to_be_whole(move |_| answer.to_owned()).await;
        let failure = ask(&mut bench.at(&url).ec2(&["us-east-1"])).await.unwrap_err();
        assert_eq!(failure.error.code, "unreadable", "{answer}: {}", failure.error.text);
    }
}

/// A server that answers every request with a text, and its address.
async fn said_to_be_whole(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 65_536];
            let mut length = 0;
            while !String::from_utf8_lossy(&request[..length]).contains("Version=2016-11-15") {
                length += stream.read(&mut request[length..]).await.unwrap();
            }
            let body = answer(&String::from_utf8_lossy(&request[..length]));
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    });
    url
}
