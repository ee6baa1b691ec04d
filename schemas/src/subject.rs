//! The names of everything on the bus: the only builder and parser of subjects, streams and slugs.
//!
//! `entente.<universe>.<audience>.<org>.<feed>.<family>.<object>` for claims, always seven tokens;
//! `beat.<universe>.<audience>.<org>.<feed>` for heartbeats; `picture.<universe>.<audience>.<part>`;
//! `wake.<stream>.<org>.<feed>.<family>.<object>` for the republished headers of a stream.
//! The server accepts subjects that no client should send, so nothing is trusted that does not parse here.

use std::fmt::Write as _;

use crate::digest::{SHORT, base32, is_base32, sha256};
use crate::family::Family;

/// The audience of everybody; any other is one sharing group.
pub const AUDIENCE_ALL: &str = "all";

/// The greatest length of a subject in bytes.
pub const SUBJECT_MAX: usize = 255;
/// The greatest length of an escaped object id in bytes; a longer one is replaced by its hash.
pub const OBJECT_MAX: usize = 120;

/// The subject of a claim, in parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimSubject {
    /// `actual`, `exercise`, `test` or `exercise-<slug>`.
    pub universe: String,
    /// `all`, or `g` and 16 characters of base32.
    pub audience: String,
    /// The transmitting organisation.
    pub org: String,
    /// The feed, `desk` for people.
    pub feed: String,
    /// The family.
    pub family: Family,
    /// The object id, escaped into one token.
    pub object: String,
}

/// A subject that this file would not have built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// Not seven tokens with the right first one.
    #[error("expected entente.<universe>.<audience>.<org>.<feed>.<family>.<object>")]
    Shape,
    /// Not five tokens with the right first one.
    #[error("expected beat.<universe>.<audience>.<org>.<feed>")]
    BeatShape,
    /// One token is not what its place takes.
    #[error("token `{token}` is no {place}")]
    Token {
        /// The place in the grammar.
        place: &'static str,
        /// The token, shortened.
        token: String,
    },
    /// Longer than [`SUBJECT_MAX`].
    #[error("a subject has at most 255 bytes")]
    Long,
}

impl ClaimSubject {
    /// Builds the subject for an object id, escaping it.
    ///
    /// # Errors
    /// If one of the other parts is not what its place takes, or the whole is too long.
    pub fn new(
        universe: &str,
        audience: &str,
        org: &str,
        feed: &str,
        family: Family,
        object_id: &str,
    ) -> Result<Self, SubjectError> {
        let subject = Self {
            universe: universe.to_owned(),
            audience: audience.to_owned(),
            org: org.to_owned(),
            feed: feed.to_owned(),
            family,
            object: escape(object_id),
        };
        subject.checked()
    }

    /// Reads a subject.
    ///
    /// # Errors
    /// If it is not one that [`ClaimSubject::new`] could have built.
    pub fn parse(text: &str) -> Result<Self, SubjectError> {
        let tokens: Vec<&str> = text.split('.').collect();
        let ["entente", universe, audience, org, feed, family, object] = tokens.as_slice() else {
            return Err(SubjectError::Shape);
        };
        let family = Family::from_token(family).ok_or_else(|| bad("family", family))?;
        let subject = Self {
            universe: (*universe).to_owned(),
            audience: (*audience).to_owned(),
            org: (*org).to_owned(),
            feed: (*feed).to_owned(),
            family,
            object: (*object).to_owned(),
        };
        subject.checked()
    }

    fn checked(self) -> Result<Self, SubjectError> {
        let places: [Grammar<'_>; 5] = [
            ("universe", &self.universe, is_universe),
            ("audience", &self.audience, is_audience),
            ("organisation", &self.org, is_slug),
            ("feed", &self.feed, is_feed),
            ("escaped object id", &self.object, is_escaped),
        ];
        check(&places)?;
        if self.to_string().len() > SUBJECT_MAX {
            return Err(SubjectError::Long);
        }
        Ok(self)
    }
}

impl std::fmt::Display for ClaimSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { universe, audience, org, feed, family, object } = self;
        write!(f, "entente.{universe}.{audience}.{org}.{feed}.{family}.{object}")
    }
}

/// The subject of a feed's heartbeat, in parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BeatSubject {
    /// The universe.
    pub universe: String,
    /// The audience.
    pub audience: String,
    /// The organisation whose adapter beats.
    pub org: String,
    /// The feed.
    pub feed: String,
}

impl BeatSubject {
    /// Builds the subject.
    ///
    /// # Errors
    /// If a part is not what its place takes.
    pub fn new(universe: &str, audience: &str, org: &str, feed: &str) -> Result<Self, SubjectError> {
        let places: [Grammar<'_>; 4] = [
            ("universe", universe, is_universe),
            ("audience", audience, is_audience),
            ("organisation", org, is_slug),
            ("feed", feed, is_feed),
        ];
        check(&places)?;
        let [universe, audience, org, feed] = places.map(|(_, token, _)| token.to_owned());
        Ok(Self { universe, audience, org, feed })
    }

