//! What makes the adapter a program: its settings, the feeds that it opens, and a check of each call that they make.

pub(crate) mod api;
pub(crate) mod lack;
pub(crate) mod settings;
pub(crate) mod subscriptions;

use std::sync::Arc;

use entente_schemas::block::ServiceClass;
use entente_schemas::count::{Method, Unit};
use entente_schemas::speaker::{Role, Speaker};
use entente_sidecar::account::{AccountFeed, Adapter, Check, OpenError, Parts, Rate, Site, Tables, Trouble};
use entente_sidecar::ask::{self, Ask, Open};
use entente_sidecar::fleet::{Counter, Fleet, FleetProfile, Rules, known_approaches};
use entente_sidecar::item::{FeedProfile, Vanishing};
use entente_sidecar::poll::Failure;
use futures::future::BoxFuture;

use crate::arm::{Api, Arm, Call, Graph, Limits};
use crate::availability::{self, Book};
use crate::feed::emerging::{self, Emerging};
use crate::feed::resources::Resources;
use crate::feed::services::{self, Services};
use crate::machine::{self, Machines};
use crate::matter;
use crate::push;
use crate::repair::{self, Courses, Repairs};
use crate::status_rss::SERVICES;
use settings::Feeds;
use subscriptions::Subscriptions;

/// Subscriptions in which a call is tried out.
const CHECKED: usize = 50;

/// The adapter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Azure;

impl Adapter for Azure {
    type Feeds = Feeds;

    const NAME: &'static str = "azure";
    const PORT: u16 = 4783;
    const DEFAULTS: &'static str = include_str!("defaults.toml");
    const ENDPOINTS: &'static [&'static str] = &["arm", "login"];
    const RATES: &'static [Rate] = api::RATES;

    fn parse(tables: &mut Tables<'_>) -> Feeds {
        settings::parse(tables)
    }

    fn open(feeds: Feeds, site: Site) -> BoxFuture<'static, Result<Parts, OpenError>> {
        Box::pin(async move { Opening::begin(&feeds, site)?.parts(feeds) })
    }
}

/// What several feeds share.
struct Opening {
    site: Site,
    arm: Arm,
    graph: Graph,
    subscriptions: Subscriptions,
    fleet: Fleet,
    book: Book,
}

impl Opening {
    fn begin(feeds: &Feeds, site: Site) -> Result<Self, OpenError> {
        let (budget, skew) = (site.budget.clone(), site.skew.clone());
        let arm = Arm::open(&feeds.connection, Limits { budget, timeout: site.timeout, skew })?;
        let graph = Graph::new(arm.clone(), api::GRAPH, &feeds.subscriptions);
        let subscriptions = Subscriptions::new(arm.clone(), &feeds.subscriptions);
        let told = |error: &dyn std::fmt::Display| OpenError(error.to_string());
        // Where machines are not asked for, neighbours tell of them, and they know.
        let signal = feeds.machines.as_ref().is_none_or(|feed| feed.own.guest_signal);
        let profile = fleet(&site, signal)?;
        let fleet = Fleet::open(&site.folder("azure-fleet")?, profile).map_err(|error| told(&error))?;
        let book = Book::open(&site.folder("azure-resources")?, site.secret.clone()).map_err(|error| told(&error))?;
        Ok(Self { site, arm, graph, subscriptions, fleet, book })
    }

