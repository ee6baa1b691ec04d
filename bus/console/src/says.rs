//! A record in words, with objects called by their names: an id tells a reader nothing.

use entente_correlator::picture::{Incident, Line};
use entente_correlator::words;
use entente_schemas::family::Family;

/// The longest name within a sentence.
const NAME: usize = 60;

/// What a record says; `incidents` are where its objects are looked for.
pub(crate) fn says(line: &Line, incidents: &[Incident]) -> String {
    let known = incidents.iter().find(|incident| line.incident.as_deref() == Some(incident.id.as_str()));
    let said = known.map_or_else(|| line.says.clone(), |incident| named(&line.says, incident));
    match said.split_once(' ') {
        // A run begins with the id of what is run.
        Some((id, rest)) if line.family == Family::Remediation && is_id(id) => format!("a repair {rest}"),
        _ => said,
    }
}

/// A text with the ids of an incident's objects replaced by their names.
pub(crate) fn named(text: &str, incident: &Incident) -> String {
    let words: Vec<String> = text.split(' ').map(|word| called(word, incident)).collect();
    words.join(" ")
}

fn called(word: &str, incident: &Incident) -> String {
    let id = word.trim_end_matches([',', '.', ':']);
    let approach = || incident.approaches.iter().find(|one| one.object_id == id).map(|one| one.name.as_str());
    let member = || incident.members.iter().find(|one| one.object_id == id).map(|one| one.title.as_str());
    match is_id(id).then(|| approach().or_else(member)).flatten() {
        Some(name) => format!("\"{}\"{}", words::cut(name, NAME), word.strip_prefix(id).unwrap_or_default()),
        None => word.to_owned(),
    }
}

fn is_id(word: &str) -> bool {
    word.split_once(':').is_some_and(|(system, id)| !system.is_empty() && !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn line(family: Family, says: &str) -> Line {
        Line { family, says: says.into(), ..fixture::picture().recent.remove(0) }
    }

    #[test]
    fn a_run_is_told_by_what_is_run_and_never_by_an_id() {
        let night = [fixture::incident()];
        let run = format!("{} running: 3 work again of 5 attempted", night[0].approaches[1].object_id);
        let said = says(&line(Family::Remediation, &run), &night);
        assert_eq!(said, "\"Reboot again, up to 15 times\" running: 3 work again of 5 attempted");
        let unknown = line(Family::Remediation, "aws:x running: 3 work again of 5 attempted");
        assert_eq!(says(&unknown, &[]), "a repair running: 3 work again of 5 attempted");
    }

    #[test]
    fn what_is_withdrawn_has_its_title_and_other_words_stay() {
        let night = [fixture::incident()];
        let said = says(&line(Family::Retraction, "withdraws aws:1 rev 2: by mistake"), &night);
        assert_eq!(said, "withdraws \"Windows instances fail their status check\" rev 2: by mistake");
        let words = "at 04:11 http://x.example/ told: all";
        assert_eq!(says(&line(Family::Message, words), &night), words);
    }
}
