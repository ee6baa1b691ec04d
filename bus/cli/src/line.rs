//! One record in one line, for a list and for who watches.

use serde_json::Value;

use crate::marking::Names;

/// A member of a record as text; empty if it is not there.
pub fn text(line: &Value, name: &str) -> String {
    match line.get(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

/// What was said, after the time in the form that the caller wants.
pub fn in_words(line: &Value, time: &str, names: &Names) -> String {
    let (position, incident, withdrawn) = (text(line, "position"), text(line, "incident"), text(line, "withdrawn_by"));
    let (position, mark) = (names.place(&position), names.mark(line));
    let mark = if mark.is_empty() { mark } else { format!("  {mark}") };
    let incident = if incident.is_empty() { incident } else { format!("  [{incident}]") };
    let withdrawn = if withdrawn.is_empty() { withdrawn } else { format!("  (withdrawn by {withdrawn})") };
    let says = text(line, "says").replace(['\n', '\t'], " ");
    format!("{time} {position:>7}  {}: {says}{incident}{withdrawn}{mark}", text(line, "speaker"))
}

/// When it was logged: `2024-07-19 05:27:00`.
pub fn logged(line: &Value) -> String {
    let logged = text(line, "logged");
    logged.get(..19).unwrap_or(&logged).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_one_line() {
        let mut line = json!({ "position": 7, "logged": "2024-07-19T05:27:00.25Z", "speaker": "gcp",
            "says": "critical\nboot loop", "incident": "inc-2kq7c4w1xz", "withdrawn_by": null });
        let told = "2024-07-19 05:27:00       7  gcp: critical boot loop  [inc-2kq7c4w1xz]";
        let names = Names::default();
        assert_eq!(in_words(&line, &logged(&line), &names), told);
        line["withdrawn_by"] = json!("aws");
        assert!(in_words(&line, "", &names).ends_with("[inc-2kq7c4w1xz]  (withdrawn by aws)"));
        line["audience"] = json!("gbbbbbbbbbbbbbbbb");
        line["tlp"] = json!("amber");
        assert!(in_words(&line, "", &names).ends_with("(withdrawn by aws)  TLP:AMBER gbbbbbbbbbbbbbbbb"));
    }
}
