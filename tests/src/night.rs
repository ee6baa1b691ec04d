//! The night of 18 to 19 July 2024 through the real command, up to noon: status pages that change, and desks that write
//! what they know. Each leg is a start of `entente up` with its clock set, on one data folder, so that every time is that
//! of the night. What happened is public; fleet figures are invented and say so.

use serde_json::Value;

use crate::statement::{AZURE, AzureItem, CODEHOST, GOOGLE, Pages, azure, codehost, google};
use crate::up::Up;

const STORAGE: [&str; 3] = [
    "We look into virtual machines in Central US that cannot reach their disks. Services that rest on them fail as well.",
    "The cause is known: hosts of virtual machines were missing from a list of those that storage lets in. We prepare a repair.",
    "Storage answers again, and nearly all machines run. Some services that rest on them still recover.",
];

const NOTICES: [(&str, &str, &str); 6] = [
    ("06:48", "SERVICE_OUTAGE", "Windows machines crash and do not start again. We do not know the cause yet."),
    ("07:15", "SERVICE_OUTAGE", "The machines that crash stop in the driver csagent.sys. Other machines are not hit."),
    ("07:24", "SERVICE_OUTAGE", "CrowdStrike has published an alert for its customers; please follow it."),
    (
        "08:07",
        "SERVICE_OUTAGE",
        "A way around: attach the disk to a rescue machine, delete the file C-00000291*.sys, and attach it back.",
    ),
    ("09:17", "SERVICE_OUTAGE", "A good file bears a time of 05:27 UTC or later, the bad one 04:09 UTC."),
    (
        "11:56",
        "SERVICE_INFORMATION",
        "Our own platform works. Who repairs with one image twice should beware of equal disk identifiers.",
    ),
];

/// A moment of the night: how far the log had come, and what the clock showed.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The log's position.
    pub position: String,
    /// The time, RFC 3339.
    pub at: String,
}

impl Moment {
    /// The moment as a query.
    #[must_use]
    pub fn query(&self) -> String {
        format!("as_of={}&at={}", self.position, self.at)
    }
}

/// The night as far as it has been played.
pub struct Night {
    /// The running command.
    pub up: Up,
    /// AWS's own report: first member of the incident.
    pub windows: String,
    told: String,
    rescue: String,
    pages: Pages,
}

impl Night {
    /// The evening before: nothing has happened yet.
    pub async fn begin() -> Self {
        let pages = Pages::open().await;
        let up = Up::prepare(&[], &[]);
        let mut night = Self { up, pages, windows: String::new(), told: String::new(), rescue: String::new() };
        night.turn_to("18T22:12").await;
        night
    }

    /// Lets the command end in order and start again when the clock shows another time.
    async fn turn_to(&mut self, clock: &str) {
        let _ = self.up.stop().await;
        let feed = |name: &str, page: &str| format!("{name}={}", self.pages.address(page));
        let feeds = [feed("gcp", GOOGLE), feed("azure", AZURE), feed("vendor:codehost", CODEHOST)];
        let from = format!("2024-07-{clock}:02Z");
        let mut arguments = vec!["--org", "aws", "--role", "provider", "--no-public-feeds", "--poll-every", "1s"];
        arguments.extend(["--clock-from", &from]);
        arguments.extend(feeds.iter().flat_map(|feed| ["--feed", feed]));
        self.up.rearm(&arguments);
        self.up.launch().await;
    }

    /// Publishes as a person does, and gives the object's id.
    fn publish(&self, arguments: &[&str]) -> String {
        let all: Vec<&str> =
            ["publish"].iter().chain(arguments).chain(&["--json", "--by", "liaison"]).copied().collect();
        let output = tokio::task::block_in_place(|| self.up.run(&all));
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{error}");
        let answer: Value = serde_json::from_str(&out).unwrap_or_else(|problem| panic!("{problem}: {out}"));
        answer["object_id"].as_str().expect("an object id").to_owned()
    }

