//! A document into claims: the document is an advisory, each remedy in it another one, and each remedy that one can carry
//! out also an approach. What an earlier version gave and this one does not is said to be given no longer.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_schemas::check::OBJECT_ID_MAX;
use entente_schemas::family::{Advisory, AdvisoryCategory, Body};
use entente_schemas::header::{Certainty, Native};
use entente_schemas::speaker::Role;
use entente_schemas::tlp::Tlp;
use entente_sidecar::decode::{json, refuse_item};
use entente_sidecar::item::{FeedProfile, Item, Refusal, UnmappedWord};
use entente_sidecar::mapping::{MappingError, Member};
use entente_sidecar::reading::address;
use entente_sidecar::stamp::{MemberError, member, only_observed};
use serde::{Deserialize, Serialize};

use super::advice::{self, Advice};
use super::cited;
use super::document::{Csaf, ProductStatus, Vulnerability};
use super::numbering::places;
use super::products::Products;
use super::remedy::{Remedy, remedies};
use super::table::{Standing, Words, table};
use super::told;
use super::void;

/// Where a document was found, and who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) profile: &'a FeedProfile,
    /// Its address.
    pub(crate) url: &'a str,
    /// Hash of its bytes, lower-case hex.
    pub(crate) sha256: &'a str,
    /// The marking of the list that it stood in, for a document that has none of its own.
    pub(crate) label: Option<&'a str>,
    /// Whether everybody may read what is said.
    pub(crate) open_to_all: bool,
    pub(crate) observed: DateTime<Utc>,
}

/// A remedy that was said of a document; its place in the list is its number, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Given {
    pub(crate) category: String,
    pub(crate) name: String,
    /// Whether it is something that one does.
    pub(crate) done: bool,
}

/// What a document came to.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) item: Item,
    /// Every remedy that was ever said of it.
    pub(crate) given: Vec<Given>,
    pub(crate) unmapped: BTreeMap<UnmappedWord, u64>,
}

/// Why a document is not taken.
#[derive(Debug, thiserror::Error)]
enum ClaimError {
    #[error("the document's tracking id is empty or has over {OBJECT_ID_MAX} characters with the feed's name")]
    Id,
    #[error("the document is a draft, on which nobody may act; it is taken once its status is interim or final")]
    Draft,
    #[error(
        "the document states no tracking.current_release_date, without which an old copy cannot be told from a new one"
    )]
    Undated,
    #[error(transparent)]
    Time(#[from] MemberError),
    #[error("the document is marked `{0}`, which is no label of the Traffic Light Protocol, so nobody may be shown it")]
    Label(String),
    #[error("a document is marked TLP {0}, which only a sharing group may read; read this feed into one")]
    Restricted(Tlp),
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// A document with its ids and times read.
pub(crate) struct Case<'a> {
    pub(crate) origin: Origin<'a>,
    pub(crate) csaf: &'a Csaf,
    /// The tracking id.
    pub(crate) id: &'a str,
    pub(crate) object_id: String,
    pub(crate) released: DateTime<Utc>,
    pub(crate) issuer: Role,
    /// Those that can be read, each with its place in the document, from 1.
    pub(crate) numbered: Vec<(usize, &'a Vulnerability)>,
    pub(crate) products: Products<'a>,
}

/// Reads a document; `before` gives the remedies that were said earlier of the document with a tracking id.
///
/// # Errors
/// If it is no CSAF document, or one that may not be told.
pub(crate) fn claims<'b>(
    body: &[u8],
    origin: Origin<'_>,
    before: impl FnOnce(&str) -> &'b [Given],
) -> Result<Claimed, Refusal> {
    let csaf: Csaf = json(body)?;
    let before = before(csaf.document.tracking.id.trim());
    claimed(&csaf, origin, before, &mut Words::default()).map_err(|error| match error {
        // Who may not read it is not told its name either.
        ClaimError::Restricted(_) => Refusal { position: None, ..refuse_item(error, "", body) },
        error => refuse_item(error, csaf.document.tracking.id.chars().take(80).collect::<String>(), body),
    })
}

