//! Pictures built by hand for tests: 19 July 2024, 12:40 UTC. Times are of the public record; fleet figures, asks and desks
//! are invented and say so.

use chrono::{DateTime, TimeDelta, Utc};
use entente_correlator::picture::*;
use entente_schemas::beat::{Backlog, Beat, BeatError, Lag, UnmappedWord};
use entente_schemas::block::{Asset, Block, BlockState, Effect, ServiceClass, Severity};
use entente_schemas::count::{Method, Quantity, Unit};
use entente_schemas::family::{
    AdvisoryCategory, ApproachKind, Automation, CauseStatus, Caution, Coverage, DutyRole, Family, FeedState,
    MessageKind, MessageState, Phase, RunState, SaidRate,
};
use entente_schemas::header::{Certainty, Fidelity, Relation};
use entente_schemas::speaker::{Relay, Role};

use crate::{FeedBeat, Frame, Theme};

/// The moment of the fixture.
pub(crate) fn at() -> DateTime<Utc> {
    time("2024-07-19T12:40:18Z")
}

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A time of 19 July 2024.
fn on(clock: &str) -> DateTime<Utc> {
    time(&format!("2024-07-19T{clock}:00Z"))
}

pub(crate) fn frame() -> Frame {
    Frame {
        universe: "exercise".into(),
        org: "gcp".into(),
        position: "4812".into(),
        at: at(),
        live: true,
        lost: None,
        theme: Theme::System,
        csrf: "token-of-this-run".into(),
        path: "/".into(),
        query: String::new(),
        problem: None,
        form: None,
    }
}

pub(crate) fn feed(slug: &str, speaker: &str) -> Feed {
    Feed {
        org: "local".into(),
        feed: slug.into(),
        state: Some(FeedState::Live),
        since: Some(on("00:02")),
        reason: Some("first poll".into()),
        last_good_poll: Some(at() - TimeDelta::seconds(21)),
        address: Some(format!("https://status.{speaker}.example/feed")),
        coverage: Coverage {
            speakers: vec![speaker.into()],
            service_classes: vec![ServiceClass::Compute],
            regions: vec![],
        },
        heard: Some(at() - TimeDelta::minutes(35)),
        claims: 212,
        gaps: 0,
        held_back: 0,
        rejected: 0,
        instances: 1,
    }
}

fn feeds() -> Vec<Feed> {
    let mut aws = feed("aws-currentevents", "aws");
    aws.state = Some(FeedState::Blind);
    aws.since = Some(on("11:58"));
    aws.reason = Some("the server answers 503; three polls failed".into());
    let mut github = feed("github-status", "github");
    (github.gaps, github.instances) = (4, 2);
    let mut desk = feed("desk", "gcp");
    (desk.state, desk.since, desk.reason, desk.last_good_poll, desk.address) = (None, None, None, None, None);
    let mut observer = feed("algolia-status", "algolia");
    (observer.rejected, observer.held_back) = (1, 1);
    let mut all = vec![aws, feed("azure-rss", "azure"), feed("gcp-public", "gcp"), github, observer, desk];
    all.extend(
        ["cloudflare", "datadog", "confluent", "twilio", "okta", "zoom"].map(|v| feed(&format!("{v}-status"), v)),
    );
    all
}

pub(crate) fn sight(feeds: usize, live: usize) -> Sight {
    Sight { feeds, live, blind_since: None, reason: None }
}

fn blind() -> Sight {
    Sight { feeds: 1, live: 0, blind_since: Some(on("11:58")), reason: Some("the server answers 503".into()) }
}

pub(crate) fn cell(state: BlockState, severity: Severity, native: Option<&str>, changed: DateTime<Utc>) -> CellClaim {
    CellClaim {
        incident: "inc-7q2mhx4d3k".into(),
        state,
        severity,
        phase: Phase::Mitigating,
        native: native.map(Into::into),
        changed,
        exact: true,
        next_update_by: None,
        overdue: false,
        disagrees: false,
        stale: false,
        others: 0,
    }
}

fn row(speaker: &str, role: Role, sight: Sight, cells: Vec<Cell>) -> Row {
    Row { speaker: speaker.into(), role, heard: Some(at() - TimeDelta::minutes(18)), sight, silent_since: None, cells }
}

