//! `entente publish`: claims by people, one file per family. Flags, a file or an earlier revision make the claim; the
//! server completes it, holds it to the schema and answers when it is in the log.

mod advisory;
mod approach;
mod constraint;
mod desk;
mod estimate;
mod header;
mod impact;
mod members;
mod message;
mod notice;
mod place;
mod reference;
mod remediation;
mod retract;
mod roster;
mod said;
mod says;
mod still;
mod whither;

use std::io::Read as _;
use std::path::Path;

use clap::{Args, Subcommand};
use entente_schemas::family::{Claim, Family, MessageKind};
use serde_json::{Map, Value, json};

use crate::args::Place;
use crate::ask::asking;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::marking::Names;
use crate::say;
use crate::station::Asked;
use desk::Desk;
use header::HeaderFlags;
use message::MessageOf;
use reference::Reference;
use says::Says;
pub use still::stands_alone;

/// Publish a claim: what is broken, a repair, a figure, a word to other desks
#[derive(Args, Debug)]
pub struct Publish {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// What is broken, where, how badly, how many
    Impact(Box<impact::Impact>),
    /// A statement with consequences
    Advisory(Box<advisory::Advisory>),
    /// A way of repairing
    Approach(Box<approach::Approach>),
    /// A run of one approach, counted
    Remediation(Box<remediation::Remediation>),
    /// A figure about a whole population
    Estimate(Box<estimate::Estimate>),
    /// One public statement, whole
    Notice(Box<notice::Notice>),
    /// A word for the record
    #[command(after_help = message::NOTE)]
    Note(Box<message::Message>),
    /// Ask other desks for something
    #[command(after_help = message::REQUEST)]
    Request(Box<message::Message>),
    /// Offer something to other desks
    #[command(after_help = message::OFFER)]
    Offer(Box<message::Message>),
    /// Promise something
    #[command(after_help = message::COMMITMENT)]
    Commitment(Box<message::Message>),
    /// Settle something
    #[command(after_help = message::DECISION)]
    Decision(Box<message::Message>),
    /// Who is on duty and how to reach them
    Roster(Box<roster::Roster>),
    /// A person's word on which claims are one incident
    Constraint(Box<constraint::Constraint>),
    /// An earlier claim is void
    Retract(Box<retract::Retract>),
}

impl What {
    fn says(&self) -> Box<dyn Says + '_> {
        let message = |kind, flags| -> Box<dyn Says + '_> { Box::new(MessageOf { kind, flags }) };
        match self {
            Self::Impact(flags) => Box::new(flags.as_ref().clone()),
            Self::Advisory(flags) => Box::new(flags.as_ref().clone()),
            Self::Approach(flags) => Box::new(flags.as_ref().clone()),
            Self::Remediation(flags) => Box::new(flags.as_ref().clone()),
            Self::Estimate(flags) => Box::new(flags.as_ref().clone()),
            Self::Notice(flags) => Box::new(flags.as_ref().clone()),
            Self::Note(flags) => message(MessageKind::Note, flags),
            Self::Request(flags) => message(MessageKind::Request, flags),
            Self::Offer(flags) => message(MessageKind::Offer, flags),
            Self::Commitment(flags) => message(MessageKind::Commitment, flags),
            Self::Decision(flags) => message(MessageKind::Decision, flags),
            Self::Roster(flags) => Box::new(flags.as_ref().clone()),
            Self::Constraint(flags) => Box::new(flags.as_ref().clone()),
            Self::Retract(flags) => Box::new(flags.as_ref().clone()),
        }
    }

    /// Reads a text that is `-` from standard input.
    fn read_text(&mut self) -> Result<(), Failure> {
        let text = match self {
            Self::Notice(flags) => &mut flags.text,
            Self::Note(flags)
            | Self::Request(flags)
            | Self::Offer(flags)
            | Self::Commitment(flags)
            | Self::Decision(flags) => &mut flags.text,
            _ => return Ok(()),
        };
        if text.as_deref() == Some("-") {
            *text = Some(read(Path::new("-"))?.trim_end_matches(['\n', '\r']).to_owned());
        }
        Ok(())
    }
}

