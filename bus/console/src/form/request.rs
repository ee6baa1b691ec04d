//! From a form to a claim as `POST /v1/claims` takes it: members set by their paths, what is empty left out. Whether the
//! claim holds is judged where every claim is.

use chrono::{DateTime, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use entente_schemas::family::Family;
use entente_schemas::tlp::Tlp;
use serde_json::{Map, Value, json};

use super::fields::{Field, Input, fields};
use super::readers::chosen;
use super::{Form, FormKind, FormProblem};

/// What a form asks to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct FormRequest {
    /// The family.
    pub family: Family,
    /// Say the last revision of the claim's object again: it still holds.
    pub still: bool,
    /// Who is to read it: `all` or the id of a sharing group; none if the form does not say.
    pub audience: Option<String>,
    /// The marking, if one was chosen.
    pub tlp: Option<Tlp>,
    /// The claim's members that were typed.
    pub claim: Map<String, Value>,
}

impl Form {
    /// The claim that the form asks for. A time of day without a date is of the day of `now`.
    ///
    /// # Errors
    /// Every field that cannot be read as what it is; all else is for the check of the whole claim.
    pub fn request(&self, now: DateTime<Utc>) -> Result<FormRequest, Vec<FormProblem>> {
        let (family, still) = (self.family(), !self.value("still").is_empty());
        let mut claim = Value::Object(Map::new());
        let mut problems = Vec::new();
        let (audience, tlp) = chosen(self, &mut problems);
        for field in fields(self.kind).filter(|_| !still) {
            match self.member(field, now) {
                Ok(Some(value)) => put(&mut claim, field.path, value),
                Ok(None) => {}
                Err(what) => problems.push(FormProblem { path: field.path.to_owned(), what }),
            }
        }
        if !still {
            self.complete(&mut claim, now);
        }
        if !self.value("object_id").is_empty() {
            put(&mut claim, "object_id", json!(self.value("object_id")));
        }
        match claim {
            Value::Object(claim) if problems.is_empty() => Ok(FormRequest { family, still, audience, tlp, claim }),
            _ => Err(problems),
        }
    }

    fn family(&self) -> Family {
        if self.kind == FormKind::Impact { Family::Impact } else { Family::Message }
    }

    /// What the form itself knows: its kind, the incident it stood at, the moment for which a figure holds.
    fn complete(&self, claim: &mut Value, now: DateTime<Utc>) {
        let impact = self.kind == FormKind::Impact;
        put(claim, "kind", json!(if impact { "incident" } else { self.kind.as_str() }));
        let references = self.references(if impact { "same" } else { "related" });
        if references.is_empty() {
            claim.as_object_mut().map(|members| members.remove("refs"));
        } else {
            put(claim, "refs", Value::Array(references));
        }
        let counted = claim.pointer("/counts/0").is_some();
        if counted && claim.pointer("/counts/0/as_of").is_none() {
            put(claim, "counts.0.as_of", json!(stamp(now)));
        }
    }

    fn references(&self, relation: &str) -> Vec<Value> {
        let incident = Some(self.value("incident")).filter(|incident| !incident.is_empty());
        let incident = incident.map(|id| json!({"kind": "incident", "value": id, "relation": relation}));
        let typed = words(self.value("refs")).map(|word| {
            let kind = if word.starts_with("http") { "url" } else { "tracking_id" };
            json!({"kind": kind, "value": word, "relation": "same"})
        });
        incident.into_iter().chain(typed).collect()
    }

    /// What a field holds; none if it is empty.
    fn member(&self, field: &Field, now: DateTime<Utc>) -> Result<Option<Value>, String> {
        let typed = self.value(field.path).trim();
        if typed.is_empty() {
            return Ok(None);
        }
        let value = match field.input {
            Input::Line | Input::Text => json!(typed),
            Input::Choice(known) => json!(one_of(typed, known)?),
            Input::List => json!(words(typed).collect::<Vec<_>>()),
            Input::Some(known) => {
                json!(self.all(field.path).map(|word| one_of(word, known)).collect::<Result<Vec<_>, _>>()?)
            }
            Input::Time => json!(stamp(time(typed, now)?)),
            Input::Number => json!(number(typed)?),
            Input::Flag => json!(true),
        };
        Ok(Some(value))
    }
}

fn one_of<'a>(word: &'a str, known: &[&str]) -> Result<&'a str, String> {
    if known.contains(&word) { Ok(word) } else { Err(format!("expected one of: {}", known.join(", "))) }
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', '\n']).map(str::trim).filter(|word| !word.is_empty())
}

/// A whole number, with or without spaces between its thousands.
fn number(typed: &str) -> Result<u64, String> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    digits.parse().map_err(|_| "expected a whole number, such as 829000".to_owned())
}

/// A time as a browser sends it, as RFC 3339 has it, or as a time of today.
fn time(typed: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let typed = typed.trim_end_matches(" UTC");
    if let Ok(time) = DateTime::parse_from_rfc3339(typed) {
        return Ok(time.to_utc());
    }
    let spaced = typed.replacen(' ', "T", 1);
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let dated = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(&spaced, form).ok());
    let today = || NaiveTime::parse_from_str(typed, "%H:%M").ok().map(|time| now.date_naive().and_time(time));
    let read = dated.or_else(today).map(|time| time.and_utc());
    read.ok_or_else(|| "expected a time in UTC, such as 2024-07-19 05:10 or 05:10".to_owned())
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Sets a member by its path; a number in the path is a place in a list.
fn put(claim: &mut Value, path: &str, value: Value) {
    let mut place = claim;
    for part in path.split('.') {
        place = match part.parse::<usize>() {
            Ok(index) => item(place, index),
            Err(_) => member(place, part),
        };
    }
    *place = value;
}

