//! The checks of a preflight, against the double.

use entente_exercise::{Fault, Fleet as Machines};
use entente_sidecar::account::{Check, Feed};

use super::{Bench, cadence};
use crate::account::check;
use crate::account::config::Events;

fn events(queue_url: &str) -> Feed<Events> {
    let own = Events { queue_url: queue_url.to_owned(), region: "us-east-1".to_owned(), ..Events::default() };
    Feed { slug: "aws-events".to_owned(), cadence: cadence(), own }
}

/// The codes that checks end with, by the calls that they make.
async fn codes(checks: Vec<Check>) -> Vec<(String, Option<String>)> {
    let mut codes = Vec::new();
    for check in checks {
        codes.push((check.api, check.call.await.err().map(|failure| failure.error.code)));
    }
    codes
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_no_permission() {
    let bench = Bench::new(Machines::new()).await;
    let found = codes(check::events(&bench.caller(), &events(bench.double.queue_url()))).await;
    assert!(found.len() == 3 && found.iter().all(|(_, code)| code.is_none()), "{found:?}");
    let none = events("https://sqs.us-east-1.amazonaws.com/1/none");
    let found = codes(check::events(&bench.caller(), &none)).await;
    assert!(found.iter().all(|(_, code)| code.as_deref() == Some("no-queue")), "{found:?}");
}

#[tokio::test]
async fn whoever_reads_repairs_alone_needs_the_list_of_regions_too() {
    let bench = Bench::new(Machines::new()).await;
    bench.double.faults().keep("DescribeRegions", Fault::Forbidden);
    let found = codes(check::ssm(&bench.caller(), &[])).await;
    let refused: Vec<&str> = found.iter().filter(|(_, code)| code.is_some()).map(|(api, _)| api.as_str()).collect();
    assert_eq!(refused, ["ec2.DescribeRegions"]);
    let named = check::ssm(&bench.caller(), &["us-east-1".to_owned()]);
    assert_eq!(named.len(), 2, "whoever names them does not");
}