/// Publishes a claim.
///
/// # Errors
/// If the claim has mistakes, or it cannot be brought into the log.
pub async fn run(mut publish: Publish, place: &Place) -> Result<Exit, Failure> {
    publish.what.read_text()?;
    let (folder, settings) = place.open()?;
    let desk = Desk::of(&settings, &folder);
    let says = publish.what.says();
    let header = says.header();
    let file = header.file.as_deref().map(read_claim).transpose()?;
    let ground = Ground::of(header, file);
    if let Ground::Given(base) = &ground {
        // What is wrong with a claim that needs no server to be seen whole is told before one is started.
        let whole = check(says.family(), &assemble(says.as_ref(), base.clone(), &desk)?, &desk)?;
        let is_whole = header.object.as_ref().is_none_or(|object| object.contains(':'));
        if header.dry_run && is_whole && Client::running(&folder).await?.is_none() {
            let goes_on = header.object.is_some() || says.family() == Family::Retraction;
            let whither = whither::flagged(header, goes_on, &Names::of(&folder))?;
            say::progress("note: no server runs: what the claim names was not looked up in the log");
            whither.iter().for_each(|whither| say::progress(&format!("note: {whither}")));
            say::print(&format!("{whole:#}\n"))?;
            return Ok(Exit::Done);
        }
    }
    let told = asking(place, async |asked, folder| {
        let claim = ground.claim(asked.client(), says.as_ref(), &desk).await?;
        hand_over(asked, &Names::of(folder), says.as_ref(), claim).await
    });
    say::print(&told.await?)?;
    Ok(Exit::Done)
}