fn matrix() -> Matrix {
    let column = |class, os: Option<&str>| Column { class, os_family: os.map(Into::into) };
    let columns = vec![
        column(ServiceClass::Compute, None),
        column(ServiceClass::Compute, Some("windows")),
        column(ServiceClass::BlockStorage, None),
        column(ServiceClass::Database, None),
        column(ServiceClass::SecurityAgent, None),
        column(ServiceClass::EndpointDevice, None),
        column(ServiceClass::VirtualDesktop, None),
    ];
    use Cell::{CannotSee, Claim, NotShared, NotTheirs};
    let aws = CellClaim {
        stale: true,
        disagrees: true,
        ..cell(BlockState::AffectedPartial, Severity::Major, Some("IMPAIRED"), on("11:40"))
    };
    let desktop =
        CellClaim { stale: true, ..cell(BlockState::AffectedDegraded, Severity::Minor, Some("open"), on("11:49")) };
    let azure = cell(BlockState::AffectedUnavailable, Severity::NotStated, None, on("12:22"));
    let restored = cell(BlockState::Restored, Severity::Critical, Some("Active"), on("12:05"));
    let restoring = CellClaim {
        overdue: true,
        next_update_by: Some(on("12:30")),
        ..cell(BlockState::Restoring, Severity::Minor, Some("Active"), on("12:05"))
    };
    let gcp = CellClaim {
        disagrees: true,
        others: 2,
        ..cell(BlockState::Unknown, Severity::Info, Some("SERVICE_INFORMATION"), on("11:56"))
    };
    let agent =
        CellClaim { disagrees: true, ..cell(BlockState::AffectedUnavailable, Severity::Critical, None, on("09:45")) };
    let mut crowdstrike = row(
        "crowdstrike",
        Role::Vendor,
        sight(0, 0),
        vec![NotTheirs, NotTheirs, NotTheirs, NotTheirs, Claim(agent.clone()), Claim(agent), NotTheirs],
    );
    crowdstrike.silent_since = Some(on("09:45"));
    let azure_row = vec![
        Claim(restored.clone()),
        Claim(azure),
        Claim(restored.clone()),
        Claim(restoring),
        NotTheirs,
        NotTheirs,
        NotShared,
    ];
    let mut rows = vec![
        row(
            "aws",
            Role::Provider,
            blind(),
            vec![CannotSee, Claim(aws), CannotSee, CannotSee, NotTheirs, NotTheirs, Claim(desktop)],
        ),
        row("azure", Role::Provider, sight(1, 1), azure_row),
        row(
            "gcp",
            Role::Provider,
            sight(1, 1),
            vec![NotShared, Claim(gcp), NotShared, NotShared, NotTheirs, NotTheirs, NotShared],
        ),
        crowdstrike,
        row(
            "github",
            Role::Vendor,
            sight(1, 1),
            vec![
                NotTheirs,
                NotTheirs,
                NotTheirs,
                Claim(CellClaim { native: Some("resolved".into()), ..restored }),
                NotTheirs,
                NotTheirs,
                NotTheirs,
            ],
        ),
    ];
    for vendor in ["algolia", "cloudflare", "confluent", "datadog", "okta", "twilio", "zoom"] {
        let mut one = row(vendor, Role::Vendor, sight(1, 1), vec![NotTheirs; 7]);
        one.heard = None;
        rows.push(one);
    }
    Matrix { columns, unclaimed: 17, rows }
}

pub(crate) fn block(provider: &str, class: ServiceClass, state: BlockState, regions: &[&str]) -> Block {
    Block {
        provider: provider.into(),
        service_class: class,
        services: vec![],
        regions: regions.iter().map(|region| (*region).into()).collect(),
        zones: vec![],
        state,
        severity: Severity::NotStated,
        layer: None,
        asset: None,
    }
}

fn on_windows(provider: &str, state: BlockState, regions: &[&str]) -> Block {
    let asset = Asset { os_family: Some("windows".into()), artifact: Some("csagent.sys".into()), ..Asset::default() };
    Block { asset: Some(asset), ..block(provider, ServiceClass::Compute, state, regions) }
}

pub(crate) fn claim(title: &str, severity: Severity, blocks: Vec<Block>, changed: DateTime<Utc>) -> LaneClaim {
    LaneClaim {
        object_id: "gcp.public:DK3LfKowzJPpZq4Q9YqP".into(),
        rev: 7,
        position: 4_790,
        relay: Relay::Polled,
        told_by: None,
        seen_by: vec!["local/gcp-public".into()],
        phase: Phase::Mitigating,
        outcome: None,
        severity,
        state: blocks.first().map_or(BlockState::Unknown, |block| block.state),
        effect: vec![Effect::Unavailable],
        certainty: Certainty::Observed,
        title: title.into(),
        words: Some(title.into()),
        native: None,
        blocks,
        occurred_at: Some(on("04:09")),
        occurred_end: None,
        fidelity: Some(Fidelity::Minute),
        known: on("06:48"),
        changed,
        confirmed: None,
        next_update_by: None,
        assessed: vec![],
        symptoms: vec![],
        invented: false,
        backfill: false,
        clock_suspect: false,
        others: vec![],
        trimmed: vec![],
    }
}

