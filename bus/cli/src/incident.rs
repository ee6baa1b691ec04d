//! `entente incident`: one incident as text, or as JSON.

use clap::Args;
use serde_json::Value;

use crate::args::Place;
use crate::ask::asking;
use crate::exit::{Exit, Failure};
use crate::line::text;
use crate::marking::Names;
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
    let shown = asking(place, async |asked, folder| {
        let client = asked.client();
        let query = view.query(client, folder.now()).await?;
        if view.json {
            return client.text(&["v1", "incidents", key], &query).await;
        }
        let page = client.text(&["incidents", key, "text"], &query).await?;
        let incident = client.json(&["v1", "incidents", key], &query).await?;
        Ok(format!("{}{}", say::ending_in_a_line(&page), objects(&incident, &Names::of(folder))))
    });
    say::print(&say::ending_in_a_line(&shown.await?))?;
    Ok(Exit::Done)
}

/// The objects of which something was said here, by whose ids the next claim goes on with them.
fn objects(incident: &Value, names: &Names) -> String {
    let mut known: Vec<String> = Vec::new();
    let mut told = String::from("\nOBJECTS\n");
    for said in listed(incident, "members").chain(listed(incident, "events")) {
        let id = text(said, "object_id");
        if !known.contains(&id) {
            let says = [text(said, "title"), text(said, "says")].concat().replace(['\n', '\t'], " ");
            let says: String = says.chars().take(80).collect();
            let group = names.group_at(&text(said, "position"));
            let group = if group.is_empty() { group } else { format!("  [{group}]") };
            told.push_str(&format!("  {}: {says}  {id}{group}\n", text(said, "speaker")));
            known.push(id);
        }
    }
    if known.is_empty() { String::new() } else { told }
}

fn listed<'a>(incident: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    incident.get(name).and_then(Value::as_array).into_iter().flatten()
}
