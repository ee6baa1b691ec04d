//! `entente incident`: one incident as text, or as JSON.

use clap::Args;

use crate::args::Place;
use crate::ask::asking;
use crate::exit::{Exit, Failure};
use crate::say;
use crate::view::ViewFlags;

const EXAMPLES: &str = "\
Examples:
  entente incident inc-2kq7c4w1xz
  entente incident gcp.public:DK3LfKowzJPpZq4Q9YqP --as-of -1 --json";

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
    let (view, key) = (&incident.view, incident.key.as_str());
    let path = if view.json { vec!["v1", "incidents", key] } else { vec!["incidents", key, "text"] };
    let text = asking(place, async |asked, folder| {
        let query = view.query(asked.client(), folder.now()).await?;
        asked.client().text(&path, &query).await
    });
    say::print(&say::ending_in_a_line(&text.await?))?;
    Ok(Exit::Done)
}
