//! A tool next door that reports in five lines of shell: those that the README shows, word by word.

use std::process::{Command, Output};

use entente_schemas::event::Event;
use entente_schemas::family::Body;

use super::{Stage, text};

const README: &str = include_str!("../../../../README.md");
const LINES: usize = 5;
/// An incident that somebody has opened.
const INCIDENT: &str = "inc-7c3k2q5m4n6p7r2s";

/// The lines of the README that send something to the sidecar's intake.
fn lines() -> Vec<&'static str> {
    let blocks = README.split("\n```sh\n").skip(1).filter_map(|after| after.split_once("\n```\n"));
    let mut reporting = blocks.map(|(block, _)| block).filter(|block| block.contains("/v1/events"));
    let block = reporting.next().unwrap();
    assert!(reporting.next().is_none(), "the README shows it twice");
    block.lines().collect()
}

/// Runs lines in the plainest shell that there is.
fn run(stage: &Stage, lines: &[&str]) -> Output {
    let mut shell = Command::new("sh");
    shell.arg("-euc").arg(lines.join("\n")).env("SIDECAR", format!("http://{}", stage.address));
    shell.env("TOKEN_FILE", stage.world.data().join("intake-token")).env("INCIDENT", INCIDENT);
    shell.output().unwrap()
}

/// Of a run: revision; targeted, attempted, succeeded, failed.
type Arm = (u64, [Option<u64>; 4]);

/// What the log has of the run.
fn arms(log: &[Event]) -> Vec<Arm> {
    let runs = log.iter().filter(|event| event.claim.header.object_id == "bank:rescue/eu-west-1");
    let arm = |event: &Event| {
        let Body::Remediation(run) = &event.claim.body else { panic!("{:?}", event.claim) };
        assert_eq!((run.approach_id.as_str(), run.arms.len()), ("bank:rescue-disk", 1));
        let tally = &run.arms[0].tally;
        assert!(event.claim.header.refs.iter().any(|named| named.value == INCIDENT), "{:?}", event.claim);
        (event.claim.header.rev, [tally.targeted, tally.attempted, tally.succeeded, tally.failed])
    };
    runs.map(arm).collect()
}

pub async fn five_lines_of_shell() {
    if Command::new("curl").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "in CI nothing may be skipped: there is no curl");
        return println!("skipped: there is no curl");
    }
    let lines = lines();
    assert_eq!(lines.len(), LINES, "{lines:#?}");
    let (shown, defined) = lines.split_last().unwrap();
    let call = shown.split('#').next().unwrap();
    let mut stage = Stage::new().await;
    stage.launch();
    stage.ready().await;
    for (call, outcome) in [
        (call, "taken"),
        (&call.replace("1000 240 198 12", "1000 720 655 31"), "taken"),
        (&call.replace("running 1000 240 198 12", "done 1000 980 961 19"), "taken"),
    ] {
        let said = run(&stage, &[defined, &[call]].concat());
        assert!(said.status.success(), "{call}: {said:?}");
        assert!(text(&said.stdout).contains(&format!("\"outcome\":\"{outcome}\"")), "{call}: {said:?}");
    }
    let told = [(1, [1_000, 240, 198, 12]), (2, [1_000, 720, 655, 31]), (3, [1_000, 980, 961, 19])];
    let told: Vec<Arm> = told.into_iter().map(|(rev, tally)| (rev, tally.map(Some))).collect();
    stage.world.log_with(|log| arms(log) == told).await;
    let refused = run(&stage, &[defined, &[&call.replace("running", "perhaps")]].concat());
    assert!(!refused.status.success(), "what was not taken must be told to the tool: {refused:?}");
    stage.end();
    let nobody = run(&stage, &lines);
    assert!(!nobody.status.success(), "{nobody:?}");
}
