//! The calls that are made, each with the permission that it needs and how often it is made at most: a fifth of what Google
//! publishes for a project, and less where nothing is published.

use entente_sidecar::account::Rate;

/// One call.
#[derive(Debug)]
pub(crate) struct Api {
    /// As in Google's reference.
    pub(crate) name: &'static str,
    /// In IAM's words.
    pub(crate) permission: &'static str,
    /// What has to be enabled in the project.
    pub(crate) service: &'static str,
    per_minute: u32,
}

const COMPUTE: &str = "compute.googleapis.com";
const HEALTH: &str = "servicehealth.googleapis.com";
const OSCONFIG: &str = "osconfig.googleapis.com";

macro_rules! apis {
    ($($constant:ident = $name:literal, $permission:literal, $service:expr, $per_minute:literal;)*) => {
        $(pub(crate) const $constant: &Api =
            &Api { name: $name, permission: $permission, service: $service, per_minute: $per_minute };)*
        /// How often each is called.
        pub(crate) const RATES: &[Rate] =
            &[$(Rate { api: $constant.name, per_minute: $constant.per_minute }),*];
    };
}

apis! {
    INSTANCES = "compute.instances.aggregatedList", "compute.instances.list", COMPUTE, 150;
    ZONE_INSTANCES = "compute.instances.list", "compute.instances.list", COMPUTE, 150;
    GROUPS = "compute.instanceGroupManagers.aggregatedList", "compute.instanceGroupManagers.list", COMPUTE, 30;
    MANAGED = "compute.instanceGroupManagers.listManagedInstances", "compute.instanceGroupManagers.get", COMPUTE, 300;
    SERIAL = "compute.instances.getSerialPortOutput", "compute.instances.getSerialPortOutput", COMPUTE, 120;
    OPERATIONS = "compute.zoneOperations.list", "compute.zoneOperations.list", COMPUTE, 300;
    EVENTS = "servicehealth.events.list", "servicehealth.events.list", HEALTH, 60;
    ORGANIZATION_EVENTS =
        "servicehealth.organizationEvents.list", "servicehealth.organizationEvents.list", HEALTH, 60;
    ORGANIZATION_IMPACTS =
        "servicehealth.organizationImpacts.list", "servicehealth.organizationImpacts.list", HEALTH, 60;
    INVENTORIES = "osconfig.inventories.list", "osconfig.inventories.list", OSCONFIG, 60;
    PATCH_JOBS = "osconfig.patchJobs.list", "osconfig.patchJobs.list", OSCONFIG, 60;
    PATCH_DETAILS = "osconfig.patchJobs.instanceDetails.list", "osconfig.patchJobs.get", OSCONFIG, 60;
}
