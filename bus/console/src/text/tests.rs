use super::*;
use crate::fixture;

/// The text as it was read and approved; written anew with `ENTENTE_GOLDEN=write`.
fn golden(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/text/golden").join(name);
    if std::env::var_os("ENTENTE_GOLDEN").is_some_and(|mode| mode == "write") {
        std::fs::write(&path, text).unwrap();
    }
    let approved = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, approved, "{} differs; look at it, then run with ENTENTE_GOLDEN=write", path.display());
}

#[test]
fn the_board_reads_as_it_was_approved() {
    golden("board.txt", &board(&fixture::frame(), &fixture::picture(), &Filters::default()));
}

#[test]
fn the_incident_reads_as_it_was_approved() {
    golden("incident.txt", &incident(&fixture::frame(), &fixture::incident()));
}

#[test]
fn nothing_in_a_text_steers_the_reader() {
    let mut one = fixture::incident();
    one.name = "a\u{202e}b\u{1b}[31m\r\nBcc: x".into();
    one.lanes[0].claim.as_mut().unwrap().words = Some("x\u{0}y\nz".into());
    let text = incident(&fixture::frame(), &one);
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(!text.contains('\u{202e}') && !text.contains("\nBcc"));
}

#[test]
fn an_empty_picture_says_that_there_is_nothing_and_what_is_blind() {
    let text = board(&fixture::frame(), &fixture::dark(), &Filters::default());
    assert!(
        text.contains("INCIDENTS\n  none")
            && text.contains("name not resolved: AWS currentevents (since 11:58), Azure RSS (since 11:58)")
    );
}

#[test]
fn a_past_moment_and_filters_stand_in_the_first_lines() {
    let (mut frame, mut picture) = (fixture::frame(), fixture::picture());
    let filters = Filters { provider: Some("gcp".into()), lane: Some("mine".into()), ..Filters::default() };
    picture.matched = 1;
    let first = |text: String| text.lines().take(4).collect::<Vec<_>>().join("\n");
    let live = first(board(&frame, &picture, &Filters::default()));
    assert!(!live.contains("FILTERED") && !live.contains("live"), "{live}");
    frame.live = false;
    let past = first(board(&frame, &picture, &filters));
    assert!(past.contains("AS OF position 4812, 2024-07-19 12:40 UTC, not live"), "{past}");
    assert!(past.contains("FILTERED: only about GCP, with a lane of GCP, 1 of 4 incidents."), "{past}");
    let past = first(incident(&frame, &fixture::incident()));
    assert!(past.contains("2024-07-19 12:40 UTC, not live") && past.contains("EXERCISE: NOT REAL"), "{past}");
    (frame.live, frame.lost) = (true, Some(fixture::at()));
    assert!(first(incident(&frame, &fixture::incident())).contains("NOT LIVE since 2024-07-19 12:40:18 UTC"));
}

#[test]
fn a_speaker_of_whom_only_calls_tell_is_never_said_as_if_it_spoke_here() {
    let text = board(&fixture::frame(), &fixture::picture(), &Filters::default());
    assert!(text.contains("  CrowdStrike, as told by AWS: SILENT"), "{text}");
    assert!(text.contains("Windows VMs unavailable (as told by GCP)"), "{text}");
    assert!(text.contains("worst critical (CrowdStrike, as told by AWS)"), "{text}");
}

#[test]
fn a_code_is_told_with_what_it_is_read_as() {
    let mut one = fixture::incident();
    let claim = one.lanes[2].claim.as_mut().unwrap();
    claim.native.as_mut().unwrap().status = Some("3".into());
    let text = incident(&fixture::frame(), &one);
    assert!(text.contains("own words: status \"3\" (read as mitigating, information), \"Windows"), "{text}");
}

#[test]
fn what_is_not_in_the_picture_stands_in_its_head() {
    let mut picture = fixture::picture();
    assert!(
        board(&fixture::frame(), &picture, &Filters::default())
            .contains("NOT IN THIS PICTURE: 2 held back, 1 not taken.")
    );
    (picture.totals.held_back, picture.totals.rejected) = (0, 0);
    assert!(!board(&fixture::frame(), &picture, &Filters::default()).contains("NOT IN THIS PICTURE"));
}

#[test]
fn a_lane_that_says_one_thing_of_many_classes_says_it_once() {
    let mut picture = fixture::crowded(3);
    picture.matrix.rows.truncate(1);
    picture.matrix.rows[0].sight = Default::default();
    let text = board(&fixture::frame(), &picture, &Filters::default());
    let (_, lane) = text.split_once("  Vendor-no-0: ").unwrap();
    assert!(
        lane.starts_with(
            "Windows VMs, Windows container, Windows serverless, Windows block storage and 6 more partial"
        )
    );
}

#[test]
fn what_was_closed_long_ago_is_counted_and_not_told_again() {
    let mut picture = fixture::picture();
    let last = picture.incidents.last_mut().unwrap();
    (last.open, last.changed.at) = (false, fixture::time("2024-06-16T18:33:00Z"));
    let text = board(&fixture::frame(), &picture, &Filters::default());
    assert!(!text.contains("Search vendor") && text.contains("  1 closed earlier\n"), "{text}");
    let closed = Filters { state: Some(entente_correlator::select::StateFilter::Closed), ..Filters::default() };
    assert!(board(&fixture::frame(), &picture, &closed).contains("Search vendor"));
}
