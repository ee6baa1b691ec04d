//! Why members are one incident, and why what looks alike is not: in words that one would say aloud.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use entente_schemas::block::{Block, ServiceClass};
use entente_schemas::family::{CauseStatus, ConstraintKind, Family};
use entente_schemas::header::Relation;

use crate::join::facets::{Found, Key};
use crate::join::graph::{Evidence, Id};
use crate::join::reach;
use crate::join::scene::{Ground, Scene};
use crate::picture::{Join, NearMiss, Opinion};
use crate::words;

/// Members whose joins are listed for one incident at most.
const JOINS_MAX: usize = 200;
/// Near misses listed for one incident at most.
pub(crate) const NEAR_MAX: usize = 12;
/// Members around which near misses are looked for.
pub(crate) const NEAR_MEMBERS: usize = 8;

/// Why the members are one incident: for each, its strongest tie to an earlier one.
pub(crate) fn joins(scene: &Scene<'_>) -> Vec<Join> {
    let ids: Vec<Id> = members(scene);
    let place: BTreeMap<&Id, usize> = ids.iter().enumerate().map(|(at, id)| (id, at)).collect();
    let ground = scene.ground;
    let mut joins = Vec::new();
    for (at, id) in ids.iter().enumerate().take(JOINS_MAX) {
        if let Some((target, provider)) = ground.clusters.part_of(id) {
            joins.push(part_of(ground, id, target, provider));
        }
        let linked = ground.rules.linked_with(id).filter_map(|other| ground.graph.id(other));
        let near: BTreeSet<Id> = ground.graph.candidates(id, ground.model).into_iter().chain(linked).collect();
        let earlier = near.iter().filter(|other| place.get(other).is_some_and(|place| *place < at));
        // Counted first, and put in words for the best alone: a member has many neighbours.
        let strength = |other: &Id| (ground.rules.links(id, other), ground.graph.strength(id, other, ground.model));
        let tied = earlier.map(|other| (strength(other), other)).filter(|(strength, _)| *strength != (false, 0));
        let best = tied.max_by_key(|(strength, other)| (*strength, std::cmp::Reverse(place.get(other).copied())));
        if let Some((_, other)) = best {
            let reasons = reasons(ground, id, other);
            joins.push(Join { a: id.to_string(), b: other.to_string(), relation: Relation::Same, reasons });
        }
    }
    joins
}

fn members(scene: &Scene<'_>) -> Vec<Id> {
    scene.hits.iter().filter_map(|hit| scene.ground.graph.id(&hit.entry.header().object_id)).collect()
}

/// Every reason that ties two members, a person's word first.
fn reasons(ground: Ground<'_>, a: &Id, b: &Id) -> Vec<String> {
    let mut reasons = Vec::new();
    if ground.rules.linked_with(a).any(|other| other == &**b) {
        reasons.extend(asserted(ground, a, b, ConstraintKind::MustLink));
    }
    reasons.extend(ground.graph.evidence(a, b, ground.model).iter().map(|one| in_words(ground, a, b, one)));
    reasons
}

fn asserted(ground: Ground<'_>, a: &str, b: &str, kind: ConstraintKind) -> Vec<String> {
    let said = reach::standing(ground.objects, ground.log_clock).filter(|(_, constraint)| {
        let links = constraint.kind != ConstraintKind::CannotLink;
        links == (kind != ConstraintKind::CannotLink)
            && [a, b].iter().all(|id| reach::names(ground.objects, constraint, id))
    });
    let words = if kind == ConstraintKind::CannotLink { "keeps them apart" } else { "says they are one" };
    said.map(|(entry, constraint)| format!("{} {words}: {}", words::org(entry.author_org()), constraint.reason))
        .collect()
}

