use entente_correlator::picture::{Cell, Line, Owed};
use entente_schemas::block::{BlockState, Severity};
use entente_schemas::family::Family;

use super::*;
use crate::fixture;
use crate::form::FormKind;

fn shown(picture: &Picture) -> String {
    board(&fixture::frame(), picture, &Filters::default())
}

#[test]
fn the_board_says_what_is_open_blind_silent_and_disputed() {
    let html = shown(&fixture::picture());
    assert!(html.contains("3 open"));
    for part in ["AWS is blind", "CrowdStrike silent", "3 disagreements", "2 things overdue", "data-theme"] {
        assert_eq!(html.contains(part), part != "data-theme", "{part}");
    }
    assert_eq!(html.matches("<h1").count(), 1);
    assert!(html.contains("id=\"lane-aws\"") && html.contains("BLIND"));
    assert!(html.contains("SILENT"));
    assert!(html.contains("data-live=\"/v1/live?view=board&amp;as_of=4812\""));
}

#[test]
fn absence_is_drawn_and_never_a_zero_or_health() {
    let html = shown(&fixture::picture());
    for part in ["not shared", "not theirs", "cannot see", "none promised"] {
        assert!(html.contains(part), "{part}");
    }
    let lower = html.to_lowercase();
    for word in ["healthy<", ">normal<", ">ok<", "n/a"] {
        assert!(!lower.contains(word), "{word}");
    }
}

#[test]
fn nothing_is_inline_and_every_id_stands_once() {
    let html = shown(&fixture::picture());
    assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains(" onclick"));
    assert_eq!(html.matches("<script").count(), 1);
    assert!(html.contains("<script type=\"module\" src=\"/assets/console.js\"></script>"));
    let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn hostile_text_stays_text() {
    let mut picture = fixture::picture();
    let hostile = "<script>alert(1)</script>\u{202e}\"><img src=x onerror=alert(1)>";
    picture.incidents[0].name = format!("{hostile}{}", "x".repeat(500));
    picture.incidents[0].changed.what = hostile.into();
    picture.recent[0].says = hostile.into();
    picture.owed[0].text = hostile.into();
    picture.feeds[0].reason = Some(hostile.into());
    picture.desks[0].desk = hostile.into();
    picture.matrix.columns[1].os_family = Some(hostile.into());
    picture.matrix.rows[0].sight.reason = Some(hostile.into());
    let claim = fixture::cell(BlockState::AffectedPartial, Severity::Major, Some(hostile), fixture::at());
    picture.matrix.rows[0].cells[0] = Cell::Claim(claim);
    let html = shown(&picture);
    assert!(!html.contains("<script>alert") && !html.contains("<img"));
    assert!(!html.contains('\u{202e}'));
    assert!(html.contains("&lt;script&gt;"));
    assert!(!html.contains(&"x".repeat(100)));
}

#[test]
fn the_fullest_board_stays_below_its_budget() {
    let picture = fixture::crowded(10_000);
    let html = shown(&picture);
    assert!(html.len() < 50_000, "{}", html.len());
    assert_eq!(html.matches("<tr id=\"i-").count(), 8);
    assert!(html.contains("9992 more fit") && html.contains("8 of 10000"), "the rest is counted");
    assert!(html.matches("class=\"cell s-").count() <= 48);
    assert!(html.contains("35 vendors") || html.contains("others"), "further lanes fold");
}

#[test]
fn the_fold_says_whose_claim_is_the_worst() {
    let html = shown(&fixture::crowded(20));
    assert!(html.contains("id=\"lane-others\""));
    assert!(html.contains("35 blind") || html.contains("BLIND"));
    assert!(html.contains("Vendor-no-39 +3"), "a folded cell counts the claims behind it");
}

#[test]
fn a_filter_that_hides_everything_says_so() {
    let mut picture = fixture::picture();
    (picture.incidents, picture.matched) = (vec![], 0);
    let filters = Filters { lane: Some("mine".into()), ..Filters::default() };
    let html = board(&fixture::frame(), &picture, &filters);
    assert!(html.contains("No incident matches. 4 are hidden by the filter."));
}

#[test]
fn the_first_start_shows_every_lane_blind_with_the_reason() {
    let html = shown(&fixture::dark());
    assert!(html.contains("Nothing open. "));
    assert!(html.contains("Nothing can be seen: every feed is blind"));
    assert_eq!(html.matches("BLIND").count(), 3);
    assert!(html.contains("cannot see: the server answers 503"));
}

