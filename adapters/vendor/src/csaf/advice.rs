//! One remedy into statements: the advice, and the approach where it is something that one does.

use entente_schemas::family::{Advisory, AdvisoryCategory, Approach, Body, Caution, Document};
use entente_schemas::header::{Native, Times};
use entente_sidecar::item::{Refusal, Statement};
use entente_sidecar::mapping::{MappingError, Member};
use entente_sidecar::reading::address;
use entente_sidecar::stamp::{fidelity, only_observed, optional};

use super::cited;
use super::claims::{Case, Given};
use super::remedy::Remedy;
use super::table::{ApproachRule, Words, table};

/// Conditions of one remedy that are told.
const ENTITLEMENTS_MAX: usize = 20;
/// Characters of the line that a remedy is called by.
const NAME_MAX: usize = 200;

/// A remedy, and what its category comes to.
pub(crate) struct Advice<'a> {
    pub(crate) remedy: &'a Remedy<'a>,
    name: String,
    category: AdvisoryCategory,
    approach: Option<ApproachRule>,
    products: Vec<String>,
    vendor: Option<String>,
}

impl<'a> Advice<'a> {
    pub(crate) fn of(case: &Case<'a>, remedy: &'a Remedy<'a>, words: &mut Words) -> Self {
        let (_, category, approach) = words.remediation(remedy.said.category);
        Self {
            remedy,
            name: name(remedy),
            category,
            approach,
            products: case.products.names(remedy.products.iter().copied()),
            vendor: case.vendor(&remedy.products),
        }
    }

    /// What is remembered of it.
    pub(crate) fn given(&self) -> Given {
        Given { category: self.category.to_string(), name: self.name.clone(), done: self.approach.is_some() }
    }
}

/// What is said of a remedy under its number.
///
/// # Errors
/// If the mapping has no such digest.
pub(crate) fn statements(
    case: &Case<'_>,
    advice: &Advice<'_>,
    number: usize,
    refused: &mut Vec<Refusal>,
) -> Result<Vec<Statement>, MappingError> {
    let since = optional("remediations.date", advice.remedy.date, case.origin.observed).unwrap_or_else(|error| {
        let position = format!("{}/{number}", case.id);
        let input = format!("{position}\n{}", advice.remedy.date.unwrap_or_default()).into_bytes();
        refused.push(Refusal { reason: error.to_string(), position: Some(position), input });
        None
    });
    let of = |list: &str, body| {
        Ok::<_, MappingError>(Statement {
            object_id: format!("{}/{number}", case.object_id),
            native: native(case, advice, number, list)?,
            times: Times { occurred_at: since, fidelity: since.map(fidelity), ..said(case) },
            refs: cited::of_remedy(case, advice.remedy),
            body,
        })
    };
    let mut statements = vec![of("remediation", Body::Advisory(advisory(case, advice)))?];
    if let Some(rule) = advice.approach {
        statements.push(of("approach", Body::Approach(approach(advice, rule)))?);
    }
    Ok(statements)
}

/// The clocks of what is said with a version of the document.
pub(crate) fn said(case: &Case<'_>) -> Times {
    Times { published_at: Some(case.released), ..only_observed(case.origin.observed) }
}

fn native(case: &Case<'_>, advice: &Advice<'_>, number: usize, list: &str) -> Result<Native, MappingError> {
    let id = format!("{}/{number}", case.id);
    Ok(Native {
        category: Some(advice.remedy.said.category.to_owned()),
        digest: table().mapping.digest(list, |name| member(advice, name))?,
        ..table().mapping.native(&case.origin.profile.system, id, advice.remedy.said.url.and_then(address))
    })
}

fn member(advice: &Advice<'_>, name: &str) -> Member {
    let (said, list) = (&advice.remedy.said, |set: &std::collections::BTreeSet<&str>| {
        Member::Many(set.iter().map(|one| (*one).to_owned()).collect())
    });
    match name {
        "category" => said.category.into(),
        "details" => said.details.into(),
        "url" => said.url.into(),
        "date" => advice.remedy.date.into(),
        "restart" => said.restart.into(),
        "entitlements" => list(&advice.remedy.entitlements),
        "products" => advice.products.clone().into(),
        "vulnerabilities" => list(&advice.remedy.cves),
        _ => Member::Absent,
    }
}

fn advisory(case: &Case<'_>, advice: &Advice<'_>) -> Advisory {
    Advisory {
        issuer_role: case.issuer,
        category: advice.category,
        title: advice.name.clone(),
        text: text(advice.remedy),
        vendor: advice.vendor.clone(),
        products: advice.products.clone(),
        artifacts: case.products.files(advice.remedy.products.iter().copied()),
        restart_required: restart_required(advice.remedy),
        preconditions: entitlements(advice.remedy),
        documents: vec![document(case)],
    }
}

fn approach(advice: &Advice<'_>, rule: ApproachRule) -> Approach {
    let text = |text| Caution { text, harm_count: None, since: None };
    Approach {
        name: advice.name.clone(),
        kind: rule.kind,
        automation: rule.automation,
        same_as: None,
        access: entitlements(advice.remedy),
        risk: None,
        artifacts: Vec::new(),
        est_seconds_per_unit: None,
        replaces: None,
        applies_to: Vec::new(),
        vendor: advice.vendor.clone(),
        product: advice.products.first().cloned(),
        cautions: restart(advice.remedy).map(text).into_iter().collect(),
        said_rate: None,
    }
}

/// The document itself, as it was read.
pub(crate) fn document(case: &Case<'_>) -> Document {
    let title = case.csaf.document.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    Document {
        url: case.origin.url.to_owned(),
        sha256: Some(case.origin.sha256.to_owned()),
        title: title.map(|title| title.chars().take(500).collect()),
    }
}

/// Whether a remedy says that something must be restarted.
pub(crate) fn restart_required(remedy: &Remedy<'_>) -> Option<bool> {
    remedy.said.restart.map(|category| !category.eq_ignore_ascii_case("none"))
}

fn restart(remedy: &Remedy<'_>) -> Option<String> {
    let what = remedy.said.restart.filter(|_| restart_required(remedy) == Some(true))?.replace('_', " ");
    let details = remedy.restart_details.map(|details| format!(": {}", line(details))).unwrap_or_default();
    Some(format!("needs a restart ({what}){details}"))
}

fn entitlements(remedy: &Remedy<'_>) -> Vec<String> {
    remedy.entitlements.iter().take(ENTITLEMENTS_MAX).map(|one| line(one)).collect()
}

fn text(remedy: &Remedy<'_>) -> Option<String> {
    let parts = [Some(remedy.said.details.to_owned()).filter(|text| !text.is_empty()), restart(remedy)];
    let parts: Vec<String> = parts.into_iter().flatten().chain(remedy.said.url.map(str::to_owned)).collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// The first line of a remedy, else its address.
fn name(remedy: &Remedy<'_>) -> String {
    let first = remedy.said.details.lines().map(str::trim).find(|line| !line.is_empty());
    line(first.or(remedy.said.url).unwrap_or(remedy.said.category))
}

fn line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= NAME_MAX {
        return line;
    }
    line.chars().take(NAME_MAX - 1).chain(['…']).collect()
}
