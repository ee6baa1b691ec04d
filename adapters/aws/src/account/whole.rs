//! Whether an answer broke off, or is whole and merely no answer of AWS's: a page of something between, or one with a word
//! that cannot be read.

use serde::de::IgnoredAny;

/// An answer in XML that has no end. The SDK takes it for a short list, and whoever is missing for gone.
#[derive(Debug, thiserror::Error)]
#[error("the answer has no end")]
pub(crate) struct NoEnd;

/// Whether the body of an answer ends before its end, by the form that it begins in: JSON, XML, or else CBOR. A page in HTML
/// or in plain text is none of AWS's, however it ends.
pub(crate) fn broke_off(body: &[u8]) -> bool {
    match body.trim_ascii_start().first() {
        Some(b'{' | b'[') => serde_json::from_slice::<IgnoredAny>(body).is_err_and(|error| error.is_eof()),
        Some(b'<') => !has_end(body),
        Some(_) => std::str::from_utf8(body).is_err(),
        None => true,
    }
}

/// Whether a document ends with the end of the element that it begins with. A page need not.
fn has_end(xml: &[u8]) -> bool {
    let text = String::from_utf8_lossy(xml);
    let root = text.split('<').map(str::trim).find(|tag| !tag.is_empty() && !tag.starts_with(['?', '!']));
    let name = root.and_then(|tag| tag.split(|c: char| c == '>' || c == '/' || c.is_whitespace()).next());
    let page = name.is_some_and(|name| name.eq_ignore_ascii_case("html"));
    page || name.is_some_and(|name| text.trim_end().ends_with(&format!("</{name}>")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_ends_as_it_begins() {
        let xml = "<?xml version=\"1.0\"?>\n<AResponse xmlns=\"x\"><b>1</b></AResponse>\n";
        for whole in [xml, "{\"a\": [1, \"}\"]}"] {
            assert!(!broke_off(whole.as_bytes()));
            let uncut = (0..whole.len() - 1).find(|cut| !broke_off(&whole.as_bytes()[..*cut]));
            assert_eq!(uncut, None, "{whole}");
        }
        assert!(broke_off(b"") && broke_off(b"\xbffevents\x9f\xbf"));
    }

    #[test]
    fn what_is_no_answer_of_aws_s_did_not_break_off() {
        for page in ["<!DOCTYPE html>\n<html lang=\"en\"><p>Sign in<br>", "<HTML></HTML><!-- x -->", "not found", "{]"]
        {
            assert!(!broke_off(page.as_bytes()), "{page}");
        }
    }
}