#[test]
fn what_ended_long_before_it_was_read_is_counted_and_not_listed() {
    let mut picture = fixture::picture();
    for one in &mut picture.incidents {
        one.open = false;
        for claim in one.lanes.iter_mut().filter_map(|lane| lane.claim.as_mut()) {
            (claim.backfill, claim.occurred_end) = (true, Some(fixture::time("2024-06-16T18:33:00Z")));
        }
    }
    let html = shown(&picture);
    assert!(html.contains("3 closed earlier.") && !html.contains("<tr id=\"i-"));
    let filters = Filters { state: Some(StateFilter::Closed), ..Filters::default() };
    assert_eq!(board(&fixture::frame(), &picture, &filters).matches("<tr id=\"i-").count(), 3);
}

#[test]
fn filters_are_links_that_keep_the_moment() {
    let mut frame = fixture::frame();
    frame.live = false;
    let html = board(&frame, &fixture::picture(), &Filters::default());
    assert!(html.contains("href=\"/?state=open&amp;as_of=4812&amp;at=2024-07-19T12%3A40%3A18Z\""));
    assert!(html.contains("As of 4812, not live") && html.contains("Go to live"));
    assert!(!html.contains("data-live") && !html.contains(">Report<"));
}

#[test]
fn a_report_begins_on_the_board_and_a_mistake_keeps_what_was_typed() {
    let filters = Filters { say: Some(FormKind::Impact), ..Filters::default() };
    let html = board(&fixture::frame(), &fixture::picture(), &filters);
    assert!(html.contains("action=\"/claims\"") && html.contains("value=\"token-of-this-run\""));
    let typed = [("kind", "impact"), ("title", "Disks <fail>"), ("severity", "major")];
    let form = crate::Form::read(typed.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect()).unwrap();
    let problem = crate::FormProblem { path: "phase".into(), what: "expected one of: suspected".into() };
    let mut frame = fixture::frame();
    frame.form = Some(form.refused(vec![problem]));
    let html = board(&frame, &fixture::picture(), &Filters::default());
    assert!(html.contains("value=\"Disks &lt;fail&gt;\""));
    assert!(html.contains("<option value=\"major\" selected>"));
    assert!(html.contains("<span class=\"err\">expected one of: suspected</span>"));
}

#[test]
fn a_page_that_only_grew_older_has_the_same_pieces() {
    let (mut frame, picture) = (fixture::frame(), fixture::picture());
    let before = crate::fragments(&board(&frame, &picture, &Filters::default()));
    frame.at += chrono::TimeDelta::seconds(50);
    let after = crate::fragments(&board(&frame, &picture, &Filters::default()));
    assert!(before.len() > 60);
    assert_eq!(before, after);
}

#[test]
fn a_long_situation_names_few_and_is_set_smaller() {
    let mut picture = fixture::picture();
    (picture.totals.disagreements, picture.totals.overdue) = (0, 0);
    picture.owed.clear();
    assert!(!shown(&picture).contains("class=\"long\""));
    picture.matrix.rows.iter_mut().for_each(|row| row.sight.blind_since = Some(fixture::at()));
    picture.totals.disagreements = 300;
    let html = shown(&picture);
    assert!(html.contains("12 speakers are blind") && html.contains("class=\"long\""));
}

#[test]
fn what_is_held_back_stands_loud_in_the_head_of_every_picture() {
    let mut picture = fixture::picture();
    let html = shown(&picture);
    let (_, head) = html.split_once("id=\"refused\"").unwrap();
    let head = head.split_once("TLP").unwrap().0;
    assert!(head.contains("href=\"/feeds#held\"") && head.contains("2 held back"), "{head}");
    assert!(head.contains("href=\"/feeds#rejected\"") && head.contains("1 not taken"), "{head}");
    (picture.totals.held_back, picture.totals.rejected) = (0, 0);
    assert!(!shown(&picture).contains("held back<"));
}

#[test]
fn what_was_only_told_says_so_in_cell_head_and_tile() {
    let html = shown(&fixture::picture());
    let (_, lane) = html.split_once("id=\"lane-crowdstrike\"").unwrap();
    assert!(lane.split_once("</th>").unwrap().0.contains("as told by AWS"));
    let (_, cell) = html.split_once("id=\"c-azure-compute-windows\"").unwrap();
    let cell = cell.split_once("</td>").unwrap().0;
    assert!(cell.contains("<span class=\"native none\">as told by GCP</span>"), "{cell}");
    assert!(cell.contains("aria-label=\"Azure, as told by GCP, Windows VMs: unavailable"), "{cell}");
    assert!(html.contains("title=\"CrowdStrike, as told by AWS\"") && html.contains(": unavailable, told</span>"));
    assert!(!html.contains("AWS, as told"), "it speaks for itself");
}

