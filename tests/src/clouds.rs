//! Three clouds at once: doubles that play one night's fleets, `up` with a sharing group, and real sidecars between them.

use chrono::{TimeDelta, Utc};
use entente_exercise::aws::{ACCOUNT, Aws};
use entente_exercise::azure::Azure;
use entente_exercise::gcp::{Gcp, Group, Place};
use entente_exercise::{Condition, Faults, Fleet, Os, Served, secret};
use entente_journal::{Access, Bus, Identity, Reader, Scope};
use serde_json::Value;

use crate::sidecar::Sidecar;
use crate::up::Up;

/// The project of the double of Google Cloud.
pub const PROJECT: &str = "fin-prod-4711";

/// The doubles, their fleets, and the Windows machines of each.
pub struct Clouds {
    /// AWS.
    pub aws: Aws,
    /// Google Cloud.
    pub gcp: Gcp,
    gcp_served: Served,
    gcp_fleet: Fleet,
    /// Azure.
    pub azure: Azure,
    azure_fleet: Fleet,
    /// Windows machines by cloud, as numbers of its fleet.
    pub windows: [Vec<usize>; 3],
    /// `up`, which reads the group too.
    pub up: Up,
    /// The sharing group's id.
    pub audience: String,
    /// How often feeds are asked, as settings have it.
    pub every: &'static str,
}

/// The clouds, in the order of [`Clouds::windows`], and who has no machines.
pub const NAMES: [&str; 4] = ["aws", "gcp", "azure", "vendor"];

