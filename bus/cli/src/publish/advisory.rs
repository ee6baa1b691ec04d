//! `entente publish advisory`: a statement with consequences.

use clap::Args;
use clap::builder::BoolishValueParser;
use entente_schemas::family::{AdvisoryCategory, Family};
use entente_schemas::speaker::Role;
use serde_json::{Value, json};

use super::desk::Desk;
use super::header::HeaderFlags;
use super::members::Members;
use super::says::Says;
use crate::word::word;

const EXAMPLES: &str = "\
Examples:
  entente publish advisory \"Boot into Safe Mode and delete C-00000291*.sys\" --category workaround \\
      --vendor crowdstrike --product falcon --artifact C-00000291 --restart yes \\
      --needs \"BitLocker recovery key\" --document https://vendor.example/blog/statement
  entente publish advisory \"Not an attack; fix deployed\" --for crowdstrike --category statement";

/// A statement with consequences
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Advisory {
    /// The advice in one line of at most 500 characters
    pub title: Option<String>,
    /// What kind of advice (default: statement)
    #[arg(long, value_parser = word!(AdvisoryCategory))]
    pub category: Option<AdvisoryCategory>,
    /// What the issuer is to the product (default: the speaker's role)
    #[arg(long, value_name = "ROLE", value_parser = word!(Role))]
    pub issuer_role: Option<Role>,
    /// The whole of it, at most 32,000 characters
    #[arg(long)]
    pub text: Option<String>,
    /// The vendor concerned
    #[arg(long, value_name = "SLUG")]
    pub vendor: Option<String>,
    /// A product concerned
    #[arg(long, value_name = "NAME")]
    pub product: Vec<String>,
    /// A file, driver or update concerned
    #[arg(long, value_name = "NAME")]
    pub artifact: Vec<String>,
    /// Whether following it needs a restart
    #[arg(long, value_name = "YES|NO", value_parser = BoolishValueParser::new())]
    pub restart: Option<bool>,
    /// What must be at hand to follow it
    #[arg(long, value_name = "TEXT")]
    pub needs: Vec<String>,
    /// The address of a document behind it
    #[arg(long, value_name = "URL")]
    pub document: Vec<String>,
    #[command(flatten)]
    pub header: HeaderFlags,
}

impl Says for Advisory {
    fn family(&self) -> Family {
        Family::Advisory
    }

    fn header(&self) -> &HeaderFlags {
        &self.header
    }

    fn fill(&self, claim: &mut Members, desk: &Desk) {
        claim.set("title", self.title.as_deref());
        claim.require("title", "the advice: entente publish advisory \"TITLE\"");
        claim.set("category", self.category.map(AdvisoryCategory::as_str));
        claim.default("category", AdvisoryCategory::Statement.as_str());
        claim.set("issuer_role", self.issuer_role.map(Role::as_str));
        let hearsay = self.header.speaker.is_some();
        let usual = self.header.role.unwrap_or(if hearsay { Role::Vendor } else { desk.role });
        claim.default("issuer_role", usual.as_str());
        claim.set("text", self.text.as_deref());
        claim.set("vendor", self.vendor.as_deref());
        claim.list("products", &self.product);
        claim.list("artifacts", &self.artifact);
        claim.set("restart_required", self.restart);
        claim.list("preconditions", &self.needs);
        let documents: Vec<Value> = self.document.iter().map(|url| json!({ "url": url })).collect();
        claim.list("documents", &documents);
        self.header.fill_refs(claim, &self.header.about);
    }
}
