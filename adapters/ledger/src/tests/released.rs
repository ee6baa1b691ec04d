//! Blocks that come and go: a number that was released is another's only in a file that says nothing of the first, so that
//! no device is ever counted in a block that it was not noted in.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Call {
    Note(usize, usize),
    Forget(usize),
    Gone(usize),
    ForgetGone,
    Release(usize),
    Flush,
    Renew,
    Reopen,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        8 => (0..6usize, 0..9usize).prop_map(|(device, block)| Call::Note(device, block)),
        4 => (0..6usize).prop_map(Call::Forget),
        3 => (0..6usize).prop_map(Call::Gone),
        2 => Just(Call::ForgetGone),
        8 => (0..9usize).prop_map(Call::Release),
        2 => Just(Call::Flush),
        1 => Just(Call::Renew),
        1 => Just(Call::Reopen),
    ];
    proptest::collection::vec(call, 1..150)
}

/// Which block each device is in, by name, and whether it is gone.
type Model = BTreeMap<usize, (usize, bool)>;

fn name(block: usize) -> String {
    format!("block {block}")
}

fn call(ledger: &mut Ledger, model: &mut Model, call: &Call) {
    let note = |ledger: &mut Ledger, device: usize, block: usize, seen| {
        let block = ledger.block(&name(block)).unwrap();
        ledger.note(&device.to_string(), block, seen, 0).unwrap();
    };
    match call {
        Call::Note(device, block) => {
            note(ledger, *device, *block, Seen::Affected);
            model.insert(*device, (*block, false));
        }
        Call::Forget(device) => {
            if let Some((block, _)) = model.remove(device) {
                note(ledger, *device, block, Seen::Forgotten);
            }
        }
        Call::Gone(device) => {
            if let Some((block, gone)) = model.get_mut(device) {
                note(ledger, *device, *block, Seen::Gone);
                *gone = true;
            }
        }
        Call::ForgetGone => {
            let gone = model.values().filter(|(_, gone)| *gone).count() as u64;
            assert_eq!(ledger.forget_gone(|_| true).unwrap(), gone);
            model.retain(|_, (_, gone)| !*gone);
        }
        Call::Release(block) => {
            let number = ledger.block(&name(*block)).unwrap();
            let empty = model.values().all(|(of, _)| of != block);
            assert_eq!(ledger.release(number), empty);
            let noted = ledger.note("new", number, Seen::Gone, 0);
            assert_eq!(matches!(noted, Err(LedgerError::Foreign("block"))), empty);
        }
        Call::Flush => ledger.flush().unwrap(),
        Call::Renew => ledger.renew_now().unwrap(),
        Call::Reopen => {}
    }
}

fn sums(ledger: &Ledger) -> BTreeMap<String, u64> {
    let full = ledger.sums().filter(|(_, sums)| sums.known > 0);
    full.map(|(name, sums)| (name.to_owned(), sums.known)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_device_is_counted_in_the_block_that_it_was_noted_in(calls in calls()) {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open_at(folder.path(), SMALL).unwrap();
        let mut model = Model::new();
        for made in &calls {
            if matches!(made, Call::Reopen) {
                drop(ledger);
                ledger = Ledger::open_at(folder.path(), SMALL).unwrap();
            }
            call(&mut ledger, &mut model, made);
            let mut expected = BTreeMap::new();
            for (block, _) in model.values() {
                *expected.entry(name(*block)).or_default() += 1;
            }
            prop_assert_eq!(sums(&ledger), expected, "{:?}", made);
        }
    }
}

#[test]
fn a_released_number_is_free_once_no_file_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| ledger.block(name).unwrap());
    ledger.flush().unwrap();
    assert!(ledger.release(a) && ledger.release(b));
    assert_eq!(ledger.block("d").unwrap(), BlockId(3));
    ledger.renew_now().unwrap();
    assert_eq!(["e", "f", "g"].map(|name| ledger.block(name).unwrap()), [a, b, BlockId(4)]);
    drop(ledger);
    let ledger = Ledger::open(folder.path()).unwrap();
    assert_eq!(ledger.sums().map(|(name, _)| name).collect::<Vec<_>>(), ["c", "d", "e", "f", "g"]);
    drop(ledger);
    let mut ledger = Ledger::open(folder.path()).unwrap();
    assert_eq!(["c", "f"].map(|name| ledger.block(name).unwrap()), [c, b]);
}

#[test]
fn a_ledger_full_of_blocks_takes_others_for_those_that_were_released() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(folder.path()).unwrap();
    let blocks: Vec<BlockId> = (0..65_535).map(|n| ledger.block(&n.to_string()).unwrap()).collect();
    ledger.note("i-1", blocks[7], Seen::Affected, 0).unwrap();
    assert!(matches!(ledger.block("more"), Err(LedgerError::Full { .. })));
    let released = blocks.iter().filter(|block| ledger.release(**block)).count();
    assert_eq!(released, 65_534);
    for n in 0..65_534 {
        ledger.block(&format!("other {n}")).unwrap();
    }
    assert!(matches!(ledger.block("more"), Err(LedgerError::Full { .. })));
    drop(ledger);
    let ledger = Ledger::open(folder.path()).unwrap();
    assert_eq!(ledger.sums().count(), 65_535);
    assert_eq!(sums(&ledger), BTreeMap::from([("7".to_owned(), 1)]));
}
