//! Flags that every claim takes: whose words, whose hand, when, how sure, about what, and which object they go on.

use std::path::PathBuf;

use clap::Args;
use entente_schemas::count::Method;
use entente_schemas::header::{Certainty, Fidelity};
use entente_schemas::speaker::{Relay, Role};
use entente_schemas::subject::AUDIENCE_ALL;
use entente_schemas::tlp::Tlp;
use serde_json::{Value, json};

use super::desk::Desk;
use super::members::{Members, object, stamp};
use super::reference::Reference;
use crate::moment::Moment;
use crate::settings::slug;
use crate::word::word;

/// Flags that every claim takes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Every claim")]
pub struct HeaderFlags {
    /// Whose words these are, if you pass on what another organisation told you; shown as told by you
    #[arg(long = "for", value_name = "ORG", value_parser = slug)]
    pub speaker: Option<String>,
    /// What the speaking organisation is (default: the setting `role`; with --for, provider for a cloud, else vendor)
    #[arg(long, value_parser = word!(Role))]
    pub role: Option<Role>,
    /// The person or desk that writes, as others are to see it (default: the setting `person`)
    #[arg(long = "by", value_name = "PERSON")]
    pub person: Option<String>,
    /// When it began, as far as it is known
    #[arg(long = "at", visible_alias = "since", value_name = "TIME", allow_hyphen_values = true)]
    pub occurred_at: Option<Moment>,
    /// When it ended
    #[arg(long = "ended", value_name = "TIME", allow_hyphen_values = true)]
    pub occurred_end: Option<Moment>,
    /// To which unit these times can be trusted (default: as they are written)
    #[arg(long, value_name = "UNIT", value_parser = word!(Fidelity))]
    pub fidelity: Option<Fidelity>,
    /// How sure the speaker is (default: observed; with --for, likely, which is the most that hearsay can be)
    #[arg(long, value_parser = word!(Certainty))]
    pub certainty: Option<Certainty>,
    /// What this is about: an incident by its id, alias or short name, an object id, an event id or a position of the log
    #[arg(long, value_name = "KEY", value_parser = Reference::about)]
    pub about: Vec<Reference>,
    #[arg(long = "ref", value_name = "[RELATION=][KIND:]VALUE", help = Reference::help())]
    pub refs: Vec<Reference>,
    /// One line that may be quoted, at most 200 characters
    #[arg(long, value_name = "TEXT")]
    pub headline: Option<String>,
    /// The figures are made up for an exercise; every view says so
    #[arg(long)]
    pub invented: bool,
    /// Who may read it: all, or a sharing group by its local name or its id (default: with --object, --still and for
    /// retract, where the claim stands that it goes on with; else all)
    #[arg(long, value_name = "NAME")]
    pub audience: Option<String>,
    /// The marking for onward sharing: clear or green for all (default: green); amber, amber+strict or red in a sharing
    /// group (default: amber)
    #[arg(long, value_parser = word!(Tlp))]
    pub tlp: Option<Tlp>,
    /// Revise this object, by its id, an event id or a position of the log: what no flag changes stays as it was last
    /// said. A new approach can be given its id with it
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,
    /// Say again that the last revision of this object still holds; it is named as for --object
    #[arg(long, value_name = "OBJECT", conflicts_with_all = ["object", "file"])]
    pub still: Option<String>,
    /// The claim's members as JSON, `-` for standard input; flags go over it
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What this answers: an event id, a position of the log or an object id
    #[arg(long, value_name = "EVENT")]
    pub answers: Option<String>,
    /// The event's id, to repeat a claim whose answer was lost (default: a new one)
    #[arg(long, value_name = "UUID")]
    pub id: Option<uuid::Uuid>,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
    /// Complete and check the claim and print it as it would be published: nothing is
    #[arg(long)]
    pub dry_run: bool,
}

/// Organisations that are clouds, for the role of a speaker that no flag states.
const CLOUDS: [&str; 9] =
    ["aws", "azure", "gcp", "microsoft", "google", "oracle-cloud", "ibm-cloud", "alibaba-cloud", "digitalocean"];

impl HeaderFlags {
    /// Puts the header's members in place.
    pub fn fill(&self, claim: &mut Members, desk: &Desk) {
        claim.set("object_id", self.object.as_deref());
        if self.speaker.as_ref() == Some(&desk.org) {
            let own = &desk.org;
            claim.mistake(format!("--for: {own} is your own organisation, whose words need no --for; leave it out"));
        }
        self.fill_speaker(claim);
        self.fill_author(claim, desk);
        self.fill_times(claim);
        claim.set("certainty", self.certainty.map(Certainty::as_str));
        claim.set("headline", self.headline.as_deref());
        claim.set("invented", self.invented.then_some(true));
        self.check_marking(claim);
    }

