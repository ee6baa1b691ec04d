//! What is written for ever, against values computed elsewhere (Python's hashlib and base64): a log made today is read by
//! every later version, so none of these may ever change.

use chrono::TimeDelta;
use entente_schemas::digest::{hex, length_prefixed};
use entente_schemas::event::{
    CHAIN_START, Draft, Event, Place, SealError, Source, chain_hash, machine_id, message_id,
    pre_authentication_encoding,
};
use entente_schemas::family::{Claim, Family};
use entente_schemas::subject::{self, ClaimSubject};
use entente_schemas::tlp::Tlp;

use crate::making::{INSTANCE, noon};

const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

#[test]
fn the_ids_of_machines() {
    let object = "gcp.public:DK3LfKowzJPpZq4Q9YqP";
    let id = machine_id("actual", "local/gcp-public", Family::Impact, object, 3, DIGEST);
    assert_eq!(id, "o5fh4wu6lws7uznuah3mq5ivgx");
    let object = "aws.currentevents:arn:aws:health:me-central-1::event/é";
    let id = machine_id("exercise-july", "aws/aws-currentevents", Family::Notice, object, 1, "");
    assert_eq!(id, "3uh65svqe3zcprtkkvy3j32jkk");
}

#[test]
fn digests_over_strings() {
    let digest = hex(&length_prefixed(["open", "", "é"]));
    assert_eq!(digest, "ab673def35a6e0a6c4dafc39f57f08b256463f6754b999c0582472d2813ed17e");
}

#[test]
fn subjects() {
    for (object, token) in [
        ("gcp.public:DK3LfKowzJPpZq4Q9YqP", "gcp=2Epublic=3ADK3LfKowzJPpZq4Q9YqP"),
        (
            "azure.rss:1VT1-LX0@Fri, 19 Jul 2024 02:15:00 GMT",
            "azure=2Erss=3A1VT1-LX0=40Fri=2C=2019=20Jul=202024=2002=3A15=3A00=20GMT",
        ),
        ("rss.acme:é/€/𝄞~=", "rss=2Eacme=3A=C3=A9=2F=E2=82=AC=2F=F0=9D=84=9E=7E=3D"),
        (&format!("aws.health:arn:aws:health:us-east-1::event/EC2/{}", "X".repeat(200)), "~xz3s747v6rds4vhn3fhiknclxj"),
        (&format!("a:{}", "b".repeat(116)), &format!("a=3A{}", "b".repeat(116))),
        (&format!("a:{}", "b".repeat(117)), "~n7vwggqujwtxcocjerlfy3cnzl"),
    ] {
        let subject = ClaimSubject::new("actual", "all", "local", "gcp-public", Family::Impact, object).unwrap();
        assert_eq!(subject.to_string(), format!("entente.actual.all.local.gcp-public.impact.{token}"));
    }
}

#[test]
fn streams_and_other_subjects() {
    assert_eq!(subject::log_stream("exercise-july", "all"), "A_exercise-july_all");
    assert_eq!(subject::beat_stream("actual", "all"), "BEAT_actual_all");
    assert_eq!(subject::wake("A_actual_all"), "wake.A_actual_all.>");
    assert_eq!(subject::beat("actual", "all", "local", "azure-rss"), "beat.actual.all.local.azure-rss");
    assert_eq!(subject::beats_of("actual", "all"), "beat.actual.all.>");
    assert_eq!(subject::claims_of("actual", "all"), "entente.actual.all.>");
    assert_eq!(subject::claims_of_feed("actual", "all", "aws", "desk"), "entente.actual.all.aws.desk.>");
    let about = subject::claims_about("actual", "all", "gcp", "gcp-public", "gcp.public:a.b");
    assert_eq!(about, "entente.actual.all.gcp.gcp-public.*.gcp=2Epublic=3Aa=2Eb");
    assert_eq!(subject::retractions_of("actual", "all", "aws"), "entente.actual.all.aws.*.retraction.>");
}

#[test]
fn families_and_their_tokens() {
    let tokens: Vec<&str> = Family::ALL.iter().map(|family| family.token()).collect();
    assert_eq!(
        tokens.join(" "),
        "impact notice advisory approach remediation estimate message roster constraint retraction feed rejected sitrep"
    );
}

#[test]
fn the_id_of_a_message_and_the_bytes_that_are_signed() {
    let signature: Vec<u8> = (0..64).collect();
    assert_eq!(message_id(&signature), "7xvltlhtoebwfpjgldg4tiu6r6");
    let signed = b"DSSEv1 28 application/cloudevents+json 8 {\"\xc3\xa9\":1}";
    assert_eq!(pre_authentication_encoding("{\"é\":1}".as_bytes()), signed);
}

