//! The checks of a preflight: each call that the feeds make, made once in every project, as small as it can be. Where a call
//! is about one thing it is made about one that is not there: that it is not found shows that it may be looked for.

use entente_sidecar::account::Check;
use entente_sidecar::poll::Failure;
use google_cloud_servicehealth_v1::model::EventView;

use super::api::{
    Api, EVENTS, GROUPS, INSTANCES, INVENTORIES, MANAGED, OPERATIONS, ORGANIZATION_EVENTS, ORGANIZATION_IMPACTS,
    PATCH_DETAILS, PATCH_JOBS, SERIAL, ZONE_INSTANCES,
};
use super::config::{Feeds, Own};
use super::failure;
use super::google::Google;
use super::{compute, operations, osconfig, psh};

/// A zone that every project has.
const ZONE: &str = "us-central1-a";
/// What no group, machine or job is called.
const NOBODY: &str = "entente-preflight";

/// One check for each call of the feeds that are read.
pub(super) fn checks(feeds: &Feeds, google: &Google) -> Vec<Check> {
    let Own { projects, organization, .. } = &feeds.own;
    let mut checks: Vec<Check> = Vec::new();
    for (feed, api) in in_projects(feeds) {
        let (google, projects) = (google.clone(), projects.clone());
        let call = async move {
            for (index, project) in projects.iter().enumerate() {
                call(&google, api, project).await.map_err(|failure| of_project(failure, index, projects.len()))?;
            }
            Ok(())
        };
        checks.push(Check::new(feed, api.name, api.permission, call));
    }
    let of_organization = feeds.psh.is_some() && !organization.is_empty();
    for api in [ORGANIZATION_EVENTS, ORGANIZATION_IMPACTS].into_iter().filter(|_| of_organization) {
        let (google, number) = (google.clone(), organization.clone());
        let call = async move { call(&google, api, &number).await };
        checks.push(Check::new(psh::SLUG, api.name, api.permission, call));
    }
    checks
}

/// Every call that is made in each project, with the feed that makes it.
fn in_projects(feeds: &Feeds) -> Vec<(&'static str, &'static Api)> {
    let guest = feeds.compute.as_ref().map(|feed| feed.own.signals()).unwrap_or_default();
    let compute = feeds.compute.is_some();
    let calls = [
        (compute, compute::SLUG, INSTANCES),
        (compute, compute::SLUG, ZONE_INSTANCES),
        (guest.groups, compute::SLUG, GROUPS),
        (guest.groups, compute::SLUG, MANAGED),
        (guest.inventory.is_some(), compute::SLUG, INVENTORIES),
        (guest.ports > 0, compute::SLUG, SERIAL),
        (feeds.operations.is_some(), operations::SLUG, OPERATIONS),
        (feeds.osconfig.is_some(), osconfig::SLUG, PATCH_JOBS),
        (feeds.osconfig.is_some(), osconfig::SLUG, PATCH_DETAILS),
        (feeds.psh.is_some() && feeds.own.organization.is_empty(), psh::SLUG, EVENTS),
    ];
    calls.into_iter().filter(|(made, ..)| *made).map(|(_, feed, api)| (feed, api)).collect()
}

fn of_project(mut failure: Failure, index: usize, projects: usize) -> Failure {
    if projects > 1 {
        failure.error.text = format!("project {} of {projects} in the settings: {}", index + 1, failure.error.text);
    }
    failure
}

/// Makes one call in a project or organisation.
async fn call(google: &Google, api: &'static Api, owner: &str) -> Result<(), Failure> {
    match api.name {
        name if name == INSTANCES.name => instances(google, owner).await,
        name if name == ZONE_INSTANCES.name => zone_instances(google, owner).await,
        name if name == GROUPS.name => groups(google, owner).await,
        name if name == MANAGED.name => permitted(managed(google, owner).await),
        name if name == SERIAL.name => permitted(serial(google, owner).await),
        name if name == OPERATIONS.name => zone_operations(google, owner).await,
        name if name == INVENTORIES.name => inventories(google, owner).await,
        name if name == PATCH_JOBS.name => patch_jobs(google, owner).await,
        name if name == PATCH_DETAILS.name => permitted(patch_details(google, owner).await),
        name if name == EVENTS.name => events(google, owner).await,
        name if name == ORGANIZATION_EVENTS.name => organization_events(google, owner).await,
        _ => organization_impacts(google, owner).await,
    }
}