fn native(system: &str, id: &str, status: &str, category: Option<&str>, url: &str) -> Option<NativeWords> {
    Some(NativeWords {
        system: system.into(),
        id: id.into(),
        url: Some(url.into()),
        status: Some(status.into()),
        severity: None,
        category: category.map(Into::into),
    })
}

pub(crate) fn lane(speaker: &str, role: Role, claim: Option<LaneClaim>) -> Lane {
    let heard = claim.as_ref().map(|claim| claim.changed);
    Lane {
        speaker: speaker.into(),
        role,
        claim,
        heard,
        sight: sight(1, 1),
        silent_since: None,
        overdue_since: None,
        beside: vec![],
        restated: vec![],
    }
}

fn crowdstrike_lanes() -> Vec<Lane> {
    let aws = LaneClaim {
        object_id: "aws:01912b6e-1111-7000-8000-000000000001".into(),
        relay: Relay::Own,
        occurred_at: Some(on("04:11")),
        known: on("05:10"),
        next_update_by: Some(on("13:30")),
        invented: true,
        symptoms: vec!["csagent.sys".into(), "0x50".into()],
        native: native(
            "aws.currentevents",
            "arn:aws:health:global::event/x",
            "1",
            Some("IMPAIRED"),
            "https://health.aws.amazon.com/health/status",
        ),
        confirmed: Some(on("11:57")),
        ..claim(
            "Windows instances fail their status check",
            Severity::Major,
            vec![on_windows(
                "aws",
                BlockState::AffectedPartial,
                &["us-east-1", "eu-west-1", "ap-south-1", "sa-east-1"],
            )],
            on("11:40"),
        )
    };
    let azure = LaneClaim {
        occurred_at: None,
        known: on("07:30"),
        relay: Relay::Relayed,
        told_by: Some("gcp".into()),
        certainty: Certainty::Likely,
        next_update_by: Some(on("12:00")),
        ..claim(
            "Virtual machines with the CrowdStrike agent restart again and again",
            Severity::NotStated,
            vec![on_windows("azure", BlockState::Unknown, &[])],
            on("12:22"),
        )
    };
    let gcp = LaneClaim {
        native: native(
            "gcp.public",
            "DK3LfKowzJPpZq4Q9YqP",
            "SERVICE_INFORMATION",
            Some("low"),
            "https://status.cloud.google.com/incidents/DK3LfKowzJPpZq4Q9YqP",
        ),
        assessed: vec![Assessment {
            member: "phase".into(),
            value: "identified".into(),
            reason: "notice of 07:15 names csagent.sys".into(),
        }],
        ..claim(
            "Windows VMs using csagent.sys crash and restart",
            Severity::Info,
            vec![on_windows("gcp", BlockState::Unknown, &["us-central1", "europe-west1", "asia-east1"])],
            on("11:56"),
        )
    };
    let vendor = LaneClaim {
        relay: Relay::Relayed,
        told_by: Some("aws".into()),
        certainty: Certainty::Likely,
        known: on("05:50"),
        ..claim(
            "A content update for Windows hosts is reverted",
            Severity::Critical,
            vec![Block {
                asset: Some(Asset {
                    vendor: Some("crowdstrike".into()),
                    product: Some("Falcon sensor".into()),
                    version_range: Some(">= 7.11".into()),
                    os_family: Some("windows".into()),
                    artifact: None,
                }),
                ..block("crowdstrike", ServiceClass::SecurityAgent, BlockState::AffectedUnavailable, &["global"])
            }],
            on("09:45"),
        )
    };
    let mut lanes = vec![
        lane("aws", Role::Provider, Some(aws)),
        lane("azure", Role::Provider, Some(azure)),
        lane("gcp", Role::Provider, Some(gcp)),
        lane("crowdstrike", Role::Vendor, Some(vendor)),
        lane("microsoft", Role::Vendor, None),
    ];
    lanes[0].sight = blind();
    lanes[1].overdue_since = Some(on("12:00"));
    lanes[2].restated =
        vec![Restatement { what: "start".into(), from: Some(on("06:48")), to: Some(on("04:09")), at: on("11:56") }];
    lanes[2].beside = vec![Beside {
        object_id: "aws:1".into(),
        relay: Relay::Relayed,
        by: "aws".into(),
        says: "critical by phone at 06:30".into(),
    }];
    lanes[3].sight = sight(0, 0);
    lanes[3].silent_since = Some(on("09:45"));
    lanes
}

fn stance(speaker: &str, says: &str, position: u64) -> Stance {
    Stance { speaker: speaker.into(), says: says.into(), position }
}