    /// A marking fits the audience; where none is named, what the claim goes on with decides, which the server knows.
    fn check_marking(&self, claim: &mut Members) {
        let Some(tlp) = self.tlp else { return };
        let goes_on = claim.get("object_id").is_some() || claim.get("target").is_some();
        match self.audience.as_deref().or((!goes_on).then_some(AUDIENCE_ALL)) {
            Some(AUDIENCE_ALL) if !tlp.fits_all() => claim.mistake(format!(
                "--tlp: {tlp} needs a sharing group, --audience NAME; expected clear or green for all"
            )),
            Some(AUDIENCE_ALL) | None => {}
            Some(group) if tlp.fits_all() => claim.mistake(format!(
                "--tlp: {tlp} is for what everybody may read; expected amber, amber+strict or red in {group}"
            )),
            Some(_) => {}
        }
    }

    /// Own words are left to the server, which knows for whom it transmits.
    fn fill_speaker(&self, claim: &mut Members) {
        match (&self.speaker, self.passed_on_for()) {
            (Some(org), Some(role)) => {
                claim.set("speaker", Some(json!({ "org": org, "role": role, "relay": Relay::Relayed })));
            }
            _ => claim.within("speaker", object([("role", self.role.map(|role| json!(role)))])),
        }
    }

    /// What the organisation is whose words are passed on; none if they are one's own.
    fn passed_on_for(&self) -> Option<Role> {
        let org = self.speaker.as_ref()?;
        let usual = if CLOUDS.contains(&org.as_str()) { Role::Provider } else { Role::Vendor };
        Some(self.role.unwrap_or(usual))
    }

    /// How a figure came about if it was passed on and nobody says: we did not count it, whatever form it has. None if
    /// it is the speaker's own.
    pub fn method_passed_on(&self, claim: &Members) -> Option<Method> {
        let speaker = claim.get("speaker");
        let said = |name: &str| speaker.and_then(|speaker| speaker.get(name)).and_then(Value::as_str);
        let before = || said("role").filter(|_| said("relay") == Some(Relay::Relayed.as_str()))?.parse().ok();
        let role = self.passed_on_for().or_else(before)?;
        let is_its_own = matches!(role, Role::Provider | Role::Vendor);
        Some(if is_its_own { Method::VendorStatement } else { Method::ThirdParty })
    }

    fn fill_author(&self, claim: &mut Members, desk: &Desk) {
        let person = self.person.clone().or_else(|| desk.person.clone());
        claim.within("author", object([("person", person.map(Value::from))]));
    }

    fn fill_times(&self, claim: &mut Members) {
        let now = claim.now();
        if self.occurred_at.is_some_and(|moment| moment.is_still_to_come(now))
            && claim.text("kind") != Some("maintenance")
        {
            claim.mistake("--at: that time of today (UTC) is still to come; expected a past one, or one with its date");
        }
        let settled = |moment: Option<Moment>| moment.map(|moment| Value::from(stamp(moment.settle(now))));
        let stated = self.occurred_at.or(self.occurred_end).map(Moment::fidelity);
        let times = object([
            ("occurred_at", settled(self.occurred_at)),
            ("occurred_end", settled(self.occurred_end)),
            ("fidelity", self.fidelity.or(stated).map(|fidelity| json!(fidelity))),
        ]);
        claim.within("times", times);
    }

    /// Puts the references in place: those of `--ref`, and those of `--about` unless the family has a member for it.
    pub fn fill_refs(&self, claim: &mut Members, about: &[Reference]) {
        self.put_refs(claim, about.iter().cloned());
    }

    /// The references of an impact: what it is about is the same incident, by its speaker's word.
    pub fn fill_refs_of_impact(&self, claim: &mut Members) {
        self.put_refs(claim, self.about.iter().cloned().map(Reference::same_incident));
    }

    fn put_refs(&self, claim: &mut Members, about: impl Iterator<Item = Reference>) {
        let new: Vec<Value> = about.chain(self.refs.iter().cloned()).map(|reference| reference.member()).collect();
        if new.is_empty() {
            return;
        }
        let mut refs = claim.get("refs").and_then(Value::as_array).cloned().unwrap_or_default();
        for reference in new {
            if !refs.contains(&reference) {
                refs.push(reference);
            }
        }
        claim.set("refs", Some(refs));
    }
}
