//! The server's answers name resources of its interface; who types commands is told the command that asks for each.

const PARTS: [(&str, &str); 6] = [
    ("mend what is named in problems", "mend what is named above"),
    (" and /v1/picture list", " lists"),
    ("(request).causation", "--answers"),
    ("(request).audience", "--audience"),
    ("(request).tlp", "--tlp"),
    ("publish in audience", "publish with --audience"),
];

/// A text of the server with commands in place of the resources that it names.
pub fn in_commands(text: &str) -> String {
    let mut text = PARTS.iter().fold(text.to_owned(), |text, (of_server, ours)| text.replace(of_server, ours));
    while let Some(at) = text.find("/v1/") {
        let is_of_resource = |c: char| c.is_ascii_alphanumeric() || "/._-?=&".contains(c);
        let (before, rest) = text.split_at(at);
        let end = rest.find(|c| !is_of_resource(c)).unwrap_or(rest.len());
        let (resource, after) = rest.split_at(end);
        let command = command(resource);
        text = match (before.strip_suffix('`'), after.strip_prefix('`')) {
            (Some(before), Some(after)) => format!("{before}`{command}`{after}"),
            _ => format!("{before}`{command}`{after}"),
        };
    }
    text
}

fn command(resource: &str) -> String {
    let (path, query) = resource.split_once('?').unwrap_or((resource, ""));
    match path {
        "/v1/events" => match query.strip_prefix("family=") {
            Some(family) => format!("entente events --family {family}"),
            None => "entente events".to_owned(),
        },
        "/v1/picture" | "/v1/incidents" => "entente picture --all".to_owned(),
        _ => "entente --help".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_become_commands() {
        for (of_server, ours) in [
            ("an approach; /v1/events?family=approach lists", "an approach; `entente events --family approach` lists"),
            ("`/v1/events` lists what there is", "`entente events` lists what there is"),
            (
                "`entente picture` and /v1/picture list the incidents, /v1/events what was said",
                "`entente picture` lists the incidents, `entente events` what was said",
            ),
            ("mend the address; /v1/openapi.json lists", "mend the address; `entente --help` lists"),
            ("mend what is named in problems, then", "mend what is named above, then"),
            ("(request).causation: nothing", "--answers: nothing"),
            ("nothing of that", "nothing of that"),
        ] {
            assert_eq!(in_commands(of_server), ours);
        }
    }
}
