//! The feeds as they are made: what they share, and what each works with.

use std::sync::Arc;

use axum::Router;
use entente_schemas::block::ServiceClass;
use entente_schemas::count::{Method, Unit};
use entente_schemas::speaker::{Role, Speaker};
use entente_sidecar::account::{AccountFeed, Cadence, DeviceSink, Feed, OpenError, Parts, Site};
use entente_sidecar::ask::{self, Ask, Open};
use entente_sidecar::fleet::{Counter, Fleet, FleetProfile, Rules, known_approaches};
use entente_sidecar::item::{FeedProfile, Vanishing};

use super::checks::Checks;
use super::settings::{Events, Feeds, Plain};
use super::subscriptions::{self, Subscriptions};
use super::{api, settings};
use crate::arm::{Arm, Graph, Limits};
use crate::asking::{Asking, Manner, Question};
use crate::availability::{self, Book};
use crate::feed::emerging::{self, Emerging};
use crate::feed::resources::Resources;
use crate::feed::services::{self, Services};
use crate::machine::{self, Machines};
use crate::matter;
use crate::push;
use crate::repair::{self, Courses, Repairs};
use crate::status_rss::SERVICES;

/// What several feeds share.
pub(super) struct Opening {
    site: Site,
    arm: Arm,
    graph: Graph,
    subscriptions: Subscriptions,
    fleet: Fleet,
    book: Book,
}

fn told(error: impl std::fmt::Display) -> OpenError {
    OpenError(error.to_string())
}

impl Opening {
    pub(super) fn begin(feeds: &Feeds, site: Site) -> Result<Self, OpenError> {
        let (budget, skew) = (site.budget.clone(), site.skew.clone());
        let arm = Arm::open(&feeds.connection, Limits { budget, timeout: site.timeout, skew })?;
        let graph = Graph::new(arm.clone(), api::GRAPH, &feeds.subscriptions);
        let subscriptions = Subscriptions::new(arm.clone(), &feeds.subscriptions, subscriptions::GOOD_FOR);
        // Where machines are not asked for, neighbours tell of them, and they know.
        let signal = feeds.machines.as_ref().is_none_or(|feed| feed.own.guest_signal);
        let fleet = Fleet::open(&site.folder("azure-fleet")?, fleet(&site, signal)?).map_err(told)?;
        let book = Book::open(&site.folder("azure-resources")?, site.secret.clone()).map_err(told)?;
        Ok(Self { site, arm, graph, subscriptions, fleet, book })
    }

    pub(super) fn parts(self, feeds: Feeds) -> Result<Parts, OpenError> {
        let tool = (self.arm.clone(), self.subscriptions.clone());
        let checks = Checks::new(tool, self.graph.smallest(), self.site.clock.now()).of(&feeds);
        let counted = feeds.machines.is_some();
        let elsewhere = feeds.repair.as_ref().map(|_| repair::SYSTEM);
        let mut opened: Vec<AccountFeed> = Vec::new();
        opened.extend(feeds.machines.map(|feed| self.machines(feed, elsewhere)));
        opened.extend(feeds.resources.map(|feed| self.resources(&feed)));
        opened.extend(feeds.events.map(|feed| self.events(feed)));
        opened.extend(feeds.emerging.map(|feed| self.emerging(&feed)));
        if let Some(feed) = feeds.repair {
            opened.push(self.repair(&feed)?);
        }
        let mut routes = Router::new();
        if let Some(feed) = feeds.push {
            let (door, reader) = self.push(&feed)?;
            routes = door;
            opened.push(reader);
        }
        // One feed tells what is counted: that of the machines, if there is one.
        let devices: Arc<dyn DeviceSink> =
            if counted { Arc::new(Counter(self.fleet.clone())) } else { Arc::new(self.fleet.clone()) };
        Ok(Parts { feeds: opened, checks, routes, devices: Some(devices) })
    }