fn claimed(csaf: &Csaf, origin: Origin<'_>, before: &[Given], words: &mut Words) -> Result<Claimed, ClaimError> {
    let document = &csaf.document;
    let tlp = marking(csaf, origin)?;
    let standing = words.standing(document.tracking.status.as_deref(), document.category.as_deref());
    if standing == Standing::Draft {
        return Err(ClaimError::Draft);
    }
    let (case, mut refused) = case(csaf, origin, words)?;
    let (list, bad) = remedies(case.id, &case.numbered, &case.products);
    refused.extend(bad);
    refused.extend(told::unread(&case));
    let mut item = Item {
        object_id: case.object_id.clone(),
        native: native(&case)?,
        times: entente_schemas::header::Times { published_at: Some(case.released), ..only_observed(origin.observed) },
        refs: cited::of_document(&case, &mut refused),
        certainty: Certainty::Observed,
        tlp,
        body: Body::Advisory(advisory(&case, &list, standing, words)),
        also: Vec::new(),
        refused,
    };
    item.native.digest = table().mapping.digest("document", |name| document_member(&case, &item, name))?;
    let said = if standing.void().is_some() { &[][..] } else { &list[..] };
    let given = remedied(&case, said, (before, standing.void().unwrap_or("no longer given")), words, &mut item)?;
    Ok(Claimed { item, given, unmapped: std::mem::take(words).into_unmapped() })
}

/// Adds what is said of each remedy to the document's item, and of those that were given `before` and are no more, with the
/// word for that; gives every remedy that was ever given.
fn remedied(
    case: &Case<'_>,
    said: &[Remedy<'_>],
    (before, word): (&[Given], &str),
    words: &mut Words,
    item: &mut Item,
) -> Result<Vec<Given>, ClaimError> {
    let advice: Vec<Advice<'_>> = said.iter().map(|remedy| Advice::of(case, remedy, words)).collect();
    let named: Vec<Given> = advice.iter().map(Advice::given).collect();
    let places = places(before, &named);
    let mut given = before.to_vec();
    for ((place, advice), named) in places.iter().zip(&advice).zip(named) {
        item.also.extend(advice::statements(case, advice, place + 1, &mut item.refused)?);
        match given.get_mut(*place) {
            Some(known) => *known = named,
            None => given.push(named),
        }
    }
    for (place, gone) in given.iter().enumerate().filter(|(place, _)| !places.contains(place)) {
        item.also.extend(void::statements(case, gone, place + 1, word)?);
    }
    Ok(given)
}

fn case<'a>(csaf: &'a Csaf, origin: Origin<'a>, words: &mut Words) -> Result<(Case<'a>, Vec<Refusal>), ClaimError> {
    let tracking = &csaf.document.tracking;
    let id = tracking.id.trim();
    let object_id = format!("{}:{id}", origin.profile.system);
    // Room for the number of a remedy.
    if id.is_empty() || object_id.chars().count() + "/000".len() > OBJECT_ID_MAX {
        return Err(ClaimError::Id);
    }
    let date = tracking.current_release_date.as_deref().ok_or(ClaimError::Undated)?;
    let (mut numbered, mut refused) = (Vec::new(), Vec::new());
    for (index, part) in csaf.vulnerabilities.iter().enumerate() {
        match part.make(|| format!("{id}, vulnerability {}", index + 1), Ok::<_, std::convert::Infallible>) {
            Ok(vulnerability) => numbered.push((index + 1, vulnerability)),
            Err(refusal) => refused.push(refusal),
        }
    }
    let category = csaf.document.publisher.as_ref().and_then(|publisher| publisher.category.as_deref());
    let case = Case {
        origin,
        csaf,
        id,
        object_id,
        released: member("tracking.current_release_date", date, origin.observed)?,
        issuer: words.issuer(category),
        numbered,
        products: Products::of(csaf.product_tree.as_ref()),
    };
    Ok((case, refused))
}

/// The document's own marking, else that of the list that it stood in.
fn marking(csaf: &Csaf, origin: Origin<'_>) -> Result<Option<Tlp>, ClaimError> {
    let own = csaf.document.distribution.as_ref().and_then(|distribution| distribution.tlp.as_ref());
    let own = own.and_then(|tlp| tlp.label.as_deref()).filter(|label| !label.trim().is_empty());
    let Some(label) = own.or(origin.label) else { return Ok(None) };
    let tlp = table().tlp(label).ok_or_else(|| ClaimError::Label(label.chars().take(40).collect()))?;
    if origin.open_to_all && !tlp.fits_all() { Err(ClaimError::Restricted(tlp)) } else { Ok(Some(tlp)) }
}