fn part_of(ground: Ground<'_>, id: &Id, target: &Id, provider: &str) -> Join {
    let vendor = ground.graph.vertex(id).map(|vertex| words::org(&vertex.speaker)).unwrap_or_default();
    let lag = apart(ground, id, target);
    let reason = format!("{vendor} says that it is hurt by {}, and the two {lag}", words::org(provider));
    Join { a: id.to_string(), b: target.to_string(), relation: Relation::PartOf, reasons: vec![reason] }
}

/// How far apart they began, where both say when; else how far apart they were first said.
fn apart(ground: Ground<'_>, a: &str, b: &str) -> String {
    let (Some(x), Some(y)) = (ground.graph.vertex(a), ground.graph.vertex(b)) else { return String::new() };
    let apart = words::age((x.onset - y.onset).abs());
    if x.onset_stated && y.onset_stated {
        format!("began {apart} apart")
    } else {
        format!("are {apart} apart by what is known (a start is not stated)")
    }
}

fn in_words(ground: Ground<'_>, a: &str, b: &str, evidence: &Evidence) -> String {
    match evidence {
        Evidence::Common(Key::Tracking(id)) => format!("both carry the tracking id {}", as_written(a, b, id)),
        Evidence::Common(Key::Page(page)) => format!("both cite the page {page}"),
        Evidence::Common(Key::Document(document)) => format!("both cite {document}"),
        Evidence::Common(key @ Key::Product(vendor, product)) => {
            let implied = [a, b].iter().any(|id| {
                ground.graph.vertex(id).and_then(|vertex| vertex.facets.keys.get(key)) == Some(&Found::Implied)
            });
            let what = if implied { "both name parts of" } else { "both name" };
            format!("{what} {product} of {}, and {}", words::org(vendor), apart(ground, a, b))
        }
        Evidence::Common(Key::Artifact(name)) => format!("both name {name}, and {}", apart(ground, a, b)),
        Evidence::Place(place) => format!(
            "both are about {} of {} in {}, and {}",
            place.service,
            words::org(&place.provider),
            place.region,
            apart(ground, a, b)
        ),
        Evidence::Word(relation) => format!("one names the other as {}", relation.to_string().replace('_', " ")),
    }
}

/// A tracking id as its item writes it, else in capitals, as texts have them.
fn as_written(a: &str, b: &str, id: &str) -> String {
    let mut own = [a, b].into_iter().filter_map(|object| object.split_once(':')).map(|(_, own)| own);
    own.find(|own| own.to_lowercase() == id).map_or_else(|| id.to_uppercase(), str::to_owned)
}

/// What was nearly joined, at most `most`: what a rule would join but a word forbids, and what has something in common in
/// time. Looked for around the members `around`.
pub(crate) fn near_misses(ground: Ground<'_>, anchor: &str, around: &[Id], most: usize) -> Vec<NearMiss> {
    // Asked of everybody near in time, and only asked: its order reaches nothing.
    let own: HashSet<&str> = ground.clusters.members(anchor).map(|id| &**id).collect();
    let inside = |other: &Id| own.contains(&**other);
    let mut seen: BTreeSet<Id> = BTreeSet::new();
    let mut found = Vec::new();
    for id in around {
        for other in ground.graph.nearly(id, ground.model, NEAR_MAX, &|other| !inside(other)) {
            if found.len() >= most {
                return found;
            }
            if seen.insert(Id::clone(&other)) {
                found.extend(near_miss(ground, id, &other));
            }
        }
    }
    found
}

fn near_miss(ground: Ground<'_>, id: &Id, other: &Id) -> Option<NearMiss> {
    let (x, y) = (ground.graph.vertex(id)?, ground.graph.vertex(other)?);
    let mut speaks_for: Vec<String> =
        ground.graph.evidence(id, other, ground.model).iter().map(|one| in_words(ground, id, other, one)).collect();
    let vendors: Vec<String> =
        x.facets.vendors.intersection(&y.facets.vendors).map(|vendor| words::org(vendor)).collect();
    if speaks_for.is_empty() && !vendors.is_empty() {
        speaks_for.push(format!("both name {}", words::list(&vendors, 3)));
    }
    let classes: Vec<String> = x.classes.intersection(&y.classes).map(|class| words::class(*class)).collect();
    if !classes.is_empty() {
        speaks_for.push(format!("both about {}", words::list(&classes, 3)));
    }
    speaks_for.push(apart(ground, id, other));
    Some(NearMiss {
        object_id: id.to_string(),
        other: other.to_string(),
        other_incident: ground.clusters.anchor_of(other).map(|anchor| ground.incident(anchor)),
        speaks_for: speaks_for.join("; "),
        speaks_against: against(ground, id, other),
        shared: ground.objects.current_by_id(Family::Impact, other).and_then(|entry| entry.shared()),
    })
}

