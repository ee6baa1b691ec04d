//! Names of projects, organisations and folders, cut out of whatever text a provider sends: a text goes to a whole sharing
//! group, and whose it is must not.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What stands in the place of a name.
const CUT: &str = "…";

/// A path of the API, an address of a service account, or a number as projects, organisations and machines have them, each
/// of which names its owner.
static OWNED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let path =
        r"(?P<path>\b(?:projects|organizations|folders|billingAccounts|instances|disks|operations)/)[^\s/'\x22),;]+";
    let account = r"[\w.+-]+@[\w-]+\.(?:iam\.)?gserviceaccount\.com";
    let number = r"\b[0-9]{10,20}\b";
    Regex::new(&format!("{path}|{account}|{number}")).ok()
});

/// Cuts names out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redact {
    names: Option<Regex>,
}

impl Redact {
    /// Cuts out these names wherever they stand as whole words, beside what is a name by its form.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).map(regex::escape).collect();
        // The longer one first, where one begins as another does.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        if names.is_empty() {
            return Self::default();
        }
        Self { names: Regex::new(&format!(r"(?i)\b(?:{})\b", names.join("|"))).ok() }
    }

    /// The text without them.
    pub(crate) fn text(&self, text: &str) -> String {
        let text = match OWNED.as_ref() {
            Some(owned) => owned.replace_all(text, |found: &Captures<'_>| {
                format!("{}{CUT}", found.name("path").map_or("", |path| path.as_str()))
            }),
            None => text.into(),
        };
        match &self.names {
            Some(names) => names.replace_all(&text, CUT).into_owned(),
            None => text.into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_and_other_words_stay() {
        let redact = Redact::new(["acme-prod", "acme-prod-417", "acme"]);
        let text = "Acme-prod-417 and acme-prod in projects/other-1/zones/us-central1-a, by 1-compute@developer.gserviceaccount.com";
        let told = redact.text(text);
        assert_eq!(told, "… and … in projects/…/zones/us-central1-a, by …");
        assert_eq!(redact.text("acmeology is unharmed"), "acmeology is unharmed");
        let text = "Project 417417417417 has 2 VMs since 04:09 UTC; delete C-00000291*.sys, see KB5042421.";
        assert_eq!(redact.text(text), "Project … has 2 VMs since 04:09 UTC; delete C-00000291*.sys, see KB5042421.");
        assert_eq!(Redact::default().text("as it was"), "as it was");
    }
}
