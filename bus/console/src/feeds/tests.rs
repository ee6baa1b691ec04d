use super::*;
use crate::fixture;

#[test]
fn blind_feeds_say_why_since_when_and_what_happens_next() {
    let html = feeds(&fixture::frame(), &fixture::picture(), &fixture::beats());
    for part in
        ["12 feeds", "11:58", "the server answers 503", "31 polls failed in a row", "Next try", "AWS cannot be seen"]
    {
        assert_eq!(html.contains(part), part != "12 feeds", "{part}");
    }
    assert!(html.contains("11 feeds: 10 live"));
}

#[test]
fn what_is_refused_stands_with_its_reason() {
    let html = feeds(&fixture::frame(), &fixture::picture(), &fixture::beats());
    for part in [
        "No signature.",
        "its clock runs ahead",
        "incident without a name",
        "item 3",
        "18\u{202f}221 bytes",
        "abababababababa",
        "sequence numbers missing",
        "3 times, first",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn without_beats_the_page_says_not_known_rather_than_zero() {
    let html = feeds(&fixture::frame(), &fixture::picture(), &[]);
    assert!(html.contains("not known"));
    assert!(!html.contains("0.0 s"));
}

#[test]
fn the_first_start_has_every_feed_blind() {
    let html = feeds(&fixture::frame(), &fixture::dark(), &[]);
    assert!(html.contains("3 feeds: 0 live") && html.contains("name not resolved"));
    let mut empty = fixture::dark();
    empty.feeds.clear();
    empty.matrix.rows.clear();
    assert!(feeds(&fixture::frame(), &empty, &[]).contains("No feed has said anything yet."));
}

#[test]
fn hostile_reasons_and_words_stay_text() {
    let (mut picture, mut beats) = (fixture::picture(), fixture::beats());
    picture.held_back[0].reason = "<script>x</script>".into();
    picture.held_back[0].subject = "<script>x</script>\u{202e}".into();
    picture.rejected[0].reason = "<script>x</script>".into();
    beats[0].beat.unknown_words[0].word = "<script>x</script>".into();
    picture.feeds[0].address = Some("javascript:alert(1)".into());
    let html = feeds(&fixture::frame(), &picture, &beats);
    assert!(!html.contains("<script>x") && !html.contains("href=\"javascript") && !html.contains('\u{202e}'));
}
