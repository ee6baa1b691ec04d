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
    golden("board.txt", &board(&fixture::picture()));
}

#[test]
fn the_incident_reads_as_it_was_approved() {
    golden("incident.txt", &incident(&fixture::incident(), fixture::at()));
}

#[test]
fn nothing_in_a_text_steers_the_reader() {
    let mut one = fixture::incident();
    one.name = "a\u{202e}b\u{1b}[31m\r\nBcc: x".into();
    one.lanes[0].claim.as_mut().unwrap().words = Some("x\u{0}y\nz".into());
    let text = incident(&one, fixture::at());
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(!text.contains('\u{202e}') && !text.contains("\nBcc"));
}

#[test]
fn an_empty_picture_says_that_there_is_nothing_and_what_is_blind() {
    let text = board(&fixture::dark());
    assert!(
        text.contains("INCIDENTS\n  none")
            && text.contains("name not resolved: AWS currentevents (since 11:58), Azure RSS (since 11:58)")
    );
}
