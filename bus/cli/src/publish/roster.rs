//! `entente publish roster`: who is on duty for an organisation and how to reach them.

use clap::Args;
use entente_schemas::family::{DutyRole, Family};

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::Members;
use super::says::Says;
use crate::moment::Moment;
use crate::word::word;

const EXAMPLES: &str = "\
Examples:
  entente publish roster \"GCP liaison desk\" --duty liaison --phone \"+1 555 0100\" --until +8h --next \"Zurich desk\"
  entente publish roster \"Bridge lead\" --duty coordinator --bridge https://bridge.example/291";

/// Who is on duty and how to reach them
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Roster {
    /// The desk or the person, as they wish to be shown
    pub desk: Option<String>,
    /// The duty (default: liaison)
    #[arg(long, value_parser = word!(DutyRole))]
    pub duty: Option<DutyRole>,
    /// A conference bridge
    #[arg(long, value_name = "URL")]
    pub bridge: Option<String>,
    /// A telephone number
    #[arg(long, value_name = "NUMBER")]
    pub phone: Option<String>,
    /// Until when
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<Moment>,
    /// Who takes over then
    #[arg(long, value_name = "WHO")]
    pub next: Option<String>,
    /// Fingerprint of the desk's key
    #[arg(long, value_name = "TEXT")]
    pub key_fingerprint: Option<String>,
    #[command(flatten)]
    pub header: HeaderFlags,
}

impl Says for Roster {
    fn family(&self) -> Family {
        Family::Roster
    }

    fn header(&self) -> &HeaderFlags {
        &self.header
    }

    fn fill(&self, claim: &mut Members, _: &Desk) {
        claim.set("desk", self.desk.as_deref());
        claim.require("desk", "the desk or person: entente publish roster \"DESK\"");
        claim.set("role", self.duty.map(DutyRole::as_str));
        claim.default("role", DutyRole::Liaison.as_str());
        claim.set("bridge_url", self.bridge.as_deref());
        claim.set("phone", self.phone.as_deref());
        claim.moment("until", self.until);
        claim.set("handing_over_to", self.next.as_deref());
        claim.set("key_fingerprint", self.key_fingerprint.as_deref());
        self.header.fill_refs(claim, &self.header.about);
    }
}