fn differences() -> Vec<Disagreement> {
    let one = |kind: &str, question: &str, positions, since: &str| Disagreement {
        kind: kind.into(),
        question: question.into(),
        positions,
        since: on(since),
        open: true,
    };
    vec![
        one("start", "When did it begin?", vec![stance("aws", "04:11", 4_700), stance("gcp", "06:48", 4_710)], "06:48"),
        one(
            "severity",
            "How bad is it?",
            vec![
                stance("aws", "major", 4_700),
                stance("gcp", "information", 4_790),
                stance("crowdstrike", "critical", 4_600),
            ],
            "11:56",
        ),
        one(
            "success",
            "How often does \"Reboot again, up to 15 times\" work?",
            vec![stance("aws", "observed 37.4 % to 38.6 %", 0), stance("crowdstrike", "said 80.0 %", 0)],
            "12:02",
        ),
    ]
}

fn success(n: u64, succeeded: u64, ppm: u32, spread: u32) -> Success {
    let early = n < 30;
    Success { n, succeeded, ppm: Some(ppm), lo_ppm: Some(ppm - spread), hi_ppm: Some(ppm + spread), too_early: early }
}

fn run(speaker: &str, success: Success, lost: u64) -> Run {
    Run {
        speaker: speaker.into(),
        state: RunState::Running,
        success,
        lost,
        p50_s: Some(2_280),
        rollback: None,
        changed: on("12:10"),
    }
}

fn approach(name: &str, speaker: &str, runs: Vec<Run>, pooled: Option<Success>) -> Approach {
    Approach {
        object_id: format!("{speaker}:{}", name.to_lowercase().replace(' ', "-")),
        speaker: speaker.into(),
        name: name.into(),
        kind: ApproachKind::OfflineDiskRepair,
        automation: Automation::Manual,
        access: vec!["recovery_key".into()],
        data_loss: None,
        applies_to: vec![],
        cautions: vec![],
        said_rate: None,
        runs,
        pooled,
        invented: true,
    }
}

fn approaches() -> Vec<Approach> {
    let rescue = Approach {
        cautions: vec![Caution {
            text: "Reusing one image for several rescue VMs gives duplicate disk GUIDs.".into(),
            harm_count: Some(3),
            since: Some(on("11:56")),
        }],
        ..approach(
            "Rescue VM, swap the OS disk, delete the file",
            "gcp",
            vec![
                run("aws", success(31_000, 30_318, 978_000, 1_600), 800),
                run("gcp", success(17_210, 16_762, 974_000, 2_400), 320),
            ],
            Some(success(48_210, 46_812, 971_000, 1_500)),
        )
    };
    let reboot = Approach {
        access: vec![],
        said_rate: Some(SaidRate { lo: 800_000, hi: 800_000, by: "crowdstrike".into() }),
        ..approach(
            "Reboot again, up to 15 times",
            "azure",
            vec![run("aws", success(9_000, 3_420, 380_000, 6_000), 960)],
            Some(success(18_330, 7_533, 411_000, 7_000)),
        )
    };
    let runbook = Approach {
        applies_to: vec!["aws".into()],
        automation: Automation::Scripted,
        data_loss: Some(true),
        ..approach(
            "Runbook AWSSupport-StartEC2RescueWorkflow",
            "aws",
            vec![run("aws", success(19, 17, 894_000, 90_000), 0)],
            Some(success(19, 17, 894_000, 90_000)),
        )
    };
    let mut backup = approach("Restore a backup from before 18 Jul 19:00", "azure", vec![], None);
    backup.invented = false;
    vec![rescue, reboot, runbook, backup]
}

fn figure(speaker: &str, value: Option<u64>, span: Option<(u64, u64)>, method: Method) -> Figure {
    Figure {
        speaker: speaker.into(),
        relay: Relay::Own,
        value,
        lo: span.map(|span| span.0),
        hi: span.map(|span| span.1),
        fraction_lo_ppm: None,
        fraction_hi_ppm: None,
        population: Some(format!("fleet:{speaker}")),
        method,
        as_of: on("12:30"),
        invented: true,
        position: 4_801,
    }
}

fn counts() -> Vec<CountGroup> {
    let all = vec![
        figure("aws", Some(610_000), None, Method::ExactEnumeration),
        figure("azure", Some(870_000), Some((790_000, 960_000)), Method::TelemetryExtrapolation),
        figure("gcp", Some(240_000), Some((236_000, 244_000)), Method::Sketch),
    ];
    let devices = Figure {
        population: None,
        invented: false,
        fraction_lo_ppm: Some(0),
        fraction_hi_ppm: Some(10_000),
        ..figure("microsoft", Some(8_500_000), None, Method::VendorStatement)
    };
    vec![
        CountGroup {
            unit: Unit::Vm,
            quantity: Quantity::Affected,
            regime: "range".into(),
            lo: Some(870_000),
            hi: Some(1_720_000),
            figures: all,
        },
        CountGroup {
            unit: Unit::Device,
            quantity: Quantity::Affected,
            regime: "one speaker".into(),
            lo: Some(8_500_000),
            hi: Some(8_500_000),
            figures: vec![devices],
        },
    ]
}

