//! `entente picture`: the board as text, or the picture as JSON.

use clap::{Args, ValueEnum};
use entente_schemas::block::ServiceClass;

use crate::args::Place;
use crate::exit::{Exit, Failure};
use crate::view::ViewFlags;
use crate::word::word;
use crate::{say, station};

const EXAMPLES: &str = "\
Examples:
  entente picture
  entente picture --state open --provider gcp --with overdue
  entente picture --as-of 120 --json";

/// Show the board: what is open, who says what, who owes whom
#[derive(Args, Debug)]
#[command(name = "picture", after_help = EXAMPLES)]
pub struct PictureOf {
    #[command(flatten)]
    view: ViewFlags,
    /// Only open or only closed incidents
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
    let (folder, settings) = place.open()?;
    let mut query = picture
        .view
        .query(folder.now())
        .map_err(|what| Failure::new(Exit::Mistake, what, "see `entente picture --help`"))?;
    let filters = [
        ("state", picture.state.and_then(name)),
        ("provider", picture.provider),
        ("class", picture.class.map(|class| class.as_str().to_owned())),
        ("with", picture.with.and_then(name)),
        ("lane", picture.lane),
        ("sort", picture.sort.and_then(name)),
    ];
    query.extend(filters.into_iter().filter_map(|(key, value)| Some((key, value?))));
    let path: &[&str] = if picture.view.json { &["v1", "picture"] } else { &["board.txt"] };
    let station = station::running_or_own(&folder, &settings).await?;
    let text = station.client().text(path, &query).await;
    station.end().await;
    say::print(&say::ending_in_a_line(&text?))?;
    Ok(Exit::Done)
}
