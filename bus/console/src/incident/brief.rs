//! The eight answers of CONSOLE 12, each with a way to its proof.

use entente_correlator::picture::{Answer, Incident};
use maud::{Markup, html};

use crate::glyph::{G, glyph};
use crate::name::plain;
use crate::number::whole;

pub(super) fn answers(incident: &Incident) -> Markup {
    let brief = &incident.brief;
    html! {
        ul.brief aria-label="The picture in eight answers" {
            (answer("affected", "Who is affected", G::Lane, "", "lanes", &brief.affected))
            (answer("count", "How many", G::Number, "", "numbers", &brief.count))
            (answer("cause", "Cause", G::Cause, "", "cause", &brief.cause))
            (answer("working", "Which repair, where", G::Tool, "", "approaches", &brief.working))
            (answer("owes", "Who owes what", G::Due, "k-ink", "asks", &brief.owes))
            (answer("told", "What customers were told", G::Talk, "", "told", &brief.told))
            (answer("unknown", "Disagreed, unknown", G::Dis, "k-dis", "disagree", &brief.unknown))
            (answer("fresh", "How fresh", G::Stale, "", "lanes", &brief.fresh))
        }
    }
}

fn answer(question: &str, title: &str, sign: G, colour: &str, proof: &str, answer: &Answer) -> Markup {
    html! {
        li id={ "q-" (question) } data-q=(question) data-f data-quiet[question == "fresh"] {
            h2 { (glyph(sign, colour)) (title) a href={ "#" (proof) } aria-label={ "More: " (title) } { "more" } }
            p { bdi { (whole(&plain(&answer.lead, 220))) } }
            @if !answer.detail.is_empty() { span.sub { bdi { (whole(&plain(&answer.detail, 180))) } } }
        }
    }
}
