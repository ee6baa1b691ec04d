//! Every sentence of `CONTRACT.md`, executed against an adapter. An adapter's `tests/contract.rs` implements [`Subject`] over
//! the double of its provider and calls [`run`]; nothing else is to be written there:
//!
//! ```ignore
//! #[tokio::test(flavor = "multi_thread")]
//! async fn the_contract_is_kept() {
//!     entente_sidecar::contract::run(AcmeSubject::start().await).await;
//! }
//! ```
//!
//! The crate has `entente-sidecar = { workspace = true, features = ["contract"] }` among its dev-dependencies. The contract
//! starts a nats-server and the adapter's whole sidecar in this process, on the settings that the subject gives, and looks at
//! nothing but the log, the beats and what the sidecar answers over HTTP. It prints each sentence before its check.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test ends at what it did not expect"
)]

mod asking;
mod beginning;
mod neighbours;
mod patience;
mod said;
mod sight;
mod stage;
mod subject;
mod way;

use std::time::Instant;

pub use patience::Patience;
use stage::Stage;
pub use subject::{Call, Fault, Subject};

const CONTRACT: &str = include_str!("../../../CONTRACT.md");
/// How many sentences have a check.
const CHECKS: usize = 23;

/// Executes every sentence of the contract against an adapter.
///
/// # Panics
/// At the first sentence that is broken, or has no check.
pub async fn run<S: Subject>(subject: S) {
    let numbers: Vec<usize> = sentences().iter().map(|(number, _)| *number).collect();
    assert_eq!(
        numbers,
        (1..=CHECKS).collect::<Vec<_>>(),
        "each sentence of CONTRACT.md has one check, and each check a sentence"
    );
    run_sentences(subject, &numbers, Patience::default()).await;
}

/// Executes some sentences of the contract, in the order of their numbers. For whoever works on one of them, and for those who
/// look whether one that is broken is found out.
///
/// # Panics
/// At the first sentence that is broken, or has no check.
pub async fn run_sentences<S: Subject>(subject: S, numbers: &[usize], patience: Patience) {
    let mut stage = Stage::new(subject, patience).await;
    for (number, sentence) in sentences().into_iter().filter(|(number, _)| numbers.contains(number)) {
        let began = Instant::now();
        println!("{number}. {sentence}");
        check(number, &mut stage).await;
        println!("   kept, after {} ms", began.elapsed().as_millis());
    }
    stage.end().await;
}

/// The numbered sentences, in their order.
fn sentences() -> Vec<(usize, &'static str)> {
    let numbered = |line: &'static str| {
        let (number, sentence) = line.split_once(". ")?;
        Some((number.parse().ok()?, sentence))
    };
    CONTRACT.lines().filter_map(numbered).collect()
}

async fn check<S: Subject>(number: usize, stage: &mut Stage<S>) {
    match number {
        1 => beginning::refuses_to_start(stage),
        2 => beginning::shows_itself(stage).await,
        3 => beginning::says_what_it_took(stage).await,
        4 => beginning::starts_again(stage).await,
        5 => asking::asks_again(stage).await,
        6 => asking::shows_trouble(stage).await,
        7 => asking::recovers(stage).await,
        8 => asking::waits_as_named(stage).await,
        9 => sight::nothing_looks_better(stage).await,
        10 => sight::absence_is_unknown(stage).await,
        11 => neighbours::refuses_alone(stage).await,
        12 => asking::deletes_late(stage).await,
        13 => asking::names_permissions(stage).await,
        14 => neighbours::answers_from_disk(stage).await,
        15 => neighbours::hears_the_token(stage).await,
        16 => neighbours::counts_devices(stage).await,
        17 => neighbours::takes_no_more(stage).await,
        18 => neighbours::outlives_the_bus(stage).await,
        19 => said::hides(stage).await,
        20 => said::keeps_words_apart(stage).await,
        21 => said::stays_in_the_group(stage).await,
        22 => said::is_taken(stage).await,
        23 => said::changes_nothing(stage),
        other => panic!("sentence {other} of CONTRACT.md has no check"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentences_are_numbered_and_say_what_must_be() {
        let sentences = sentences();
        assert!(sentences.iter().all(|(_, sentence)| sentence.contains("MUST")), "{sentences:?}");
        assert_eq!(sentences.len(), CHECKS);
    }
}
