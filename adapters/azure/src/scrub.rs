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
const TENANT: &str = r"(?i)[a-z0-9-]+\.(?:onmicrosoft\.(?:com|us|cn)|partner\.onmschina\.cn)";

/// The name of a host below one of the domains in which Azure gives its customers' resources their names, in all its clouds.
const HOST: &str = concat!(
    r"(?i)\b[a-z0-9][a-z0-9.-]*\.(?:",
    r"(?:core|database|servicebus|redis\.cache)\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)",
    r"|(?:documents|vault|azconfig|eventgrid|cloudapp|search|openai|cognitiveservices|(?:mysql|postgres)\.database|storage)",
    r"\.azure\.(?:com|net|us|cn|io)",
    r"|azurewebsites\.(?:net|us)|chinacloudsites\.cn|cloudapp\.net|azurecr\.(?:io|us|cn)|azmk8s\.io|azurefd\.net",
    r"|azureedge\.net|trafficmanager\.net|azurecontainerapps\.io|azurestaticapps\.net",
    r")\b",
);

/// The address of somebody's mail, which is what people sign in with.
const MAIL: &str = r"(?i)[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}";
/// Those who own no resources.
const OWN_MAIL: [&str; 2] = ["@microsoft.com", "@azure.com"];

static PATTERNS: LazyLock<Option<[Regex; 6]>> = LazyLock::new(|| {
    let read = |pattern| Regex::new(pattern).ok();
    Some([read(ADDRESS)?, read(RESOURCE)?, read(GUID)?, read(TENANT)?, read(HOST)?, read(MAIL)?])
});

/// The text without what customers own. Without its patterns, which a test holds to be sound, nothing of a text is told.
pub(crate) fn scrub(text: &str) -> Cow<'_, str> {
    let Some([address, resource, guid, tenant, host, mail]) = &*PATTERNS else { return Cow::Borrowed("") };
    let text = replaced(Cow::Borrowed(text), address, |found| {
        let found = &found[0];
        if is_signed(found) || host.is_match(found) { "[address]".to_owned() } else { found.to_owned() }
    });
    let text = replaced(text, resource, |_| "[resource]".to_owned());
    let text = replaced(text, guid, |_| "[id]".to_owned());
    let text = replaced(text, mail, |found| {
        let own = OWN_MAIL.iter().any(|own| found[0].to_lowercase().ends_with(own));
        if own { found[0].to_owned() } else { "[mail]".to_owned() }
    });
    let text = replaced(text, tenant, |_| "[tenant]".to_owned());
    replaced(text, host, |_| "[host]".to_owned())
}

fn replaced<'a>(text: Cow<'a, str>, pattern: &Regex, by: impl Fn(&Captures<'_>) -> String) -> Cow<'a, str> {
    match pattern.replace_all(&text, |found: &Captures<'_>| by(found)) {
        Cow::Borrowed(_) => text,
        Cow::Owned(changed) => Cow::Owned(changed),
    }
}

/// Whether an address carries a signature.
fn is_signed(address: &str) -> bool {
    let query = address.split_once('?').map(|(_, query)| query.to_lowercase()).unwrap_or_default();
    query.replace("&amp;", "&").split(['&', ';']).any(|pair| pair.starts_with("sig=") || pair.starts_with("code="))
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
            ("at contoso.partner.onmschina.cn", "at [tenant]"),
            ("reach pay01.blob.core.windows.net, or Pay-02.EastUS.cloudapp.azure.com.", "reach [host], or [host]."),
            (
                "names below *.database.windows.net and azure.com stay",
                "names below *.database.windows.net and azure.com stay",
            ),
            ("see https://pay-web.azurewebsites.net/login", "see [address]"),
            ("ask jane.doe@contoso.example or help@microsoft.com", "ask [mail] or help@microsoft.com"),
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