    /// Waits until the log holds so many statements.
    async fn heard(&self, notices: u64) {
        let enough = |picture: &Value| picture["totals"]["notices"].as_u64() >= Some(notices);
        self.up.picture_when(&format!("{notices} statements"), enough).await;
    }

    async fn moment(&self, at: &str) -> Moment {
        let picture = self.up.json("/v1/picture").await;
        let position = picture["as_of"].as_str().map_or_else(|| picture["as_of"].to_string(), str::to_owned);
        Moment { position, at: format!("2024-07-19T{at}Z") }
    }

    fn google(&self, many: usize) {
        self.pages.say(GOOGLE, google(&NOTICES[..many]));
    }

    fn storage(&self, version: usize, more: Vec<AzureItem>) {
        let item = AzureItem {
            guid: "1K80-N_8",
            title: "Virtual Machines - Central US - machines lose their disks",
            published: "18 22:56",
            categories: &["Virtual Machines", "Storage", "Central US"],
            text: STORAGE[version],
        };
        self.pages.say(AZURE, azure(&std::iter::once(item).chain(more).collect::<Vec<_>>()));
    }

    /// Azure's storage, followers that are hosted there, AWS's desk by hand, the vendor by phone: 05:27.
    pub async fn until_the_revert(&mut self) -> Moment {
        self.evening().await;
        self.turn_to("19T05:10").await;
        self.windows = self.publish(WINDOWS);
        let about = self.windows.clone();
        self.publish(&[
            "request",
            "Which sensor versions took the update?",
            "--to",
            "crowdstrike",
            "--due",
            "2024-07-19T06:30Z",
            "--about",
            &about,
        ]);
        self.publish(&["roster", "AWS liaison desk", "--duty", "liaison", "--until", "2024-07-19T18:00Z"]);
        self.turn_to("19T05:27").await;
        self.told = self.publish(TOLD);
        self.publish(&[
            "approach",
            "The vendor takes the update back",
            "--for",
            "crowdstrike",
            "--kind",
            "agent_side_rollback",
            "--automation",
            "vendor_side",
            "--vendor",
            "crowdstrike",
            "--product",
            "falcon",
            "--applies-to",
            "aws,azure,gcp",
        ]);
        self.moment("05:27:50").await
    }

    async fn evening(&mut self) {
        let hosted = "Our service is down because of an outage of our cloud provider, Microsoft Azure, in Central US.";
        self.pages.say(CODEHOST, codehost(&[("18T22:13", "investigating", hosted)]));
        self.heard(1).await;
        self.turn_to("18T22:56").await;
        self.storage(0, Vec::new());
        self.heard(2).await;
        for (version, clock) in [(1, "19T00:45"), (2, "19T02:55")] {
            let before = self.up.json("/v1/picture").await["as_of"].clone();
            self.turn_to(clock).await;
            self.storage(version, Vec::new());
            let text = STORAGE[version];
            let told = |picture: &Value| picture["as_of"] != before && picture["incidents"].to_string().contains(text);
            self.up.picture_when(text, told).await;
        }
    }

    /// Google's first notice, and the driver by name: 07:15.
    pub async fn until_the_driver_is_named(&mut self) -> Moment {
        self.turn_to("19T06:48").await;
        self.google(1);
        self.heard(3).await;
        self.turn_to("19T07:15").await;
        self.google(2);
        self.heard(4).await;
        self.moment("07:15:50").await
    }

