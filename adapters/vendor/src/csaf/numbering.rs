//! Which number each remedy of a document has, for ever: the one under which it was said before, else a new one. People's runs
//! name an approach by it, so an insertion above it must not make another one of it.

use std::collections::BTreeSet;

use super::claims::Given;

/// The places of remedies in the list of those that were ever given, in the order of `remedies`; places beyond its end are new.
/// One that is called as before keeps its place; of the others, one of the same category counts as rewritten.
pub(crate) fn places(before: &[Given], remedies: &[Given]) -> Vec<usize> {
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    let mut places: Vec<Option<usize>> = vec![None; remedies.len()];
    for same in [Given::eq as fn(&Given, &Given) -> bool, |a, b| a.category == b.category] {
        for (place, remedy) in places.iter_mut().zip(remedies).filter(|(place, _)| place.is_none()) {
            *place = (0..).zip(before).find(|(at, given)| !taken.contains(at) && same(given, remedy)).map(|(at, _)| at);
            taken.extend(*place);
        }
    }
    let mut next = before.len();
    let new = |place: Option<usize>| {
        place.unwrap_or_else(|| {
            next += 1;
            next - 1
        })
    };
    places.into_iter().map(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(list: &[(&str, &str)]) -> Vec<Given> {
        let one =
            |(category, name): &(&str, &str)| Given { category: (*category).into(), name: (*name).into(), done: true };
        list.iter().map(one).collect()
    }

    #[test]
    fn a_remedy_keeps_its_number_whatever_stands_beside_it() {
        let before = given(&[("workaround", "Delete it."), ("vendor_fix", "Update."), ("workaround", "Wait.")]);
        assert_eq!(places(&[], &before), [0, 1, 2]);
        let new = given(&[("mitigation", "Isolate."), ("workaround", "Wait."), ("vendor_fix", "Update.")]);
        assert_eq!(places(&before, &new), [3, 2, 1]);
        let edited = given(&[("workaround", "Delete them."), ("workaround", "Wait."), ("vendor_fix", "Update to 7.")]);
        assert_eq!(places(&before, &edited), [0, 2, 1]);
        let twice = given(&[("workaround", "Wait."), ("workaround", "Wait."), ("workaround", "Wait.")]);
        assert_eq!(places(&before, &twice), [2, 0, 3]);
    }
}
