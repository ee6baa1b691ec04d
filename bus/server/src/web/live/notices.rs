//! Notices of records for programs: what was logged since the last notice, in words, and which incidents it touched.

use std::collections::BTreeSet;

use axum::response::sse::Event;
use chrono::{DateTime, Utc};
use entente_correlator::picture::Line;
use entente_correlator::select::EventFilter;
use entente_correlator::{Span, State};
use entente_schemas::record::Position;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::reached::Reached;
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
    position: Reached,
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
    told: Position,
}

impl Notices {
    /// For one who was told of everything up to a position.
    pub(crate) fn after(told: Position) -> Self {
        Self { told }
    }

    /// The position up to which everything was told.
    pub(crate) fn told(&self) -> &Position {
        &self.told
    }

    /// The notices that are due.
    pub(crate) async fn news(&mut self, app: &App) -> Vec<Event> {
        let reached = app.room.position();
        if !reached.reaches(&self.told) && app.room.link() == Link::Live {
            // The log that was followed is not this one any more.
            self.told = reached;
            return vec![Event::default().event("reload").id(self.told.to_string()).data("{}")];
        }
        if self.told.reaches(&reached) {
            return Vec::new();
        }
        let (now, told, upto) = (app.clock.second(), self.told.clone(), reached.clone());
        let lines = app.room.look(When::live(now), move |moment| lines(moment.state, &told, &upto));
        let Ok((lines, missed)) = lines.await else { return Vec::new() };
        let from = std::mem::replace(&mut self.told, reached);
        notices(lines, from, &self.told, missed, now).iter().filter_map(event).collect()
    }
}

/// The newest records between two positions, the oldest first, and how many positions before these are left out.
fn lines(state: &State, told: &Position, upto: &Position) -> (Vec<Line>, u64) {
    let behind = upto.beyond(told);
    let mut missed = behind.saturating_sub(MOST);
    let mut after = told.clone();
    if let ([(stream, _)], true) = (upto.iter().collect::<Vec<_>>().as_slice(), missed > 0) {
        after.advance(stream, upto.sequence(stream) - MOST);
    }
    let before = upto.iter().fold(Position::default(), |mut before, (stream, sequence)| {
        before.advance(stream, sequence.saturating_add(1));
        before
    });
    let span = Span { after: Some(after), before: Some(before) };
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let mut lines = state.page(&span, most, &EventFilter::default()).lines;
    if lines.len() < most && upto.iter().count() > 1 {
        missed = 0;
    }
    lines.reverse();
    (lines, missed)
}

fn notices(lines: Vec<Line>, from: Position, reached: &Position, missed: u64, at: DateTime<Utc>) -> Vec<Notice> {
    let mut told = from;
    let mut notices: Vec<Notice> = lines
        .chunks(TOGETHER)
        .map(|lines| {
            let touched: BTreeSet<&String> = lines.iter().filter_map(|line| line.incident.as_ref()).collect();
            lines.iter().for_each(|line| told.advance(&line.position.stream, line.position.sequence));
            Notice {
                position: Reached(told.clone()),
                at,
                incidents: touched.into_iter().cloned().collect(),
                lines: lines.to_vec(),
                missed: 0,
            }
        })
        .collect();
    match notices.last_mut() {
        Some(last) => last.position = Reached(reached.clone()),
        None => notices.push(Notice {
            position: Reached(reached.clone()),
            at,
            lines: Vec::new(),
            incidents: Vec::new(),
            missed: 0,
        }),
    }
    if let Some(first) = notices.first_mut() {
        first.missed = missed;
    }
    notices
}

fn event(notice: &Notice) -> Option<Event> {
    Event::default().id(notice.position.0.to_string()).json_data(notice).ok()
}

#[cfg(test)]
mod tests {
    use entente_correlator::Place;
    use entente_schemas::family::Family;

    use super::*;

    const STREAM: &str = "A_actual_all";

    fn line(position: u64) -> Line {
        Line {
            position: Place { stream: STREAM.into(), sequence: position },
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
            shared: None,
        }
    }

    #[test]
    fn many_records_come_in_several_notices_and_the_last_says_how_far() {
        let lines = (1..=450).map(line).collect();
        let told = notices(lines, Position::of(STREAM, 0), &Position::of(STREAM, 455), 7, DateTime::UNIX_EPOCH);
        let summary: Vec<(String, usize, u64)> =
            told.iter().map(|n| (n.position.0.to_string(), n.lines.len(), n.missed)).collect();
        assert_eq!(summary, [("200".into(), 200, 7), ("400".into(), 200, 0), ("455".into(), 50, 0)]);
        assert_eq!(told[0].incidents, ["inc-a"]);
    }

    #[test]
    fn records_that_say_nothing_new_still_move_the_position() {
        let (from, reached) = (Position::of(STREAM, 7), Position::of(STREAM, 9));
        let told = notices(Vec::new(), from, &reached, 0, DateTime::UNIX_EPOCH);
        assert_eq!((told.len(), told[0].position.clone(), told[0].lines.len()), (1, Reached(reached), 0));
    }
}