fn told(speaker: &str, text: &str, word: Option<&str>, clock: &str, less: bool) -> Told {
    Told {
        speaker: speaker.into(),
        text: text.into(),
        notice: format!("{speaker}.public:x/1"),
        position: 4_780,
        channel: "status.cloud.google.com".into(),
        url: Some("https://status.cloud.google.com/incidents/DK3L".into()),
        native_status: word.map(Into::into),
        said_at: on(clock),
        statements: 6,
        says_here: "mitigating, major".into(),
        says_less: less,
    }
}

fn owed(kind: &str, by: &str, to: &[&str], text: &str, due: Option<&str>, position: u64) -> Owed {
    let due_at = due.map(on);
    Owed {
        object_id: format!("{by}:{position}"),
        kind: kind.into(),
        by: vec![by.into()],
        to: to.iter().map(|org| (*org).into()).collect(),
        text: text.into(),
        due_at,
        overdue: due_at.is_some_and(|due| due < at()),
        state: (kind != "update").then_some(MessageState::Open),
        incident: Some("inc-7q2mhx4d3k".into()),
        position,
    }
}

fn all_owed() -> Vec<Owed> {
    vec![
        owed("request", "crowdstrike", &["gcp"], "Which builds took the file?", Some("11:30"), 4_400),
        owed("update", "azure", &[], "next update, as promised", Some("12:30"), 4_500),
        owed("commitment", "gcp", &["aws"], "Must the instance be stopped?", Some("13:00"), 4_600),
        owed("offer", "microsoft", &[], "Engineers for recovery keys", None, 4_650),
        owed("commitment", "aws", &[], "Next tally and relapses", Some("23:30"), 4_700),
    ]
}

pub(crate) fn line(position: u64, speaker: &str, family: Family, says: &str, clock: &str) -> Line {
    Line {
        position,
        id: format!("ev{position}"),
        logged: on(clock),
        speaker: speaker.into(),
        source: "local/desk".into(),
        family,
        object_id: "gcp.public:DK3L".into(),
        rev: 3,
        says: says.into(),
        incident: Some("inc-7q2mhx4d3k".into()),
        withdrawn_by: None,
    }
}

fn recent() -> Vec<Line> {
    let mut withdrawn = line(
        4_812,
        "algolia",
        Family::Impact,
        "investigating: slow indexing, a duplicate of an earlier claim",
        "12:11",
    );
    withdrawn.withdrawn_by = Some("algolia".into());
    vec![
        withdrawn,
        line(
            4_805,
            "azure",
            Family::Impact,
            "mitigating: storage allow list, databases restoring, the rest restored",
            "12:05",
        ),
        line(4_800, "aws", Family::Feed, "feed aws-currentevents blind: the server answers 503", "11:58"),
        line(
            4_790,
            "gcp",
            Family::Impact,
            "mitigating, information: Windows VMs using csagent.sys crash and restart",
            "11:56",
        ),
        line(
            4_789,
            "gcp",
            Family::Approach,
            "caution: one image for several rescue VMs gives duplicate disk GUIDs",
            "11:56",
        ),
        line(4_600, "aws", Family::Message, "request to crowdstrike: which builds took the file?", "10:12"),
        line(4_598, "gcp", Family::Notice, "told customers: we are aware of an issue with csagent.sys", "07:15"),
    ]
}

fn answer(lead: &str, detail: &str) -> Answer {
    Answer { lead: lead.into(), detail: detail.into() }
}

fn brief() -> Brief {
    Brief {
        affected: answer(
            "AWS: Windows VMs partial; Azure: Windows VMs state unknown; GCP: Windows VMs state unknown; and 1 more providers",
            "no claim from Microsoft",
        ),
        count: answer(
            "870\u{2009}000 to 1.72 M VMs affected",
            "range, AWS, Azure and GCP, as of 12:30, interval not given by all, invented",
        ),
        cause: answer("CrowdStrike Falcon sensor (csagent.sys), confirmed by CrowdStrike", "since 09:45"),
        working: answer(
            "Rescue VM, swap the OS disk, delete the file: 96.9 % to 97.2 %",
            "observed success, 48\u{2009}210 known outcomes, AWS and GCP",
        ),
        owes: answer("CrowdStrike, request: Which builds took the file?, overdue 1 h 10 min", "4 more owed"),
        told: answer(
            "GCP 11:56: \"We have seen reports that the issue is mitigated by several reboots\"",
            "GCP told less than claimed here",
        ),
        unknown: answer(
            "Azure: start not stated; Azure: region not stated, and 3 more gaps",
            "they disagree: When did it begin? How bad is it?",
        ),
        fresh: answer("Last heard 18 min ago, Azure", "blind: AWS; silent: CrowdStrike; overdue: Azure"),
    }
}

