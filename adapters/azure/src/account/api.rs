//! The interfaces that are called, with what each needs and how often it may be asked.

use entente_sidecar::account::Rate;

use crate::arm::Api;

const fn api(name: &'static str, permission: &'static str, version: &'static str) -> Api {
    Api { name, permission, version }
}

/// The subscriptions that the caller sees.
pub(crate) const SUBSCRIPTIONS: Api =
    api("azure.Subscriptions", "Microsoft.Resources/subscriptions/read", "2022-12-01");
/// Questions for all subscriptions at once.
pub(crate) const GRAPH: Api = api("azure.ResourceGraph", "Microsoft.ResourceGraph/resources/read", "2021-03-01");
/// Virtual machines and how they run.
pub(crate) const MACHINES: Api = api("azure.VirtualMachines", "Microsoft.Compute/virtualMachines/read", "2024-07-01");
/// Scripts that are run on machines.
pub(crate) const RUN_COMMANDS: Api =
    api("azure.RunCommands", "Microsoft.Compute/virtualMachines/runCommands/read", "2024-07-01");
/// How single resources do.
pub(crate) const STATUSES: Api =
    api("azure.AvailabilityStatuses", "Microsoft.ResourceHealth/AvailabilityStatuses/read", "2025-05-01");
/// Events of Service Health.
pub(crate) const EVENTS: Api = api("azure.Events", "Microsoft.ResourceHealth/events/read", "2025-05-01");
/// Events of Service Health that hit the tenant.
pub(crate) const TENANT_EVENTS: Api = api("azure.TenantEvents", "Microsoft.ResourceHealth/events/read", "2025-05-01");
/// What an event hit.
pub(crate) const IMPACTED: Api =
    api("azure.ImpactedResources", "Microsoft.ResourceHealth/events/impactedResources/read", "2025-05-01");
/// What Azure shows to everybody.
pub(crate) const EMERGING: Api =
    api("azure.EmergingIssues", "Microsoft.ResourceHealth/emergingissues/read", "2025-05-01");

const fn rate(api: Api, per_minute: u32) -> Rate {
    Rate { api: api.name, per_minute }
}

/// A fifth of what Azure publishes: 25 reads a second a subscription, 15 questions in 5 seconds, 4,000 reads of Compute in 3
/// minutes.
pub(crate) const RATES: &[Rate] = &[
    rate(SUBSCRIPTIONS, 60),
    rate(GRAPH, 36),
    rate(MACHINES, 260),
    rate(RUN_COMMANDS, 260),
    rate(STATUSES, 300),
    rate(EVENTS, 300),
    rate(TENANT_EVENTS, 60),
    rate(IMPACTED, 300),
    rate(EMERGING, 60),
];
