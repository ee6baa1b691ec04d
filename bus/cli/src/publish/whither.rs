//! Whither a claim would go: who would read it, said of a dry run, and a sharing group whose name is mistyped.

use entente_schemas::subject::AUDIENCE_ALL;
use entente_schemas::tlp::Tlp;
use serde_json::Value;

use super::header::HeaderFlags;
use crate::exit::{Exit, Failure};
use crate::marking::Names;
use crate::word::nearest;

/// What the server says of it. Nothing where there is no sharing group, so that nobody else could be meant.
pub fn answered(answer: &Value, names: &Names) -> Option<String> {
    let tlp = answer.pointer("/dry_run/tlp").and_then(Value::as_str).unwrap_or_default();
    match answer.get("audience").and_then(Value::as_str) {
        Some(group) => Some(into(names.name(group), tlp)),
        None => names.has_groups().then(|| everybody(tlp)),
    }
}

/// What the flags say of it, where no server can be asked.
///
/// # Errors
/// If they name a sharing group that the data folder does not know.
pub fn flagged(header: &HeaderFlags, goes_on: bool, names: &Names) -> Result<Option<String>, Failure> {
    let group = match header.audience.as_deref() {
        Some(AUDIENCE_ALL) => None,
        Some(key) => Some(names.known(key).ok_or_else(|| unknown(key, names))?),
        None if goes_on => {
            let where_it_goes = "it would go into the audience of what it goes on with".to_owned();
            return Ok(names.has_groups().then_some(where_it_goes));
        }
        None => None,
    };
    let tlp = header.tlp.unwrap_or(if group.is_some() { Tlp::Amber } else { Tlp::Green });
    Ok(match group {
        Some(group) => Some(into(group, tlp.as_str())),
        None => names.has_groups().then(|| everybody(tlp.as_str())),
    })
}

fn into(group: &str, tlp: &str) -> String {
    format!("it would go to sharing group {group}, marked TLP:{}", tlp.to_uppercase())
}

fn everybody(tlp: &str) -> String {
    format!("everybody would read it, marked TLP:{}", tlp.to_uppercase())
}

fn unknown(key: &str, names: &Names) -> Failure {
    let meant = nearest(key, names.all().chain([AUDIENCE_ALL]));
    let meant = meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    let what = format!("nothing was published:\n  --audience: `{key}` is no sharing group of this data folder{meant}");
    let next = "`entente audience list` lists them, and `entente audience create NAME` makes one";
    Failure::new(Exit::Mistake, what, next)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BANKS: &str = "gbbbbbbbbbbbbbbbb";

    fn flags(audience: Option<&str>, tlp: Option<Tlp>) -> HeaderFlags {
        HeaderFlags { audience: audience.map(str::to_owned), tlp, ..HeaderFlags::default() }
    }

    #[test]
    fn it_is_said_who_would_read_it_once_there_is_a_choice() {
        let (names, none) = (Names::with("banks", BANKS), Names::default());
        let of = |audience, tlp| flagged(&flags(audience, tlp), false, &names).unwrap().unwrap();
        for key in ["banks", BANKS] {
            assert_eq!(of(Some(key), None), "it would go to sharing group banks, marked TLP:AMBER");
        }
        assert!(of(Some("banks"), Some(Tlp::AmberStrict)).ends_with("TLP:AMBER+STRICT"));
        assert_eq!(of(None, None), "everybody would read it, marked TLP:GREEN");
        assert_eq!(of(Some("all"), Some(Tlp::Clear)), "everybody would read it, marked TLP:CLEAR");
        assert_eq!(flagged(&flags(None, None), false, &none), Ok(None));
        assert!(flagged(&flags(None, None), true, &names).unwrap().unwrap().contains("goes on with"));
        let answer = json!({ "audience": BANKS, "tlp": "red", "dry_run": { "tlp": "red" } });
        assert_eq!(answered(&answer, &names).unwrap(), "it would go to sharing group banks, marked TLP:RED");
        let open = json!({ "dry_run": { "tlp": "green" } });
        assert_eq!(answered(&open, &names).unwrap(), "everybody would read it, marked TLP:GREEN");
        assert_eq!(answered(&open, &none), None);
    }

    #[test]
    fn a_group_that_is_mistyped_is_answered_with_the_one_that_is_meant() {
        let names = Names::with("banks", BANKS);
        let told = |key| flagged(&flags(Some(key), None), false, &names).unwrap_err();
        let mistyped = told("bnaks");
        assert!(mistyped.what.ends_with("; did you mean `banks`?"), "{mistyped:?}");
        assert_eq!(mistyped.exit, Exit::Mistake);
        assert!(!told("clouds").what.contains("did you mean"));
    }
}