    /// Reads a subject.
    ///
    /// # Errors
    /// If it is not one that [`BeatSubject::new`] could have built.
    pub fn parse(text: &str) -> Result<Self, SubjectError> {
        let tokens: Vec<&str> = text.split('.').collect();
        let ["beat", universe, audience, org, feed] = tokens.as_slice() else {
            return Err(SubjectError::BeatShape);
        };
        Self::new(universe, audience, org, feed)
    }
}

impl std::fmt::Display for BeatSubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&beat(&self.universe, &self.audience, &self.org, &self.feed))
    }
}

/// A place, the token that stands there, and the test of what may.
type Grammar<'a> = (&'static str, &'a str, fn(&str) -> bool);

fn check(places: &[Grammar<'_>]) -> Result<(), SubjectError> {
    match places.iter().find(|(_, token, fits)| !fits(token)) {
        Some((place, token, _)) => Err(bad(place, token)),
        None => Ok(()),
    }
}

fn bad(place: &'static str, token: &str) -> SubjectError {
    SubjectError::Token { place, token: token.chars().take(40).collect() }
}

/// The wildcard for all claims of one stream.
#[must_use]
pub fn claims_of(universe: &str, audience: &str) -> String {
    format!("entente.{universe}.{audience}.>")
}

/// The wildcard for all claims of one feed of one organisation.
#[must_use]
pub fn claims_of_feed(universe: &str, audience: &str, org: &str, feed: &str) -> String {
    format!("entente.{universe}.{audience}.{org}.{feed}.>")
}

/// The wildcard for all that one feed of one organisation says about an object, in any family.
#[must_use]
pub fn claims_about(universe: &str, audience: &str, org: &str, feed: &str, object_id: &str) -> String {
    format!("entente.{universe}.{audience}.{org}.{feed}.*.{}", escape(object_id))
}

/// The wildcard for all retractions by one organisation.
#[must_use]
pub fn retractions_of(universe: &str, audience: &str, org: &str) -> String {
    format!("entente.{universe}.{audience}.{org}.*.{}.>", Family::Retraction.token())
}

/// The subject of a feed's heartbeat.
#[must_use]
pub fn beat(universe: &str, audience: &str, org: &str, feed: &str) -> String {
    format!("beat.{universe}.{audience}.{org}.{feed}")
}

/// The wildcard for all heartbeats of one universe and audience.
#[must_use]
pub fn beats_of(universe: &str, audience: &str) -> String {
    format!("beat.{universe}.{audience}.>")
}

/// The name of the log's stream for one universe and audience.
#[must_use]
pub fn log_stream(universe: &str, audience: &str) -> String {
    format!("A_{universe}_{audience}")
}

/// The name of the heartbeats' stream for one universe and audience.
#[must_use]
pub fn beat_stream(universe: &str, audience: &str) -> String {
    format!("BEAT_{universe}_{audience}")
}

/// The prefix under which the headers of a stream are republished.
#[must_use]
pub fn wake(stream: &str) -> String {
    format!("wake.{stream}.>")
}

/// Escapes an object id into one token: `A-Za-z0-9-_` stay, other UTF-8 bytes become `=HH`; over 120 bytes it is `~` and
/// 26 characters of its hash.
#[must_use]
pub fn escape(object_id: &str) -> String {
    let mut token = String::with_capacity(object_id.len() + 8);
    for byte in object_id.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            token.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(token, "={byte:02X}");
        }
    }
    if token.len() > OBJECT_MAX {
        return format!("~{}", base32(&sha256(object_id.as_bytes()), SHORT));
    }
    token
}

/// Undoes [`escape`]; `None` for a hashed id or a token that it would not have built.
#[must_use]
pub fn unescape(token: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let id = String::from_utf8(bytes).ok()?;
    (escape(&id) == token).then_some(id)
}

/// Whether `text` is a slug: `a-z0-9-`, not starting with `-`, 1 to 24 characters.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    is_lower(text, 24)
}

/// Whether `text` names a feed: as a slug, but up to 40 characters.
#[must_use]
pub fn is_feed(text: &str) -> bool {
    is_lower(text, 40)
}

