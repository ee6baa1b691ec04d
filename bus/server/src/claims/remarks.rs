//! What a claim says that no time or number can be, and what is legal and yet most likely not meant. The first is refused;
//! the second is published, and its author is told.

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::family::{Body, Claim, Estimate, ImpactKind};
use entente_schemas::header::Fidelity;

use super::Mistake;

/// Two clocks need not agree to the second.
const SLACK: TimeDelta = TimeDelta::minutes(5);
/// How far ahead a time of what happened may be told.
const AHEAD: TimeDelta = TimeDelta::days(1);

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) mistakes: Vec<Mistake>,
    pub(super) remarks: Vec<String>,
}

/// Looks at a completed claim as the clock shows `now`.
pub(super) fn look(claim: &Claim, now: DateTime<Utc>) -> Found {
    let mut looking = Looking { now, found: Found::default() };
    looking.times(claim);
    looking.body(&claim.body);
    looking.found
}

struct Looking {
    now: DateTime<Utc>,
    found: Found,
}

impl Looking {
    fn mistake(&mut self, path: &str, what: &str) {
        self.found.mistakes.push(Mistake::new(path, what));
    }

    fn remark(&mut self, text: impl Into<String>) {
        self.found.remarks.push(text.into());
    }

    fn times(&mut self, claim: &Claim) {
        let times = &claim.header.times;
        let planned = matches!(&claim.body, Body::Impact(impact) if impact.kind == ImpactKind::Maintenance);
        if !planned {
            self.happened("times.occurred_at", times.occurred_at);
            self.happened("times.occurred_end", times.occurred_end);
        }
        self.happened("times.observed_at", Some(times.observed_at));
        self.happened("times.confirmed_at", times.confirmed_at);
        let known_to = TimeDelta::seconds(times.fidelity.map_or(0, Fidelity::seconds));
        if let (Some(start), Some(end)) = (times.occurred_at, times.occurred_end)
            && end + known_to < start
        {
            self.mistake("times.occurred_end", "it ends before it began; expected a time after times.occurred_at");
        }
    }

    /// A time at which something was so.
    fn happened(&mut self, path: &str, time: Option<DateTime<Utc>>) {
        let Some(ahead) = time.map(|time| time - self.now) else { return };
        if ahead > AHEAD {
            let what = "over a day in the future; expected when it was so, and for what is planned an impact of kind maintenance";
            self.mistake(path, what);
        } else if ahead > SLACK {
            self.remark(format!("{path} is in the future: it is shown as if it had happened."));
        }
    }

    fn past(&mut self, time: Option<DateTime<Utc>>, text: &str) {
        if time.is_some_and(|time| time < self.now) {
            self.remark(text);
        }
    }

    fn body(&mut self, body: &Body) {
        match body {
            Body::Impact(impact) => {
                if impact.phase.is_open() {
                    self.past(impact.next_update_by, "next_update_by is past: the update is overdue from the start.");
                }
                for (index, count) in impact.counts.iter().enumerate() {
                    self.happened(&format!("counts.{index}.as_of"), Some(count.as_of));
                }
            }
            Body::Message(message) if message.state.is_open() => {
                self.past(message.due_at, "due_at is past: it is overdue from the start.");
            }
            Body::Roster(roster) => self.past(roster.until, "until is past: nobody is shown as on duty by this."),
            Body::Constraint(constraint) => {
                self.past(constraint.expires, "expires is past: the constraint moves nothing.");
            }
            Body::Estimate(estimate) => self.estimate(estimate),
            _ => {}
        }
    }

    fn estimate(&mut self, estimate: &Estimate) {
        self.happened("as_of", Some(estimate.as_of));
        let all = estimate.population.as_ref().and_then(|population| population.value);
        let least = estimate.lo.max(estimate.value);
        if let (Some(all), Some(least)) = (all, least)
            && least > all
        {
            self.mistake("population.value", "the figure is greater than the population that it is of");
        }
    }
}

#[cfg(test)]
mod tests {
    use entente_schemas::family::Family;
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2024-07-19T05:10:00Z";

    fn found(family: Family, body: Value) -> Found {
        let mut claim = json!({"object_id": "aws:1", "rev": 1, "certainty": "likely",
            "speaker": {"org": "aws", "role": "provider", "relay": "own"}, "times": {"observed_at": NOW}});
        claim.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        look(&Claim::read_strict(family, &claim.to_string()).unwrap(), NOW.parse().unwrap())
    }

    fn impact(kind: &str, times: Value) -> Found {
        let body = json!({"kind": kind, "phase": "investigating", "severity": "major", "title": "x", "times": times});
        found(Family::Impact, body)
    }

    fn paths(found: &Found) -> Vec<&str> {
        found.mistakes.iter().map(|mistake| mistake.path.as_str()).collect()
    }

    #[test]
    fn a_start_in_the_future_is_remarked_on_and_refused_beyond_a_day() {
        let at = |occurred: &str| impact("incident", json!({"observed_at": NOW, "occurred_at": occurred}));
        assert_eq!(at("2024-07-19T05:14:00Z"), Found::default());
        let soon = at("2024-07-19T09:00:00Z");
        assert!(soon.mistakes.is_empty() && soon.remarks[0].contains("times.occurred_at"), "{soon:?}");
        assert_eq!(paths(&at("2024-07-21T05:10:00Z")), ["times.occurred_at"]);
        let planned = json!({"observed_at": NOW, "occurred_at": "2024-08-19T05:10:00Z"});
        assert_eq!(impact("maintenance", planned), Found::default());
    }

    #[test]
    fn an_end_before_its_start_is_refused_as_far_as_the_times_are_known() {
        let times = |fidelity| json!({"observed_at": NOW, "occurred_at": "2024-07-19T04:30:00Z", "occurred_end": "2024-07-19T04:00:00Z", "fidelity": fidelity});
        assert_eq!(paths(&impact("incident", times("minute"))), ["times.occurred_end"]);
        assert_eq!(impact("incident", times("hour")), Found::default());
    }

    #[test]
    fn what_is_due_already_is_remarked_on() {
        let message = |state: &str| {
            let body = json!({"thread_id": "aws:1", "kind": "request", "text": "x", "state": state, "due_at": "2024-07-19T05:00:00Z"});
            found(Family::Message, body).remarks
        };
        assert_eq!(message("open").len(), 1);
        assert_eq!(message("fulfilled"), Vec::<String>::new());
    }

    #[test]
    fn a_part_is_not_greater_than_the_whole() {
        let body = json!({"quantity": "affected", "unit": "device", "value": 8_500_000, "method": "vendor_statement",
            "as_of": NOW, "population": {"value": 8_000_000, "definition": "x"}});
        assert_eq!(paths(&found(Family::Estimate, body)), ["population.value"]);
    }
}
