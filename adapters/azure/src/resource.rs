//! Ids of resources. They are written in mixed case, and one resource in several spellings.

/// The id as it is compared and counted: in lower case, without what is said of the resource.
pub(crate) fn resource(id: &str) -> String {
    let id = id.trim().to_lowercase();
    let end = ["/providers/microsoft.resourcehealth/", "/providers/microsoft.insights/"]
        .iter()
        .filter_map(|part| id.find(part))
        .min();
    id.get(..end.unwrap_or(id.len())).unwrap_or_default().trim_end_matches('/').to_owned()
}

/// The type of a resource, in lower case: `microsoft.compute/virtualmachines`.
pub(crate) fn kind(id: &str) -> Option<String> {
    let id = id.to_lowercase();
    let (_, rest) = id.rsplit_once("/providers/")?;
    let mut parts = rest.split('/');
    let mut kind = parts.next()?.to_owned();
    // Names of types and of resources take turns.
    for (index, part) in parts.enumerate() {
        if index % 2 == 0 {
            kind.push('/');
            kind.push_str(part);
        }
    }
    Some(kind)
}

/// The type of virtual machines.
pub(crate) const MACHINE: &str = "microsoft.compute/virtualmachines";

/// The subscription that a resource is in.
pub(crate) fn subscription(id: &str) -> Option<&str> {
    let mut parts = id.split('/').skip_while(|part| !part.eq_ignore_ascii_case("subscriptions"));
    parts.nth(1).filter(|part| !part.is_empty())
}

/// The group and the name of a resource.
pub(crate) fn group_and_name(id: &str) -> Option<(&str, &str)> {
    let mut parts = id.split('/').skip_while(|part| !part.eq_ignore_ascii_case("resourcegroups"));
    let group = parts.nth(1)?;
    let name = id.rsplit('/').next()?;
    (!group.is_empty() && !name.is_empty()).then_some((group, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "/subscriptions/5F1D/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/vm1/providers/\
                          Microsoft.ResourceHealth/AvailabilityStatueses/current";

    #[test]
    fn what_is_said_of_a_resource_leads_to_it() {
        let id = resource(STATUS);
        assert_eq!(id, "/subscriptions/5f1d/resourcegroups/rg/providers/microsoft.compute/virtualmachines/vm1");
        assert_eq!(kind(&id).as_deref(), Some(MACHINE));
        assert_eq!(
            kind("/x/providers/Microsoft.Sql/servers/s/databases/d").as_deref(),
            Some("microsoft.sql/servers/databases")
        );
        assert_eq!((subscription(&id), group_and_name(&id)), (Some("5f1d"), Some(("rg", "vm1"))));
        assert_eq!((kind("current"), subscription("/subscriptions/"), group_and_name("x")), (None, None, None));
    }
}
