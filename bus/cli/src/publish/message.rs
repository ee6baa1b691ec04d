//! `entente publish note|request|offer|commitment|decision`: words between desks.

use clap::Args;
use entente_schemas::family::{Family, MessageKind, MessageState};

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::Members;
use super::says::Says;
use crate::moment::Moment;
use crate::settings::slug;
use crate::word::word;

/// For the record
pub const NOTE: &str = "\
Examples:
  entente publish note \"The vendor's bridge is open, ask for the Falcon team\" --about inc-2kq7c4w1xz
  entente publish note \"Heard by phone: the file is pulled\" --for crowdstrike --at 2024-07-19T05:27Z";

/// Asks for something
pub const REQUEST: &str = "\
Examples:
  entente publish request \"How many VMs still boot-loop?\" --to aws --to azure --due +2h --about inc-2kq7c4w1xz
  entente publish request --object 13 --state fulfilled

The 13 is the position in the log that the first command printed; its object id does as well.";

/// Offers something
pub const OFFER: &str = "\
Examples:
  entente publish offer \"Engineers for offline disk repair, from 12:00\" --to gcp --about inc-2kq7c4w1xz";

/// Promises something
pub const COMMITMENT: &str = "\
Examples:
  entente publish commitment \"Figures per region\" --to gcp --due 2024-07-19T14:00Z \\
      --thread 13
  entente publish commitment --object 14 --state fulfilled

The 13 is the position in the log of the request, the 14 that which the first command printed.";

/// Settles something
pub const DECISION: &str = "\
Examples:
  entente publish decision \"All name the cause as content update 291\" --about inc-2kq7c4w1xz
  entente publish decision --object 15 --state revoked

The 15 is the position in the log that the first command printed; its object id does as well.";

/// A word between desks
#[derive(Args, Clone, Debug, Default)]
pub struct Message {
    /// The text, at most 32,000 characters; `-` reads standard input
    pub text: Option<String>,
    /// An organisation that is addressed; none means everybody
    #[arg(long, value_name = "ORG", value_delimiter = ',', value_parser = slug)]
    pub to: Vec<String>,
    /// By when an answer or a deed is due
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub due: Option<Moment>,
    /// Any message of the thread, by object id, event id or position (default: this one begins it)
    #[arg(long, value_name = "OBJECT")]
    pub thread: Option<String>,
    /// Where it stands (default: open; a commitment committed, a decision in_force)
    #[arg(long, value_parser = word!(MessageState))]
    pub state: Option<MessageState>,
    #[command(flatten)]
    pub header: HeaderFlags,
}

/// A message of one kind.
pub struct MessageOf<'a> {
    /// The kind.
    pub kind: MessageKind,
    /// The flags.
    pub flags: &'a Message,
}

impl Says for MessageOf<'_> {
    fn family(&self) -> Family {
        Family::Message
    }

    fn header(&self) -> &HeaderFlags {
        &self.flags.header
    }

    fn fill(&self, claim: &mut Members, _: &Desk) {
        let flags = self.flags;
        claim.set("text", flags.text.as_deref());
        claim.require("text", &format!("the text: entente publish {} \"TEXT\"", self.kind));
        if claim.text("kind").is_some_and(|kind| kind != self.kind.as_str()) {
            claim.mistake(format!("kind: the object or file is no {}; use the command of its own kind", self.kind));
        }
        claim.set("kind", Some(self.kind.as_str()));
        claim.list("to", &flags.to);
        claim.moment("due_at", flags.due);
        claim.set("state", flags.state.map(MessageState::as_str));
        claim.default("state", self.usual_state().as_str());
        claim.set("thread_id", flags.thread.as_deref());
        flags.header.fill_refs(claim, &flags.header.about);
    }
}

impl MessageOf<'_> {
    fn usual_state(&self) -> MessageState {
        match self.kind {
            MessageKind::Commitment => MessageState::Committed,
            MessageKind::Decision => MessageState::InForce,
            _ => MessageState::Open,
        }
    }
}