#[test]
fn a_lane_that_claims_something_is_drawn_with_it() {
    let mut picture = fixture::crowded(3);
    let mut calm = fixture::cell(BlockState::AffectedDegraded, Severity::Minor, None, fixture::at());
    calm.incident = "inc-0000000000".into();
    let last = picture.matrix.columns.len() - 1;
    picture.matrix.rows.truncate(2);
    picture.matrix.rows[1].cells = vec![Cell::NotTheirs; last];
    picture.matrix.rows[1].cells.push(Cell::Claim(calm));
    let html = shown(&picture);
    assert!(html.contains("id=\"c-vendor-no-1-cdn_edge-windows\" class=\"cell s-minor\""));
    assert!(html.contains("classes claimed, not drawn: Windows cache and Windows queue"), "what is not drawn is named");
}

#[test]
fn a_tile_tells_a_feed_that_works_from_one_that_says_something() {
    let html = shown(&fixture::picture());
    let (_, tile) = html.split_once("id=\"f-local-azure-rss\"").unwrap();
    let tile = tile.split_once("</li>").unwrap().0;
    let words: String = tile.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
    assert!(words.contains("live 12 h 38 min, last news 35 min ago"), "{words}");
}

#[test]
fn whose_words_a_report_is_stands_open_beside_what_it_says() {
    let filters = Filters { say: Some(FormKind::Impact), ..Filters::default() };
    let html = board(&fixture::frame(), &fixture::picture(), &filters);
    let (_, form) = html.split_once("<form class=\"claim\"").unwrap();
    assert!(form.find("name=\"speaker.org\"").unwrap() < form.find("<details").unwrap());
}

#[test]
fn what_is_overdue_is_told_as_the_picture_counts_it() {
    let mut picture = fixture::picture();
    assert!(
        shown(&picture).contains("2 things overdue")
            && crate::text::board(&fixture::frame(), &picture, &Filters::default()).contains(", 2 overdue, ")
    );
    picture.totals.overdue = 0;
    assert!(!shown(&picture).contains("overdue</a>"));
}

#[test]
fn a_figure_that_was_told_says_by_whom() {
    let mut picture = fixture::picture();
    picture.incidents[0].counts.truncate(1);
    let figures = &mut picture.incidents[0].counts[0].figures;
    figures.truncate(1);
    figures[0].told_by = Some("GCP".into());
    assert!(shown(&picture).contains("<span class=\"sub\">AWS, as told by GCP, invented</span>"));
}

#[test]
fn what_people_said_is_not_pushed_out_by_feeds_that_began() {
    let mut picture = fixture::picture();
    let live = fixture::line(4_900, "gcp", Family::Feed, "feed gcp-public live", "12:40");
    let lives = (0..26).map(|index| Line { position: (4_900 + index).into(), ..live.clone() });
    picture.recent = lives.chain(picture.recent).collect();
    let html = shown(&picture);
    assert!(html.contains("slow indexing") && !html.contains("feed gcp-public live"));
    picture.recent.truncate(27);
    let live = picture.feeds.iter().filter(|feed| feed.state == Some(entente_schemas::family::FeedState::Live)).count();
    let html = shown(&picture);
    assert!(live < 26, "a feed that begins again is no other feed");
    assert!(html.contains(&format!("{live} feeds are live")) && html.contains("<li id=\"n2\" data-f hidden>"));
    picture.recent.clear();
    assert!(shown(&picture).contains("data-f>Nothing has been logged yet."));
}

#[test]
fn news_change_in_their_places() {
    let mut picture = fixture::picture();
    let ids = |picture: &Picture| crate::fragments(&shown(picture)).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    let before = ids(&picture);
    picture.recent.insert(0, fixture::line(4_813, "aws", Family::Message, "note: it goes on", "12:40"));
    assert_eq!(before, ids(&picture));
    assert!(before.contains(&"n0".to_owned()));
}

#[test]
fn more_than_fits_of_what_is_owed_is_one_click_away() {
    let mut picture = fixture::picture();
    picture.owed = (0..12)
        .map(|index| Owed { position: index.into(), text: format!("ask-{index}."), ..picture.owed[0].clone() })
        .collect();
    assert!(shown(&picture).contains("<a href=\"/board.txt\">all 12</a>"));
    let text = crate::text::board(&fixture::frame(), &picture, &Filters::default());
    assert!((0..12).all(|index| text.contains(&format!("ask-{index}."))));
}

#[test]
fn lanes_that_would_leave_the_screen_fold() {
    let mut picture = fixture::picture();
    let claimed = picture.matrix.rows[4].clone();
    picture.matrix.rows.truncate(4);
    picture.matrix.rows.extend(["github", "okta"].map(|org| Row { speaker: org.into(), ..claimed.clone() }));
    assert!(!shown(&picture).contains("id=\"r-others\""), "six lanes stand for themselves");
    picture.matrix.rows.push(Row { speaker: "zoom".into(), ..claimed });
    let html = shown(&picture);
    assert!(html.contains("id=\"r-others\"") && html.contains("2 vendors"));
    assert_eq!(html.matches(" id=\"r-").count(), 6);
}
