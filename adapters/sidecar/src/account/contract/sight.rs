//! Sentences on what is said where nothing can be seen.

use entente_schemas::block::BlockState;
use entente_schemas::count::Quantity;
use entente_schemas::event::Event;
use entente_schemas::family::{Body, FeedState, Impact};

use super::stage::{Stage, summary};
use super::subject::{Fault, Subject};

pub(super) async fn nothing_looks_better<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    stage.troubled().await;
    stage.answered(5).await;
    for fault in [Fault::Forbidden, Fault::Stalled, Fault::Truncated] {
        let before = stage.log().await.len();
        stage.subject.play(fault);
        // What a feed said of it before it was blind stands in the log before that.
        let log = stage.told("the log tells that the feed is blind", before, FeedState::Blind).await;
        for event in &log[before..] {
            if let Some(impact) = event.claim.impact() {
                let better = impact.blocks.iter().any(|block| looks_well(block.state)) || !impact.phase.is_open();
                assert!(
                    !better && !claims_nought(impact),
                    "under {fault:?}: {:#?}",
                    summary(std::slice::from_ref(event))
                );
            }
        }
        stage.subject.lift();
        stage.told("the feed is said to be live again", log.len(), FeedState::Live).await;
    }
    stage.calm().await;
}

pub(super) async fn absence_is_unknown<S: Subject>(stage: &mut Stage<S>) {
    stage.calm().await;
    let Some(tables) = stage.subject.sightless() else {
        stage.troubled().await;
        let log = stage.log().await;
        return nowhere_nought(&log);
    };
    stage.subject.trouble();
    let (sidecar, scope) = stage.beside(&tables).await;
    let unknown = |event: &Event| {
        let Body::Impact(impact) = &event.claim.body else { return false };
        impact.blocks.iter().any(|block| block.state == BlockState::Unknown)
    };
    let log =
        stage.log_of_with(&scope, "what cannot be seen is said to be unknown", |log| log.iter().any(unknown)).await;
    nowhere_nought(&log);
    for event in log.iter().filter(|event| event.claim.impact().is_some_and(of_guests)) {
        let impact = event.claim.impact().expect("an impact");
        let seen = impact.blocks.iter().any(|block| affected(block.state) || looks_well(block.state));
        assert!(!seen, "it says what it cannot see: {:#?}", summary(std::slice::from_ref(event)));
    }
    sidecar.end().await;
    stage.calm().await;
}

/// Whether an impact tells of what is inside the machines.
fn of_guests(impact: &Impact) -> bool {
    impact.blocks.iter().all(|block| block.layer == Some(entente_schemas::block::Layer::Guest))
}

/// Whether the log never says that nobody is affected.
fn nowhere_nought(log: &[Event]) {
    for event in log {
        let nought = event.claim.impact().is_some_and(claims_nought);
        assert!(!nought, "nobody is affected, it says: {:#?}", summary(std::slice::from_ref(event)));
    }
}

/// Whether an impact says that nobody was ever hit, or that a part is not.
fn claims_nought(impact: &Impact) -> bool {
    let nought =
        |quantity, hi: Option<u64>, value: Option<u64>| quantity == Quantity::Affected && value.or(hi) == Some(0);
    let counts = impact.counts.iter().any(|count| nought(count.quantity, count.hi, count.value));
    counts || impact.blocks.iter().any(|block| block.state == BlockState::NotAffected)
}

fn looks_well(state: BlockState) -> bool {
    matches!(state, BlockState::NotAffected | BlockState::Restored)
}

fn affected(state: BlockState) -> bool {
    matches!(state, BlockState::AffectedDegraded | BlockState::AffectedPartial | BlockState::AffectedUnavailable)
}