impl Clouds {
    /// Fleets of Windows machines, all well, over two regions of each cloud, with some Linux machines among them.
    pub async fn start(windows: [usize; 3]) -> Self {
        let up = Up::start(&["--no-public-feeds", "--org", "acme"]).await;
        let made = up.run(&["audience", "create", "night", "--json"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
        let audience = made["id"].as_str().expect("an id").to_owned();
        let places = [
            [("us-east-1", "us-east-1a"), ("eu-west-1", "eu-west-1b")],
            [("us-central1", "us-central1-a"), ("europe-west1", "europe-west1-b")],
            [("eastus", "eastus-1"), ("westeurope", "westeurope-2")],
        ];
        let fleets = [Fleet::new(), Fleet::new(), Fleet::new()];
        let since = Utc::now() - TimeDelta::days(20);
        let mut numbers = Vec::new();
        for ((fleet, places), count) in fleets.iter().zip(places).zip(windows) {
            let mut own = fleet.add(count / 2, Os::Windows, places[0], true, since);
            own.extend(fleet.add(count - count / 2, Os::Windows, places[1], true, since));
            fleet.add(20, Os::Linux, places[0], true, since);
            numbers.push(own);
        }
        let [aws_fleet, gcp_fleet, azure_fleet] = fleets;
        let gcp = Gcp::new();
        gcp.project(PROJECT, gcp_fleet.clone());
        for (_, zone) in places[1] {
            let here = gcp_fleet.machines().into_iter().filter(|machine| machine.zone == zone);
            let machines = here.map(|machine| machine.number).collect();
            let place = Place::Zone(zone.to_owned());
            gcp.group(PROJECT, Group { name: format!("desks-{zone}"), place, machines, health_check: true });
        }
        secret::serve([ACCOUNT, PROJECT]);
        let azure = Azure::start(azure_fleet.clone(), Faults::default()).await.expect("a double");
        secret::serve(azure.subscriptions());
        secret::serve([azure.tenant()]);
        Self {
            aws: Aws::start(aws_fleet, Faults::default()).await.expect("a double"),
            gcp_served: gcp.serve().await.expect("a double"),
            gcp,
            gcp_fleet,
            azure,
            azure_fleet,
            windows: numbers.try_into().expect("three clouds"),
            up,
            audience,
            every: "1s",
        }
    }

    /// The fleet of a cloud.
    #[must_use]
    pub fn fleet(&self, cloud: usize) -> &Fleet {
        match cloud {
            0 => self.aws.fleet(),
            1 => &self.gcp_fleet,
            _ => &self.azure_fleet,
        }
    }

    /// Brings Windows machines of a cloud into a condition, the first `count` of them.
    pub fn set(&self, cloud: usize, count: usize, condition: &Condition) {
        self.fleet(cloud).set(self.windows[cloud].iter().copied().take(count), condition, Utc::now());
    }

    /// A sidecar of a cloud for an organisation, started; with sight of the guests or without. None if its program is not
    /// built.
    #[must_use]
    pub fn sidecar(&self, cloud: usize, org: &str, sight: bool) -> Option<Sidecar> {
        let nats = std::fs::read_to_string(self.up.data().join("nats")).expect("the address of NATS");
        let own = format!(
            "org = {org:?}\nrole = \"customer\"\naudience = {:?}\nbus = [{:?}]\nkey = {:?}\nfleet = \"desks\"\n\
             every = {:?}\nincident_every = \"1s\"\ntimeout = \"5s\"\n",
            self.audience,
            nats.trim(),
            self.up.data().join("key").display().to_string(),
            self.every,
        );
        let (tables, environment) = match cloud {
            0 => self.aws_tables(),
            1 => self.gcp_tables(sight),
            2 => self.azure_tables(sight),
            _ => ("[feeds.acme-status]\naddress = \"http://127.0.0.1:1/\"\n".to_owned(), Vec::new()),
        };
        let environment: Vec<(&str, &str)> = environment.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let mut sidecar = Sidecar::prepare(NAMES[cloud], &format!("{own}{tables}"), &environment)?;
        sidecar.launch();
        Some(sidecar)
    }

    fn aws_tables(&self) -> (String, Vec<(&'static str, String)>) {
        let url = self.aws.url();
        let rates = [
            "ec2.DescribeRegions",
            "ec2.DescribeInstanceStatus",
            "ec2.DescribeInstances",
            "health.DescribeEvents",
            "health.DescribeEventDetails",
            "health.DescribeAffectedEntities",
            "ssm.DescribeAutomationExecutions",
            "ssm.GetAutomationExecution",
        ];
        let tables = format!(
            "[endpoints]\nec2 = \"{url}\"\nhealth = \"{url}\"\nsqs = \"{url}\"\nssm = \"{url}\"\n[budget]\n{}\
             [feeds.aws-ec2]\nregions = [\"us-east-1\", \"eu-west-1\"]\nsweep = \"2s\"\n[feeds.aws-ssm]\n[feeds.aws-health]\n\
             [feeds.aws-events]\nqueue_url = \"{}\"\n",
            budget(&rates),
            self.aws.queue_url()
        );
        let key = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")];
        (tables, key.map(|(name, value)| (name, value.to_owned())).to_vec())
    }

    fn gcp_tables(&self, sight: bool) -> (String, Vec<(&'static str, String)>) {
        let url = self.gcp_served.url();
        let guest = if sight { "[\"groups\"]" } else { "[]" };
        let rates = [
            "compute.instances.aggregatedList",
            "compute.instanceGroupManagers.aggregatedList",
            "compute.instanceGroupManagers.listManagedInstances",
            "compute.zoneOperations.list",
            "servicehealth.events.list",
        ];
        let rates = budget(&rates);
        let tables = format!(
            "[endpoints]\ncompute = \"{url}\"\nservicehealth = \"{url}\"\nosconfig = \"{url}\"\n[budget]\n{rates}[gcp]\n\
             projects = [\"{PROJECT}\"]\ncredentials = \"none\"\n[feeds.gcp-compute]\nguest = {guest}\n[feeds.gcp-operations]\n[feeds.gcp-psh]\n"
        );
        (tables, Vec::new())
    }

    fn azure_tables(&self, sight: bool) -> (String, Vec<(&'static str, String)>) {
        let url = self.azure.url();
        let rates = [
            "azure.Subscriptions",
            "azure.ResourceGraph",
            "azure.VirtualMachines",
            "azure.RunCommands",
            "azure.Events",
        ];
        let rates = budget(&rates);
        let tables = format!(
            "[endpoints]\narm = \"{url}\"\n[budget]\n{rates}[azure]\nidentity = \"managed-identity\"\n[feeds.azure-vm]\nguest_signal = {sight}\nsilent_after = \"40s\"\nsweep_every = \"2s\"\n[feeds.azure-repair]\n[feeds.azure-service-health]\n"
        );
        let identity =
            [("IDENTITY_ENDPOINT", self.azure.identity_endpoint()), ("IDENTITY_HEADER", "double".to_owned())];
        (tables, identity.to_vec())
    }

    /// The ids that stand in what the sharing group's log holds, of all that the doubles served; and how many events there
    /// are.
    pub async fn secrets_told(&self) -> (Vec<String>, usize) {
        secret::serve(self.aws.secrets());
        let logged = self.logged().await;
        let found = logged.iter().flat_map(|payload| secret::found_in(payload)).collect();
        (found, logged.len())
    }

    /// Every payload of the sharing group's log.
    pub async fn logged(&self) -> Vec<Vec<u8>> {
        let nats = std::fs::read_to_string(self.up.data().join("nats")).expect("the address of NATS");
        let identity = Identity::open(&self.up.data().join("key")).expect("the folder's key");
        let access = Access {
            urls: vec![nats.trim().to_owned()],
            seed: Some(identity.seed().to_owned()),
            name: "clouds".to_owned(),
        };
        let bus = Bus::connect(&access).await.expect("the bus");
        let scope = Scope { universe: "actual".to_owned(), audience: self.audience.clone() };
        let mut reader = Reader::new(&bus, &scope, 0);
        let mut payloads = Vec::new();
        loop {
            let batch = reader.next().await.expect("the log");
            let more = !batch.records.is_empty();
            payloads.extend(batch.records.iter().map(|record| record.payload.to_vec()));
            if !more {
                break;
            }
        }
        bus.close().await;
        payloads
    }
}

/// Rates that no test is held up by.
fn budget(apis: &[&str]) -> String {
    apis.iter().map(|api| format!("\"{api}\" = 60000\n")).collect()
}
