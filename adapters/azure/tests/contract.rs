//! Every sentence of the sidecars' contract, kept by the adapter against its double.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at what it did not expect")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use entente_azure::Azure;
use entente_exercise::azure::{Azure as Double, Repair, Run};
use entente_exercise::{Condition, Fault as Played, Faults, Fleet, Os};
use entente_sidecar::contract::{Call, Fault, Subject, run};
use serde_json::json;
use tempfile::TempDir;

const MACHINES: usize = 24;

struct AzureSubject {
    double: Double,
    faults: Faults,
    fleet: Fleet,
    folder: TempDir,
    troubles: AtomicUsize,
}

impl AzureSubject {
    async fn start() -> Self {
        let (fleet, faults) = (Fleet::new(), Faults::default());
        let since = Utc::now() - TimeDelta::days(30);
        fleet.add(8, Os::Windows, ("eastus", "1"), true, since);
        fleet.add(8, Os::Windows, ("westeurope", "2"), true, since);
        fleet.add(8, Os::Linux, ("southeastasia", "3"), true, since);
        let double = Double::start(fleet.clone(), faults.clone()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "the double's secret").unwrap();
        Self { double, faults, fleet, folder, troubles: AtomicUsize::new(0) }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    fn tables(&self, signal: bool) -> String {
        let (url, tenant, file) = (self.double.url(), self.double.tenant(), self.file());
        let rates = [
            "Subscriptions",
            "ResourceGraph",
            "VirtualMachines",
            "RunCommands",
            "AvailabilityStatuses",
            "Events",
            "TenantEvents",
            "ImpactedResources",
            "EmergingIssues",
        ];
        let rates: String = rates.iter().map(|api| format!("\"azure.{api}\" = 60000\n")).collect();
        format!(
            "[endpoints]\narm = \"{url}\"\nlogin = \"{url}\"\n[budget]\n{rates}\
             [azure]\nidentity = \"client-secret\"\ntenant = \"{tenant}\"\nclient = \"app\"\nfile = \"{}\"\n\
             [feeds.azure-vm]\nguest_signal = {signal}\nsweep_every = \"1s\"\n\
             [feeds.azure-resource-health]\nothers = true\n[feeds.azure-service-health]\ntenant = true\n\
             [feeds.azure-emerging]\n[feeds.azure-repair]\n[feeds.azure-push]\n",
            file.display()
        )
    }

    fn tell(&self, status: &str, now: DateTime<Utc>) {
        let number = self.troubles.load(Ordering::Relaxed);
        let time = now.to_rfc3339_opts(SecondsFormat::Nanos, true);
        let subscription = &self.double.subscriptions()[0];
        let about = format!(
            "Machines of /subscriptions/{subscription}/resourceGroups/fin-prod-rg-eastus/providers/x do not start."
        );
        let name = format!("TROU-{number:03}");
        self.double.state(json!({"name": name, "properties": {
            "eventType": "ServiceIssue", "status": status, "eventLevel": "Error", "impactStartTime": time,
            "lastUpdateTime": time, "title": format!("Windows VMs of {subscription}"), "summary": about,
            "impact": [{"impactedService": "Virtual Machines", "impactedRegions": [
                {"impactedRegion": "East US", "status": status, "impactedSubscriptions": [subscription]}]}],
        }}));
        self.double.impact(&name, 0..6);
        let stage = if status == "Active" { "Active" } else { "Resolve" };
        self.double.emerge(json!({"statusBanners": [], "statusActiveEvents": [{
            "trackingId": name, "title": "Virtual machines", "description": about, "startTime": time,
            "lastModifiedTime": time, "severity": "Error", "stage": stage, "published": true, "impacts": [],
        }]}));
    }
}

impl Subject for AzureSubject {
    type Adapter = Azure;

    fn settings(&self) -> String {
        self.tables(true)
    }

    fn sightless(&self) -> Option<String> {
        Some(self.tables(false))
    }

    fn asking(&self) -> Vec<String> {
        ["azure-vm", "azure-resource-health", "azure-service-health", "azure-emerging", "azure-repair"]
            .map(str::to_owned)
            .to_vec()
    }

    fn trouble(&self) {
        let now = Utc::now();
        self.troubles.fetch_add(1, Ordering::Relaxed);
        self.fleet.set(0..12, &Condition::BootLoop, now);
        self.fleet.set(12..14, &Condition::HostDown, now);
        self.fleet.set([14], &Condition::StorageStuck, now);
        self.tell("Active", now);
        for machine in 0..4 {
            let script = Run { state: "Running".to_owned(), start: now, end: None };
            let swapped = machine == 0;
            self.double.repair(machine, Some(Repair { machine: true, run: Some(script), swapped }));
        }
    }

    fn cure(&self) {
        let now = Utc::now();
        self.fleet.set(0..MACHINES, &Condition::Well, now);
        (0..4).for_each(|machine| self.double.repair(machine, None));
        self.double.forget("BAD1-001");
        if self.troubles.load(Ordering::Relaxed) > 0 {
            self.tell("Resolved", now);
        }
    }

    fn garble(&self) -> bool {
        let broken = json!({"eventType": "ServiceIssue", "status": "Active", "lastUpdateTime": self.double.tenant()});
        self.double.state(json!({"name": "BAD1-001", "properties": broken}));
        true
    }

    fn play(&self, fault: Fault) {
        self.faults.lift();
        let fault = match fault {
            Fault::Throttled(retry_after) => Played::Throttled { retry_after },
            Fault::Stalled => Played::Stall(Duration::from_secs(30)),
            Fault::Truncated => Played::Truncated,
            Fault::Expired => Played::Expired,
            Fault::Forbidden => Played::Forbidden,
            Fault::ClockOff => Played::ClockOff(600),
        };
        // Every call but those for tokens: without one nothing is refused for what it asks.
        self.faults.keep("/providers/", fault.clone());
        self.faults.keep("GET /subscriptions", fault);
    }

    fn lift(&self) {
        self.faults.lift();
    }

    fn calls(&self) -> Vec<Call> {
        let call = |method: &str, target: &str| {
            let path = target.split('?').next().unwrap_or_default();
            let asks = path.ends_with("/oauth2/v2.0/token") || path == "/providers/Microsoft.ResourceGraph/resources";
            let reads = method == "GET" || method == "POST" && asks;
            Call { name: format!("{method} {path}"), changes: !reads, acknowledges: false }
        };
        self.double.calls().iter().map(|made| call(&made.method, &made.target)).collect()
    }

    fn secrets(&self) -> BTreeSet<String> {
        let mut secrets = self.fleet.names();
        secrets.extend(self.double.subscriptions());
        secrets.extend([self.double.tenant(), "fin-prod-rg".to_owned(), "blob.core.windows.net".to_owned()]);
        secrets.extend(["DiskCopy".to_owned(), "OsDisk".to_owned(), "double-token".to_owned()]);
        secrets
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept() {
    run(AzureSubject::start().await).await;
}