    /// The way around, the vendor's word that it is a defect, Azure's record without time or region, a run: 12:00.
    pub async fn until_noon(&mut self) -> Moment {
        self.turn_to("19T08:07").await;
        self.google(4);
        self.heard(6).await;
        self.rescue = self.publish(RESCUE);
        self.turn_to("19T09:45").await;
        self.google(5);
        self.heard(7).await;
        let told = self.told.clone();
        self.publish(&[
            "impact",
            "--for",
            "crowdstrike",
            "--object",
            &told,
            "--phase",
            "monitoring",
            "--cause-status",
            "confirmed",
            "--headline",
            "A defect, not an attack; the fix is deployed.",
        ]);
        self.turn_to("19T11:00").await;
        self.storage(2, vec![REBOOTING]);
        self.heard(8).await;
        self.turn_to("19T11:30").await;
        self.repairs();
        self.turn_to("19T11:56").await;
        self.google(6);
        self.heard(9).await;
        self.moment("12:00:00").await
    }

    fn repairs(&self) {
        self.publish(&[
            "impact",
            "--object",
            &self.windows,
            "--phase",
            "mitigating",
            "--remaining",
            "60000..95000",
            "--method",
            "telemetry_extrapolation",
            "--population",
            "fleet:aws",
            "--counted-at",
            "2024-07-19T11:15Z",
            "--invented",
            "--next-update",
            "2024-07-19T12:30Z",
        ]);
        self.publish(&[
            "remediation",
            &self.rescue,
            "--invented",
            "--device",
            "cloud_vm",
            "--targeted",
            "4000",
            "--attempted",
            "1200",
            "--succeeded",
            "1050",
            "--failed",
            "90",
            "--class",
            "compute",
            "--os",
            "windows",
            "--region",
            "us-east-1",
        ]);
        self.publish(&[
            "commitment",
            "A runbook for the rescue of machines at AWS",
            "--due",
            "2024-07-19T13:00Z",
            "--about",
            &self.windows,
        ]);
    }
}

const WINDOWS: &[&str] = &[
    "impact",
    "Windows instances fail their status checks",
    "--class",
    "compute",
    "--os",
    "windows",
    "--layer",
    "guest",
    "--region",
    "us-east-1",
    "--region",
    "eu-west-1",
    "--state",
    "affected_unavailable",
    "--severity",
    "major",
    "--since",
    "2024-07-19T04:30Z",
    "--symptom",
    "csagent.sys",
    "--affected",
    "90000..140000",
    "--method",
    "telemetry_extrapolation",
    "--counted-at",
    "2024-07-19T05:00Z",
    "--population",
    "fleet:aws",
    "--next-update",
    "2024-07-19T06:00Z",
    "--invented",
    "--effect",
    "unavailable",
];

const TOLD: &[&str] = &[
    "impact",
    "A content update of Falcon stops Windows hosts",
    "--for",
    "crowdstrike",
    "--phase",
    "mitigating",
    "--severity",
    "critical",
    "--class",
    "security_agent",
    "--os",
    "windows",
    "--asset-vendor",
    "crowdstrike",
    "--asset-product",
    "falcon",
    "--state",
    "restoring",
    "--since",
    "2024-07-19T04:09Z",
    "--cause-class",
    "third_party_update",
    "--cause-vendor",
    "crowdstrike",
    "--cause-product",
    "falcon",
    "--artifact",
    "C-00000291.sys",
    "--cause-status",
    "identified",
    "--headline",
    "The update is taken back; hosts that are down stay down.",
];

const RESCUE: &[&str] = &[
    "approach",
    "Rescue machine: attach the disk, delete the file",
    "--for",
    "gcp",
    "--kind",
    "offline_disk_repair",
    "--automation",
    "manual",
    "--takes",
    "25m",
    "--vendor",
    "crowdstrike",
    "--product",
    "falcon",
    "--applies-to",
    "aws,azure,gcp",
    "--access",
    "local_admin",
];

const REBOOTING: AzureItem = AzureItem {
    guid: "1VT1-LX0",
    title: "Machines that run CrowdStrike Falcon restart again and again",
    published: "19 11:00",
    categories: &["Virtual Machines"],
    text: "Machines with the Falcon agent of CrowdStrike may stop in csagent.sys. Restart up to 15 times, restore a \
        backup from before 19:00 UTC on 18 July, or repair the disk offline.",
};
