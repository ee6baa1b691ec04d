//! `entente publish constraint`: a person's word on which claims are one incident.

use clap::Args;
use entente_schemas::family::{ConstraintKind, Family};

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::Members;
use super::says::Says;
use crate::moment::Moment;
use crate::word::word;

const EXAMPLES: &str = "\
Examples:
  entente publish constraint cannot_link azure.rss:1K80-N_8 gcp.public:DK3LfKowzJPpZq4Q9YqP \\
      --reason \"Storage in Central US began six hours earlier\"
  entente publish constraint declare gcp.public:DK3LfKowzJPpZq4Q9YqP --name channel-file-291 \\
      --reason \"The name used on the bridge\"";

/// A person's word on which claims are one incident
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Constraint {
    /// What is said of the objects
    #[arg(value_parser = word!(ConstraintKind))]
    pub kind: Option<ConstraintKind>,
    /// The object ids concerned
    pub objects: Vec<String>,
    /// The incident's short name, with declare
    #[arg(long)]
    pub name: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Until when it holds (default: for ever)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub expires: Option<Moment>,
    #[command(flatten)]
    pub header: HeaderFlags,
}

impl Says for Constraint {
    fn family(&self) -> Family {
        Family::Constraint
    }

    fn header(&self) -> &HeaderFlags {
        &self.header
    }

    fn fill(&self, claim: &mut Members, _: &Desk) {
        claim.set("kind", self.kind.map(ConstraintKind::as_str));
        claim.require("kind", "what is said of the objects: entente publish constraint must_link OBJECT OBJECT");
        claim.list("objects", &self.objects);
        claim.require("objects", "the object ids concerned, after the kind");
        claim.set("name", self.name.as_deref());
        claim.set("reason", self.reason.as_deref());
        claim.require("reason", "--reason TEXT");
        claim.moment("expires", self.expires);
        self.header.fill_refs(claim, &self.header.about);
    }
}
