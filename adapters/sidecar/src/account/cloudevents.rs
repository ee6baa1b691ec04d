//! CloudEvents 1.0 as HTTP carries them: one in the body (structured), one in headers and body (binary), or many in the body
//! (batch). Pure: what each says is read elsewhere.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use entente_schemas::duplicate_free;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Events of one batch.
pub(super) const BATCH_MAX: usize = 1_000;
/// Characters of an attribute.
const ATTRIBUTE_MAX: usize = 500;
const ATTRIBUTES: [&str; 7] = ["specversion", "id", "source", "type", "subject", "time", "tlp"];

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CloudEvent {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) kind: String,
    pub(super) subject: Option<String>,
    pub(super) time: Option<DateTime<Utc>>,
    /// An extension: how its author wants it marked.
    pub(super) tlp: Option<String>,
    pub(super) data: Value,
}

/// One mistake in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    /// The attribute, or the path within the data.
    pub(super) path: String,
    /// What is wrong, and what was expected.
    pub(super) what: String,
}

impl Fault {
    pub(super) fn new(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { path: path.into(), what: what.into() }
    }
}

/// An event that cannot be read, under the id that it gives, if it gives one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) id: Option<String>,
    pub(super) faults: Vec<Fault>,
}

/// What a request carries.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Carried {
    One(Result<CloudEvent, Unread>),
    Batch(Vec<Result<CloudEvent, Unread>>),
}

/// Why nothing of a request can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CarryError {
    #[error(
        "`{0}` is no form of a CloudEvent; send application/cloudevents+json, application/cloudevents-batch+json, or \
         application/json with ce-* headers"
    )]
    Form(String),
    #[error("the body is no UTF-8; send JSON")]
    Text,
    #[error("`{0}` is no charset of JSON; send UTF-8")]
    Charset(String),
    #[error("the body is no list of events: {0}; send a JSON array")]
    List(String),
    #[error("{0} events are more than one batch may hold; send at most {BATCH_MAX}")]
    TooMany(usize),
}

/// Reads what a request carries.
///
/// # Errors
/// If it is of no form that is known, or no list where a list was announced.
pub(super) fn carried(headers: &HeaderMap, body: &[u8]) -> Result<Carried, CarryError> {
    let kind = headers.get(CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
    let kind = kind.unwrap_or_default();
    let media = essence(&kind);
    if let Some(charset) = charset(&kind).filter(|charset| !["utf-8", "utf8", "us-ascii"].contains(&charset.as_str())) {
        return Err(CarryError::Charset(charset));
    }
    let text = || std::str::from_utf8(body).map_err(|_| CarryError::Text);
    match media.as_str() {
        "application/cloudevents+json" => Ok(Carried::One(structured(text()?))),
        "application/cloudevents-batch+json" => batch(text()?),
        _ if headers.contains_key("ce-specversion") => Ok(Carried::One(binary(headers, &media, text()?))),
        _ => Err(CarryError::Form(kind)),
    }
}

fn batch(text: &str) -> Result<Carried, CarryError> {
    let events: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| CarryError::List(error.to_string()))?;
    if events.len() > BATCH_MAX {
        return Err(CarryError::TooMany(events.len()));
    }
    Ok(Carried::Batch(events.into_iter().map(|event| structured(event.get())).collect()))
}

fn structured(text: &str) -> Result<CloudEvent, Unread> {
    let whole = |error: serde_json::Error| Unread { id: None, faults: vec![Fault::new("(event)", error.to_string())] };
    duplicate_free(text).map_err(whole)?;
    let members: Map<String, Value> = serde_json::from_str(text).map_err(whole)?;
    let mut reading = Reading::default();
    for name in ATTRIBUTES {
        match members.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => reading.give(name, text),
            Some(_) => reading.fault(name, "expected a text"),
        }
    }
    let media = members.get("datacontenttype").map(|media| media.as_str().unwrap_or_default());
    if let Some(media) = media.filter(|media| !is_json(media)) {
        reading.fault("datacontenttype", format!("`{media}`: expected application/json"));
    }
    let data = match (members.get("data"), members.get("data_base64")) {
        (Some(_), Some(_)) => Err("data and data_base64 exclude each other".to_owned()),
        (None, Some(packed)) => unpacked(packed),
        (Some(data), None) => Ok(data.clone()),
        (None, None) => Err("what is reported is missing: expected an object".to_owned()),
    };
    reading.finish(data)
}

