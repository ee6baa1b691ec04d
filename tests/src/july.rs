//! The night of 18 to 19 July 2024 as claims, in the order in which they became known: what people said, what was told by
//! phone, what feeds published. Written from the public facts; fleet figures are invented and say so.

use chrono::{DateTime, Duration, Utc};
use entente_schemas::family::Family;
use serde_json::{Value, json};

/// One claim and the moment at which it became known.
pub struct Step {
    /// When it was said.
    pub known: DateTime<Utc>,
    /// The organisation whose desk or adapter transmits it.
    pub org: &'static str,
    /// The family.
    pub family: Family,
    /// The object.
    pub object: &'static str,
    /// The claim's members, header members included, but for object, revision and observation time.
    pub claim: Value,
}

/// A moment: `18T22:56` of July 2024.
#[must_use]
pub fn moment(day_and_clock: &str) -> DateTime<Utc> {
    let text = format!("2024-07-{day_and_clock}:00Z");
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Azure's storage outage in Central US: one incident.
pub const STORAGE: &str = "azure:1K80-N_8";
/// The impact that AWS's desk reports by hand: first member of the other incident.
pub const WINDOWS: &str = "aws:windows-instances";

fn own(org: &str, role: &str) -> Value {
    json!({"speaker": {"org": org, "role": role, "relay": "own"}, "author": {"org": org, "person": "liaison"}, "certainty": "observed"})
}

fn told(org: &str, role: &str, by: &str) -> Value {
    json!({"speaker": {"org": org, "role": role, "relay": "relayed"}, "author": {"org": by, "person": "liaison"}, "certainty": "likely"})
}

fn polled(org: &str, role: &str, channel: &str) -> Value {
    json!({"speaker": {"org": org, "role": role, "relay": "polled", "channel": channel}, "certainty": "observed"})
}

fn with(mut base: Value, members: Value) -> Value {
    if let (Value::Object(base), Value::Object(members)) = (&mut base, members) {
        base.extend(members);
    }
    base
}

fn step(known: &str, org: &'static str, family: Family, object: &'static str, claim: Value) -> Step {
    Step { known: moment(known), org, family, object, claim }
}

fn windows_block(provider: &str, regions: &[&str], state: &str) -> Value {
    json!({"provider": provider, "service_class": "compute", "regions": regions, "state": state, "layer": "guest",
        "asset": {"os_family": "windows"}})
}

/// A digest for items that a test makes up: what they are is not in question here.
fn native(system: &str, id: &str, status: &str, severity: Option<&str>) -> Value {
    json!({"system": system, "id": id, "status": status, "severity": severity, "mapping_version": 1,
        "digest": entente_schemas::digest::hex(&entente_schemas::digest::sha256(format!("{id}{status}{severity:?}").as_bytes()))})
}

/// The whole night up to 19 July 12:00.
#[must_use]
pub fn steps() -> Vec<Step> {
    let mut steps = storage();
    steps.extend(windows());
    steps.extend(google());
    steps.extend(between_desks());
    steps.sort_by_key(|step| step.known);
    steps
}

fn storage() -> Vec<Step> {
    let block = |state: &str| {
        json!([{"provider": "azure", "service_class": "block_storage", "services": ["Storage"], "regions": ["centralus"], "state": state},
            {"provider": "azure", "service_class": "compute", "services": ["Virtual Machines"], "regions": ["centralus"], "state": state}])
    };
    let outage = |phase: &str, severity: &str, state: &str, more: Value| {
        let claim = json!({"kind": "incident", "phase": phase, "severity": severity, "title": "Virtual machines in Central US lose their disks",
            "blocks": block(state), "times": {"occurred_at": moment("18T21:40"), "fidelity": "minute"}});
        with(with(own("azure", "provider"), claim), more)
    };
    let cause = json!({"suspected_cause": {"class": "own_change", "status": "confirmed"}});
    let hosted = |title: &str, from: &str| {
        with(
            polled("codehost", "vendor", "status page"),
            json!({"kind": "incident", "phase": "investigating", "severity": "major", "title": title,
                "summary": "Our service is unavailable because of an outage of our cloud provider, Microsoft Azure, in the Central US region.",
                "blocks": [{"provider": "codehost", "service_class": "ci_cd", "state": "affected_unavailable"}],
                "times": {"occurred_at": moment(from), "fidelity": "minute"}, "native": native("statuspage.codehost", "ch1", "investigating", Some("major"))}),
        )
    };
    vec![
        step(
            "18T22:13",
            "codehost",
            Family::Impact,
            "statuspage.codehost:ch1",
            hosted("Pipelines do not start", "18T22:00"),
        ),
        step(
            "18T22:56",
            "azure",
            Family::Impact,
            STORAGE,
            outage("investigating", "critical", "affected_unavailable", json!({})),
        ),
        step(
            "19T00:45",
            "azure",
            Family::Impact,
            STORAGE,
            outage("identified", "critical", "affected_unavailable", cause.clone()),
        ),
        step("19T02:55", "azure", Family::Impact, STORAGE, outage("monitoring", "major", "restoring", cause)),
    ]
}

fn windows() -> Vec<Step> {
    let reported = json!({"kind": "incident", "phase": "investigating", "severity": "major", "title": "Windows instances fail their status checks",
        "symptoms": ["csagent.sys"], "invented": true, "blocks": [windows_block("aws", &["us-east-1", "eu-west-1"], "affected_unavailable")],
        "times": {"occurred_at": moment("19T04:30"), "fidelity": "minute"},
        "counts": [{"unit": "vm", "quantity": "affected", "lo": 90_000, "hi": 140_000, "method": "telemetry_extrapolation",
            "as_of": moment("19T05:00"), "population": "fleet:aws"}],
        "next_update_by": moment("19T06:00")});
    let vendor = json!({"kind": "incident", "phase": "mitigating", "severity": "critical", "title": "A content update of Falcon stops Windows hosts",
        "blocks": [{"provider": "crowdstrike", "service_class": "security_agent", "state": "restoring",
            "asset": {"vendor": "crowdstrike", "product": "falcon", "os_family": "windows", "artifact": "C-00000291.sys"}}],
        "suspected_cause": {"class": "third_party_update", "vendor": "CrowdStrike", "product": "Falcon sensor", "artifact": "C-00000291.sys", "status": "identified"},
        "times": {"occurred_at": moment("19T04:09"), "fidelity": "minute"}});
    let revert = json!({"name": "Vendor reverts the channel file", "kind": "agent_side_rollback", "automation": "vendor_side",
        "vendor": "CrowdStrike", "product": "Falcon sensor", "applies_to": ["hosts that stay up long enough to reach the vendor"]});
    let confirmed = with(
        with(own("crowdstrike", "vendor"), vendor.clone()),
        json!({"phase": "monitoring", "suspected_cause": {"class": "third_party_update", "vendor": "CrowdStrike", "product": "Falcon sensor",
            "artifact": "C-00000291.sys", "status": "confirmed"}}),
    );
    let azure = json!({"kind": "incident", "phase": "investigating", "severity": "not_stated", "title": "Virtual machines that run the Falcon agent restart again and again",
        "headline": "Restart up to 15 times, restore a backup, or repair the disk.",
        "blocks": [{"provider": "azure", "service_class": "compute", "state": "unknown", "asset": {"os_family": "windows", "vendor": "crowdstrike", "product": "falcon"}}],
        "native": native("azure.rss", "1VT1-LX0", "Active", None)});
    vec![
        step("19T05:10", "aws", Family::Impact, WINDOWS, with(own("aws", "provider"), reported)),
        step(
            "19T05:27",
            "aws",
            Family::Impact,
            "aws:heard-from-crowdstrike",
            with(told("crowdstrike", "vendor", "aws"), vendor),
        ),
        step(
            "19T05:27",
            "aws",
            Family::Approach,
            "crowdstrike:revert",
            with(told("crowdstrike", "vendor", "aws"), revert),
        ),
        step("19T09:45", "crowdstrike", Family::Impact, "crowdstrike:291", confirmed),
        step(
            "19T11:00",
            "azure",
            Family::Impact,
            "azure.rss:1VT1-LX0",
            with(polled("azure", "provider", "status page"), azure),
        ),
    ]
}

const GOOGLE: &str = "gcp.public:windows-vms";

fn google() -> Vec<Step> {
    let item = |phase: &str, severity: &str, status: &str, category: &str, state: &str| {
        with(
            polled("gcp", "provider", "status page"),
            json!({"kind": "incident", "phase": phase, "severity": severity, "title": "Windows VMs crash and do not boot",
                "blocks": [windows_block("gcp", &["us-central1", "europe-west1", "asia-east1"], state)],
                "times": {"occurred_at": moment("19T06:48"), "fidelity": "minute"}, "native": native("gcp.public", category, status, Some(severity))}),
        )
    };
    let notice = |text: &str, status: &str, said: &str| {
        with(
            polled("gcp", "provider", "status page"),
            json!({"about": GOOGLE, "channel": "status page", "audience_told": "public", "native_status": status, "text": text,
                "times": {"published_at": moment(said)}, "native": native("gcp.public", said, status, None)}),
        )
    };
    let rescue = json!({"name": "Rescue VM: attach the disk elsewhere and delete the channel file", "kind": "offline_disk_repair", "automation": "manual",
        "vendor": "CrowdStrike", "product": "Falcon sensor", "access": ["administrator"], "applies_to": ["gcp", "aws", "azure"]});
    vec![
        step(
            "19T06:48",
            "gcp",
            Family::Impact,
            GOOGLE,
            item("investigating", "critical", "SERVICE_OUTAGE", "SERVICE_OUTAGE", "affected_unavailable"),
        ),
        step(
            "19T06:48",
            "gcp",
            Family::Notice,
            "gcp.public:windows-vms/1",
            notice("Windows machines crash. We do not know the cause.", "SERVICE_OUTAGE", "19T06:48"),
        ),
        step(
            "19T07:15",
            "gcp",
            Family::Notice,
            "gcp.public:windows-vms/2",
            notice("Affected machines show a crash in csagent.sys.", "SERVICE_OUTAGE", "19T07:15"),
        ),
        step(
            "19T07:24",
            "gcp",
            Family::Notice,
            "gcp.public:windows-vms/3",
            notice("Please follow CrowdStrike's alert on its support page.", "SERVICE_OUTAGE", "19T07:24"),
        ),
        step(
            "19T08:07",
            "gcp",
            Family::Approach,
            "gcp:rescue-vm",
            with(polled("gcp", "provider", "status page"), rescue),
        ),
        step(
            "19T11:56",
            "gcp",
            Family::Impact,
            GOOGLE,
            item("monitoring", "info", "SERVICE_INFORMATION", "SERVICE_INFORMATION", "unknown"),
        ),
        step(
            "19T11:56",
            "gcp",
            Family::Notice,
            "gcp.public:windows-vms/4",
            notice(
                "Take care when one image is used twice: disk identifiers clash.",
                "SERVICE_INFORMATION",
                "19T11:56",
            ),
        ),
    ]
}

fn between_desks() -> Vec<Step> {
    let about = json!([{"kind": "incident", "value": WINDOWS, "relation": "related"}]);
    let request = with(
        own("aws", "provider"),
        json!({"thread_id": "aws:which-hosts", "kind": "request", "to": ["crowdstrike"], "state": "open",
            "text": "Which sensor versions took the update?", "due_at": moment("19T06:30"), "refs": about}),
    );
    let estimate = with(
        own("aws", "provider"),
        json!({"approach_id": "gcp:rescue-vm", "state": "running", "invented": true,
            "arms": [{"tally": {"targeted": 4_000, "attempted": 1_200, "succeeded": 1_050, "failed": 90}}]}),
    );
    vec![
        step("19T05:20", "aws", Family::Message, "aws:which-hosts", request),
        step("19T11:30", "aws", Family::Remediation, "aws:rescue-run", estimate),
    ]
}

/// The claims from the first to the last that is known at `until`.
#[must_use]
pub fn known_by(until: DateTime<Utc>) -> Vec<Step> {
    steps().into_iter().filter(|step| step.known <= until).collect()
}

/// When the transmitter saw what it says: half a minute before it was known here.
#[must_use]
pub fn observed(step: &Step) -> DateTime<Utc> {
    step.known - Duration::seconds(30)
}
