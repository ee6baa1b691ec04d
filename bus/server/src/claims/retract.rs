//! Whether a retraction takes anything back: one that does not would stand on the log for ever and do nothing.

use entente_correlator::Place;
use entente_schemas::family::{Claim, Family, Retraction, Scope};

use super::ground::Target;

/// Why a retraction would do nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Void {
    /// Somebody did it before.
    #[error("position {position} was withdrawn before, by {by}")]
    Withdrawn {
        /// Where the target stands.
        position: Place,
        /// Who withdrew it.
        by: String,
    },
    /// Nothing of the object stands.
    #[error("nothing that {object} said up to revision {rev} stands any longer")]
    Nothing {
        /// The object.
        object: String,
        /// The revision.
        rev: u64,
    },
    /// The author's word does not reach.
    #[error("position {position} was said by {source_org}; only its own organisation or a coordinator withdraws it")]
    Foreign {
        /// Where the target stands.
        position: Place,
        /// Whose it is.
        source_org: String,
    },
    /// A retraction is final.
    #[error("position {position} is a retraction, and none is taken back; publish the claim anew instead")]
    Final {
        /// Where the target stands.
        position: Place,
    },
}

/// Holds a completed retraction against what it names. What its author should know besides, if anything.
///
/// # Errors
/// If it would do nothing.
pub(super) fn against(
    claim: &Claim,
    retraction: &Retraction,
    target: &Target,
    org: &str,
) -> Result<Option<String>, Void> {
    let position = target.line.position.clone();
    if target.line.family == Family::Retraction {
        return Err(Void::Final { position });
    }
    let source_org = target.line.source.split('/').next().unwrap_or_default();
    if source_org != org && !claim.header.acts_as_coordinator() {
        return Err(Void::Foreign { position, source_org: source_org.to_owned() });
    }
    match (&target.line.withdrawn_by, retraction.scope) {
        (_, Scope::Object) if target.standing.iter().all(|rev| *rev > retraction.target_rev) => {
            Err(Void::Nothing { object: target.line.object_id.clone(), rev: retraction.target_rev })
        }
        (_, Scope::Object) => Ok(later(target, retraction.target_rev)),
        // What was withdrawn before and still has its bytes can lose them.
        (Some(_), _) if source_org == org && retraction.reason.erases() => Ok(None),
        (Some(by), _) => Err(Void::Withdrawn { position, by: by.clone() }),
        (None, _) => Ok(None),
    }
}

/// What a retraction whose reason erases leaves readable, for an author who thinks that it is gone.
pub(super) fn kept(retraction: &Retraction, target: &Target, org: &str) -> Option<String> {
    if !retraction.reason.erases() {
        return None;
    }
    let source_org = target.line.source.split('/').next().unwrap_or_default();
    if source_org != org {
        return Some(format!(
            "This withdraws and does not erase: the words stay readable in the log until {source_org} itself retracts them."
        ));
    }
    let (whole, rev) = (retraction.scope == Scope::Object, retraction.target_rev);
    (whole && target.standing.iter().any(|other| *other != rev)).then(|| {
        format!("This erases the words of revision {rev} alone: the others of the object are withdrawn and stay readable. Retract each by its position, with scope revision and the same reason.")
    })
}

fn later(target: &Target, rev: u64) -> Option<String> {
    let newest = target.standing.iter().max().filter(|newest| **newest > rev)?;
    Some(format!("Revisions after {rev} stand: name revision {newest} to withdraw the whole object."))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use entente_correlator::picture::Line;
    use entente_schemas::family::Body;
    use serde_json::json;

    use super::*;

    fn target(org: &str, withdrawn_by: Option<&str>, standing: &[u64]) -> Target {
        let line = Line {
            position: 120.into(),
            id: "e1".into(),
            logged: DateTime::UNIX_EPOCH,
            speaker: org.into(),
            source: format!("{org}/desk"),
            family: Family::Impact,
            object_id: format!("{org}:1"),
            rev: 2,
            says: String::new(),
            incident: None,
            withdrawn_by: withdrawn_by.map(str::to_owned),
            shared: None,
        };
        Target { line, source: format!("//{org}/desk/01J00000000000000000000000"), standing: standing.to_vec() }
    }

    fn claim(scope: &str, reason: &str) -> Claim {
        let claim = json!({"object_id": "aws:r", "rev": 1, "certainty": "observed", "scope": scope, "reason": reason,
            "speaker": {"org": "aws", "role": "coordinator", "relay": "own"}, "target": "e1", "target_object": "aws:1",
            "target_rev": 2, "target_source": "//aws/desk/01J00000000000000000000000",
            "times": {"observed_at": "2024-07-19T05:10:00Z"}});
        Claim::read_strict(Family::Retraction, &claim.to_string()).unwrap()
    }

    fn told(claim: &Claim, target: &Target) -> Option<String> {
        let Body::Retraction(retraction) = &claim.body else { panic!("a retraction") };
        against(claim, retraction, target, "aws").unwrap();
        kept(retraction, target, "aws")
    }

    #[test]
    fn a_coordinator_is_told_that_foreign_words_stay_readable() {
        let foreign = target("gcp", None, &[1, 2]);
        for reason in ["wrong_tlp", "unauthorized", "legal"] {
            let told = told(&claim("revision", reason), &foreign).unwrap();
            assert!(told.contains("does not erase") && told.contains("gcp itself"), "{told}");
        }
        assert_eq!(told(&claim("revision", "wrong_fact"), &foreign), None);
    }

    #[test]
    fn who_erases_an_object_of_several_revisions_is_told_that_one_goes() {
        let erased = claim("object", "legal");
        assert!(told(&erased, &target("aws", None, &[1, 2])).unwrap().contains("revision 2 alone"));
        assert_eq!(told(&erased, &target("aws", None, &[2])), None);
        assert_eq!(told(&claim("object", "wrong_fact"), &target("aws", None, &[1, 2])), None);
        assert_eq!(told(&claim("revision", "legal"), &target("aws", None, &[1, 2])), None);
    }

    #[test]
    fn what_was_withdrawn_can_be_erased_by_its_own_organisation_alone() {
        let held = |claim: &Claim, target: &Target| {
            let Body::Retraction(retraction) = &claim.body else { panic!("a retraction") };
            against(claim, retraction, target, "aws").is_ok()
        };
        assert!(held(&claim("revision", "legal"), &target("aws", Some("aws"), &[])));
        assert!(!held(&claim("revision", "wrong_fact"), &target("aws", Some("aws"), &[])));
        assert!(!held(&claim("revision", "legal"), &target("gcp", Some("aws"), &[])));
    }
}