/// What is not there may be looked for.
fn permitted(called: Result<(), Failure>) -> Result<(), Failure> {
    called.or_else(|failure| if failure.error.code == failure::NOT_FOUND { Ok(()) } else { Err(failure) })
}

async fn instances(google: &Google, project: &str) -> Result<(), Failure> {
    let list = google.instances(INSTANCES).await?.aggregated_list().set_project(project).set_max_results(1_u32);
    google.call(INSTANCES, project, list.send()).await.map(drop)
}

async fn zone_instances(google: &Google, project: &str) -> Result<(), Failure> {
    let list = google.instances(ZONE_INSTANCES).await?.list().set_project(project).set_zone(ZONE);
    google.call(ZONE_INSTANCES, project, list.set_max_results(1_u32).send()).await.map(drop)
}

async fn groups(google: &Google, project: &str) -> Result<(), Failure> {
    let list = google.groups(GROUPS).await?.aggregated_list().set_project(project).set_max_results(1_u32);
    google.call(GROUPS, project, list.send()).await.map(drop)
}

async fn managed(google: &Google, project: &str) -> Result<(), Failure> {
    let list = google.groups(MANAGED).await?.list_managed_instances().set_project(project).set_zone(ZONE);
    let list = list.set_instance_group_manager(NOBODY).set_max_results(1_u32);
    google.call(MANAGED, project, list.send()).await.map(drop)
}

async fn serial(google: &Google, project: &str) -> Result<(), Failure> {
    let port = google.instances(SERIAL).await?.get_serial_port_output().set_project(project).set_zone(ZONE);
    google.call(SERIAL, project, port.set_instance(NOBODY).set_port(1).send()).await.map(drop)
}

async fn zone_operations(google: &Google, project: &str) -> Result<(), Failure> {
    let list = google.operations(OPERATIONS).await?.list().set_project(project).set_zone(ZONE);
    google.call(OPERATIONS, project, list.set_max_results(1_u32).send()).await.map(drop)
}

async fn inventories(google: &Google, project: &str) -> Result<(), Failure> {
    let list = google.inventories(INVENTORIES).await?.list_inventories().set_page_size(1);
    let list = list.set_parent(format!("projects/{project}/locations/{ZONE}/instances/-"));
    google.call(INVENTORIES, project, list.send()).await.map(drop)
}

async fn patch_jobs(google: &Google, project: &str) -> Result<(), Failure> {
    let list = google.patches(PATCH_JOBS).await?.list_patch_jobs().set_parent(format!("projects/{project}"));
    google.call(PATCH_JOBS, project, list.set_page_size(1).send()).await.map(drop)
}

async fn patch_details(google: &Google, project: &str) -> Result<(), Failure> {
    let list = google.patches(PATCH_DETAILS).await?.list_patch_job_instance_details().set_page_size(1);
    let list = list.set_parent(format!("projects/{project}/patchJobs/{NOBODY}"));
    google.call(PATCH_DETAILS, project, list.send()).await.map(drop)
}

async fn events(google: &Google, project: &str) -> Result<(), Failure> {
    let list = google.health(EVENTS).await?.list_events().set_parent(format!("projects/{project}/locations/global"));
    google.call(EVENTS, project, list.set_page_size(1).set_view(EventView::Basic).send()).await.map(drop)
}

async fn organization_events(google: &Google, number: &str) -> Result<(), Failure> {
    let list = google.health(ORGANIZATION_EVENTS).await?.list_organization_events().set_page_size(1);
    let list = list.set_parent(psh::organization(number));
    google.call(ORGANIZATION_EVENTS, number, list.send()).await.map(drop)
}

async fn organization_impacts(google: &Google, number: &str) -> Result<(), Failure> {
    let list = google.health(ORGANIZATION_IMPACTS).await?.list_organization_impacts().set_page_size(1);
    let list = list.set_parent(psh::organization(number));
    google.call(ORGANIZATION_IMPACTS, number, list.send()).await.map(drop)
}
