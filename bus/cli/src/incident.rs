//! `entente incident`: one incident as text, or as JSON.

use clap::Args;

use crate::args::Place;
use crate::exit::{Exit, Failure};
use crate::view::ViewFlags;
use crate::{say, station};

const EXAMPLES: &str = "\
Examples:
  entente incident inc-2kq7c4w1xz
  entente incident gcp.public:DK3LfKowzJPpZq4Q9YqP --as-of 05:27 --json";

/// Show one incident: the eight answers, every lane, what is owed
#[derive(Args, Debug)]
#[command(name = "incident", after_help = EXAMPLES)]
pub struct IncidentOf {
    /// Its id or alias, its short name, or the object id of a member
    key: String,
    #[command(flatten)]
    view: ViewFlags,
}

/// Shows an incident.
///
/// # Errors
/// If there is none of that key, or no server can be asked.
pub async fn run(incident: IncidentOf, place: &Place) -> Result<Exit, Failure> {
    let (folder, settings) = place.open()?;
    let query = incident
        .view
        .query(folder.now())
        .map_err(|what| Failure::new(Exit::Mistake, what, "see `entente incident --help`"))?;
    let key = incident.key.as_str();
    let path = if incident.view.json { ["v1", "incidents", key].to_vec() } else { ["incidents", key, "text"].to_vec() };
    let station = station::running_or_own(&folder, &settings).await?;
    let text = station.client().text(&path, &query).await;
    station.end().await;
    say::print(&say::ending_in_a_line(&text?))?;
    Ok(Exit::Done)
}