fn cause(speaker: &str, status: CauseStatus, artifact: &str) -> Cause {
    Cause {
        speaker: speaker.into(),
        status,
        class: Some("third_party_update".into()),
        vendor: Some("crowdstrike".into()),
        product: Some("Falcon sensor".into()),
        artifact: Some(artifact.into()),
        relay: Relay::Own,
        since: on("09:45"),
    }
}

fn gap(kind: &str, speaker: Option<&str>, text: &str) -> Unknown {
    Unknown { kind: kind.into(), speaker: speaker.map(Into::into), text: text.into() }
}

/// The incident of 19 July, with every panel filled.
pub(crate) fn incident() -> Incident {
    Incident {
        id: "inc-7q2mhx4d3k".into(),
        aliases: vec!["inc-aaaaaaaaaa".into()],
        name: "Windows hosts stop with csagent.sys".into(),
        declared_by: Some("gcp".into()),
        open: true,
        first_logged: on("05:10"),
        started: Some(Claimed { value: on("04:09"), speaker: "crowdstrike".into() }),
        worst: Some(Claimed { value: Severity::Critical, speaker: "crowdstrike".into() }),
        changed: Change { at: on("12:22"), speaker: "azure".into(), what: "To mitigating".into() },
        members: members(),
        lanes: crowdstrike_lanes(),
        disagreements: differences(),
        unknowns: vec![
            gap("start", Some("azure"), "Azure: start not stated."),
            gap("region", Some("azure"), "Azure: region not stated."),
            gap("state", Some("gcp"), "GCP: state not told. Its own word: SERVICE_INFORMATION."),
            gap("speaker", Some("microsoft"), "Microsoft is named and has claimed nothing here."),
            gap("sight", Some("aws"), "AWS cannot be seen since 19 Jul 11:58: the server answers 503."),
        ],
        causes: vec![
            cause("crowdstrike", CauseStatus::Confirmed, "C-00000291*.sys"),
            cause("gcp", CauseStatus::Identified, "csagent.sys"),
        ],
        approaches: approaches(),
        advisories: vec![Advice {
            object_id: "crowdstrike:1".into(),
            speaker: "crowdstrike".into(),
            relay: Relay::Relayed,
            category: AdvisoryCategory::Workaround,
            title: "Delete C-00000291*.sys in Safe Mode".into(),
            text: Some("Start in Safe Mode or the recovery environment, then delete the file.".into()),
            logged: on("08:20"),
        }],
        counts: counts(),
        told: vec![
            told("aws", "We are aware of reports about Windows instances", Some("open"), "11:40", false),
            told(
                "gcp",
                "We have seen reports that the issue is mitigated by several reboots",
                Some("SERVICE_INFORMATION"),
                "11:56",
                true,
            ),
        ],
        owed: all_owed(),
        decisions: vec![
            Decision {
                object_id: "gcp:d1".into(),
                speaker: "gcp".into(),
                kind: MessageKind::Decision,
                text: "Rescue VM first, wherever the instance may be stopped.".into(),
                state: MessageState::InForce,
                logged: on("12:20"),
            },
            Decision {
                object_id: "gcp:d2".into(),
                speaker: "aws".into(),
                kind: MessageKind::Note,
                text: "The vendor speaks on the cause; clouds link to it.".into(),
                state: MessageState::Open,
                logged: on("10:05"),
            },
        ],
        why: vec![Join {
            a: "aws:1".into(),
            b: "gcp.public:DK3L".into(),
            relation: Relation::Same,
            reasons: vec![
                "both name the artifact csagent.sys, onsets 2 min apart".into(),
                "both name CrowdStrike Falcon sensor".into(),
            ],
        }],
        near: vec![NearMiss {
            object_id: "aws:1".into(),
            other: "azure.rss:1K80-N_8".into(),
            other_incident: Some("inc-storage000".into()),
            speaks_for: "same night, both VM availability".into(),
            speaks_against: "no common reference, product or region; onsets 6 h 31 min apart".into(),
        }],
        constraints: vec![Opinion {
            object_id: "gcp:c1".into(),
            kind: "cannot_link".into(),
            objects: vec!["aws:1".into()],
            author: "desk 2".into(),
            org: "gcp".into(),
            reason: "The press merged the two nights".into(),
            binds: false,
            logged: on("08:31"),
        }],
        events: recent(),
        events_total: 1_906,
        brief: brief(),
    }
}