    fn parts(self, feeds: Feeds) -> Result<Parts, OpenError> {
        let checks = self.checks(&feeds);
        let mut parts = Parts { checks, ..Parts::default() };
        parts.devices = Some(if feeds.machines.is_some() {
            Arc::new(Counter(self.fleet.clone()))
        } else {
            Arc::new(self.fleet.clone())
        });
        let elsewhere = feeds.repair.as_ref().map(|_| repair::SYSTEM);
        let slug = &self.site.settings.fleet;
        parts.feeds.extend(feeds.machines.map(|feed| {
            let tools = Arc::new(machine::Tools {
                profile: self.own(
                    &feed.slug,
                    machine::SYSTEM,
                    "Azure virtual machines",
                    vec![ServiceClass::Compute],
                    1,
                ),
                arm: self.arm.clone(),
                graph: self.graph.clone(),
                subscriptions: self.subscriptions.clone(),
                fleet: self.fleet.clone(),
                book: self.book.clone(),
                settings: feed.own,
                cadence: feed.cadence,
                elsewhere,
            });
            opened(&feed.slug, move || Machines::new(Arc::clone(&tools)))
        }));
        parts.feeds.extend(feeds.resources.map(|feed| {
            let resources = Resources {
                profile: self.provider(&feed.slug, availability::SYSTEM, "Azure Resource Health", Vanishing::Nothing),
                arm: self.arm.clone(),
                graph: self.graph.clone(),
                subscriptions: self.subscriptions.clone(),
                book: self.book.clone(),
                others: feed.own.others,
                fleet: slug.clone(),
                cadence: feed.cadence,
            };
            opened(&feed.slug, move || resources.clone())
        }));
        parts.feeds.extend(feeds.events.map(|feed| {
            let tools = Arc::new(services::Tools {
                profile: self.provider(&feed.slug, services::SYSTEM, "Azure Service Health", Vanishing::Nothing),
                arm: self.arm.clone(),
                graph: self.graph.clone(),
                subscriptions: self.subscriptions.clone(),
                settings: feed.own,
                cadence: feed.cadence,
            });
            opened(&feed.slug, move || Services::new(Arc::clone(&tools)))
        }));
        parts.feeds.extend(feeds.emerging.map(|feed| {
            let vanishing = Vanishing::ResolvedAfterTwoPolls;
            let profile = self.provider(&feed.slug, emerging::SYSTEM, "Azure emerging issues", vanishing);
            let (arm, cadence) = (self.arm.clone(), feed.cadence);
            opened(&feed.slug, move || Emerging { profile: profile.clone(), arm: arm.clone(), cadence, busy: false })
        }));
        if let Some(feed) = feeds.repair {
            let folder = self.site.folder("azure-repairs")?;
            let courses = Courses::open_in(&folder, self.site.secret.clone());
            let tools = Arc::new(repair::Tools {
                profile: self.own(&feed.slug, repair::SYSTEM, "traces of repairs at Azure", Vec::new(), 1),
                arm: self.arm.clone(),
                graph: self.graph.clone(),
                fleet: self.fleet.clone(),
                courses: courses.map_err(|error| OpenError(error.to_string()))?,
                cadence: feed.cadence,
            });
            parts.feeds.push(opened(&feed.slug, move || Repairs::new(Arc::clone(&tools))));
        }
        if let Some(feed) = feeds.push {
            let profile = self.provider(&feed.slug, push::SYSTEM, "POST /hooks/azure", Vanishing::Nothing);
            let (inbox, reader) = self.site.inbox(profile)?;
            let (book, fleet, token) = (self.book.clone(), slug.clone(), self.site.token.clone());
            let desk = push::Desk { inbox, book, fleet, token, clock: self.site.clock };
            parts.routes = push::routes(Arc::new(desk));
            parts.feeds.push(reader);
        }
        Ok(parts)
    }

    /// A feed of the organisation's own figures.
    fn own(
        &self,
        slug: &str,
        system: &str,
        shown: &str,
        covers: Vec<ServiceClass>,
        mapping_version: u32,
    ) -> FeedProfile {
        FeedProfile {
            slug: slug.to_owned(),
            system: system.to_owned(),
            speaker: self.site.settings.speaker(),
            address: shown.to_owned(),
            vanishing: Vanishing::Nothing,
            covers,
            mapping_version,
        }
    }

    /// A feed of Azure's own words.
    fn provider(&self, slug: &str, system: &str, shown: &str, vanishing: Vanishing) -> FeedProfile {
        FeedProfile {
            slug: slug.to_owned(),
            system: system.to_owned(),
            speaker: Speaker {
                org: "azure".to_owned(),
                role: Role::Provider,
                channel: Some(shown.to_owned()),
                relay: self.site.settings.relay_of("azure"),
            },
            address: shown.to_owned(),
            vanishing,
            covers: SERVICES.classes(),
            mapping_version: matter::mapping_version(),
        }
    }

