//! How far each run of a repair has come, as arms that rise: what was targeted is the track, what was attempted fills it,
//! what works again fills that; the figures stand beside in words. Arms are shown where a run has several.

use entente_correlator::picture::{Approach, Reach, Run};
use maud::{Markup, html};

use crate::frame::Frame;
use crate::moment::clock;
use crate::name::spaced;
use crate::number;
use crate::repair;
use crate::shared::inline;
use crate::spoken::whose;

/// The bar's length in the drawing's units.
const LONG: u64 = 128;

/// The row beneath an approach; nothing where nobody runs it.
pub(super) fn row(frame: &Frame, approach: &Approach, id: &str, columns: usize) -> Markup {
    html! {
        @if !approach.runs.is_empty() {
            tr.arms id=(id) data-f { td.full colspan=(columns) { ul {
                @for run in &approach.runs { (of_run(frame, run)) }
                @if let ([_, _, ..], Some(together)) = (approach.runs.as_slice(), repair::together(approach)) {
                    li { b { "All" } span { (together) " " span.tag.reg { (repair::by(approach)) } } }
                }
            } } }
        }
    }
}

fn of_run(frame: &Frame, run: &Run) -> Markup {
    let (arms, beside) = repair::arms(run);
    html! {
        li {
            b { (whose(&run.speaker, run.told_by.as_deref())) }
            (bar(&run.reach))
            span { (repair::in_full(run)) span.muted { "; " (spaced(run.state.as_str())) ", as of " (clock(run.changed, frame.at)) } (inline(frame, run.shared.as_ref())) }
        }
        @for (name, arm) in arms { li.part { bdi { (name) } (bar(&arm.reach)) span { (repair::of_arm(arm)) } } }
        @if beside > 0 { li.part { span.muted { "and " (number::figure(beside as u64)) " smaller arms" } } }
    }
}

/// The bar; nothing where neither what was targeted nor what was attempted is told.
fn bar(reach: &Reach) -> Markup {
    let (attempted, succeeded) = (reach.lo.attempted.unwrap_or(0), reach.lo.succeeded.unwrap_or(0));
    let whole = reach.lo.targeted.or(reach.lo.attempted).filter(|whole| *whole > 0);
    html! {
        @if let Some(whole) = whole {
            svg.wil viewBox="0 0 132 10" aria-hidden="true" {
                @for (class, part) in [("tr", whole), ("iv", attempted), ("k-ok", succeeded)] {
                    @if part > 0 { rect class=(class) x="2" y="1" width=(length(part, whole)) height="8" {} }
                }
            }
        }
    }
}

/// A share of the bar; the least that is there can be seen, and only the whole fills it.
fn length(part: u64, whole: u64) -> u64 {
    let share = u128::from(part.min(whole)) * u128::from(LONG) / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(LONG).max(1)
}

#[cfg(test)]
mod tests {
    use entente_schemas::family::Tally;

    use super::*;

    fn drawn(targeted: Option<u64>, attempted: Option<u64>, succeeded: Option<u64>) -> Vec<String> {
        let lo = Tally { targeted, attempted, succeeded, ..Tally::default() };
        let html = bar(&Reach { regime: String::new(), hi: lo.clone(), lo }).into_string();
        let widths = html.split("width=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0.to_owned());
        widths.collect()
    }

    #[test]
    fn the_bar_fills_as_repairs_rise() {
        assert_eq!(drawn(Some(1_000), Some(0), Some(0)), ["128"]);
        assert_eq!(drawn(Some(1_000), Some(500), None), ["128", "64"]);
        assert_eq!(drawn(Some(1_000), Some(999), Some(1)), ["128", "127", "1"]);
        assert_eq!(drawn(Some(u64::MAX), Some(u64::MAX), Some(u64::MAX)), ["128", "128", "128"]);
        assert_eq!(drawn(None, Some(40), Some(10)), ["128", "128", "32"]);
        assert_eq!(drawn(None, None, Some(3)), [""; 0]);
        assert_eq!(drawn(Some(0), Some(0), Some(0)), [""; 0]);
    }
}