fn members() -> Vec<Member> {
    let member = |id: &str, speaker: &str, title: &str| Member {
        object_id: id.into(),
        family: Family::Impact,
        speaker: speaker.into(),
        notices: 6,
        title: title.into(),
        relation: Relation::Same,
        position: 4_790,
        revisions: 7,
    };
    vec![
        member("aws:1", "aws", "Windows instances fail their status check"),
        member("gcp.public:DK3L", "gcp", "Windows VMs using csagent.sys crash and restart"),
    ]
}

fn storage() -> Incident {
    let azure = LaneClaim {
        occurred_at: Some(time("2024-07-18T21:40:00Z")),
        known: time("2024-07-18T22:56:00Z"),
        next_update_by: Some(on("12:30")),
        ..claim(
            "Storage allow list",
            Severity::Minor,
            vec![block("azure", ServiceClass::Database, BlockState::Restoring, &["centralus"])],
            on("12:05"),
        )
    };
    let github = LaneClaim {
        phase: Phase::Resolved,
        occurred_end: Some(on("02:00")),
        ..claim(
            "Resolved",
            Severity::Major,
            vec![block("github", ServiceClass::CiCd, BlockState::Restored, &[])],
            on("04:38"),
        )
    };
    let mut lanes = vec![lane("azure", Role::Provider, Some(azure)), lane("github", Role::Vendor, Some(github))];
    lanes[0].overdue_since = Some(on("12:30"));
    Incident {
        id: "inc-storage000".into(),
        aliases: vec![],
        name: "Azure Central US: block storage".into(),
        declared_by: None,
        started: Some(Claimed { value: time("2024-07-18T21:40:00Z"), speaker: "azure".into() }),
        worst: Some(Claimed { value: Severity::Minor, speaker: "azure".into() }),
        first_logged: time("2024-07-18T22:56:00Z"),
        changed: Change { at: on("12:05"), speaker: "azure".into(), what: "Still restoring".into() },
        lanes,
        disagreements: vec![],
        unknowns: vec![],
        causes: vec![],
        approaches: vec![],
        advisories: vec![],
        counts: vec![],
        told: vec![],
        owed: vec![owed("update", "azure", &[], "next update, as promised", Some("12:30"), 4_500)],
        decisions: vec![],
        near: vec![],
        constraints: vec![],
        ..incident()
    }
}

/// An incident of which one person knows, and nothing else.
pub(crate) fn bare() -> Incident {
    let only = claim("Slow indexing", Severity::Minor, vec![], on("11:50"));
    Incident {
        id: "inc-search0000".into(),
        name: "Search vendor: slow indexing".into(),
        started: None,
        worst: Some(Claimed { value: Severity::Minor, speaker: "algolia".into() }),
        changed: Change { at: on("11:50"), speaker: "algolia".into(), what: "To monitoring".into() },
        lanes: vec![lane("algolia", Role::Vendor, Some(LaneClaim { occurred_at: None, ..only }))],
        owed: vec![],
        why: vec![],
        members: vec![],
        events: vec![],
        events_total: 0,
        ..storage()
    }
}

pub(crate) fn picture() -> Picture {
    Picture {
        as_of: "4812".into(),
        at: at(),
        logged: Some(on("12:22")),
        universe: "exercise".into(),
        model: "m-3f9c".into(),
        totals: Totals {
            incidents: 4,
            open: 3,
            closed: 1,
            closed_recently: 0,
            disagreements: 3,
            overdue: 2,
            silent: 1,
            blind: 1,
            maintenance: 2,
            notices: 31,
            claims: 4_790,
            repeated: 12,
            held_back: 2,
            rejected: 1,
        },
        matrix: matrix(),
        matched: 3,
        incidents: vec![incident(), storage(), bare()],
        feeds: feeds(),
        owed: all_owed(),
        desks: vec![
            desk("gcp", DutyRole::Liaison, false),
            desk("azure", DutyRole::Coordinator, false),
            desk("aws", DutyRole::Liaison, true),
        ],
        recent: recent(),
        held_back: vec![
            HeldBack {
                position: 4_770,
                logged: on("12:31"),
                subject: "entente.v1.actual.all.observer.desk.notice.x".into(),
                reason: "No signature. Sign it with the key of the organisation, or ask a member to restate it.".into(),
            },
            HeldBack {
                position: 4_768,
                logged: on("12:18"),
                subject: "entente.v1.actual.all.algolia.algolia-status.impact.y".into(),
                reason: "Recorded 8 min after the log: its clock runs ahead. Set the clock, then send a new revision."
                    .into(),
            },
        ],
        rejected: vec![Rejected {
            feed: "algolia-status".into(),
            reason: "incident without a name".into(),
            position: Some("item 3".into()),
            digest: "ab".repeat(32),
            bytes: 18_221,
            logged: on("12:20"),
            times: 1,
        }],
    }
}

