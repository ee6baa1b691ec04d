//! What a document cites: itself under other names, vulnerabilities, pages and articles of a knowledge base.

use std::collections::BTreeSet;

use entente_schemas::header::{Ref, RefKind, Relation};
use entente_sidecar::item::Refusal;
use entente_sidecar::reading::address;

use super::claims::Case;
use super::document::Reference;
use super::remedy::Remedy;
use super::table::table;

/// References in the order in which they stand, each once.
#[derive(Default)]
struct Cited {
    known: BTreeSet<(RefKind, String)>,
    refs: Vec<Ref>,
}

impl Cited {
    fn add(&mut self, kind: RefKind, value: &str, relation: Relation) {
        let Some(value) = address(value).map(str::to_owned) else { return };
        if self.known.insert((kind, value.clone())) {
            self.refs.push(Ref { kind, value, relation });
        }
    }

    fn articles(&mut self, text: &str) {
        for article in table().articles(text) {
            self.add(RefKind::Kb, &article, Relation::Related);
        }
    }
}

/// What the whole document cites. A reference that is none costs only itself.
pub(crate) fn of_document(case: &Case<'_>, refused: &mut Vec<Refusal>) -> Vec<Ref> {
    let mut cited = Cited::default();
    cited.add(RefKind::VendorBulletin, case.id, Relation::Same);
    for alias in case.csaf.document.tracking.aliases.iter() {
        cited.add(RefKind::TrackingId, alias, Relation::Same);
    }
    for vulnerability in case.vulnerabilities() {
        vulnerability.cve.iter().for_each(|cve| cited.add(RefKind::Cve, cve, Relation::Related));
        vulnerability.ids.iter().filter_map(|id| id.text.as_deref()).for_each(|text| cited.articles(text));
    }
    let of_vulnerabilities = case.vulnerabilities().flat_map(|vulnerability| vulnerability.references.iter());
    let of_document = case.csaf.document.references.iter();
    for (part, own) in of_document.map(|part| (part, true)).chain(of_vulnerabilities.map(|part| (part, false))) {
        match part.make(|| format!("{}, a reference", case.id), Ok::<_, std::convert::Infallible>) {
            Ok(reference) => {
                let relation = if own && is_self(reference) { Relation::Same } else { Relation::Related };
                cited.add(RefKind::Url, &reference.url, relation);
                cited.articles(&reference.url);
            }
            Err(refusal) => refused.push(refusal),
        }
    }
    cited.refs
}

/// What one remedy cites, its document first: by that it belongs where the document belongs.
pub(crate) fn of_remedy(case: &Case<'_>, remedy: &Remedy<'_>) -> Vec<Ref> {
    let mut cited = Cited::default();
    cited.add(RefKind::TrackingId, &case.object_id, Relation::Related);
    remedy.cves.iter().for_each(|cve| cited.add(RefKind::Cve, cve, Relation::Related));
    if let Some(url) = remedy.said.url {
        cited.add(RefKind::Url, url, Relation::Related);
        cited.articles(url);
    }
    cited.articles(remedy.said.details);
    cited.refs
}

/// The reference of a remedy that is given no longer.
pub(crate) fn of_void(case: &Case<'_>) -> Vec<Ref> {
    let mut cited = Cited::default();
    cited.add(RefKind::TrackingId, &case.object_id, Relation::Related);
    cited.refs
}

/// The document's page for people, if it names one; the address of the document itself is none.
pub(crate) fn own_page<'a>(case: &Case<'a>) -> Option<&'a str> {
    let parts = case.csaf.document.references.iter();
    let references = parts.filter_map(|part| part.make(String::new, Ok::<_, std::convert::Infallible>).ok());
    let pages = references.filter(|reference| is_self(reference)).map(|reference| reference.url.as_str());
    pages.filter(|url| url.starts_with("https://") && *url != case.origin.url).find(|url| !url.ends_with(".json"))
}

fn is_self(reference: &Reference) -> bool {
    reference.category.as_deref().is_some_and(|category| category.trim().eq_ignore_ascii_case("self"))
}
