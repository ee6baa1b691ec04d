//! `entente publish notice`: one public statement, whole.

use clap::Args;
use entente_schemas::family::Family;

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::Members;
use super::reference::Reference;
use super::says::Says;

const EXAMPLES: &str = "\
Examples:
  entente publish notice \"We are aware of issues with Windows instances and are investigating.\" \\
      --about 12 --channel \"status page\" --status Investigating
  entente publish notice - --about gcp.public:DK3LfKowzJPpZq4Q9YqP --for gcp --channel \"e-mail to customers\" \\
      --told customers < statement.txt

The 12 is the position in the log that the impact's command printed; its object id does as well.";

/// One public statement, whole
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Notice {
    /// The whole text as it was said, at most 32,000 characters; `-` reads standard input
    pub text: Option<String>,
    /// Where it was said (default: status page)
    #[arg(long)]
    pub channel: Option<String>,
    /// The page it stands on
    #[arg(long)]
    pub url: Option<String>,
    /// Who could read it: public, customers, partners (default: public)
    #[arg(long, value_name = "WHO")]
    pub told: Option<String>,
    /// The speaker's own word for the status at that time
    #[arg(long, value_name = "WORD")]
    pub status: Option<String>,
    #[command(flatten)]
    pub header: HeaderFlags,
}

impl Says for Notice {
    fn family(&self) -> Family {
        Family::Notice
    }

    fn header(&self) -> &HeaderFlags {
        &self.header
    }

    fn fill(&self, claim: &mut Members, _: &Desk) {
        claim.set("text", self.text.as_deref());
        claim.require("text", "the statement: entente publish notice \"TEXT\"");
        let (about, others) = match self.header.about.split_first() {
            Some((about, others)) => (Some(about), others),
            None => (None, [].as_slice()),
        };
        if about.is_some_and(|about| about.name().is_none()) {
            claim.mistake(
                "--about: the first is the claim or incident itself; expected its id or name and nothing else",
            );
        }
        claim.set("about", about.and_then(Reference::name));
        claim.require("about", "--about ID, the incident or the object id of the claim that the statement is about");
        claim.set("channel", self.channel.as_deref());
        claim.default("channel", "status page");
        claim.set("url", self.url.as_deref());
        claim.set("audience_told", self.told.as_deref());
        claim.default("audience_told", "public");
        claim.set("native_status", self.status.as_deref());
        self.header.fill_refs(claim, others);
    }
}
