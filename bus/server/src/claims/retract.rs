//! Whether a retraction takes anything back: one that does not would stand on the log for ever and do nothing.

use entente_schemas::family::{Claim, Family, Retraction, Scope};
use entente_schemas::speaker::Role;

use super::ground::Target;

/// Why a retraction would do nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Void {
    /// Somebody did it before.
    #[error("position {position} was withdrawn before, by {by}")]
    Withdrawn {
        /// Where the target stands.
        position: u64,
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
        position: u64,
        /// Whose it is.
        source_org: String,
    },
    /// A retraction is final.
    #[error("position {position} is a retraction, and none is taken back; publish the claim anew instead")]
    Final {
        /// Where the target stands.
        position: u64,
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
    let position = target.line.position;
    if target.line.family == Family::Retraction {
        return Err(Void::Final { position });
    }
    let source_org = target.line.source.split('/').next().unwrap_or_default();
    if source_org != org && !coordinates(claim) {
        return Err(Void::Foreign { position, source_org: source_org.to_owned() });
    }
    match (&target.line.withdrawn_by, retraction.scope) {
        (_, Scope::Object) if target.standing.iter().all(|rev| *rev > retraction.target_rev) => {
            Err(Void::Nothing { object: target.line.object_id.clone(), rev: retraction.target_rev })
        }
        (_, Scope::Object) => Ok(later(target, retraction.target_rev)),
        (Some(by), _) => Err(Void::Withdrawn { position, by: by.clone() }),
        (None, _) => Ok(None),
    }
}

fn later(target: &Target, rev: u64) -> Option<String> {
    let newest = target.standing.iter().max().filter(|newest| **newest > rev)?;
    Some(format!("Revisions after {rev} stand: name revision {newest} to withdraw the whole object."))
}

fn coordinates(claim: &Claim) -> bool {
    let author = claim.header.author.as_ref().and_then(|author| author.role);
    author == Some(Role::Coordinator) || claim.header.speaker.role == Role::Coordinator
}
