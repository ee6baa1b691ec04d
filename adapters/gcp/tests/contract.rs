//! Every sentence of the sidecars' contract, kept by the adapter against its double.
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use entente_exercise::gcp::{Gcp as Double, Group, Job, Operation, Place, Progress};
use entente_exercise::{Condition, Fault as Played, Fleet, Os, Served};
use entente_gcp::account::Gcp;
use entente_sidecar::contract::{Call, Fault, Subject, run};
use serde_json::{Value, json};

const PROJECT: &str = "contract-prod-417";
/// Calls that are made by POST and read all the same.
const READS: &str = "/listManagedInstances";

struct GcpSubject {
    double: Double,
    served: Served,
    fleet: Fleet,
    troubles: AtomicUsize,
}

impl GcpSubject {
    async fn start() -> Self {
        let (double, fleet, since) = (Double::new(), Fleet::new(), Utc::now() - TimeDelta::days(30));
        double.project(PROJECT, fleet.clone());
        for (region, zone, os) in [
            ("us-central1", "us-central1-a", Os::Windows),
            ("europe-west4", "europe-west4-b", Os::Windows),
            ("asia-south1", "asia-south1-c", Os::Linux),
        ] {
            let machines = fleet.add(8, os, (region, zone), true, since);
            let place = Place::Zone(zone.to_owned());
            double.group(PROJECT, Group { name: format!("group-of-{zone}"), place, machines, health_check: true });
        }
        let served = double.serve().await.unwrap();
        Self { double, served, fleet, troubles: AtomicUsize::new(0) }
    }

    fn tables(&self, guest: &str) -> String {
        let url = self.served.url();
        let rates = [
            "compute.instances.aggregatedList",
            "compute.instances.list",
            "compute.instanceGroupManagers.aggregatedList",
            "compute.instanceGroupManagers.listManagedInstances",
            "compute.zoneOperations.list",
            "servicehealth.events.list",
            "osconfig.patchJobs.list",
            "osconfig.patchJobs.instanceDetails.list",
        ];
        let rates: String = rates.iter().map(|api| format!("\"{api}\" = 60000\n")).collect();
        format!(
            "[endpoints]\ncompute = \"{url}\"\nservicehealth = \"{url}\"\nosconfig = \"{url}\"\n[budget]\n{rates}\
             [gcp]\nprojects = [\"{PROJECT}\"]\ncredentials = \"none\"\n[feeds.gcp-compute]\nguest = [{guest}]\n\
             [feeds.gcp-operations]\n[feeds.gcp-psh]\n[feeds.gcp-osconfig]\n",
        )
    }

    fn tell(&self, state: &str, now: DateTime<Utc>) {
        let number = self.troubles.load(Ordering::Relaxed);
        let time = now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let parent = format!("projects/{PROJECT}");
        let event: Value = json!({
            "name": format!("{parent}/locations/global/events/Trouble{number}"),
            "title": format!("Windows VMs of {parent} do not start"),
            "description": format!("Machines of {PROJECT} are concerned."),
            "category": "INCIDENT", "detailedCategory": "CONFIRMED_INCIDENT", "relevance": "IMPACTED",
            "state": if state == "CONFIRMED" { "ACTIVE" } else { "CLOSED" }, "detailedState": state,
            "eventImpacts": [{"product": {"productName": "Google Compute Engine"}, "location": {"locationName": "us-central1"}}],
            "startTime": time, "updateTime": time,
            "updates": [{"updateTime": time, "description": format!("{PROJECT} is looked at."), "workaround": "Delete the file."}],
        });
        self.double.event(&parent, event);
    }

    fn operate(&self, machine: usize, kind: &str, now: DateTime<Utc>) {
        let user = format!("ops@{PROJECT}.example");
        let operation = Operation { machine, kind: kind.to_owned(), user, at: now };
        if let Some(number) = self.double.operate(PROJECT, operation) {
            self.double.progress(PROJECT, number, Progress::Done, now);
        }
    }
}

impl Subject for GcpSubject {
    type Adapter = Gcp;

    fn settings(&self) -> String {
        self.tables("\"groups\"")
    }

    fn sightless(&self) -> Option<String> {
        Some(self.tables(""))
    }

    fn asking(&self) -> Vec<String> {
        ["gcp-compute", "gcp-operations", "gcp-psh", "gcp-osconfig"].map(str::to_owned).to_vec()
    }

    fn trouble(&self) {
        let now = Utc::now();
        let number = self.troubles.fetch_add(1, Ordering::Relaxed);
        self.fleet.set(0..12, &Condition::BootLoop, now);
        self.tell("CONFIRMED", now);
        for machine in 0..3 {
            self.operate(machine, "stop", now);
            self.operate(machine, "detachDisk", now);
        }
        let machines = BTreeMap::from([(4, "REBOOTING".to_owned()), (5, "SUCCEEDED".to_owned())]);
        self.double.patch_job(
            PROJECT,
            Job {
                name: format!("7d3c-{number}-a2f9"),
                display_name: format!("mend {PROJECT}"),
                state: "PATCHING".to_owned(),
                dry_run: false,
                created: now,
                updated: now,
                machines,
            },
        );
    }

    fn cure(&self) {
        let now = Utc::now();
        self.fleet.set(0..24, &Condition::Well, now);
        self.double.nameless(PROJECT, false);
        if self.troubles.load(Ordering::Relaxed) > 0 {
            self.tell("RESOLVED", now);
        }
    }

    fn garble(&self) -> bool {
        self.double.nameless(PROJECT, true);
        true
    }

    fn play(&self, fault: Fault) {
        self.double.faults().lift();
        let fault = match fault {
            Fault::Throttled(retry_after) => Played::Throttled { retry_after },
            Fault::Stalled => Played::Stall(Duration::from_secs(30)),
            Fault::Truncated => Played::Truncated,
            Fault::Expired => Played::Expired,
            Fault::Forbidden => Played::Forbidden,
            Fault::ClockOff => Played::ClockOff(600),
        };
        self.double.faults().keep("", fault);
    }

    fn lift(&self) {
        self.double.faults().lift();
    }

    fn calls(&self) -> Vec<Call> {
        let call = |method: &str, target: &str| {
            let path = target.split('?').next().unwrap_or_default();
            let reads = matches!(method, "GET" | "HEAD") || method == "POST" && path.ends_with(READS);
            Call { name: format!("{method} {path}"), changes: !reads, acknowledges: false }
        };
        self.served.calls().iter().map(|made| call(&made.method, &made.target)).collect()
    }

    fn secrets(&self) -> BTreeSet<String> {
        self.double.secrets()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept() {
    run(GcpSubject::start().await).await;
}
