//! The text of a document's advice: its notes, what changed last, and of each vulnerability what it is called, how grave it
//! is, who uses it and whom it spares. What is told first is what is left if the text must be cut.

use std::collections::BTreeSet;
use std::convert::Infallible;

use entente_sidecar::decode::Part;
use entente_sidecar::item::Refusal;

use super::claims::Case;
use super::document::{Cvss, Note, Vulnerability};
use super::table::table;

/// Names of products that one line tells.
const NAMES_MAX: usize = 20;

/// All that is told.
pub(crate) fn text(case: &Case<'_>) -> Option<String> {
    let mut parts: Vec<String> = case.csaf.document.notes.iter().filter_map(note).collect();
    parts.extend(changed(case));
    let lines: Vec<String> = case.vulnerabilities().flat_map(|vulnerability| lines(case, vulnerability)).collect();
    parts.extend((!lines.is_empty()).then(|| lines.join("\n")));
    parts.extend(case.vulnerabilities().flat_map(notes));
    let mut told = BTreeSet::new();
    parts.retain(|part| told.insert(part.clone()));
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// The gravest score of the document, in its own words: `9.8 CRITICAL`.
pub(crate) fn gravest(case: &Case<'_>) -> Option<String> {
    graver(case.vulnerabilities().flat_map(scores)).map(score)
}

/// The parts that cannot be told, for they are none.
pub(crate) fn unread(case: &Case<'_>) -> Vec<Refusal> {
    let mut refused = Vec::new();
    bad(&case.csaf.document.tracking.revision_history, &format!("{}, revision", case.id), &mut refused);
    for (number, vulnerability) in &case.numbered {
        let at = |what: &str| format!("{}, vulnerability {number}, {what}", case.id);
        bad(&vulnerability.notes, &at("note"), &mut refused);
        bad(&vulnerability.scores, &at("score"), &mut refused);
        bad(&vulnerability.metrics, &at("metric"), &mut refused);
        bad(&vulnerability.threats, &at("threat"), &mut refused);
        bad(&vulnerability.flags, &at("flag"), &mut refused);
    }
    refused
}

fn bad<T>(parts: &[Part<T>], at: &str, refused: &mut Vec<Refusal>) {
    let made = parts
        .iter()
        .enumerate()
        .map(|(nth, part)| part.make(|| format!("{at} {}", nth + 1), Ok::<_, Infallible>).err());
    refused.extend(made.flatten());
}

fn read<T>(parts: &[Part<T>]) -> impl Iterator<Item = &T> {
    parts.iter().filter_map(|part| part.make(String::new, Ok::<_, Infallible>).ok())
}

fn note(note: &Note) -> Option<String> {
    if !table().is_told(note.category.as_deref().unwrap_or("other")) {
        return None;
    }
    let text = some(note.text.as_deref())?;
    Some(some(note.title.as_deref()).map_or_else(|| text.to_owned(), |title| format!("{title}\n{text}")))
}

/// The notes of a vulnerability, under its name.
fn notes(vulnerability: &Vulnerability) -> Option<String> {
    let notes: Vec<String> = read(&vulnerability.notes).filter_map(note).collect();
    let named = some(vulnerability.cve.as_deref()).or(some(vulnerability.title.as_deref()));
    (!notes.is_empty()).then(|| named.map(str::to_owned).into_iter().chain(notes).collect::<Vec<_>>().join("\n"))
}

/// What its publisher says of the version that this is.
fn changed(case: &Case<'_>) -> Option<String> {
    let tracking = &case.csaf.document.tracking;
    let version = some(tracking.version.as_deref())?;
    let revision = read(&tracking.revision_history).find(|revision| revision.number.trim() == version)?;
    let date = some(revision.date.as_deref()).map(|date| format!(" ({date})")).unwrap_or_default();
    some(revision.summary.as_deref()).map(|summary| format!("Version {version}{date}: {summary}"))
}

fn lines(case: &Case<'_>, vulnerability: &Vulnerability) -> Vec<String> {
    let cve = some(vulnerability.cve.as_deref());
    let grave = graver(scores(vulnerability)).map(|one| format!("CVSS {}", score(one)));
    let parts: Vec<String> = some(vulnerability.title.as_deref()).map(str::to_owned).into_iter().chain(grave).collect();
    let mut lines = Vec::new();
    if !parts.is_empty() {
        lines.push(cve.into_iter().map(|cve| format!("{cve}: ")).chain([parts.join("; ")]).collect());
    }
    lines.extend(threats(vulnerability).into_iter().map(|line| under(cve, &line)));
    lines.extend(spared(case, vulnerability).into_iter().map(|line| under(cve, &line)));
    lines
}

/// Whom it does not hit and why, and of whom that is not known yet.
fn spared(case: &Case<'_>, vulnerability: &Vulnerability) -> Vec<String> {
    let Some(status) = &vulnerability.product_status else { return Vec::new() };
    let said = |word: &str, ids: &[String]| (!ids.is_empty()).then(|| format!("{word}: {}", names(case, ids)));
    let why: BTreeSet<String> = read(&vulnerability.flags).map(|flag| flag.label.trim().replace('_', " ")).collect();
    let why = why.into_iter().filter(|why| !why.is_empty()).collect::<Vec<_>>().join(", ");
    let why = if why.is_empty() { why } else { format!(" ({why})") };
    let spared = said("not affected", &status.known_not_affected).map(|line| line + &why);
    spared.into_iter().chain(said("under investigation", &status.under_investigation)).collect()
}

fn under(cve: Option<&str>, line: &str) -> String {
    cve.map_or_else(|| line.to_owned(), |cve| format!("{cve}: {line}"))
}

/// What is said of threats, each text once, however many products it is said of.
fn threats(vulnerability: &Vulnerability) -> BTreeSet<String> {
    let threats = read(&vulnerability.threats).filter_map(|threat| {
        let details = some(Some(&threat.details))?;
        Some(format!("{}: {details}", some(Some(&threat.category))?.replace('_', " ")))
    });
    threats.collect()
}

fn names(case: &Case<'_>, ids: &[String]) -> String {
    let names = case.products.full_names(ids.iter().map(String::as_str));
    let more = names.len().saturating_sub(NAMES_MAX);
    let more = (more > 0).then(|| format!("{more} more"));
    names.into_iter().take(NAMES_MAX).chain(more).collect::<Vec<_>>().join(", ")
}

fn scores(vulnerability: &Vulnerability) -> impl Iterator<Item = &Cvss> {
    let metrics = read(&vulnerability.metrics).map(|metric| &metric.content);
    let scores = read(&vulnerability.scores).chain(metrics);
    scores.filter_map(|score| score.cvss_v4.as_ref().or(score.cvss_v3.as_ref()).or(score.cvss_v2.as_ref()))
}

fn graver<'a>(scores: impl Iterator<Item = &'a Cvss>) -> Option<&'a Cvss> {
    let of = |one: &Cvss| one.base_score.as_f64().unwrap_or_default();
    scores.reduce(|worst, one| if of(one) > of(worst) { one } else { worst })
}

fn score(one: &Cvss) -> String {
    let word = some(one.base_severity.as_deref()).map(|word| format!(" {word}")).unwrap_or_default();
    format!("{}{word}", one.base_score)
}

fn some(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}