fn desk(org: &str, role: DutyRole, expired: bool) -> Desk {
    let until = if expired { on("11:57") } else { on("14:00") };
    Desk {
        org: org.into(),
        desk: "liaison desk 2".into(),
        role,
        bridge_url: None,
        phone: None,
        until: Some(until),
        handing_over_to: None,
        expired,
    }
}

/// The first start: nothing heard, every feed blind.
pub(crate) fn dark() -> Picture {
    let mut picture = picture();
    picture.totals = Totals { blind: 3, ..Totals::default() };
    picture.matrix = Matrix {
        columns: vec![],
        unclaimed: 23,
        rows: ["aws", "azure", "gcp"]
            .map(|org| Row { heard: None, ..row(org, Role::Provider, blind(), vec![]) })
            .to_vec(),
    };
    (picture.incidents, picture.matched, picture.owed, picture.desks, picture.recent) =
        (vec![], 0, vec![], vec![], vec![]);
    (picture.held_back, picture.rejected) = (vec![], vec![]);
    picture.feeds.retain(|feed| ["aws-currentevents", "azure-rss", "gcp-public"].contains(&feed.feed.as_str()));
    for feed in &mut picture.feeds {
        (feed.state, feed.since, feed.reason) =
            (Some(FeedState::Blind), Some(on("11:58")), Some("name not resolved".into()));
        (feed.heard, feed.last_good_poll, feed.claims) = (None, None, 0);
    }
    picture
}

pub(crate) fn beats() -> Vec<FeedBeat> {
    let beat = |failures| Beat {
        state: if failures > 0 { FeedState::Blind } else { FeedState::Live },
        last_good: Some(at() - TimeDelta::seconds(21)),
        last_poll: Some(at() - TimeDelta::seconds(21)),
        next_try: Some(at() + TimeDelta::seconds(24)),
        failures,
        error: (failures > 0).then(|| BeatError { code: "http-503".into(), text: "the server answers 503".into() }),
        lag: Lag { p50_ms: Some(940), p99_ms: Some(2_410) },
        outbox: Backlog { events: failures, bytes: failures * 1_500 },
        unknown_words: if failures > 0 {
            vec![UnmappedWord {
                field: "status".into(),
                word: "4".into(),
                read_as: "other".into(),
                count: 3,
                first: on("11:42"),
            }]
        } else {
            vec![]
        },
        mapping_version: 7,
        clock_offset_ms: Some(-40),
        beat_at: at(),
    };
    let of = |feed: &str, failures| FeedBeat { org: "local".into(), feed: feed.into(), beat: beat(failures) };
    vec![of("aws-currentevents", 31), of("azure-rss", 0), of("gcp-public", 0)]
}

/// A picture of many open incidents in every lane and class: the fullest board there can be.
pub(crate) fn crowded(open: usize) -> Picture {
    let mut picture = picture();
    let listed = open.min(200);
    picture.incidents = (0..listed)
        .map(|index| {
            let mut one = incident();
            one.id = format!("inc-{index:010}");
            one.name =
                format!("Windows hosts in region {index} stop with csagent.sys and do not come back after a reboot");
            one.lanes = (0..12)
                .map(|lane_of| lane(&format!("vendor-no-{lane_of}"), Role::Vendor, one.lanes[3].claim.clone()))
                .collect();
            one
        })
        .collect();
    picture.matched = open;
    (picture.totals.open, picture.totals.incidents) = (open, open);
    let classes = [
        ServiceClass::Compute,
        ServiceClass::Container,
        ServiceClass::Serverless,
        ServiceClass::BlockStorage,
        ServiceClass::ObjectStorage,
        ServiceClass::FileStorage,
        ServiceClass::Database,
        ServiceClass::Cache,
        ServiceClass::Queue,
        ServiceClass::CdnEdge,
    ];
    picture.matrix.columns = classes.map(|class| Column { class, os_family: Some("windows".into()) }).to_vec();
    let full = CellClaim {
        stale: true,
        overdue: true,
        next_update_by: Some(on("12:30")),
        disagrees: true,
        exact: false,
        ..cell(BlockState::AffectedPartial, Severity::Critical, Some("SERVICE_INFORMATION_AND_MORE"), on("11:56"))
    };
    picture.matrix.rows = (0..40)
        .map(|index| {
            let role = if index < 5 { Role::Provider } else { Role::Vendor };
            row(&format!("vendor-no-{index}"), role, blind(), vec![Cell::Claim(full.clone()); classes.len()])
        })
        .collect();
    picture.feeds = (0..40)
        .map(|index| Feed {
            state: Some(FeedState::Blind),
            reason: Some("the server answers 503; three polls failed".into()),
            since: Some(on("11:58")),
            ..feed(&format!("vendor{index}-status"), "x")
        })
        .collect();
    picture
}