fn against(ground: Ground<'_>, id: &Id, other: &Id) -> String {
    let forbidden = asserted(ground, id, other, ConstraintKind::CannotLink);
    if !forbidden.is_empty() {
        return forbidden.join("; ");
    }
    if ground.graph.kept_apart_by_word(id, other) {
        return "one says expressly that it is not the other".to_owned();
    }
    let (Some(x), Some(y)) = (ground.graph.vertex(id), ground.graph.vertex(other)) else { return String::new() };
    let same_provider: Vec<String> = x.providers.intersection(&y.providers).cloned().collect();
    let mut missing =
        vec!["no tracking id, page or document in common", "no product or artifact in common within 24 h"];
    missing.push(if same_provider.is_empty() {
        "different providers"
    } else {
        "not the same service and region within 1 h"
    });
    missing.join("; ")
}

/// What people said about the joining of these members, the newest first.
pub(crate) fn opinions(scene: &Scene<'_>) -> Vec<Opinion> {
    let said = reach::standing(scene.ground.objects, scene.ground.log_clock);
    let mut opinions: Vec<Opinion> = said
        .filter(|(_, constraint)| scene.is_named(constraint))
        .map(|(entry, constraint)| Opinion {
            object_id: entry.header().object_id.clone(),
            kind: constraint.kind.to_string(),
            objects: constraint.objects.clone(),
            author: entry
                .header()
                .author
                .as_ref()
                .and_then(|author| author.person.clone())
                .unwrap_or_else(|| "desk".to_owned()),
            org: entry.author_org().to_owned(),
            reason: constraint.reason.clone(),
            binds: scene.ground.rules.binding.contains(&entry.event.id),
            logged: entry.order.logged,
            shared: entry.shared(),
        })
        .collect();
    opinions.sort_by(|a, b| b.logged.cmp(&a.logged).then_with(|| a.object_id.cmp(&b.object_id)));
    opinions
}

/// The name of an incident: declared by somebody whose word binds, the newest; else built from data: artifact or product,
/// what fails and where; else the title of the member that was logged first.
pub(crate) fn name(scene: &Scene<'_>) -> (String, Option<String>) {
    let named = |constraint: &entente_schemas::family::Constraint| {
        constraint.kind == ConstraintKind::Declare && scene.is_named(constraint)
    };
    let declared = reach::standing(scene.ground.objects, scene.ground.log_clock)
        .filter(|(entry, constraint)| scene.ground.rules.binding.contains(&entry.event.id) && named(constraint))
        .max_by_key(|(entry, _)| &entry.order);
    if let Some((entry, constraint)) = declared
        && let Some(name) = &constraint.name
    {
        return (name.clone(), Some(entry.author_org().to_owned()));
    }
    (built_name(scene).unwrap_or_else(|| anchor_title(scene)), None)
}

/// The title of the member that was logged first, but for those that are hurt by what another one tells, and for titles
/// that only point elsewhere ("merged with ..."), as long as a better one is there.
fn anchor_title(scene: &Scene<'_>) -> String {
    let ground = scene.ground;
    let hurt = |hit: &crate::join::scene::Hit<'_>| {
        ground.graph.id(&hit.entry.header().object_id).is_some_and(|id| ground.clusters.part_of(&id).is_some())
    };
    let best = scene.hits.iter().min_by_key(|hit| (hit.impact.title.contains("://"), hurt(hit)));
    best.map(|hit| words::cut(&hit.impact.title, 120)).unwrap_or_default()
}