    fn machines(&self, feed: Feed<settings::Machines>, elsewhere: Option<&'static str>) -> AccountFeed {
        let profile = self.own(&feed.slug, machine::SYSTEM, "Azure virtual machines", vec![ServiceClass::Compute]);
        let tools = Arc::new(machine::Tools {
            arm: self.arm.clone(),
            graph: self.graph.clone(),
            subscriptions: self.subscriptions.clone(),
            fleet: self.fleet.clone(),
            book: self.book.clone(),
            settings: feed.own,
            elsewhere,
        });
        self.asking(profile, feed.cadence, move || Machines::new(Arc::clone(&tools)))
    }

    fn resources(&self, feed: &Feed<settings::Resources>) -> AccountFeed {
        let profile = self.provider(&feed.slug, availability::SYSTEM, "Azure Resource Health", Vanishing::Nothing);
        let resources = Resources {
            arm: self.arm.clone(),
            graph: self.graph.clone(),
            subscriptions: self.subscriptions.clone(),
            book: self.book.clone(),
            others: feed.own.others,
            fleet: self.site.settings.fleet.clone(),
        };
        self.asking(profile, feed.cadence, move || resources.clone())
    }

    fn events(&self, feed: Feed<Events>) -> AccountFeed {
        let profile = self.provider(&feed.slug, services::SYSTEM, "Azure Service Health", Vanishing::Nothing);
        let tools = Arc::new(services::Tools {
            arm: self.arm.clone(),
            graph: self.graph.clone(),
            subscriptions: self.subscriptions.clone(),
            settings: feed.own,
        });
        self.asking(profile, feed.cadence, move || Services::new(Arc::clone(&tools)))
    }

    fn emerging(&self, feed: &Feed<Plain>) -> AccountFeed {
        let vanishing = Vanishing::ResolvedAfterTwoPolls;
        let profile = self.provider(&feed.slug, emerging::SYSTEM, emerging::PAGE, vanishing);
        let arm = self.arm.clone();
        self.asking(profile, feed.cadence, move || Emerging::new(arm.clone()))
    }

    fn repair(&self, feed: &Feed<Plain>) -> Result<AccountFeed, OpenError> {
        let courses = Courses::open_in(&self.site.folder("azure-repairs")?, self.site.secret.clone());
        let profile = self.own(&feed.slug, repair::SYSTEM, "traces of repairs at Azure", Vec::new());
        let tools = Arc::new(repair::Tools {
            arm: self.arm.clone(),
            graph: self.graph.clone(),
            subscriptions: self.subscriptions.clone(),
            fleet: self.fleet.clone(),
            courses: courses.map_err(told)?,
        });
        Ok(self.asking(profile, feed.cadence, move || Repairs::new(Arc::clone(&tools))))
    }

    /// A feed whose question is made anew whenever its loop begins.
    fn asking<Q: Question + 'static>(
        &self,
        profile: FeedProfile,
        cadence: Cadence,
        question: impl Fn() -> Q + Send + Sync + 'static,
    ) -> AccountFeed {
        let slug = profile.slug.clone();
        let manner = Manner { profile, cadence, skew: self.arm.skew().clone() };
        let open: Open =
            Arc::new(move || Ok::<Box<dyn Ask>, ask::OpenError>(Box::new(Asking::new(manner.clone(), question()))));
        AccountFeed::new(&slug, open)
    }

    fn push(&self, feed: &Feed<Plain>) -> Result<(Router, AccountFeed), OpenError> {
        let profile = self.provider(&feed.slug, push::SYSTEM, "POST /hooks/azure", Vanishing::Nothing);
        let (inbox, reader) = self.site.inbox(profile)?;
        let desk = push::Desk {
            inbox,
            book: self.book.clone(),
            fleet: self.site.settings.fleet.clone(),
            token: self.site.token.clone(),
            clock: self.site.clock,
        };
        Ok((push::routes(Arc::new(desk)), reader))
    }

    /// A feed of the organisation's own figures.
    fn own(&self, slug: &str, system: &str, shown: &str, covers: Vec<ServiceClass>) -> FeedProfile {
        FeedProfile {
            slug: slug.to_owned(),
            system: system.to_owned(),
            speaker: self.site.settings.speaker(),
            address: shown.to_owned(),
            vanishing: Vanishing::Nothing,
            covers,
            mapping_version: availability::words().version(),
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
        approaches: known_approaches("azure").map_err(told)?,
        rules: Rules::default(),
    })
}
