//! Notices of records for programs: what was logged since the last notice, in words, and which incidents it touched.

use std::collections::BTreeSet;

use axum::response::sse::Event;
use chrono::{DateTime, Utc};
use entente_correlator::picture::Line;
use entente_correlator::select::EventFilter;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::room::{Link, When};

/// Records in one notice.
const TOGETHER: usize = 200;
/// Records that one who was away is told of; of earlier ones only how many there were.
const MOST: u64 = 2_000;

/// What was logged since the last notice.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Notice {
    /// The position up to which this tells.
    position: u64,
    /// What the server's clock shows.
    at: DateTime<Utc>,
    /// The records, the oldest first.
    lines: Vec<Line>,
    /// The incidents that they belong to, each once.
    incidents: Vec<String>,
    /// Positions before these that are left out, because there are too many; `/v1/events` has them.
    missed: u64,
}

/// Where one who is told of records stands.
#[derive(Debug)]
pub(crate) struct Notices {
    told: u64,
}

impl Notices {
    /// For one who was told of everything up to a position.
    pub(crate) fn after(told: u64) -> Self {
        Self { told }
    }

    /// The position up to which everything was told.
    pub(crate) fn told(&self) -> u64 {
        self.told
    }

    /// The notices that are due.
    pub(crate) async fn news(&mut self, app: &App) -> Vec<Event> {
        let reached = app.room.sequence();
        if reached < self.told && app.room.link() == Link::Live {
            // The log that was followed is not this one any more.
            self.told = reached;
            return vec![Event::default().event("reload").id(reached.to_string()).data("{}")];
        }
        if reached <= self.told {
            return Vec::new();
        }
        let from = self.told.max(reached.saturating_sub(MOST));
        let missed = from - self.told;
        let now = app.clock.second();
        let lines = app.room.look(When::live(now), move |moment| lines(moment.state, from, reached));
        let Ok(lines) = lines.await else { return Vec::new() };
        self.told = reached;
        notices(lines, reached, missed, now).iter().filter_map(event).collect()
    }
}

fn lines(state: &entente_correlator::State, after: u64, upto: u64) -> Vec<Line> {
    let many = usize::try_from(upto - after).unwrap_or(usize::MAX);
    let mut lines = state.events(upto.checked_add(1), many, &EventFilter::default());
    lines.retain(|line| line.position > after);
    lines.reverse();
    lines
}

fn notices(lines: Vec<Line>, reached: u64, missed: u64, at: DateTime<Utc>) -> Vec<Notice> {
    let mut notices: Vec<Notice> = lines
        .chunks(TOGETHER)
        .map(|lines| {
            let touched: BTreeSet<&String> = lines.iter().filter_map(|line| line.incident.as_ref()).collect();
            Notice {
                position: lines.last().map_or(reached, |line| line.position),
                at,
                incidents: touched.into_iter().cloned().collect(),
                lines: lines.to_vec(),
                missed: 0,
            }
        })
        .collect();
    match notices.last_mut() {
        Some(last) => last.position = reached,
        None => notices.push(Notice { position: reached, at, lines: Vec::new(), incidents: Vec::new(), missed: 0 }),
    }
    if let Some(first) = notices.first_mut() {
        first.missed = missed;
    }
    notices
}

fn event(notice: &Notice) -> Option<Event> {
    Event::default().id(notice.position.to_string()).json_data(notice).ok()
}

#[cfg(test)]
mod tests {
    use entente_schemas::family::Family;

    use super::*;

    fn line(position: u64) -> Line {
        Line {
            position,
            id: format!("e{position}"),
            logged: DateTime::UNIX_EPOCH,
            speaker: "gcp".into(),
            source: "local/gcp-public".into(),
            family: Family::Impact,
            object_id: "gcp.public:1".into(),
            rev: position,
            says: "investigating".into(),
            incident: position.is_multiple_of(2).then(|| "inc-a".into()),
            withdrawn_by: None,
        }
    }

    #[test]
    fn many_records_come_in_several_notices_and_the_last_says_how_far() {
        let told = notices((1..=450).map(line).collect(), 455, 7, DateTime::UNIX_EPOCH);
        let summary: Vec<(u64, usize, u64)> = told.iter().map(|n| (n.position, n.lines.len(), n.missed)).collect();
        assert_eq!(summary, [(200, 200, 7), (400, 200, 0), (455, 50, 0)]);
        assert_eq!(told[0].incidents, ["inc-a"]);
    }

    #[test]
    fn records_that_say_nothing_new_still_move_the_position() {
        let told = notices(Vec::new(), 9, 0, DateTime::UNIX_EPOCH);
        assert_eq!((told.len(), told[0].position, told[0].lines.len()), (1, 9, 0));
    }
}