fn member<'a>(place: &'a mut Value, name: &str) -> &'a mut Value {
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    &mut place[name]
}

fn item(place: &mut Value, index: usize) -> &mut Value {
    if !place.is_array() {
        *place = Value::Array(Vec::new());
    }
    if let Value::Array(items) = place
        && items.len() <= index
    {
        items.resize(index + 1, Value::Null);
    }
    &mut place[index]
}

#[cfg(test)]
mod tests {
    use entente_schemas::family::Claim;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2024-07-19T05:12:30Z".parse().unwrap()
    }

    fn form(pairs: &[(&str, &str)]) -> Form {
        Form::read(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()).unwrap()
    }

    /// What the server adds to every claim before it is checked.
    fn completed(mut claim: Map<String, Value>) -> String {
        let header = json!({"object_id": "aws:01912b6e-1111-7000-8000-000000000001", "rev": 1, "certainty": "observed",
            "speaker": {"org": "aws", "role": "provider", "relay": "own"}});
        claim.extend(header.as_object().unwrap().clone());
        let times = claim.entry("times").or_insert_with(|| json!({}));
        times["observed_at"] = json!("2024-07-19T05:12:30Z");
        Value::Object(claim).to_string()
    }

    const FULL: &[(&str, &str)] = &[
        ("kind", "impact"),
        ("csrf", "t"),
        ("title", "Windows instances fail their status check"),
        ("phase", "investigating"),
        ("severity", "critical"),
        ("effect", "unavailable"),
        ("effect", "errors"),
        ("next_update_by", "2024-07-19T06:10"),
        ("blocks.0.provider", "aws"),
        ("blocks.0.service_class", "compute"),
        ("blocks.0.state", "affected_unavailable"),
        ("blocks.0.services", "ec2"),
        ("blocks.0.regions", "us-east-1, eu-west-1"),
        ("blocks.0.asset.os_family", "windows"),
        ("blocks.0.asset.artifact", "csagent.sys"),
        ("symptoms", "0x50, csagent.sys"),
        ("times.occurred_at", "04:10"),
        ("times.fidelity", "minute"),
        ("counts.0.value", "610 000"),
        ("counts.0.unit", "vm"),
        ("counts.0.quantity", "affected"),
        ("counts.0.method", "exact_enumeration"),
        ("counts.0.population", "fleet:aws"),
        ("suspected_cause.status", "hypothesis"),
        ("suspected_cause.vendor", "crowdstrike"),
        ("refs", "1K80-N_8, https://example.com/a"),
        ("invented", "true"),
    ];

    #[test]
    fn a_full_impact_is_a_claim_that_holds() {
        let request = form(FULL).request(now()).unwrap();
        let claim = Claim::read_strict(Family::Impact, &completed(request.claim.clone())).unwrap();
        let impact = claim.impact().unwrap();
        assert_eq!(impact.blocks[0].regions, ["us-east-1", "eu-west-1"]);
        assert_eq!(impact.counts[0].value, Some(610_000));
        assert_eq!(impact.counts[0].as_of, now());
        assert_eq!(claim.header.times.occurred_at.unwrap().to_rfc3339(), "2024-07-19T04:10:00+00:00");
        assert_eq!(impact.effect.len(), 2);
        assert_eq!(claim.header.refs.len(), 2);
        assert!(claim.header.invented);
    }

    #[test]
    fn messages_refer_to_the_incident_they_were_written_at() {
        for kind in ["note", "request", "commitment"] {
            let pairs = [
                ("kind", kind),
                ("text", "Which builds?"),
                ("to", "crowdstrike"),
                ("due_at", "12:00"),
                ("incident", "inc-a"),
            ];
            let request = form(&pairs).request(now()).unwrap();
            assert_eq!(request.claim["kind"], kind);
            assert_eq!(request.claim["refs"][0]["value"], "inc-a");
            let mut claim = request.claim;
            claim.insert("thread_id".into(), json!("aws:01912b6e-1111-7000-8000-000000000001"));
            claim.insert("state".into(), json!("open"));
            Claim::read_strict(Family::Message, &completed(claim)).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_for_all_fields_at_once() {
        let pairs = [("kind", "impact"), ("times.occurred_at", "dawn"), ("counts.0.value", "-3"), ("severity", "bad")];
        let problems = form(&pairs).request(now()).unwrap_err();
        let told: Vec<(&str, &str)> = problems.iter().map(|p| (p.path.as_str(), p.what.as_str())).collect();
        assert_eq!(told.len(), 3);
        assert!(told.iter().any(|(path, what)| *path == "times.occurred_at" && what.contains("05:10")));
        assert!(told.iter().any(|(path, what)| *path == "severity" && what.contains("critical")));
    }

    #[test]
    fn saying_again_that_it_holds_sends_the_object_alone() {
        let request =
            form(&[("kind", "impact"), ("still", "1"), ("object_id", "aws:1"), ("title", "x")]).request(now());
        let request = request.unwrap();
        assert!(request.still);
        assert_eq!(Value::Object(request.claim), json!({"object_id": "aws:1"}));
    }

    #[test]
    fn times_are_read_as_people_and_browsers_write_them() {
        for typed in
            ["2024-07-19T05:10", "2024-07-19 05:10 UTC", "05:10", "2024-07-19T05:10:00Z", "2024-07-19T07:10:00+02:00"]
        {
            assert_eq!(time(typed, now()).unwrap().to_rfc3339(), "2024-07-19T05:10:00+00:00", "{typed}");
        }
        assert!(time("tomorrow", now()).is_err());
    }
}