    fn checks(&self, feeds: &Feeds) -> Vec<Check> {
        let mut checks = Vec::new();
        let graph = self.graph.smallest();
        let now = self.site.clock.now();
        let tool = || (self.arm.clone(), self.subscriptions.clone());
        let slug = feeds.first();
        if let Some(slug) = slug.filter(|_| self.subscriptions.named().is_empty()) {
            checks.push(check(&slug, tool(), |_| Subscriptions::call()));
        }
        if let Some(feed) = &feeds.machines {
            checks.push(check(&feed.slug, tool(), Machines::call));
            checks.push(check(&feed.slug, tool(), fixed(&graph)));
        }
        if let Some(feed) = &feeds.resources {
            checks.push(check(&feed.slug, tool(), fixed(&graph)));
            if feed.own.others {
                checks.push(check(&feed.slug, tool(), Resources::call));
            }
        }
        if let Some(feed) = &feeds.events {
            let days = feed.own.days;
            if feed.own.graph {
                checks.push(check(&feed.slug, tool(), fixed(&graph)));
            } else {
                checks.push(check(&feed.slug, tool(), move |subscription| Services::call(subscription, days, now)));
            }
            if feed.own.tenant {
                checks.push(check(&feed.slug, tool(), fixed(&Services::tenant_call(days, now))));
            }
            if feed.own.impacted {
                checks.push(missing_is_fine(&feed.slug, tool(), |subscription| {
                    Services::impacted_call(subscription, "0000-000")
                }));
            }
        }
        if let Some(feed) = &feeds.emerging {
            checks.push(check(&feed.slug, tool(), fixed(&Emerging::call())));
        }
        if let Some(feed) = &feeds.repair {
            checks.push(check(&feed.slug, tool(), fixed(&graph)));
            let call = |subscription: &str| {
                let machine = format!(
                    "/subscriptions/{subscription}/resourceGroups/none/providers/Microsoft.Compute/virtualMachines/none"
                );
                Repairs::call(&machine).unwrap_or_else(Subscriptions::call)
            };
            checks.push(missing_is_fine(&feed.slug, tool(), call));
        }
        checks
    }
}

/// The fleet of virtual machines.
fn fleet(site: &Site, guest_signal: bool) -> Result<FleetProfile, OpenError> {
    Ok(FleetProfile {
        provider: "azure".to_owned(),
        system: machine::SYSTEM.to_owned(),
        fleet: site.settings.fleet.clone(),
        org: site.settings.org.clone(),
        unit: Unit::Vm,
        method: Method::ExactEnumeration,
        service_class: ServiceClass::Compute,
        service: Some("Virtual Machines".to_owned()),
        device_class: "cloud_vm".to_owned(),
        guest_signal,
        approaches: known_approaches("azure").map_err(|error| OpenError(error.to_string()))?,
        rules: Rules::default(),
    })
}

/// A feed that is made anew whenever its loop begins.
fn opened<A: Ask + 'static>(slug: &str, make: impl Fn() -> A + Send + Sync + 'static) -> AccountFeed {
    let open: Open = Arc::new(move || Ok::<Box<dyn Ask>, ask::OpenError>(Box::new(make())));
    AccountFeed::new(slug, open)
}

type Tool = (Arm, Subscriptions);

fn fixed(call: &Call) -> impl Fn(&str) -> Call + Send + 'static + use<> {
    let call = call.clone();
    move |_| call.clone()
}

/// Makes a call in each subscription, or once where it is not of one.
async fn tried(
    tool: Tool,
    call: impl Fn(&str) -> Call + Send,
    good: impl Fn(&Failure) -> bool + Send,
) -> Result<(), Failure> {
    let (arm, subscriptions) = tool;
    let once = call("").account == call("any").account;
    let places: Arc<[String]> = if once {
        Arc::new([String::new()])
    } else {
        subscriptions.list().await.map_err(|failure| untried(&call("").api, failure))?
    };
    for place in places.iter().take(CHECKED) {
        match arm.try_out(&call(place)).await {
            Err(failure) if !good(&failure) => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}

/// Where no subscription can be listed there is none to try a call in: whoever may not list may not call either, as far as
/// is known.
fn untried(api: &Api, failure: Failure) -> Failure {
    if failure.error.code == "forbidden" {
        return Trouble::Forbidden.failure(api.name, api.permission, "no subscription is seen to try it in");
    }
    failure
}

fn check(feed: &str, tool: Tool, call: impl Fn(&str) -> Call + Send + 'static) -> Check {
    let api = call("").api;
    Check::new(feed, api.name, api.permission, tried(tool, call, |_| false))
}

/// A check of a call about something that need not be there: who may not ask is told that first.
fn missing_is_fine(feed: &str, tool: Tool, call: impl Fn(&str) -> Call + Send + 'static) -> Check {
    let api = call("").api;
    let missing = |failure: &Failure| failure.error.code == "unreadable" && failure.error.text.contains("NotFound");
    Check::new(feed, api.name, api.permission, tried(tool, call, missing))
}