fn binary(headers: &HeaderMap, media: &str, text: &str) -> Result<CloudEvent, Unread> {
    let mut reading = Reading::default();
    for name in ATTRIBUTES {
        let mut given = headers.get_all(format!("ce-{name}")).iter();
        let Some(value) = given.next() else { continue };
        match percent_decode_str(&unquoted(&String::from_utf8_lossy(value.as_bytes()))).decode_utf8() {
            _ if given.next().is_some() => reading.fault(name, format!("the header ce-{name} stands there twice")),
            Ok(text) => reading.give(name, &text),
            Err(_) => reading.fault(name, "expected UTF-8, percent-encoded"),
        }
    }
    if !is_json(media) {
        reading.fault("datacontenttype", format!("`{media}`: expected the header Content-Type: application/json"));
    }
    reading.finish(json(text))
}

fn unpacked(packed: &Value) -> Result<Value, String> {
    let bytes = packed.as_str().and_then(|text| BASE64.decode(text.as_bytes()).ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or("data_base64 holds no base64 of UTF-8")?;
    json(&text)
}

fn json(text: &str) -> Result<Value, String> {
    duplicate_free(text).and_then(|()| serde_json::from_str(text)).map_err(|error| error.to_string())
}

/// The value of a header as it was before it was quoted (RFC 9110, 5.6.4), which goes before percent-decoding.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let (mut plain, mut characters) = (String::with_capacity(inner.len()), inner.chars());
    while let Some(character) = characters.next() {
        let escaped = if character == '\\' { characters.next() } else { None };
        plain.push(escaped.unwrap_or(character));
    }
    plain
}

