//! Looking back to a moment before an erasing: what was erased is gone there too, from records, states on the way and
//! views, and all who look see the same.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test ends at what it did not expect, and the log's hand is shared"
)]

#[path = "../../correlator/tests/fold/written.rs"]
mod written;

use std::sync::Arc;

use entente_correlator::select::Select;
use entente_correlator::{Model, State};
use entente_replay::{Archive, Milestones};
use entente_schemas::family::Family;
use entente_schemas::record::{Position, Record};
use serde_json::json;
use written::{Desk, Log, STREAM, at, outage, with};

/// Twelve revisions, of which the sixth is withdrawn and erased at the end.
fn log() -> Log {
    let (mut log, mut aws) = (Log::default(), Desk::new("aws"));
    let mut secret = None;
    for rev in 1..=12_u64 {
        let title = if rev == 6 { "The secret" } else { "VMs stop" };
        let body = with(outage(title, "aws", json!({})), json!({"rev": rev}));
        let said = aws.say(&mut log, Family::Impact, "aws:1", body, None);
        secret = if rev == 6 { Some(said) } else { secret };
    }
    let target = secret.unwrap();
    let body = json!({"target": target.id, "target_object": "aws:1", "target_rev": 6, "target_source": target.source,
        "target_sequence": target.sequence, "target_hash": target.hash, "target_signature": "A".repeat(86),
        "scope": "revision", "reason": "legal"});
    aws.say(&mut log, Family::Retraction, "aws:r", body, None);
    log
}

/// An archive that took the records one by one, as a running server does, with states on the way.
fn archive(records: &[Record]) -> Archive {
    let model = Arc::new(Model::v1().unwrap());
    let mut archive = Archive::with_milestones("actual", Arc::clone(&model), Milestones::new(9, 1));
    let mut live = State::new("actual", model);
    for record in records {
        live.offer(record.clone());
        live.complete(&Position::of(STREAM, record.sequence));
        archive.take(vec![record.clone()], &live);
    }
    archive
}

#[test]
fn no_moment_shows_what_was_erased_and_all_archives_agree() {
    let whole = log().records;
    let mut later = whole.clone();
    later.remove(5);
    let (ran, started) = (archive(&whole), archive(&later));
    for sequence in 1..=13 {
        let position = Position::of(STREAM, sequence);
        let view = |mut state: State| {
            let incident = state.incident("aws:1", at("07:00"));
            (state.picture(at("07:00"), &Select::default()), incident)
        };
        let expected = view(started.cut(&position).fold());
        assert!(!format!("{expected:?}").contains("The secret"), "at {sequence}");
        assert_eq!(view(ran.cut(&position).fold()), expected, "at {sequence}, who ran on and who started again");
        let lines = expected.1.unwrap().events;
        let told =
            lines.iter().any(|line| line.rev == 6 && line.says == "withdrawn at 19 Jul 2024 06:12 by AWS and erased");
        assert!(told, "at {sequence}: {lines:?}");
    }
}

/// A retraction that is found to break its chain counts for nothing: what it took shows again, also in looking back.
#[test]
fn what_a_broken_retraction_erased_is_seen_again_in_every_moment() {
    let (mut log, mut aws) = (Log::default(), Desk::new("aws"));
    let said = aws.say(&mut log, Family::Impact, "aws:1", outage("VMs stop", "aws", json!({})), None);
    let mut twin = aws.clone();
    let mut other = Log::default();
    twin.say(&mut other, Family::Impact, "aws:2", outage("Another", "azure", json!({})), None);
    let mut unseen = Log::default();
    aws.say(&mut unseen, Family::Impact, "aws:2", outage("One", "azure", json!({})), None);
    let body = json!({"target": said.id, "target_object": "aws:1", "target_rev": 1, "target_source": said.source,
        "target_sequence": said.sequence, "target_hash": said.hash, "target_signature": "A".repeat(86),
        "scope": "revision", "reason": "legal"});
    aws.say(&mut log, Family::Retraction, "aws:r", body, None);
    let late = Record { sequence: 3, ..other.records.pop().unwrap() };
    log.records.push(late);
    let archive = archive(&log.records);
    let shows = |sequence| {
        let mut state = archive.cut(&Position::of(STREAM, sequence)).fold();
        state.incident("aws:1", at("07:00")).is_some()
    };
    assert_eq!([shows(1), shows(3)], [true, true]);
}
