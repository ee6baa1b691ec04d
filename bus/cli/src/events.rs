//! `entente events`: what was said, one line each, the newest last.

use clap::Args;
use entente_schemas::family::Family;
use entente_schemas::record::Position;
use entente_schemas::subject::{AUDIENCE_ALL, log_stream};
use serde_json::{Value, json};

use crate::args::Place;
use crate::ask::asking;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::folder::Folder;
use crate::line::{in_words, logged, text};
use crate::marking::Names;
use crate::say;
use crate::view::{Query, ViewFlags, shifted, text_of};

const EXAMPLES: &str = "\
Examples:
  entente events
  entente events --about inc-2kq7c4w1xz --limit 200
  entente events --speaker gcp --family notice
  entente events --as-of 05:27 --json";

/// The most records that the server gives at once.
const PAGE: usize = 200;

/// List what was said, the newest last
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Events {
    #[command(flatten)]
    view: ViewFlags,
    /// Only what belongs to this incident, by id, alias or short name, or what was said of this object
    #[arg(long, value_name = "ID")]
    about: Option<String>,
    /// Only what this organisation says
    #[arg(long, value_name = "ORG")]
    speaker: Option<String>,
    /// Only claims of this family
    #[arg(long, value_name = "FAMILY", value_parser = family())]
    family: Option<String>,
    /// How many at most, the newest of them
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// The families by their words, for flags.
pub fn family() -> clap::builder::PossibleValuesParser {
    Family::ALL.iter().map(|family| family.token()).collect::<Vec<_>>().into()
}

/// Lists what was said.
///
/// # Errors
/// If no server can be asked, or nothing is known of what it is to be about.
pub async fn run(events: Events, place: &Place) -> Result<Exit, Failure> {
    let found = asking(place, async |asked, folder| {
        let query = events.view.query(asked.client(), folder.now()).await?;
        events.list(asked.client(), query).await
    });
    let found = found.await?;
    if events.view.json {
        let answer = json!({ "as_of": found.as_of, "events": found.lines, "earlier": found.earlier });
        say::print(&format!("{answer:#}\n"))?;
        return Ok(Exit::Done);
    }
    let names = Names::of(&Folder::choose(place.data.as_deref())?);
    let lines: Vec<String> = found.lines.iter().map(|line| told(line, &names) + "\n").collect();
    say::print(&say::shown(&lines.concat()))?;
    if found.lines.is_empty() {
        say::progress("nothing of that kind was said");
    } else if found.earlier {
        say::progress("there are earlier ones: `--limit NUMBER` lists more");
    }
    Ok(Exit::Done)
}

/// A record with the object id at its end, by which the next claim goes on with it.
fn told(line: &Value, names: &Names) -> String {
    format!("{}  {}", in_words(line, &logged(line), names), text(line, "object_id"))
}

/// Records, the oldest first.
struct Found {
    as_of: Value,
    lines: Vec<Value>,
    /// Whether there are earlier ones.
    earlier: bool,
}

impl Events {
    async fn list(&self, client: &Client, mut query: Query) -> Result<Found, Failure> {
        let about = match &self.about {
            Some(key) => Some(About::find(client, key, &query).await?),
            None => None,
        };
        query.extend(self.speaker.iter().map(|speaker| ("speaker", speaker.clone())));
        query.extend(self.family.iter().map(|family| ("family", family.clone())));
        query.extend(about.iter().filter_map(About::key));
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let wanted = |line: &Value| about.as_ref().is_none_or(|about| about.covers(line));
        let mut pages = Pages::of(client, query, None);
        let mut lines: Vec<Value> = Vec::new();
        while lines.len() <= most
            && let Some(page) = pages.next().await?
        {
            lines.extend(page.into_iter().filter(wanted));
        }
        if let (Some(About::Object(key)), true) = (&about, lines.is_empty()) {
            let what = format!("nothing was said of `{key}`, and no incident has that name");
            return Err(Failure::new(Exit::NotFound, what, "`entente picture --all` lists the incidents"));
        }
        let earlier = lines.len() > most;
        lines.truncate(most);
        lines.reverse();
        Ok(Found { as_of: pages.as_of, lines, earlier })
    }
}

/// What a list is about.
enum About {
    Incident(String),
    Object(String),
}

impl About {
    async fn find(client: &Client, key: &str, query: &Query) -> Result<Self, Failure> {
        match client.json(&["v1", "incidents", key], query).await {
            Ok(incident) => Ok(Self::Incident(text(&incident, "id"))),
            Err(failure) if failure.exit == Exit::NotFound => Ok(Self::Object(key.to_owned())),
            Err(failure) => Err(failure),
        }
    }

    fn key(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Incident(_) => None,
            Self::Object(key) => Some(("object", key.clone())),
        }
    }

    fn covers(&self, line: &Value) -> bool {
        match self {
            Self::Incident(id) => text(line, "incident") == *id,
            Self::Object(_) => true,
        }
    }
}

/// Pages of records, from the newest back.
struct Pages<'a> {
    client: &'a Client,
    query: Query,
    before: Option<String>,
    ended: bool,
    as_of: Value,
}

impl<'a> Pages<'a> {
    fn of(client: &'a Client, query: Query, before: Option<String>) -> Self {
        Self { client, query, before, ended: false, as_of: Value::Null }
    }

    /// The next page, the newest record first; none after the last.
    async fn next(&mut self) -> Result<Option<Vec<Value>>, Failure> {
        if self.ended {
            return Ok(None);
        }
        let mut query = self.query.clone();
        query.push(("limit", PAGE.to_string()));
        query.extend(self.before.take().map(|before| ("before", before)));
        let mut page = self.client.json(&["v1", "events"], &query).await?;
        if self.as_of.is_null() {
            self.as_of = page.get("as_of").cloned().unwrap_or_default();
        }
        self.before = text_of(&page, "next_before");
        self.ended = self.before.is_none();
        match page.get_mut("events").map(Value::take) {
            Some(Value::Array(lines)) => Ok(Some(lines)),
            _ => Ok(None),
        }
    }
}

/// The records that one position does not count and another does, the oldest first.
///
/// # Errors
/// If the server does not answer.
pub async fn between(client: &Client, after: &str, upto: &str) -> Result<Vec<Value>, Failure> {
    let query = Query::from([("after", after.to_owned())]);
    let mut pages = Pages::of(client, query, Some(shifted(upto, |sequence| sequence.saturating_add(1))));
    let everybodys = log_stream("actual", AUDIENCE_ALL);
    let known = Position::parse(after, &everybodys).unwrap_or_default();
    let is_wanted = |line: &Value| {
        let place = text(line, "position").parse::<entente_correlator::Place>();
        place.is_ok_and(|entente_correlator::Place { stream, sequence }| {
            !known.covers(if stream.is_empty() { &everybodys } else { &stream }, sequence)
        })
    };
    let mut lines = Vec::new();
    while let Some(page) = pages.next().await? {
        let reaches_back = !page.iter().all(is_wanted);
        lines.extend(page.into_iter().filter(is_wanted));
        if reaches_back {
            break;
        }
    }
    lines.reverse();
    Ok(lines)
}
