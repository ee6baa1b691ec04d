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

use cloud::adapter::Acme;
use cloud::double::{Cloud, Fault as Played};
use entente_sidecar::contract::{Call, Fault, Subject, run};

struct Subjected(Cloud);

impl Subjected {
    fn tables(&self, signal: bool) -> String {
        let url = &self.0.url;
        format!("[endpoints]\nacme = \"{url}\"\n[feeds.acme-vm]\nguest_signal = {signal}\n[feeds.acme-queue]\n")
    }
}

impl Subject for Subjected {
    type Adapter = Acme;

    fn settings(&self) -> String {
        self.tables(true)
    }

    fn asking(&self) -> Vec<String> {
        vec!["acme-vm".to_owned(), "acme-queue".to_owned()]
    }

    fn trouble(&self) {
        self.0.break_machines(3);
    }

    fn cure(&self) {
        self.0.mend_machines();
    }

    fn play(&self, fault: Fault) {
        self.0.play(Some(match fault {
            Fault::Throttled(after) => Played::Throttled(after),
            Fault::Stalled => Played::Stalled,
            Fault::Truncated => Played::Truncated,
            Fault::Expired => Played::Expired,
            Fault::Forbidden => Played::Forbidden,
            Fault::ClockOff => Played::ClockOff,
        }));
    }

    fn lift(&self) {
        self.0.play(None);
    }

    fn calls(&self) -> Vec<Call> {
        let call = |name: String| Call { changes: false, acknowledges: name == "Delete", name };
        self.0.calls().into_iter().map(call).collect()
    }

    fn secrets(&self) -> BTreeSet<String> {
        Cloud::secrets()
    }

    fn sightless(&self) -> Option<String> {
        let url = &self.0.url;
        Some(format!("[endpoints]\nacme = \"{url}\"\n[feeds.acme-vm]\n"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept() {
    run(Subjected(Cloud::start().await)).await;
}
