//! The pieces of a page that may change in place: elements with an id and the mark `data-f`. The live stream compares
//! them and sends those that differ; `console.js` puts them where the old ones stood.

use std::collections::BTreeMap;

use maud::{Markup, html};

/// The pieces of a page that [`board`](crate::board), [`incident`](crate::incident) or [`feeds`](crate::feeds) made, in
/// the order of the page: id and markup. Running ages are left empty, since the reader's side fills them from the time
/// beside them: a page that only grew older gives equal pieces. Not for markup of any other making.
#[must_use]
pub fn fragments(html: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once(" data-f") {
        let Some((_, open)) = before.rsplit_once('<') else { break };
        let start = before.len() - open.len() - 1;
        let Some(element) = rest.get(start..).and_then(element) else { break };
        if let Some(id) = attribute(element, "id") {
            found.push((id.to_owned(), ageless(element)));
        }
        rest = rest.get(start + element.len()..).unwrap_or(after);
    }
    found
}

/// The ids of a list as it stands, so that the reader's side can tell what is new and what moved without moving it.
pub(crate) fn order(list: &str, ids: &[String]) -> Markup {
    html! { span id={ "o-" (list) } data-f data-o=(ids.join(" ")) hidden {} }
}

/// Ids made from what things are, each one once: a second of the same kind gets a number.
pub(crate) fn distinct(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    ids.map(|id| {
        let times = seen.entry(id.clone()).and_modify(|times| *times += 1).or_insert(1);
        if *times == 1 { id } else { format!("{id}~{times}") }
    })
    .collect()
}

/// The element that `html` begins with, up to its own end tag. Values are escaped, so that every `<` opens a tag.
fn element(html: &str) -> Option<&str> {
    let name: String = html.strip_prefix('<')?.chars().take_while(char::is_ascii_alphanumeric).collect();
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let (mut depth, mut at) = (0_usize, 0_usize);
    loop {
        let rest = html.get(at..)?;
        let ends = rest.find(&close)?;
        match rest.find(&open).filter(|begins| *begins < ends) {
            Some(begins) => {
                at += begins + open.len();
                let longer = html.get(at..)?.starts_with(|next: char| next.is_ascii_alphanumeric());
                depth += usize::from(!longer);
            }
            None => {
                at += ends + close.len();
                depth -= 1;
            }
        }
        if depth == 0 {
            return html.get(..at);
        }
    }
}

fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let (tag, _) = element.split_once('>')?;
    let (_, value) = tag.split_once(&format!(" {name}=\""))?;
    value.split_once('"').map(|(value, _)| value)
}

/// The markup without the words of its running clocks.
fn ageless(element: &str) -> String {
    let mut out = String::with_capacity(element.len());
    let mut rest = element;
    while let Some(at) = rest.find(" data-age>").map(|at| at + " data-age>".len()) {
        let (head, tail) = rest.split_at(at);
        out.push_str(head);
        rest = tail.find("</time>").and_then(|end| tail.get(end..)).unwrap_or(tail);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_piece_is_whole_and_the_rest_is_not_there() {
        let html =
            "<p>x</p><ul><li id=\"a\" data-f><ul><li>1</li></ul></li><li id=\"b\" data-f class=\"x\">2</li></ul>";
        let found = fragments(html);
        assert_eq!(found[0], ("a".into(), "<li id=\"a\" data-f><ul><li>1</li></ul></li>".into()));
        assert_eq!(found[1].0, "b");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_name_that_begins_another_is_not_taken_for_it() {
        let html = "<b id=\"a\" data-f><br><bdi>x</bdi></b><s id=\"c\" data-f><svg><use href=\"#\"></use></svg></s>";
        let ids: Vec<String> = fragments(html).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["a", "c"]);
    }

    #[test]
    fn only_growing_older_is_no_difference() {
        let page = |age: &str| format!("<p id=\"a\" data-f>since <time datetime=\"t\" data-age>{age}</time>.</p>");
        assert_eq!(fragments(&page("6 s")), fragments(&page("2 h 55 min")));
        assert!(fragments(&page("6 s"))[0].1.contains("<time datetime=\"t\" data-age></time>."));
    }

    #[test]
    fn markup_that_is_cut_off_ends_the_list() {
        assert_eq!(fragments("<p id=\"a\" data-f>never closed"), []);
        assert_eq!(fragments(" data-f"), []);
        assert_eq!(fragments(""), []);
    }
}
