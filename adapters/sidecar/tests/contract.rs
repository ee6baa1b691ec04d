//! The contract against a made-up cloud: it is kept by an adapter that keeps it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]
#![cfg(feature = "contract")]

mod cloud;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use cloud::adapter::Acme;
use cloud::double::{Cloud, Fault as Played};
use entente_sidecar::contract::{Call, Fault, Subject, run, run_sentences};
use futures::FutureExt as _;

struct Subjected {
    cloud: Cloud,
    flaw: &'static str,
}

impl Subjected {
    async fn start(flaw: &'static str) -> Self {
        Self { cloud: Cloud::start().await, flaw }
    }

    fn tables(&self) -> String {
        format!("[endpoints]\nacme = \"{}\"\n[acme]\nflaw = \"{}\"\n", self.cloud.url, self.flaw)
    }
}

impl Subject for Subjected {
    type Adapter = Acme;

    fn settings(&self) -> String {
        self.tables() + "[feeds.acme-vm]\nguest_signal = true\n[feeds.acme-queue]\n"
    }

    fn asking(&self) -> Vec<String> {
        vec!["acme-vm".to_owned(), "acme-queue".to_owned()]
    }

    fn trouble(&self) {
        self.cloud.break_machines(3);
    }

    fn cure(&self) {
        self.cloud.mend_machines();
    }

    fn play(&self, fault: Fault) {
        self.cloud.play(Some(match fault {
            Fault::Throttled(after) => Played::Throttled(after),
            Fault::Stalled => Played::Stalled,
            Fault::Truncated => Played::Truncated,
            Fault::Expired => Played::Expired,
            Fault::Forbidden => Played::Forbidden,
            Fault::ClockOff => Played::ClockOff,
        }));
    }

    fn lift(&self) {
        self.cloud.play(None);
    }

    fn calls(&self) -> Vec<Call> {
        let call = |name: String| Call { changes: name == "Stop", acknowledges: name == "Delete", name };
        self.cloud.calls().into_iter().map(call).collect()
    }

    fn secrets(&self) -> BTreeSet<String> {
        Cloud::secrets()
    }

    fn sightless(&self) -> Option<String> {
        Some(self.tables() + "[feeds.acme-vm]\n")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept() {
    run(Subjected::start("none").await).await;
}

/// Each flaw, the sentences that are executed, and what is said where one is broken.
const FLAWS: [(&str, &[usize], &str); 11] = [
    ("forgetful", &[4], "each start says something"),
    ("chatter", &[5], "after 20 answers"),
    ("curt", &[6], "tells no next step"),
    ("sulky", &[7], "the feed is said to be live again"),
    ("impatient", &[8], "the next try is not before the time that was named"),
    ("hopeful", &[9], "under Forbidden"),
    ("blithe", &[10], "what cannot be seen is said to be unknown"),
    ("hasty", &[12], "something was deleted that the log does not have"),
    ("credulous", &[13], "found: Ok"),
    ("garrulous", &[7, 19], "`fin-prod-0001` is told"),
    ("meddling", &[2, 23], "Stop"),
];

#[tokio::test(flavor = "multi_thread")]
async fn whoever_breaks_a_sentence_is_found_out() {
    let mut missed = Vec::new();
    for (flaw, sentences, told) in FLAWS {
        println!("{flaw}:");
        let subject = Subjected::start(flaw).await;
        let executed = AssertUnwindSafe(run_sentences(subject, sentences, Duration::from_secs(20))).catch_unwind();
        let said = match executed.await {
            Ok(()) => format!("{sentences:?} are kept"),
            Err(broken) => broken.downcast_ref::<String>().cloned().unwrap_or_default(),
        };
        if !said.contains(told) {
            missed.push(format!("{flaw}: `{told}` in {said}"));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}
