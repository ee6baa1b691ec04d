//! Words of AWS without the names of an account and its things: numbers of accounts, ids of resources, addresses inside a
//! network, addresses that open something, addresses of mail, keys. What AWS says of an event to one customer names them
//! freely; none may travel.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use entente_sidecar::account::Secret;
use regex::{Captures, Regex};

/// Characters of a resource's name below which it is taken for an ordinary word.
const NAME_MIN: usize = 4;
/// Characters of a hidden number, which must stay one and be no riddle for the eye.
const HIDDEN: usize = 10;

/// `i-0123456789abcdef0`, `vol-01234567`, `tgw-attach-0123456789abcdef0`.
const RESOURCE: &str = r"\b(?:[a-z]{1,12}-){1,2}[0-9a-f]{8}(?:[0-9a-f]{9})?\b";

/// What names a thing of an account, whatever it stands in. The order matters: a whole address goes before its parts.
static NAMES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let patterns = [
        // A part of an address that opens something, where a line's end has cut it off.
        (r#"(?i)x-amz-(?:signature|credential|security-token)=[^\s&"'<>]+"#, "[address]"),
        (r#"https?://[^\s"'<>/@]*@[^\s"'<>]*"#, "[address]"),
        (r"[\w.%+'-]+@[\w-]+(?:\.[\w-]+)*", "[mail]"),
        // Keys, and the ids of who may have one; the kinds are IAM's.
        (r"A(?:BIA|CCA|GPA|IDA|IPA|KIA|NPA|NVA|PKA|ROA|SCA|SIA)[A-Z0-9]{16,}", "[key]"),
        // Addresses of a queue, or of anything else that has the account as a part of its path.
        (r"https?://[^\s<>()]*/\d{12}(/[^\s<>()]*)?", "[address]"),
        // An ARN that names an account, to its end.
        (r"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:\d{12}:(?:\[resource\]|[^\s,;!<>()\[\]])+", "[resource]"),
        (RESOURCE, "[resource]"),
        (r"\b(?:ip-\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}|ec2-[\d-]+)(?:\.[a-z0-9-]+)*\b", "[address]"),
        (r"\b(?:10|172\.(?:1[6-9]|2\d|3[01])|192\.168)(?:\.\d{1,3}){2,3}\b", "[address]"),
    ];
    patterns.into_iter().filter_map(|(pattern, instead)| Some((Regex::new(pattern).ok()?, instead))).collect()
});

/// An address with a query or a fragment, whether or not it begins with a scheme.
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"[^\s"'<>]+[?#][^\s"'<>]+"#).ok());
/// What stands before an address and is none of it.
const BEFORE: [char; 2] = ['(', '['];
/// What stands behind one.
const BEHIND: [char; 8] = ['.', ',', ';', ':', '!', '?', ')', ']'];
/// What the name of a parameter holds whose value opens something.
const OPENING: [&str; 7] = ["x-amz-", "signature", "credential", "token", "secret", "password", "accesskey"];
/// Names of such parameters that are short, and so are parts of others too.
const OPENING_ALONE: [&str; 3] = ["sig", "key", "code"];

static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(RESOURCE).ok());

/// Twelve digits in a row, as accounts have them; with what stands at either side, since `\b` takes `_` for a letter.
static ACCOUNT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(^|[^0-9])(\d{12}|\d{4}-\d{4}-\d{4})($|[^0-9])").ok());

/// A text without such names, and without those of `resources`.
pub(crate) fn text(text: &str, resources: &BTreeSet<String>) -> String {
    let mut told = unsigned(text);
    // The longest first: a name may be a part of another.
    let mut resources: Vec<&String> = resources.iter().filter(|name| name.chars().count() >= NAME_MIN).collect();
    resources.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in resources {
        told = without(&told, name);
    }
    for (pattern, instead) in NAMES.iter() {
        told = pattern.replace_all(&told, *instead).into_owned();
    }
    accounts(&told, |_| "[account]".to_owned())
}