const SEALED: &str = r#"{"specversion":"1.0","id":"knqg6fwkyfzqy4h2cbnoqs7mzy","source":"//local/gcp-public/01J34HY9Z8Q4M2N6P7R8S9TAVB","type":"io.entente.message.v1","subject":"message/local:0190c96a-1001-7001-8001-000000001eef","time":"2024-07-19T04:09:00Z","datacontenttype":"application/json","dataschema":"urn:entente:schema:message:1.0","recordedtime":"2024-07-19T12:00:00.250Z","sequence":"00000000000000000042","prevhash":"0000000000000000000000000000000000000000000000000000000000000000","causationid":"0190c96a-1002-7002-8002-000000003dde","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","universe":"exercise-july","audience":"all","tlp":"green","data":{"object_id":"local:0190c96a-1001-7001-8001-000000001eef","rev":1,"speaker":{"org":"local","role":"observer","relay":"own"},"times":{"occurred_at":"2024-07-19T04:09:00Z","observed_at":"2024-07-19T12:00:00Z"},"certainty":"observed","thread_id":"local:0190c96a-1001-7001-8001-000000001eef","kind":"note","text":"Line\none \"two\" é","state":"open"}}"#;

fn note() -> Draft {
    let data = SEALED.split_once("\"data\":").unwrap().1.strip_suffix('}').unwrap();
    Draft {
        id: "knqg6fwkyfzqy4h2cbnoqs7mzy".into(),
        recorded: noon() + TimeDelta::milliseconds(250),
        causation: Some("0190c96a-1002-7002-8002-000000003dde".into()),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        tlp: Tlp::Green,
        claim: Claim::read_strict(Family::Message, data).unwrap(),
    }
}

fn source() -> Source {
    Source { org: "local".into(), feed: "gcp-public".into(), instance: INSTANCE.into() }
}

fn place(source: &Source) -> Place<'_> {
    Place { source, universe: "exercise-july", audience: "all", sequence: 42, prevhash: CHAIN_START }
}

#[test]
fn the_bytes_of_an_event_and_the_hash_of_its_successor() {
    let bytes = note().seal(place(&source())).unwrap();
    assert_eq!(std::str::from_utf8(&bytes), Ok(SEALED));
    assert_eq!(chain_hash(&bytes), "0a75c8ce5cb925afddd050a8e773014f765cfe3e65f448d1ccd0a10e94bf6cdb");
    let event = Event::read(&bytes).unwrap();
    assert_eq!((event.sequence, event.source.to_string()), (42, format!("//local/gcp-public/{INSTANCE}")));
    assert_eq!(event.claim, note().claim);
}

/// A place or a draft that no reader would take.
type Spoilt = (&'static str, fn(&mut Draft), fn(&mut Place<'_>));

#[test]
fn what_readers_would_refuse_is_not_sealed() {
    let spoilt: [Spoilt; 10] = [
        ("id", |draft| draft.id.clear(), |_| {}),
        ("id", |draft| draft.id = "two words".into(), |_| {}),
        ("causationid", |draft| draft.causation = Some("é".into()), |_| {}),
        ("traceparent", |draft| draft.traceparent = Some("00-1-2-3".into()), |_| {}),
        ("tlp", |draft| draft.tlp = Tlp::Amber, |_| {}),
        ("tlp", |_| {}, |place| place.audience = "gabcdefghijklmnop"),
        ("universe", |_| {}, |place| place.universe = "real"),
        ("audience", |_| {}, |place| place.audience = "friends"),
        ("sequence", |_| {}, |place| place.sequence = 0),
        ("prevhash", |_| {}, |place| place.prevhash = "00"),
    ];
    for (attribute, draft_with, place_with) in spoilt {
        let (source, mut draft) = (source(), note());
        let mut place = place(&source);
        draft_with(&mut draft);
        place_with(&mut place);
        let refused = draft.seal(place);
        assert!(matches!(&refused, Err(SealError::Attribute { name, .. }) if *name == attribute), "{refused:?}");
    }
}

#[test]
fn sources_are_read_as_they_are_written() {
    let text = format!("//local/gcp-public/{INSTANCE}");
    assert_eq!(Source::parse(&text).map(|source| source.to_string()), Some(text.clone()));
    for bad in [
        text.to_lowercase(),
        text.replace("01J3", "81J3"),
        text.replace("Q4M2", "I4M2"),
        text.replace("local", "Local"),
        text.replace("//", "/"),
        format!("{text}/x"),
        text[..text.len() - 1].to_owned(),
    ] {
        assert_eq!(Source::parse(&bad), None, "{bad}");
    }
}