/// A product that a member claims, or an artifact that one states or two share, makes a name. A product that is only read
/// from texts and artifacts does not: its maker would stand in the title as the cause, and nobody has said so.
fn built_name(scene: &Scene<'_>) -> Option<String> {
    let vertices: Vec<_> =
        scene.hits.iter().filter_map(|hit| scene.ground.graph.vertex(&hit.entry.header().object_id)).collect();
    let carried = |key: &Key| {
        let all = vertices.iter().filter(|vertex| vertex.facets.keys.contains_key(key)).count();
        let stated = vertices.iter().any(|v| v.facets.keys.get(key) == Some(&Found::Stated));
        all >= 2 || stated
    };
    let keys: BTreeSet<&Key> = vertices.iter().flat_map(|vertex| vertex.facets.keys.keys()).collect();
    let artifact = keys.iter().find(|key| matches!(key, Key::Artifact(_)) && carried(key));
    let products = claimed_products(scene);
    let (what, maker) = match (products.first(), artifact) {
        (Some((vendor, product)), _) => (format!("{} {product}", words::org(vendor)), vendor.as_str()),
        (None, Some(Key::Artifact(name))) => (name.clone(), ""),
        _ => return None,
    };
    Some(format!("{what}: {}", scope(scene, maker)))
}

/// The products that members state of what is hit, or blame, as vendor and product.
fn claimed_products(scene: &Scene<'_>) -> BTreeSet<(String, String)> {
    let stated = scene.hits.iter().flat_map(|hit| {
        let blamed = hit.impact.suspected_cause.iter().filter(|cause| cause.status != CauseStatus::RuledOut);
        let blamed = blamed.map(|cause| (cause.vendor.as_deref(), cause.product.as_deref()));
        let assets = hit.impact.blocks.iter().filter_map(|block| block.asset.as_ref());
        blamed.chain(assets.map(|asset| (asset.vendor.as_deref(), asset.product.as_deref())))
    });
    let canonical = |(vendor, product): (Option<&str>, Option<&str>)| {
        let (vendor, product) = scene.ground.model.canonical_product(vendor?, product);
        Some((vendor, product?))
    };
    stated.filter_map(canonical).collect()
}

/// What fails, and at whom: `Windows VMs at AWS, Azure and GCP`. What the maker of the product claims of itself goes
/// without saying, as long as others are hit; so does a class where some say which kind of it.
fn scope(scene: &Scene<'_>, maker: &str) -> String {
    let all = || scene.hits.iter().flat_map(|hit| hit.impact.blocks.iter());
    let others = all().any(|block| block.provider != maker);
    let blocks = || all().filter(move |block| !others || block.provider != maker);
    let os = |block: &Block| block.os_family().map(str::to_owned);
    let kinds: BTreeSet<ServiceClass> = blocks().filter(|b| os(b).is_some()).map(|block| block.service_class).collect();
    let told = blocks().filter(|block| os(block).is_some() || !kinds.contains(&block.service_class));
    let what: BTreeSet<String> = told.map(|block| words::class_on(block.service_class, os(block).as_deref())).collect();
    let at: BTreeSet<String> = blocks().map(|block| words::org(&block.provider)).collect();
    let (what, at): (Vec<String>, Vec<String>) = (what.into_iter().collect(), at.into_iter().collect());
    if what.is_empty() { anchor_title(scene) } else { format!("{} at {}", words::list(&what, 2), words::list(&at, 3)) }
}

/// The relation of an impact to its incident.
pub(crate) fn relation(ground: Ground<'_>, family: Family, id: &str) -> Relation {
    if family != Family::Impact {
        Relation::Related
    } else if ground.clusters.part_of(id).is_some() {
        Relation::PartOf
    } else {
        Relation::Same
    }
}