fn native(case: &Case<'_>) -> Result<Native, ClaimError> {
    let document = &case.csaf.document;
    let severity = document.aggregate_severity.as_ref().and_then(|severity| severity.text.clone());
    let severity = severity.filter(|word| !word.trim().is_empty()).or_else(|| told::gravest(case));
    let page = cited::own_page(case).unwrap_or(case.origin.url);
    Ok(Native {
        status: document.tracking.status.clone(),
        severity,
        category: document.category.clone(),
        ..table().mapping.native(&case.origin.profile.system, case.id.to_owned(), address(page))
    })
}

fn advisory(case: &Case<'_>, list: &[Remedy<'_>], standing: Standing, words: &mut Words) -> Advisory {
    let title = case.csaf.document.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    let title = title.map_or_else(|| format!("Advisory {}", case.id), str::to_owned);
    let otherwise = words.document(case.csaf.document.category.as_deref());
    let best = list.iter().filter_map(|remedy| table().remediation(remedy.said.category)).min_by_key(|(rank, _)| *rank);
    let restarts: BTreeSet<bool> = list.iter().filter_map(|remedy| advice::restart_required(remedy)).collect();
    let (title, category) = match standing.void() {
        Some(word) => (format!("{}: {title}", void::capital(word)), AdvisoryCategory::Statement),
        None => (title, best.map_or(otherwise, |(_, rule)| rule.category)),
    };
    Advisory {
        issuer_role: case.issuer,
        category,
        title,
        text: told::text(case),
        vendor: case.vendor(&case.hit()),
        products: case.products.names(case.hit()),
        artifacts: case.products.files(case.hit()),
        // Said of the document only where all its remedies agree.
        restart_required: if restarts.len() == 1 { restarts.first().copied() } else { None },
        preconditions: Vec::new(),
        documents: vec![advice::document(case)],
    }
}

impl<'a> Case<'a> {
    pub(crate) fn vulnerabilities(&self) -> impl Iterator<Item = &'a Vulnerability> {
        self.numbered.iter().map(|(_, vulnerability)| *vulnerability)
    }

    /// The products that the document says are hit, or may be; else those that it says are so no longer; of a document that
    /// says neither all that it names, unless it says that they are spared.
    pub(crate) fn hit(&self) -> BTreeSet<&'a str> {
        let statuses = || self.vulnerabilities().filter_map(|vulnerability| vulnerability.product_status.as_ref());
        let hit: BTreeSet<&str> = statuses().flat_map(ProductStatus::hit).map(String::as_str).collect();
        if !hit.is_empty() {
            return hit;
        }
        let mended: BTreeSet<&str> = statuses().flat_map(ProductStatus::mended).map(String::as_str).collect();
        let spared = statuses().any(|status| !status.known_not_affected.is_empty());
        if mended.is_empty() && !spared { self.products.ids() } else { mended }
    }

    /// The vendor of products: the publisher of its own, else the one that the product tree names.
    pub(crate) fn vendor(&self, ids: &BTreeSet<&str>) -> Option<String> {
        if self.issuer == Role::Vendor {
            return Some(self.origin.profile.speaker.org.clone());
        }
        let vendors = self.products.vendors(ids.iter().copied());
        if let [vendor] = vendors.into_iter().collect::<Vec<_>>()[..] { Some(vendor.trim().to_owned()) } else { None }
    }
}

fn document_member(case: &Case<'_>, item: &Item, name: &str) -> Member {
    let (document, tracking) = (&case.csaf.document, &case.csaf.document.tracking);
    let Body::Advisory(advisory) = &item.body else { return Member::Absent };
    match name {
        "id" => case.id.into(),
        "version" => tracking.version.as_deref().into(),
        "status" => tracking.status.as_deref().into(),
        "released" => tracking.current_release_date.as_deref().into(),
        "title" => document.title.as_deref().into(),
        "category" => document.category.as_deref().into(),
        "severity" => item.native.severity.as_deref().into(),
        "products" => advisory.products.clone().into(),
        "references" => item.refs.iter().map(|one| one.value.clone()).collect::<Vec<_>>().into(),
        "text" => advisory.text.as_deref().into(),
        _ => Member::Absent,
    }
}