/// What a claim starts from.
enum Ground<'a> {
    /// What is in a file, or nothing.
    Given(Map<String, Value>),
    /// What was last said of this object.
    Last(&'a str),
    /// The same, and nothing of it is changed.
    Still(&'a str),
}

impl<'a> Ground<'a> {
    fn of(header: &'a HeaderFlags, file: Option<Map<String, Value>>) -> Self {
        match (&header.still, &header.object, file) {
            (Some(object), _, _) => Self::Still(object),
            (None, Some(object), None) => Self::Last(object),
            (None, _, file) => Self::Given(file.unwrap_or_default()),
        }
    }

    async fn claim(self, client: &Client, says: &dyn Says, desk: &Desk) -> Result<Map<String, Value>, Failure> {
        let family = says.family();
        let (base, object) = match self {
            Self::Still(key) => {
                let object = said::object_id(client, key).await?;
                said::last_event(client, family, &object).await?;
                return Ok(said::still(says.header(), desk, object));
            }
            Self::Given(base) => (base, named(client, says.header()).await?),
            Self::Last(key) => {
                let object = said::object_id(client, key).await?;
                let base = match said::last(client, family, &object).await {
                    Err(unsaid) if unsaid.exit == Exit::NotFound && says.names_a_new_object() => Map::new(),
                    last => last?,
                };
                (base, Some(object))
            }
        };
        let mut claim = assemble(says, base, desk)?;
        claim.extend(object.map(|object| ("object_id".to_owned(), json!(object))));
        check(family, &claim, desk).map(|_| claim)
    }
}

/// The id of the object that a whole claim is to go on.
async fn named(client: &Client, header: &HeaderFlags) -> Result<Option<String>, Failure> {
    match &header.object {
        Some(key) => said::object_id(client, key).await.map(Some),
        None => Ok(None),
    }
}

/// Hands the claim over and gives what is to be told of it.
async fn hand_over(
    asked: &Asked,
    names: &Names,
    says: &dyn Says,
    claim: Map<String, Value>,
) -> Result<String, Failure> {
    let (family, header) = (says.family(), says.header());
    let answer = asked.client().publish(&request(family, header, claim)).await.map_err(with_kinds)?;
    if !header.json || header.dry_run {
        remarks(&answer).for_each(|remark| say::progress(&format!("note: {remark}")));
    }
    if header.dry_run {
        let whither = whither::answered(&answer, names);
        whither.iter().for_each(|whither| say::progress(&format!("note: {whither}")));
        return drafted(&answer);
    }
    let link = asked.outlives_the_command().then(|| link(asked.client(), family, &answer));
    Ok(if header.json { told_json(&answer, link.as_deref()) } else { told(family, &answer, link.as_deref(), names) })
}

/// A name that the log does not know may be something that is only named with its kind.
fn with_kinds(refused: Failure) -> Failure {
    let is_of_a_reference = refused.exit == Exit::Mistake && refused.what.contains("\n  refs.");
    if is_of_a_reference { Failure { next: Reference::next_step(), ..refused } } else { refused }
}

/// What the author should know although the claim was taken.
fn remarks(answer: &Value) -> impl Iterator<Item = &str> {
    answer.get("remarks").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The claim as the server would publish it.
fn drafted(answer: &Value) -> Result<String, Failure> {
    answer.pointer("/dry_run/claim").map(|claim| format!("{claim:#}\n")).ok_or_else(|| {
        let next = "check that command and server are of one version: `entente --version`";
        Failure::failed("the server does not say what it would publish", next)
    })
}

/// Where the claim can be looked at.
fn link(client: &Client, family: Family, answer: &Value) -> String {
    let part = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let path = if family == Family::Impact { ["incidents", part("object_id")] } else { ["events", part("id")] };
    client.url(&path, &[]).to_string()
}

fn assemble(says: &dyn Says, base: Map<String, Value>, desk: &Desk) -> Result<Map<String, Value>, Failure> {
    says.claim(base, desk).map_err(|mistakes| {
        let what = format!("nothing was published:\n  {}", mistakes.join("\n  "));
        Failure::new(Exit::Mistake, what, "the command's --help has examples")
    })
}

fn request(family: Family, header: &HeaderFlags, claim: Map<String, Value>) -> Value {
    let id = header.id.unwrap_or_else(uuid::Uuid::now_v7);
    let mut request = json!({ "family": family.token(), "id": id.to_string() });
    if let Some(members) = request.as_object_mut() {
        members.extend(header.answers.as_ref().map(|event| ("causation".to_owned(), json!(event))));
        members.extend(header.still.as_ref().map(|_| ("still".to_owned(), json!(true))));
        members.extend(header.audience.as_ref().map(|audience| ("audience".to_owned(), json!(audience))));
        members.extend(header.tlp.map(|tlp| ("tlp".to_owned(), json!(tlp))));
        members.extend(header.dry_run.then(|| ("dry_run".to_owned(), json!(true))));
        members.insert("claim".to_owned(), Value::Object(claim));
    }
    request
}

/// What was published, where it stands, and where to look at it.
fn told(family: Family, answer: &Value, link: Option<&str>, names: &Names) -> String {
    let part = |name: &str| answer.get(name).map(plain).unwrap_or_default();
    let mark = names.mark(answer);
    let mark = match mark.as_str() {
        "" if names.has_groups() => ", for everybody".to_owned(),
        "" => mark,
        _ => format!(", {mark}"),
    };
    let what = format!("{family} {}, revision {}{mark}", part("object_id"), part("rev"));
    let link = link.map(|link| format!("{link}\n")).unwrap_or_default();
    if answer.get("position").is_none_or(Value::is_null) {
        return format!("taken: {what}; it is on disk, and goes into the log as soon as that answers\n{link}");
    }
    let done = if answer.get("repeated") == Some(&json!(true)) { "was published before:" } else { "published" };
    format!("{done} {what}, at position {} of the log\n{link}", names.place(&part("position")))
}

fn told_json(answer: &Value, link: Option<&str>) -> String {
    let mut answer = answer.clone();
    if let Some(members) = answer.as_object_mut() {
        members.extend(link.map(|link| ("link".to_owned(), json!(link))));
    }
    format!("{answer:#}\n")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Checks the claim as the server will, completed as the server will.
fn check(family: Family, claim: &Map<String, Value>, desk: &Desk) -> Result<Value, Failure> {
    let whole = desk.complete(family, claim.clone());
    match Claim::read_strict(family, &desk::with_ids(whole.clone()).to_string()) {
        Ok(_) => Ok(whole),
        Err(problems) => {
            let what = format!("nothing was published:\n  {}", problems.to_string().replace('\n', "\n  "));
            Err(Failure::new(Exit::Mistake, what, "mend what is named; the command's --help has examples"))
        }
    }
}

fn read_claim(path: &Path) -> Result<Map<String, Value>, Failure> {
    let text = read(path)?;
    serde_json::from_str(&text).map_err(|error| {
        let what = format!("{} is no JSON object: {error}", path.display());
        Failure::new(Exit::Mistake, what, "give the claim's members as one JSON object, such as {\"title\": \"...\"}")
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    text.map_err(|error| {
        let what = format!("{} cannot be read: {error}", path.display());
        Failure::new(Exit::Mistake, what, "name a file of UTF-8 text, or `-` for standard input")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_says_whether_the_log_has_it() {
        let answer = |more: Value| {
            let mut answer = json!({ "id": "e", "object_id": "local:1", "rev": 2, "position": 7, "repeated": false });
            answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            told(Family::Impact, &answer, Some("http://x/"), &Names::default())
        };
        assert_eq!(answer(json!({})), "published impact local:1, revision 2, at position 7 of the log\nhttp://x/\n");
        assert!(answer(json!({ "repeated": true })).starts_with("was published before: impact local:1"));
        assert!(answer(json!({ "position": null })).starts_with("taken: impact local:1, revision 2; it is on disk"));
        let shared = answer(json!({ "audience": "gbbbbbbbbbbbbbbbb", "tlp": "red" }));
        assert!(shared.starts_with("published impact local:1, revision 2, TLP:RED gbbbbbbbbbbbbbbbb, at"), "{shared}");
        let open = json!({ "object_id": "local:1", "rev": 2, "position": "A_actual_all:7" });
        let open = told(Family::Impact, &open, None, &Names::with("banks", "gbbbbbbbbbbbbbbbb"));
        assert_eq!(open, "published impact local:1, revision 2, for everybody, at position 7 of the log\n");
        assert!(!told_json(&json!({ "rev": 1 }), None).contains("link"));
    }
}
