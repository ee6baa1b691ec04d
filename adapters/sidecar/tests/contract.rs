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
use entente_sidecar::contract::{Call, Fault, Patience, Subject, run, run_sentences};
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
        let machines = if self.flaw == "secretive" { "" } else { "[feeds.acme-vm]\nguest_signal = true\n" };
        self.tables() + machines + "[feeds.acme-queue]\n"
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

    fn garble(&self) -> bool {
        self.cloud.garble();
        true
    }

    fn sightless(&self) -> Option<String> {
        Some(self.tables() + "[feeds.acme-vm]\n")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept() {
    run(Subjected::start("none").await).await;
}

/// A flaw, and how it shows.
struct Broken {
    flaw: &'static str,
    /// The sentences that are executed; the last of them is broken.
    sentences: &'static [usize],
    /// What is said of it.
    told: &'static str,
    /// Whether that is a fact which does not come about.
    absent: bool,
}

/// By something that must not be.
const fn seen(flaw: &'static str, sentences: &'static [usize], told: &'static str) -> Broken {
    Broken { flaw, sentences, told, absent: false }
}

/// By the absence of something.
const fn missed(flaw: &'static str, sentences: &'static [usize], told: &'static str) -> Broken {
    Broken { flaw, sentences, told, absent: true }
}

const FLAWS: [Broken; 22] = [
    seen("secretive", &[1], "feeds.acme-vm.audience: set the sharing group of feed acme-vm"),
    missed("absent", &[2], "every feed is live"),
    missed("losing", &[3], "what waited is sent at the next start"),
    seen("forgetful", &[4], "each start says something"),
    seen("chatter", &[5], "after 20 answers"),
    seen("curt", &[6], "tells no next step"),
    missed("sulky", &[7], "the feed is said to be live again"),
    seen("impatient", &[8], "the next try is not before the time that was named"),
    seen("hopeful", &[9], "under Forbidden"),
    missed("blithe", &[10], "what cannot be seen is said to be unknown"),
    missed("dropping", &[11], "what the provider garbled is told as rejected"),
    missed("brittle", &[11], "every feed is asked again and answers"),
    seen("hasty", &[12], "something was deleted that the log does not have"),
    seen("credulous", &[13], "found: Ok"),
    seen("amnesiac", &[14], "disk-1, after a restart"),
    missed("innumerate", &[16], "three devices are counted in their place"),
    missed("losing", &[18], "what was taken reaches the log"),
    seen("garrulous", &[5, 19], "`fin-prod-0001` is told"),
    seen("posing", &[5, 20], "Speaker { org: \"acme\""),
    seen("indiscreet", &[2, 21], "something was said to everybody"),
    seen("reverting", &[4, 14, 16, 22], "problems: ["),
    seen("meddling", &[2, 23], "Stop"),
];

impl Broken {
    /// Long for all that must come about on the way, brief only for what cannot; and what must not happen does, so that
    /// waiting for it ends by that.
    fn patience(&self) -> Patience {
        let usual = Patience::default();
        let doubted = self.absent.then_some((self.told, Duration::from_secs(2)));
        Patience { absence: usual.fact, doubted, ..usual }
    }

    /// What is said where the contract is executed against it.
    async fn executed(&self) -> String {
        let subject = Subjected::start(self.flaw).await;
        let executed = AssertUnwindSafe(run_sentences(subject, self.sentences, self.patience())).catch_unwind();
        match executed.await {
            Ok(()) => format!("{:?} are kept", self.sentences),
            Err(broken) => broken.downcast_ref::<String>().cloned().unwrap_or_default(),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_breaks_a_sentence_is_found_out() {
    let mut unfound = Vec::new();
    for broken in FLAWS {
        println!("{}:", broken.flaw);
        let said = broken.executed().await;
        if !said.contains(broken.told) {
            unfound.push(format!("{}: `{}` in {said}", broken.flaw, broken.told));
        }
    }
    assert!(unfound.is_empty(), "{unfound:#?}");
}
