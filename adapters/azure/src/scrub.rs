//! What customers own out of texts that Azure writes to them: ids of subscriptions, tenants and resources, and addresses
//! that open something. All else of a text stays as it was written.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// An address with everything up to what cannot stand in one.
const ADDRESS: &str = r#"(?i)https?://[^\s"'<>)\]]+"#;
/// The path of a resource, or of anything below a subscription, a tenant or a management group.
const RESOURCE: &str =
    r#"(?i)/?\b(?:subscriptions|tenants|managementGroups|resourceGroups)/[^\s"'<>),;\]]*[^\s"'<>),;\].:!?]"#;
/// A GUID with dashes, wherever it stands, or without.
const GUID: &str = r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32}\b";

/// The name of a tenant.
const TENANT: &str = r"(?i)[a-z0-9-]+\.onmicrosoft\.(?:com|us|cn)";

static PATTERNS: LazyLock<Option<[Regex; 4]>> = LazyLock::new(|| {
    let read = |pattern| Regex::new(pattern).ok();
    Some([read(ADDRESS)?, read(RESOURCE)?, read(GUID)?, read(TENANT)?])
});

/// The text without what customers own. Without its patterns, which a test holds to be sound, nothing of a text is told.
pub(crate) fn scrub(text: &str) -> Cow<'_, str> {
    let Some([address, resource, guid, tenant]) = &*PATTERNS else { return Cow::Borrowed("") };
    let text = replaced(Cow::Borrowed(text), address, |found| {
        let found = &found[0];
        if opens_something(found) { "[address]".to_owned() } else { found.to_owned() }
    });
    let text = replaced(text, resource, |_| "[resource]".to_owned());
    let text = replaced(text, guid, |_| "[id]".to_owned());
    replaced(text, tenant, |_| "[tenant]".to_owned())
}

fn replaced<'a>(text: Cow<'a, str>, pattern: &Regex, by: impl Fn(&Captures<'_>) -> String) -> Cow<'a, str> {
    match pattern.replace_all(&text, |found: &Captures<'_>| by(found)) {
        Cow::Borrowed(_) => text,
        Cow::Owned(changed) => Cow::Owned(changed),
    }
}

/// Whether an address names somebody's storage, or carries a signature.
fn opens_something(address: &str) -> bool {
    let address = address.to_lowercase();
    let (place, query) = address.split_once('?').unwrap_or((&address, ""));
    let host = place.split('/').nth(2).unwrap_or_default();
    let stored = [".core.windows.net", ".core.usgovcloudapi.net", ".core.chinacloudapi.cn", ".storage.azure.net"];
    let signed =
        query.replace("&amp;", "&").split(['&', ';']).any(|pair| pair.starts_with("sig=") || pair.starts_with("code="));
    signed || stored.iter().any(|end| host.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_customers_own_is_left_out_and_the_rest_stays() {
        for (text, expected) in [
            ("VMs in West US, see https://aka.ms/health?x=1.", "VMs in West US, see https://aka.ms/health?x=1."),
            ("in 5F1D7A52-0c1e-4b7e-9a43-e2c5d1f0ab11, too", "in [id], too"),
            (
                "on /subscriptions/5f1d/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/vm-1.",
                "on [resource].",
            ),
            ("(resourceGroups/rg1)", "([resource])"),
            (
                "<a href=\"https://x.blob.core.windows.net/c/f?sv=1&amp;sig=abc%3D\">log</a>",
                "<a href=\"[address]\">log</a>",
            ),
            ("https://proxy.example/f?a=1&sig=zz end", "[address] end"),
            ("one subscription/month", "one subscription/month"),
            ("who signs in at Contoso-1.onmicrosoft.com.", "who signs in at [tenant]."),
        ] {
            assert_eq!(scrub(text), expected);
        }
    }

    proptest! {
        #[test]
        fn no_id_stays_wherever_it_stands(
            id in "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            name in "[a-z]{3}-[0-9]{8}",
            before in "[ a-zäß<>(\"]{0,20}",
            after in "[ .,;<)\"]{1}[ a-zäß]{0,20}",
        ) {
            let path = format!("/subscriptions/{id}/resourceGroups/x/providers/Microsoft.Sql/servers/{name}");
            let text = format!("{before} {path}{after} {id}{after}https://{name}.blob.core.windows.net/c?sig={id}{after}");
            let clean = scrub(&text).into_owned();
            prop_assert!(!clean.contains(&id) && !clean.contains(&name), "{clean}");
            prop_assert_eq!(scrub(&clean), clean.as_str(), "once is enough");
        }
    }
}
