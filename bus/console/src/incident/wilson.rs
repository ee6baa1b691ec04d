//! The Wilson bar: a track from 0 to 100 %, the 95 % interval as a block, the point as a tick, a rival's hearsay as a dotted
//! tick in the colour of disagreement. Below 30 outcomes, or where some are not told, there is no bar, only the words why.

use entente_correlator::picture::Success;
use entente_correlator::words;
use entente_schemas::family::SaidRate;
use maud::{Markup, html};

/// The track's left end and its length in the drawing's units.
const LEFT: u32 = 2;
const LONG: u32 = 128;

/// An observed success with its interval, and what somebody said beside it.
pub(super) fn bar(success: &Success, said: Option<&SaidRate>) -> Markup {
    let known = success.ppm.zip(success.lo_ppm.zip(success.hi_ppm)).filter(|_| !success.too_early);
    html! {
        @match known {
            None if success.untold > 0 => span.wilnone { "no rate, " (words::untold(success.untold)) },
            None => span.wilnone { "too early, n below 30" },
            Some((rate, (lo, hi))) => {
                span.pc { (words::percent(rate)) } " " span.small.muted.nw { (words::percent(lo).trim_end_matches(" %")) " to " (words::percent(hi).trim_end_matches(" %")) }
                svg.wil viewBox="0 0 132 22" aria-hidden="true" {
                    rect.tr x=(LEFT) y="8" width=(LONG) height="6" {}
                    @for x in [LEFT, LEFT + LONG / 2, LEFT + LONG] { path.gr d={ "M" (x) " 4v14" } {} }
                    rect.iv x=(place(lo)) y="7" width=(place(hi).saturating_sub(place(lo)).max(2)) height="8" {}
                    path.now.pt d={ "M" (place(rate)) " 3v16" } stroke="currentColor" stroke-width="2" {}
                    @if let Some(said) = said { path.cl d={ "M" (place(said.lo.midpoint(said.hi))) " 2v18" } stroke-dasharray="3 2" {} }
                }
            },
        }
    }
}

fn place(ppm: u32) -> u32 {
    LEFT + ppm.min(1_000_000) / 1_000 * LONG / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn success(n: u64, ppm: u32) -> Success {
        let around = |by: i64| u32::try_from(i64::from(ppm) + by).ok();
        let (lo_ppm, hi_ppm) = (around(-1_500), around(1_500));
        Success { n, succeeded: n, untold: 0, ppm: Some(ppm), lo_ppm, hi_ppm, too_early: n < 30 }
    }

    #[test]
    fn a_rate_is_never_shown_without_its_interval() {
        let html = bar(&success(48_210, 971_000), None).into_string();
        assert!(html.contains("97.1 %") && html.contains("96.9 to 97.2"), "{html}");
        assert!(!html.contains("class=\"cl\""));
    }

    #[test]
    fn few_outcomes_have_no_bar_and_no_rate() {
        let html = bar(&success(19, 894_000), None).into_string();
        assert_eq!(html, "<span class=\"wilnone\">too early, n below 30</span>");
    }

    #[test]
    fn outcomes_that_are_not_told_leave_no_rate() {
        let html = bar(&success(198, 1_000_000).beside(42), None).into_string();
        assert_eq!(html, "<span class=\"wilnone\">no rate, 42 outcomes not told</span>");
    }

    #[test]
    fn hearsay_stands_beside_in_its_own_mark() {
        let said = SaidRate { lo: 800_000, hi: 800_000, by: "crowdstrike".into() };
        let html = bar(&success(18_330, 411_000), Some(&said)).into_string();
        assert!(html.contains("class=\"cl\" d=\"M104 2v18\""), "{html}");
    }
}
