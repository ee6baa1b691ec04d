//! `entente publish retract`: an earlier claim is void.

use clap::Args;
use entente_schemas::family::{Family, RetractionReason, Scope};

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::Members;
use super::says::Says;
use crate::figure::whole;
use crate::word::word;

const EXAMPLES: &str = "\
Examples:
  entente publish retract 18 --reason wrong_fact --text \"The count was of another region\"
  entente publish retract 01912b6e-1111-7000-8000-000000000001 --scope object --reason duplicate";

/// An earlier claim is void
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Retract {
    /// The claim that is void: its position in the log, its event id, or an object id for what it last said
    pub target: Option<String>,
    /// The one revision, or the whole object (default: revision)
    #[arg(long, value_parser = word!(Scope))]
    pub scope: Option<Scope>,
    /// Why (default: wrong_fact)
    #[arg(long, value_parser = word!(RetractionReason))]
    pub reason: Option<RetractionReason>,
    /// Why, in words
    #[arg(long)]
    pub text: Option<String>,
    /// The event id of the claim that stands instead
    #[arg(long, value_name = "EVENT")]
    pub replacement: Option<String>,
    /// The target's object id, revision and source (default: as the log has them)
    #[arg(long, value_name = "OBJECT", requires_all = ["target_rev", "target_source"])]
    pub target_object: Option<String>,
    /// The target's revision
    #[arg(long, value_name = "NUMBER", value_parser = whole, requires = "target_object")]
    pub target_rev: Option<u64>,
    /// The target's source
    #[arg(long, value_name = "//ORG/FEED/INSTANCE", requires = "target_object")]
    pub target_source: Option<String>,
    #[command(flatten)]
    pub header: HeaderFlags,
}

impl Says for Retract {
    fn family(&self) -> Family {
        Family::Retraction
    }

    fn header(&self) -> &HeaderFlags {
        &self.header
    }

    fn fill(&self, claim: &mut Members, _: &Desk) {
        if claim.get("target_object").is_none() {
            claim.set("target", self.target.as_deref());
        }
        claim.require("target", "the claim that is void: entente publish retract POSITION, or its event id");
        claim.set("target_object", self.target_object.as_deref());
        claim.set("target_rev", self.target_rev);
        claim.set("target_source", self.target_source.as_deref());
        claim.set("scope", self.scope.map(Scope::as_str));
        claim.default("scope", Scope::Revision.as_str());
        claim.set("reason", self.reason.map(RetractionReason::as_str));
        claim.default("reason", RetractionReason::WrongFact.as_str());
        claim.set("text", self.text.as_deref());
        claim.set("replacement", self.replacement.as_deref());
        self.header.fill_refs(claim, &self.header.about);
    }
}
