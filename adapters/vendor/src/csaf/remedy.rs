//! The remedies of a document, each once: providers repeat one text under each of a hundred vulnerabilities.

use std::collections::{BTreeMap, BTreeSet};

use entente_sidecar::decode::Part;
use entente_sidecar::item::Refusal;

use super::document::{Remediation, Restart, Vulnerability};
use super::products::Products;

/// Distinct remedies of one document that are told.
const REMEDIES_MAX: usize = 100;

/// One remedy, and all that it is given for.
#[derive(Debug)]
pub(crate) struct Remedy<'a> {
    pub(crate) said: Said<'a>,
    pub(crate) restart_details: Option<&'a str>,
    /// When it became available: the earliest time that is given.
    pub(crate) date: Option<&'a str>,
    pub(crate) entitlements: BTreeSet<&'a str>,
    pub(crate) cves: BTreeSet<&'a str>,
    pub(crate) products: BTreeSet<&'a str>,
}

/// What makes it this remedy and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said<'a> {
    pub(crate) category: &'a str,
    pub(crate) details: &'a str,
    pub(crate) url: Option<&'a str>,
    pub(crate) restart: Option<&'a str>,
}

/// A remedy that says nothing.
#[derive(Debug, thiserror::Error)]
#[error("the remediation has neither details nor a url, so nobody could follow it")]
struct Silent;

/// The distinct remedies, in the order in which they first stand, and those that cannot be taken.
pub(crate) fn remedies<'a>(
    id: &str,
    vulnerabilities: &[(usize, &'a Vulnerability)],
    products: &Products<'a>,
) -> (Vec<Remedy<'a>>, Vec<Refusal>) {
    let (mut gathered, mut refused) = (Gathered::default(), Vec::new());
    for (number, vulnerability) in vulnerabilities {
        let position = |nth: usize| format!("{id}, vulnerability {number}, remediation {}", nth + 1);
        for (nth, part) in vulnerability.remediations.iter().enumerate() {
            match read(part, || position(nth)) {
                Ok((said, remediation)) => match gathered.of(said) {
                    Some(remedy) => remedy.absorb(vulnerability, remediation, products),
                    None => gathered.beyond += 1,
                },
                Err(refusal) => refused.push(refusal),
            }
        }
    }
    if gathered.beyond > 0 {
        refused.push(too_many(id, gathered.beyond));
    }
    (gathered.list, refused)
}

#[derive(Default)]
struct Gathered<'a> {
    list: Vec<Remedy<'a>>,
    places: BTreeMap<Said<'a>, usize>,
    /// Entries of remedies that there is no room for.
    beyond: usize,
}

impl<'a> Gathered<'a> {
    /// The remedy that is said so; a new one if there is room.
    fn of(&mut self, said: Said<'a>) -> Option<&mut Remedy<'a>> {
        let next = self.list.len();
        let place = match self.places.get(&said) {
            Some(place) => *place,
            None if next == REMEDIES_MAX => return None,
            None => {
                self.places.insert(said, next);
                self.list.push(Remedy::new(said));
                next
            }
        };
        self.list.get_mut(place)
    }
}

fn read<'a>(
    part: &'a Part<Remediation>,
    position: impl FnOnce() -> String,
) -> Result<(Said<'a>, &'a Remediation), Refusal> {
    part.make(position, |remediation| {
        let said = Said::of(remediation);
        if said.details.is_empty() && said.url.is_none() { Err(Silent) } else { Ok((said, remediation)) }
    })
}

fn too_many(id: &str, beyond: usize) -> Refusal {
    Refusal {
        reason: format!(
            "the document gives over {REMEDIES_MAX} distinct remedies; {beyond} entries of others are left to it"
        ),
        position: Some(id.to_owned()),
        input: format!("{id}\n{beyond} entries of remedies beyond {REMEDIES_MAX}").into_bytes(),
    }
}

impl<'a> Said<'a> {
    fn of(remediation: &'a Remediation) -> Self {
        Self {
            category: remediation.category.trim(),
            details: text(remediation.details.as_deref()).unwrap_or_default(),
            url: text(remediation.url.as_deref()),
            restart: remediation.restart_required.as_ref().and_then(restart),
        }
    }
}

fn restart(restart: &Restart) -> Option<&str> {
    text(restart.category.as_deref())
}

fn text(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

impl<'a> Remedy<'a> {
    fn new(said: Said<'a>) -> Self {
        let none = BTreeSet::new;
        Self { said, restart_details: None, date: None, entitlements: none(), cves: none(), products: none() }
    }

    fn absorb(&mut self, vulnerability: &'a Vulnerability, remediation: &'a Remediation, products: &Products<'a>) {
        let details = remediation.restart_required.as_ref().and_then(|restart| text(restart.details.as_deref()));
        self.restart_details = self.restart_details.or(details);
        // Times of one document are written in one way, so that the least text is the earliest.
        self.date = self.date.into_iter().chain(text(remediation.date.as_deref())).min();
        self.entitlements.extend(remediation.entitlements.iter().filter_map(|one| text(Some(one.as_str()))));
        self.cves.extend(text(vulnerability.cve.as_deref()));
        self.products.extend(remediation.product_ids.iter().map(String::as_str));
        self.products.extend(remediation.group_ids.iter().flat_map(|id| products.group(id)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vulnerabilities(json: &str) -> Vec<Vulnerability> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn one_remedy_under_two_vulnerabilities_is_one() {
        let list = vulnerabilities(
            r#"[{"cve":"CVE-2024-1","remediations":[
                {"category":"vendor_fix","details":"Update. ","product_ids":["A"],"date":"2024-07-20T00:00:00Z"},
                {"category":"workaround","details":"Wait.","restart_required":{"category":"system"}}]},
               {"cve":"CVE-2024-2","remediations":[
                {"category":"vendor_fix","details":"Update.","product_ids":["B"],"date":"2024-07-19T00:00:00Z"},
                {"category":"vendor_fix"}, {"details":"of no category"}, 7]}]"#,
        );
        let all: Vec<(usize, &Vulnerability)> = (1..).zip(&list).collect();
        let (remedies, refused) = remedies("X-1", &all, &Products::default());
        let [fix, around] = &remedies[..] else { panic!("{remedies:?}") };
        assert_eq!((fix.said.details, fix.date), ("Update.", Some("2024-07-19T00:00:00Z")));
        assert_eq!(fix.cves, BTreeSet::from(["CVE-2024-1", "CVE-2024-2"]));
        assert_eq!(fix.products, BTreeSet::from(["A", "B"]));
        assert_eq!(around.said.restart, Some("system"));
        assert_eq!(refused.len(), 3);
        assert_eq!(refused[0].position.as_deref(), Some("X-1, vulnerability 2, remediation 2"));
    }

    #[test]
    fn remedies_beyond_the_bound_are_told_as_a_number() {
        let many: Vec<String> =
            (0..REMEDIES_MAX + 7).map(|n| format!(r#"{{"category":"vendor_fix","details":"{n}"}}"#)).collect();
        let list = vulnerabilities(&format!(r#"[{{"remediations":[{}]}}]"#, many.join(",")));
        let (remedies, refused) = remedies("X-1", &[(1, &list[0])], &Products::default());
        assert_eq!((remedies.len(), refused.len()), (REMEDIES_MAX, 1));
        assert!(refused[0].reason.contains("7 entries"), "{}", refused[0].reason);
    }
}
