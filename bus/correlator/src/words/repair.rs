//! How far a repair has come, in words: what was attempted of what was chosen, and what works again. A figure that may be
//! higher says so; what nobody tells is not said to be zero.

use entente_schemas::family::Tally;

use super::figure;
use crate::picture::{Fall, Reach};

/// In short: `240 of 1000 attempted, 198 work again`.
#[must_use]
pub fn reached(reach: &Reach) -> String {
    let parts: Vec<String> = [attempted(reach), working(reach)].into_iter().flatten().collect();
    if parts.is_empty() { "no figures told".to_owned() } else { parts.join(", ") }
}

/// With all that is told: `240 of 1000 attempted, 198 work again, 12 under way, 20 failed, 2 lost`.
#[must_use]
pub fn reached_in_full(reach: &Reach) -> String {
    let more = REST.iter().filter_map(|(word, of)| {
        let told = span(reach, *of).filter(|_| of(&reach.hi).max(of(&reach.lo)) > Some(0))?;
        Some(format!(", {told} {word}"))
    });
    format!("{}{}", reached(reach), more.collect::<String>())
}

/// A figure that is lower than it was: `210 worked again before`.
#[must_use]
pub fn fallen(fall: &Fall) -> String {
    let word = if fall.member == "succeeded" { "worked again" } else { &fall.member };
    format!("{} {word} before", figure(fall.from))
}

/// Attempts of which nobody says how they ended: `42 outcomes not told`.
#[must_use]
pub fn untold(outcomes: u64) -> String {
    format!("{} {} not told", figure(outcomes), if outcomes == 1 { "outcome" } else { "outcomes" })
}

/// A figure of a tally.
type Member = fn(&Tally) -> Option<u64>;

/// What is told beside attempts and successes, in the order of the schema.
const REST: [(&str, Member); 7] = [
    ("under way", |tally| tally.in_progress),
    ("partly", |tally| tally.partial),
    ("failed", |tally| tally.failed),
    ("cannot be helped this way", |tally| tally.unsupported),
    ("no longer there", |tally| tally.not_found),
    ("called off", |tally| tally.cancelled),
    ("lost", |tally| tally.lost_to_followup),
];

fn attempted(reach: &Reach) -> Option<String> {
    let targeted = span(reach, |tally| tally.targeted);
    match (span(reach, |tally| tally.attempted), targeted) {
        (Some(attempted), Some(targeted)) => Some(format!("{attempted} of {targeted} attempted")),
        (Some(attempted), None) => Some(format!("{attempted} attempted")),
        (None, targeted) => targeted.map(|targeted| format!("{targeted} targeted")),
    }
}

/// Nothing where nothing was tried yet either.
fn working(reach: &Reach) -> Option<String> {
    let (lo, hi) = (reach.lo.succeeded, reach.hi.succeeded);
    match span(reach, |tally| tally.succeeded) {
        Some(_) if hi == Some(0) => {
            reach.lo.attempted.is_some_and(|attempted| attempted > 0).then(|| "none works again".to_owned())
        }
        Some(_) if lo == Some(1) && hi == Some(1) => Some("1 works again".to_owned()),
        Some(working) => Some(format!("{working} work again")),
        None => reach.lo.attempted.map(|_| "outcome not told".to_owned()),
    }
}

/// A figure of which both ends are told, or the lower one. That there are at least none says nothing.
fn span(reach: &Reach, of: Member) -> Option<String> {
    match (of(&reach.lo)?, of(&reach.hi)) {
        (lo, Some(hi)) if hi == lo => Some(figure(lo)),
        (lo, Some(hi)) => Some(format!("{} to {}", figure(lo), figure(hi))),
        (0, None) => None,
        (lo, None) => Some(format!("at least {}", figure(lo))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(targeted: u64, attempted: u64, succeeded: Option<u64>) -> Tally {
        Tally { targeted: Some(targeted), attempted: Some(attempted), succeeded, ..Tally::default() }
    }

    fn reach(lo: Tally, hi: Tally) -> Reach {
        Reach { regime: String::new(), lo, hi }
    }

    fn exact(tally: Tally) -> Reach {
        reach(tally.clone(), tally)
    }

    #[test]
    fn repairs_read_as_they_are_said() {
        let said = |tally| reached(&exact(tally));
        assert_eq!(said(tally(1_000, 240, Some(198))), "240 of 1000 attempted, 198 work again");
        assert_eq!(said(tally(1_000, 1, Some(1))), "1 of 1000 attempted, 1 works again");
        assert_eq!(said(tally(1_000, 240, Some(0))), "240 of 1000 attempted, none works again");
        assert_eq!(said(tally(1_000, 0, Some(0))), "0 of 1000 attempted");
        assert_eq!(said(tally(1_000, 240, None)), "240 of 1000 attempted, outcome not told");
        assert_eq!(said(Tally { succeeded: Some(7), ..Tally::default() }), "7 work again");
        assert_eq!(said(Tally { targeted: Some(9), ..Tally::default() }), "9 targeted");
        assert_eq!(said(Tally::default()), "no figures told");
    }

    #[test]
    fn what_is_not_exact_says_so() {
        let (lo, hi) = (tally(1_000, 240, Some(198)), tally(1_200, 300, None));
        let said = reached(&reach(lo, hi));
        assert_eq!(said, "240 to 300 of 1000 to 1200 attempted, at least 198 work again");
        let nothing_seen = reach(tally(9, 4, Some(0)), tally(9, 4, None));
        assert_eq!(reached(&nothing_seen), "4 of 9 attempted, outcome not told");
    }

    #[test]
    fn the_rest_follows_where_it_is_told_and_not_zero() {
        let all = Tally { in_progress: Some(12), failed: Some(20), partial: Some(0), ..tally(1_000, 240, Some(198)) };
        let lost = Tally { lost_to_followup: Some(2), ..all };
        assert_eq!(
            reached_in_full(&exact(lost)),
            "240 of 1000 attempted, 198 work again, 12 under way, 20 failed, 2 lost"
        );
        let fall = |member: &str| fallen(&Fall { member: member.to_owned(), from: 210 });
        assert_eq!([fall("succeeded"), fall("targeted")], ["210 worked again before", "210 targeted before"]);
    }
}