/// A media type without its parameters.
fn essence(media: &str) -> String {
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The charset that a media type names.
fn charset(media: &str) -> Option<String> {
    let named = media.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut charsets = named.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    charsets.next().map(|(_, charset)| unquoted(charset.trim()).to_ascii_lowercase())
}

fn is_json(media: &str) -> bool {
    let media = essence(media);
    media == "application/json" || media == "text/json" || media.ends_with("+json")
}

/// The attributes of an event while they are read.
#[derive(Default)]
struct Reading {
    given: Map<String, Value>,
    faults: Vec<Fault>,
}

impl Reading {
    fn fault(&mut self, path: &str, what: impl Into<String>) {
        self.faults.push(Fault::new(path, what));
    }

    fn give(&mut self, name: &str, text: &str) {
        let length = text.chars().count();
        if length > ATTRIBUTE_MAX {
            self.fault(name, format!("{length} characters; at most {ATTRIBUTE_MAX} are taken"));
        }
        self.given.insert(name.to_owned(), Value::String(text.to_owned()));
    }

    fn text(&self, name: &str) -> Option<String> {
        self.given.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    fn required(&mut self, name: &str) -> String {
        let text = self.text(name).unwrap_or_default();
        if text.trim().is_empty() && self.faults.iter().all(|fault| fault.path != name) {
            self.fault(name, "must be given, and not be empty");
        }
        text
    }

    fn finish(mut self, data: Result<Value, String>) -> Result<CloudEvent, Unread> {
        let [version, id, source, kind] = ["specversion", "id", "source", "type"].map(|name| self.required(name));
        if !version.is_empty() && version != "1.0" {
            self.fault("specversion", format!("`{version}`: expected 1.0"));
        }
        let time = self.text("time").map(|text| DateTime::parse_from_rfc3339(text.trim()));
        if matches!(time, Some(Err(_))) {
            self.fault("time", "expected RFC 3339, as in 2026-08-01T12:00:00Z");
        }
        let time = time.and_then(Result::ok).map(|time| time.with_timezone(&Utc));
        let (subject, tlp) = (self.text("subject").filter(|text| !text.is_empty()), self.text("tlp"));
        match data {
            Ok(data) if self.faults.is_empty() => Ok(CloudEvent { id, source, kind, subject, time, tlp, data }),
            data => {
                self.faults.extend(data.err().map(|what| Fault::new("data", what)));
                Err(Unread { id: Some(id).filter(|id| !id.is_empty()), faults: self.faults })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    fn one(media: &'static str, body: &str) -> Result<CloudEvent, Unread> {
        match carried(&headers(&[("content-type", media)]), body.as_bytes()) {
            Ok(Carried::One(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    const STRUCTURED: &str = "application/cloudevents+json; charset=UTF-8";
    const EVENT: &str = r#"{"specversion":"1.0","id":"1","source":"//tool","type":"t","time":"2026-08-01T12:00:00+02:00",
        "subject":"a/b","extra":7,"data":{"x":[1]}}"#;

    #[test]
    fn the_three_forms_say_the_same() {
        let event = one(STRUCTURED, EVENT).unwrap();
        assert_eq!((event.id.as_str(), event.subject.as_deref()), ("1", Some("a/b")));
        assert_eq!(event.time.map(|time| time.to_rfc3339()).as_deref(), Some("2026-08-01T10:00:00+00:00"));
        let pairs = [
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "//tool"),
            ("ce-type", "t"),
            ("ce-time", "2026-08-01T12:00:00%2B02:00"),
            ("ce-subject", "a/b"),
        ];
        assert_eq!(carried(&headers(&pairs), br#"{"x":[1]}"#), Ok(Carried::One(Ok(event.clone()))));
        let batch = carried(
            &headers(&[("content-type", "application/cloudevents-batch+json")]),
            format!("[{EVENT}]").as_bytes(),
        );
        assert_eq!(batch, Ok(Carried::Batch(vec![Ok(event.clone())])));
        let packed = EVENT.replace(r#""data":{"x":[1]}"#, r#""data_base64":"eyJ4IjpbMV19""#);
        assert_eq!(one(STRUCTURED, &packed), Ok(event));
    }

    #[test]
    fn a_header_is_unquoted_once_and_then_percent_decoded_once() {
        let subject = |value: &'static str| {
            let pairs = [
                ("content-type", "application/json; charset=\"utf-8\""),
                ("ce-specversion", "\"1.0\""),
                ("ce-id", "1"),
                ("ce-source", "//tool"),
                ("ce-type", "t"),
                ("ce-subject", value),
            ];
            match carried(&headers(&pairs), b"{}") {
                Ok(Carried::One(Ok(event))) => event.subject.unwrap(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(subject("Euro%20%E2%82%AC%20%F0%9F%98%80"), "Euro \u{20ac} \u{1f600}");
        assert_eq!(subject(r#""a \"b\" \\ c%25""#), r#"a "b" \ c%"#);
        assert_eq!((subject("50%2525"), subject("\"")), ("50%25".to_owned(), "\"".to_owned()));
    }

    #[test]
    fn a_batch_may_be_empty() {
        let batch = carried(&headers(&[("content-type", "application/CloudEvents-batch+JSON")]), b" [ ] ");
        assert_eq!(batch, Ok(Carried::Batch(Vec::new())));
    }

    #[test]
    fn every_mistake_of_an_event_is_told_with_its_place() {
        let bad = r#"{"specversion":"0.3","id":"7","type":7,"time":"noon","datacontenttype":"text/xml"}"#;
        let unread = one(STRUCTURED, bad).unwrap_err();
        let paths: Vec<&str> = unread.faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, ["type", "datacontenttype", "source", "specversion", "time", "data"]);
        assert_eq!(unread.id.as_deref(), Some("7"));
        assert!(one(STRUCTURED, r#"{"id":"1","id":"2"}"#).unwrap_err().faults[0].what.contains("duplicate key"));
        assert!(one(STRUCTURED, "[]").is_err() && one(STRUCTURED, "").is_err());
        let long = EVENT.replace("//tool", &"x".repeat(501));
        assert_eq!(one(STRUCTURED, &long).unwrap_err().faults[0].path, "source");
    }

    #[test]
    fn a_bad_event_of_a_batch_costs_only_itself() {
        let body = format!("[{{\"id\":\"x\"}},{EVENT},{{\"a\":1,\"a\":2}}]");
        let read = carried(&headers(&[("content-type", "application/cloudevents-batch+json")]), body.as_bytes());
        let Ok(Carried::Batch(events)) = read else { panic!("{read:?}") };
        assert_eq!(events.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn what_is_no_event_is_refused_with_what_was_expected() {
        let of = |media: &'static str, body: &[u8]| carried(&headers(&[("content-type", media)]), body).unwrap_err();
        assert!(of("application/json", b"{}").to_string().contains("ce-* headers"));
        assert!(of("application/cloudevents-batch+json", b"{}").to_string().contains("JSON array"));
        assert_eq!(of("application/cloudevents+json", b"\xff"), CarryError::Text);
        let latin = of("application/cloudevents+json; Charset=\"ISO-8859-1\"", b"{}");
        assert_eq!(latin, CarryError::Charset("iso-8859-1".to_owned()));
        let many = format!("[{}0]", "0,".repeat(BATCH_MAX));
        assert_eq!(of("application/cloudevents-batch+json", many.as_bytes()), CarryError::TooMany(BATCH_MAX + 1));
    }
}
