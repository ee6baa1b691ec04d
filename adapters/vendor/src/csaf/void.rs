//! What a document gave once and gives no longer: the advice is replaced by a statement that says so, and the approach, which
//! people may be using, gets a caution.

use entente_schemas::family::{Advisory, AdvisoryCategory, Approach, ApproachKind, Automation, Body, Caution};
use entente_schemas::header::Native;
use entente_sidecar::item::Statement;
use entente_sidecar::mapping::{MappingError, Member};

use super::advice;
use super::cited;
use super::claims::{Case, Given};
use super::table::table;

/// What is said of a remedy that is void for the reason `word`.
///
/// # Errors
/// If the mapping has no such digest.
pub(crate) fn statements(
    case: &Case<'_>,
    gone: &Given,
    number: usize,
    word: &str,
) -> Result<Vec<Statement>, MappingError> {
    let of = |body| {
        Ok::<_, MappingError>(Statement {
            object_id: format!("{}/{number}", case.object_id),
            native: native(case, gone, number, word)?,
            times: advice::said(case),
            refs: cited::of_void(case),
            body,
        })
    };
    let mut statements = vec![of(Body::Advisory(advisory(case, gone, word)))?];
    if gone.done {
        statements.push(of(Body::Approach(approach(case, gone, word)))?);
    }
    Ok(statements)
}

fn native(case: &Case<'_>, gone: &Given, number: usize, word: &str) -> Result<Native, MappingError> {
    let member = |name: &str| match name {
        "word" => Member::from(word),
        "category" => gone.category.as_str().into(),
        "name" => gone.name.as_str().into(),
        _ => Member::Absent,
    };
    Ok(Native {
        status: Some(word.to_owned()),
        category: Some(gone.category.clone()),
        digest: table().mapping.digest("void", member)?,
        ..table().mapping.native(&case.origin.profile.system, format!("{}/{number}", case.id), None)
    })
}

fn advisory(case: &Case<'_>, gone: &Given, word: &str) -> Advisory {
    let category = gone.category.replace('_', " ");
    Advisory {
        issuer_role: case.issuer,
        category: AdvisoryCategory::Statement,
        title: format!("{}: {}", capital(word), gone.name),
        text: Some(format!("This {category} stood in an earlier version of the document and is {word}.")),
        vendor: case.vendor(&case.hit()),
        products: Vec::new(),
        artifacts: Vec::new(),
        restart_required: None,
        preconditions: Vec::new(),
        documents: vec![advice::document(case)],
    }
}

fn approach(case: &Case<'_>, gone: &Given, word: &str) -> Approach {
    let text = format!("{word} by its publisher: do not begin with it before you have read the document");
    let rule = table().remediation(&gone.category).and_then(|(_, rule)| rule.approach);
    Approach {
        name: gone.name.clone(),
        kind: rule.map_or(ApproachKind::Other, |rule| rule.kind),
        automation: rule.map_or(Automation::Manual, |rule| rule.automation),
        same_as: None,
        access: Vec::new(),
        risk: None,
        artifacts: Vec::new(),
        est_seconds_per_unit: None,
        replaces: None,
        applies_to: Vec::new(),
        vendor: case.vendor(&case.hit()),
        product: None,
        cautions: vec![Caution { text, harm_count: None, since: Some(case.released) }],
        said_rate: None,
    }
}

/// With a capital at its beginning.
pub(crate) fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