/// A text without addresses whose query opens something.
fn unsigned(text: &str) -> String {
    let Some(pattern) = ADDRESS.as_ref() else { return String::new() };
    let instead = |found: &Captures<'_>| {
        let found = found.get(0).map_or("", |found| found.as_str());
        let address = found.trim_start_matches(BEFORE).trim_end_matches(BEHIND);
        if opens(address) { found.replacen(address, "[address]", 1) } else { found.to_owned() }
    };
    pattern.replace_all(text, instead).into_owned()
}

/// Whether an address has a parameter whose value opens something.
fn opens(address: &str) -> bool {
    let parameters = address.find(['?', '#']).and_then(|query| address.get(query..)).unwrap_or_default();
    let parameters = parameters.to_ascii_lowercase().replace("&amp;", "&").replace("%2d", "-");
    let mut named = parameters.split(['?', '#', '&', ';']).filter_map(|pair| pair.split_once('='));
    named.any(|(name, _)| OPENING_ALONE.contains(&name) || OPENING.iter().any(|part| name.contains(part)))
}

/// The name of an event, without an account in it. What else in it names a thing is hidden under the secret, so that two
/// names stay two.
pub(crate) fn name(arn: &str, secret: &Secret) -> String {
    let mut parts: Vec<&str> = arn.split(':').collect();
    if let Some(account) = parts.get_mut(4).filter(|_| arn.starts_with("arn:")) {
        *account = "";
    }
    let hidden = |name: &str| secret.hide(name).chars().take(HIDDEN).collect::<String>();
    let named = parts.join(":");
    let named = NAMED.as_ref().map_or_else(String::new, |names| {
        names
            .replace_all(&named, |found: &Captures<'_>| hidden(found.get(0).map_or("", |name| name.as_str())))
            .into_owned()
    });
    accounts(&named, hidden)
}

/// Every number of an account in a text, replaced. Two may share the character between them.
fn accounts(text: &str, instead: impl Fn(&str) -> String) -> String {
    let Some(pattern) = ACCOUNT.as_ref() else { return String::new() };
    let part = |found: &Captures<'_>, index| found.get(index).map_or("", |part| part.as_str()).to_owned();
    let mut told = text.to_owned();
    while pattern.is_match(&told) {
        let once = |found: &Captures<'_>| format!("{}{}{}", part(found, 1), instead(&part(found, 2)), part(found, 3));
        told = pattern.replace_all(&told, once).into_owned();
    }
    told
}

/// A text in which a name no longer stands as a word of its own, in any case.
fn without(text: &str, name: &str) -> String {
    let edge = |at: Option<char>| at.is_none_or(|c| !c.is_alphanumeric());
    let (lower, name) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
    let (mut told, mut from) = (String::with_capacity(text.len()), 0);
    for (start, _) in lower.match_indices(&name) {
        let end = start + name.len();
        let alone = edge(lower.get(..start).and_then(|before| before.chars().next_back()))
            && edge(lower.get(end..).and_then(|after| after.chars().next()));
        if alone && start >= from {
            told.push_str(text.get(from..start).unwrap_or_default());
            told.push_str("[resource]");
            from = end;
        }
    }
    told.push_str(text.get(from..).unwrap_or_default());
    told
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret() -> Secret {
        Secret::in_file(&tempfile::tempdir().unwrap().path().join("secret")).unwrap()
    }

    #[test]
    fn names_of_an_account_and_its_things_are_gone_and_all_else_stands() {
        let resources = BTreeSet::from(["prod-db".to_owned(), "prod".to_owned(), "is".to_owned()]);
        let told = |given: &str| text(given, &resources);
        for (given, expected) in [
            (
                "The prod-db instance (account 644160558196) is down.",
                "The [resource] instance (account [account]) is down.",
            ),
            (
                "i-00ddbf07ce6372082, vol-12345678 and tgw-attach-0123456789abcdef0",
                "[resource], [resource] and [resource]",
            ),
            ("arn:aws:rds:us-east-1:644160558196:db:prod!", "[resource]!"),
            ("arn:aws:health:us-east-1::event/EC2/X", "arn:aws:health:us-east-1::event/EC2/X"),
            ("https://sqs.us-east-1.amazonaws.com/644160558196/health", "[address]"),
            ("ip-172-31-5-205.us-west-2.compute.internal at 172.31.5.205", "[address] at [address]"),
            ("644160558196,011122335622;0111-2233-5622", "[account],[account];[account]"),
            (
                "event-1485912991457 in production, build 10.0.20348",
                "event-1485912991457 in production, build 10.0.20348",
            ),
            ("see https://aws.amazon.com/premiumsupport/a", "see https://aws.amazon.com/premiumsupport/a"),
        ] {
            assert_eq!(told(given), expected, "{given}");
        }
    }

    #[test]
    fn what_opens_something_and_who_is_written_to_is_gone() {
        let key = "AKIAIOSFODNN7EXAMPLE";
        let signed = format!(
            "https://s3.us-east-1.amazonaws.com/reports/a.csv?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={key}%2F\
             20260101&X-Amz-Signature=fe5f80"
        );
        for (given, expected) in [
            (format!("Report ({signed}), for a day."), "Report ([address]), for a day."),
            (format!("<a href=\"{}\">it</a>", signed.replace('&', "&amp;")), "<a href=\"[address]\">it</a>"),
            ("at d1.cloudfront.net/a?Expires=1&Signature=aB~&Key-Pair-Id=K2".to_owned(), "at [address]"),
            (
                "https://a.example/(x)?p=(1)&sig=z1 or https://a.example/#access_token=b".to_owned(),
                "[address] or [address]",
            ),
            ("https://jane:word@a.example/x".to_owned(), "[address]"),
            ("rest\nX-Amz-Signature=fe5f80 of it".to_owned(), "rest\n[address] of it"),
            (format!("the key {key}, ASIA0123456789ABCDEF_x"), "the key [key], [key]_x"),
            ("Ask jane.o'neil+aws@bank.example, zoë@köln.example.".to_owned(), "Ask [mail], [mail]."),
            (
                "see https://aws.amazon.com/x?design=flat&page=2#keys. Why?".to_owned(),
                "see https://aws.amazon.com/x?design=flat&page=2#keys. Why?",
            ),
        ] {
            assert_eq!(text(&given, &BTreeSet::new()), expected, "{given}");
        }
    }

    #[test]
    fn an_event_keeps_its_name_and_loses_its_account() {
        let secret = secret();
        let arn = "arn:aws:health:us-east-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/AWS_EC2_OPERATIONAL_ISSUE_VKTXI";
        assert_eq!(name(arn, &secret), arn);
        assert_eq!(
            name("arn:aws:health:global::event/event-1485912991457", &secret),
            "arn:aws:health:global::event/event-1485912991457"
        );
        assert_eq!(name("arn:aws:health:us-east-1:644160558196:event/X", &secret), "arn:aws:health:us-east-1::event/X");
        let [one, other] =
            ["644160558196", "011122335622"].map(|n| name(&format!("arn:aws:health:a::event/X_{n}_1"), &secret));
        assert!(one != other && !one.contains("644160558196") && one.starts_with("arn:aws:health:a::event/X_"));
    }

    proptest! {
        #[test]
        fn no_id_that_was_put_in_comes_out(
            before in "[ -~é]{0,20}", after in "[ -~é]{0,20}", account in "[0-9]{12}", id in "[0-9a-f]{17}",
            name in "[a-z][a-z0-9-]{5,20}",
        ) {
            let resource = format!("i-{id}");
            for (given, hidden) in [
                (format!("{before} {account} {after}"), &account),
                (format!("{before} {resource} {after}"), &resource),
                (format!("{before} arn:aws:ec2:us-east-1:{account}:instance/{resource} {after}"), &account),
                (format!("{before} {name} {after}"), &name),
            ] {
                let told = text(&given, &BTreeSet::from([name.clone()]));
                prop_assert!(!told.to_lowercase().split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == *hidden), "{told}");
            }
        }
    }
}