fn is_lower(text: &str, max: usize) -> bool {
    !text.is_empty()
        && text.len() <= max
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether `text` is a universe: `actual`, `exercise`, `test` or `exercise-<slug>`.
#[must_use]
pub fn is_universe(text: &str) -> bool {
    matches!(text, "actual" | "exercise" | "test") || text.strip_prefix("exercise-").is_some_and(is_slug)
}

/// Whether `text` is an audience: `all`, or `g` and 16 characters of base32-lower.
#[must_use]
pub fn is_audience(text: &str) -> bool {
    text == AUDIENCE_ALL || text.strip_prefix('g').is_some_and(|id| is_base32(id, 16))
}

fn is_escaped(token: &str) -> bool {
    if let Some(hash) = token.strip_prefix('~') {
        return is_base32(hash, SHORT);
    }
    !token.is_empty() && token.len() <= OBJECT_MAX && unescape(token).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_family() -> impl Strategy<Value = Family> {
        prop::sample::select(Family::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn what_is_built_is_parsed_to_the_same(
            universe in "actual|exercise|test|exercise-[a-z0-9]{1,20}",
            audience in "all|g[a-z2-7]{16}",
            org in "[a-z0-9][a-z0-9-]{0,23}",
            feed in "[a-z0-9][a-z0-9-]{0,39}",
            family in any_family(),
            object in "\\PC{1,200}",
        ) {
            if let Ok(subject) = ClaimSubject::new(&universe, &audience, &org, &feed, family, &object) {
                prop_assert_eq!(ClaimSubject::parse(&subject.to_string()), Ok(subject.clone()));
                if !subject.object.starts_with('~') {
                    prop_assert_eq!(unescape(&subject.object), Some(object));
                }
            } else {
                let length = universe.len() + audience.len() + org.len() + feed.len() + family.token().len();
                prop_assert!(length + escape(&object).len() + 13 > SUBJECT_MAX);
            }
        }

        #[test]
        fn a_beat_is_built_and_parsed_both_ways(
            universe in "actual|exercise|test|exercise-[a-z0-9]{1,20}",
            audience in "all|g[a-z2-7]{16}",
            org in "[a-z0-9][a-z0-9-]{0,23}",
            feed in "[a-z0-9][a-z0-9-]{0,39}",
            other in "(beat\\.)?[ -~]{0,40}|beat(\\.[a-z0-9*>-]{0,12}){4}",
        ) {
            let built = BeatSubject::new(&universe, &audience, &org, &feed);
            let text = beat(&universe, &audience, &org, &feed);
            prop_assert_eq!(BeatSubject::parse(&text), built);
            if let Ok(subject) = BeatSubject::parse(&other) {
                prop_assert_eq!(subject.to_string(), other);
            }
        }

        #[test]
        fn a_part_out_of_its_grammar_is_refused(part in "[A-Z.*> é]{1,3}|-[a-z]{0,3}|[a-z]{41,50}") {
            let object = "gcp.public:x";
            for (place, of_claim, of_beat) in [
                ("universe", ClaimSubject::new(&part, "all", "aws", "desk", Family::Impact, object), BeatSubject::new(&part, "all", "aws", "desk")),
                ("audience", ClaimSubject::new("test", &part, "aws", "desk", Family::Impact, object), BeatSubject::new("test", &part, "aws", "desk")),
                ("organisation", ClaimSubject::new("test", "all", &part, "desk", Family::Impact, object), BeatSubject::new("test", "all", &part, "desk")),
                ("feed", ClaimSubject::new("test", "all", "aws", &part, Family::Impact, object), BeatSubject::new("test", "all", "aws", &part)),
            ] {
                for refused in [of_claim.unwrap_err(), of_beat.unwrap_err()] {
                    prop_assert!(matches!(&refused, SubjectError::Token { place: named, .. } if *named == place), "{refused}");
                }
            }
        }

        #[test]
        fn what_is_parsed_is_built_to_the_same(text in "(entente\\.)?[ -~]{0,60}|entente(\\.[a-z0-9*>=~-]{0,12}){6}") {
            if let Ok(subject) = ClaimSubject::parse(&text) {
                prop_assert_eq!(subject.to_string(), text);
            }
        }

        #[test]
        fn different_short_ids_have_different_tokens(a in "\\PC{1,20}", b in "\\PC{1,20}") {
            prop_assert_eq!(a == b, escape(&a) == escape(&b));
        }
    }

    #[test]
    fn what_the_server_would_have_taken_is_refused() {
        for text in [
            "entente.actual.all.aws.feed.impact.*",
            "entente.actual.all.aws.feed.impact.a.>.b",
            "entente.actual.all.aws..impact.x",
            "entente.actual.all.aws.feed.impact.a\0b",
            "entente.actual.all.aws.feed.impact.é",
            "entente.actual.all.aws.feed.impact.=c3=a9",
            "entente.actual.g123.aws.feed.impact.x",
            "entente.real.all.aws.feed.impact.x",
            "entente.actual.all.AWS.feed.impact.x",
            "entente.actual.all.aws.feed.rumour.x",
            "entente.actual.all.aws.feed.impact",
        ] {
            assert!(ClaimSubject::parse(text).is_err(), "{text} was taken");
        }
    }

    #[test]
    fn an_arn_becomes_one_token() {
        let token = escape("aws.health:arn:aws:health:us-east-1::event/EC2/X_1");
        assert_eq!(token, "aws=2Ehealth=3Aarn=3Aaws=3Ahealth=3Aus-east-1=3A=3Aevent=2FEC2=2FX_1");
    }
}
