//! `entente picture`: the board as text, or the picture as JSON.

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use entente_schemas::block::ServiceClass;
use serde_json::Value;

use crate::args::Place;
use crate::ask::asking;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::say;
use crate::view::{Query, ViewFlags};
use crate::word::{nearest, word};

const EXAMPLES: &str = "\
Examples:
  entente picture
  entente picture --provider gcp --with overdue
  entente picture --all --sort changed
  entente picture --as-of -10m
  entente picture --as-of -3 --json

As text it lists open incidents and says how many closed ones there are; as JSON it holds all.";

/// Show the board: what is open, who says what, who owes whom
#[derive(Args, Debug)]
#[command(name = "picture", after_help = EXAMPLES)]
pub struct PictureOf {
    #[command(flatten)]
    view: ViewFlags,
    /// Closed incidents too, after the open ones
    #[arg(long, conflicts_with = "state")]
    all: bool,
    /// Only open or only closed incidents (default: open)
    #[arg(long)]
    state: Option<State>,
    /// Only incidents that concern this provider or vendor
    #[arg(long, value_name = "SLUG")]
    provider: Option<String>,
    /// Only incidents with a block of this class
    #[arg(long, value_parser = word!(ServiceClass))]
    class: Option<ServiceClass>,
    /// Only incidents in which something is so
    #[arg(long)]
    with: Option<With>,
    /// Only incidents in which this organisation has a lane; `mine` is your own
    #[arg(long, value_name = "ORG")]
    lane: Option<String>,
    /// In which order
    #[arg(long)]
    sort: Option<Sort>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum With {
    Disagreement,
    Overdue,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    Severity,
    Changed,
    Started,
    Name,
}

fn name(value: impl ValueEnum) -> Option<String> {
    value.to_possible_value().map(|value| value.get_name().to_owned())
}

/// Shows the board.
///
/// # Errors
/// If no server can be asked.
pub async fn run(picture: PictureOf, place: &Place) -> Result<Exit, Failure> {
    let text = asking(place, async |asked, folder| {
        let client = asked.client();
        let mut query = picture.view.query(client, folder.now()).await?;
        picture.tell_of_unknown_names(client, &query).await?;
        query.extend(picture.filters());
        match picture.state {
            _ if picture.view.json => client.text(&["v1", "picture"], &picture.with_state(query)).await,
            None if !picture.all => folded(client, query).await,
            _ => client.text(&["board.txt"], &picture.with_state(query)).await,
        }
    });
    say::print(&say::ending_in_a_line(&text.await?))?;
    Ok(Exit::Done)
}

impl PictureOf {
    fn filters(&self) -> impl Iterator<Item = (&'static str, String)> {
        let filters = [
            ("provider", self.provider.clone()),
            ("class", self.class.map(|class| class.as_str().to_owned())),
            ("with", self.with.and_then(name)),
            ("lane", self.lane.clone()),
            ("sort", self.sort.and_then(name)),
        ];
        filters.into_iter().filter_map(|(key, value)| Some((key, value?)))
    }

    /// Says so if a filter names an organisation of which nothing was said: then it fits nothing whatever happens.
    async fn tell_of_unknown_names(&self, client: &Client, query: &Query) -> Result<(), Failure> {
        let named = [("provider", &self.provider), ("lane", &self.lane)];
        let named = named.into_iter().filter_map(|(key, name)| Some((key, name.as_ref()?)));
        for (key, name) in named.filter(|(_, name)| *name != "mine") {
            let alone = [query.clone(), vec![(key, name.clone()), ("limit", "0".to_owned())]].concat();
            let found = client.json(&["v1", "picture"], &alone).await?;
            if found.get("matched") == Some(&Value::from(0)) {
                let whole = client.json(&["v1", "picture"], query).await?;
                say::progress(&format!("note: {}", unknown_name(key, name, &whole)));
            }
        }
        Ok(())
    }

    fn with_state(&self, mut query: Query) -> Query {
        query.extend(self.state.and_then(name).map(|state| ("state", state)));
        query
    }
}

/// The board of what is open, and of what is closed only how much there is.
async fn folded(client: &Client, query: Query) -> Result<String, Failure> {
    let of = |state: &str| [query.clone(), vec![("state", state.to_owned())]].concat();
    let board = client.text(&["board.txt"], &of("open")).await?;
    let closed = client.json(&["v1", "picture"], &[of("closed"), vec![("limit", "0".to_owned())]].concat()).await?;
    let closed = closed.get("matched").and_then(Value::as_u64).unwrap_or_default();
    Ok(format!("{}{}", say::ending_in_a_line(&board), left_out(closed)))
}

/// That no claim names an organisation in the way of a filter, and which ones are named.
fn unknown_name(key: &str, name: &str, whole: &Value) -> String {
    let mut known = BTreeSet::new();
    gather(whole.get("incidents").unwrap_or(&Value::Null), &["speaker", key], &mut known);
    let meant = nearest(name, known.iter().map(String::as_str));
    let meant = meant.map(|meant| format!(" did you mean `{meant}`?")).unwrap_or_default();
    let known = match known.len() {
        0 => "none yet".to_owned(),
        _ => known.iter().cloned().collect::<Vec<_>>().join(", "),
    };
    format!("no incident has {key} `{name}`;{meant} known: {known}")
}

/// The texts under these names, however deep they stand.
fn gather(value: &Value, names: &[&str], found: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| gather(value, names, found)),
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(text) if names.contains(&name.as_str()) => {
                        found.insert(text.to_owned());
                    }
                    _ => gather(member, names, found),
                }
            }
        }
        _ => {}
    }
}

fn left_out(closed: u64) -> String {
    match closed {
        0 => String::new(),
        1 => "1 closed incident is left out: `--all` lists it too\n".to_owned(),
        many => format!("{many} closed incidents are left out: `--all` lists them too\n"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_filter_that_fits_nothing_is_told_the_names_that_would() {
        let whole = json!({ "incidents": [{ "lanes": [{ "speaker": "gcp", "claim": { "blocks": [{ "provider": "aws",
            "state": "restored" }] } }] }], "matrix": [{ "speaker": "nobody" }] });
        let told = "no incident has provider `gpc`; did you mean `gcp`? known: aws, gcp";
        assert_eq!(unknown_name("provider", "gpc", &whole), told);
        assert_eq!(unknown_name("lane", "acme", &json!({})), "no incident has lane `acme`; known: none yet");
    }

    #[test]
    fn what_is_left_out_is_counted() {
        assert_eq!(left_out(0), "");
        assert!(left_out(1).starts_with("1 closed incident is left out"));
        assert!(left_out(119).starts_with("119 closed incidents are left out"));
    }
}
