//! One machine as EC2 shows it, into one sighting of the fleet. Pure: neither asks nor remembers.

use aws_sdk_ec2::types::{
    ApplicationStatusSummary, EbsStatusSummary, Instance, InstanceState, InstanceStateName, InstanceStatus,
    InstanceStatusSummary, SummaryStatus,
};
use chrono::{DateTime, Utc};
use entente_sidecar::fleet::{Os, Place, Seen, Sighting};

use crate::account::table::{Words, table};
use crate::account::time::time;

/// What the inventory tells of a machine beside its checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) os: Os,
    pub(super) launched: Option<DateTime<Utc>>,
}

impl Kept {
    /// What an instance of the inventory is.
    pub(super) fn of(instance: &Instance) -> Self {
        Self { os: os(instance), launched: instance.launch_time().and_then(time) }
    }
}

/// EC2 says `windows` or nothing; what it details names the family or the distribution: `Windows with SQL Server`, `Red Hat
/// Enterprise Linux`, `Ubuntu Pro`, `Linux/UNIX`.
fn os(instance: &Instance) -> Os {
    let platform = instance.platform().map(aws_sdk_ec2::types::PlatformValues::as_str).unwrap_or_default();
    let details = instance.platform_details().unwrap_or_default();
    let said = format!("{platform} {details}").to_lowercase();
    let says = |word: &str| said.contains(word);
    match () {
        () if says("windows") => Os::Windows,
        () if says("mac") => Os::MacOs,
        () if ["linux", "unix", "ubuntu", "red hat", "suse"].into_iter().any(says) => Os::Linux,
        () => Os::Unknown,
    }
}

/// A word that this version of the reader does not know.
pub(super) type Stranger = (&'static str, String);

/// What the checks of one machine say.
pub(super) struct Look<'a> {
    /// The machine's id.
    pub(super) id: &'a str,
    /// How it was seen.
    pub(super) seen: Seen<'static>,
    /// Since when it is so.
    pub(super) since: Option<DateTime<Utc>>,
    /// Where it stands in its region.
    pub(super) zone: Option<&'a str>,
    /// Words that are not known.
    pub(super) strangers: Vec<Stranger>,
}

impl<'a> Look<'a> {
    /// Reads the checks; none of a machine without an id.
    pub(super) fn at(status: &'a InstanceStatus) -> Option<Self> {
        let id = status.instance_id().filter(|id| !id.is_empty())?;
        let (instance, system) = (status.instance_status(), status.system_status());
        let (storage, application) = (status.attached_ebs_status(), status.application_status());
        let words = Words {
            instance: instance.and_then(InstanceStatusSummary::status).map(SummaryStatus::as_str),
            system: system.and_then(InstanceStatusSummary::status).map(SummaryStatus::as_str),
            storage: storage.and_then(EbsStatusSummary::status).map(SummaryStatus::as_str),
            application: application.and_then(ApplicationStatusSummary::status).map(SummaryStatus::as_str),
        };
        let state = status.instance_state().and_then(InstanceState::name);
        let seen = seen(state, &words);
        let mut strangers = strangers(&words);
        strangers.extend(state.and_then(strange_state));
        let failing_since = application.and_then(ApplicationStatusSummary::impaired_since).and_then(time);
        let since = [instance.and_then(since), system.and_then(since), storage.and_then(stuck_since), failing_since];
        Some(Self { id, seen, since: since.into_iter().flatten().min(), zone: status.availability_zone(), strangers })
    }

    /// The sighting, with what else is known of the machine.
    pub(super) fn sighting<'s>(&'s self, region: &'s str, kept: Kept, observed: DateTime<Utc>) -> Sighting<'s> {
        Sighting {
            device: self.id,
            place: Place { region, zone: self.zone },
            os: kept.os,
            seen: self.seen,
            since: self.since.filter(|_| matches!(self.seen, Seen::Affected(_))),
            launched: kept.launched,
            observed,
        }
    }
}

fn seen(state: Option<&InstanceStateName>, words: &Words<'_>) -> Seen<'static> {
    use InstanceStateName as Name;
    match state {
        Some(Name::Terminated | Name::ShuttingDown) => Seen::Gone,
        Some(Name::Stopped | Name::Stopping) => Seen::Stopped,
        Some(Name::Pending) => Seen::Starting,
        // Only of a machine that runs do checks say anything. Listings of impaired ones may leave the state out.
        Some(Name::Running) | None => running(words),
        Some(_) => Seen::Unknown,
    }
}

fn running(words: &Words<'_>) -> Seen<'static> {
    match () {
        () if words.any("impaired") => Seen::Affected(table().hint(words)),
        () if words.all_well() => Seen::Well,
        () if words.any("initializing") => Seen::Starting,
        () => Seen::Unknown,
    }
}

fn strangers(words: &Words<'_>) -> Vec<Stranger> {
    const KNOWN: [&str; 6] = ["ok", "impaired", "initializing", "insufficient-data", "not-applicable", "suppressed"];
    let named = [
        ("instance status", words.instance),
        ("system status", words.system),
        ("ebs status", words.storage),
        ("application status", words.application),
    ];
    let strange = named.into_iter().filter_map(|(field, word)| Some((field, word?)));
    strange.filter(|(_, word)| !KNOWN.contains(word)).map(|(field, word)| (field, word.to_owned())).collect()
}

fn strange_state(name: &InstanceStateName) -> Option<Stranger> {
    let known = InstanceStateName::values().contains(&name.as_str());
    (!known).then(|| ("instance state", name.as_str().to_owned()))
}

fn since(summary: &InstanceStatusSummary) -> Option<DateTime<Utc>> {
    summary.details().iter().filter_map(|detail| detail.impaired_since()).filter_map(time).min()
}

fn stuck_since(summary: &EbsStatusSummary) -> Option<DateTime<Utc>> {
    summary.details().iter().filter_map(|detail| detail.impaired_since()).filter_map(time).min()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::primitives::DateTime as AwsTime;
    use aws_sdk_ec2::types::InstanceStatusDetails;
    use entente_sidecar::fleet::Hint;
    use proptest::prelude::*;

    use super::*;

    fn summary(word: &str, since: Option<i64>) -> InstanceStatusSummary {
        let details = InstanceStatusDetails::builder().set_impaired_since(since.map(AwsTime::from_secs)).build();
        InstanceStatusSummary::builder().status(SummaryStatus::from(word)).details(details).build()
    }

    fn running_with(storage: Option<&str>, application: Option<&str>) -> InstanceStatus {
        let storage = storage.map(|word| EbsStatusSummary::builder().status(SummaryStatus::from(word)).build());
        let own = application.map(|word| {
            let since = AwsTime::from_secs(1_721_362_320);
            ApplicationStatusSummary::builder().status(SummaryStatus::from(word)).impaired_since(since).build()
        });
        let mut status = status("running", "ok", "ok", None);
        (status.attached_ebs_status, status.application_status) = (storage, own);
        status
    }

    fn status(state: &str, instance: &str, system: &str, since: Option<i64>) -> InstanceStatus {
        InstanceStatus::builder()
            .instance_id("i-1")
            .availability_zone("us-east-1a")
            .instance_state(InstanceState::builder().name(InstanceStateName::from(state)).build())
            .instance_status(summary(instance, since))
            .system_status(summary(system, None))
            .build()
    }

    #[test]
    fn states_and_checks_say_how_a_machine_fares() {
        for (state, instance, system, expected) in [
            ("running", "ok", "ok", Seen::Well),
            ("running", "impaired", "ok", Seen::Affected(Hint::GuestOsUnreachable)),
            ("running", "impaired", "impaired", Seen::Affected(Hint::ProviderHost)),
            ("running", "impaired", "insufficient-data", Seen::Affected(Hint::GuestOsUnreachable)),
            ("running", "initializing", "initializing", Seen::Starting),
            ("running", "insufficient-data", "ok", Seen::Unknown),
            ("pending", "not-applicable", "not-applicable", Seen::Starting),
            ("stopping", "impaired", "ok", Seen::Stopped),
            ("stopped", "not-applicable", "not-applicable", Seen::Stopped),
            ("shutting-down", "ok", "ok", Seen::Gone),
            ("terminated", "not-applicable", "not-applicable", Seen::Gone),
            ("hovering", "ok", "ok", Seen::Unknown),
        ] {
            let status = status(state, instance, system, None);
            assert_eq!(Look::at(&status).unwrap().seen, expected, "{state} {instance} {system}");
        }
    }

    #[test]
    fn whoever_s_disk_or_application_is_not_known_to_be_well_is_not() {
        for (storage, application, expected) in [
            (None, None, Seen::Well),
            (Some("ok"), Some("ok"), Seen::Well),
            (Some("not-applicable"), Some("suppressed"), Seen::Well),
            (Some("insufficient-data"), None, Seen::Unknown),
            (Some("initializing"), None, Seen::Starting),
            (Some("ok"), Some("insufficient-data"), Seen::Unknown),
            (Some("impaired"), None, Seen::Affected(Hint::ProviderStorage)),
            (Some("ok"), Some("impaired"), Seen::Affected(Hint::Unstated)),
        ] {
            let status = running_with(storage, application);
            assert_eq!(Look::at(&status).unwrap().seen, expected, "{storage:?} {application:?}");
        }
        let failing = running_with(None, Some("impaired"));
        assert_eq!(Look::at(&failing).unwrap().since, "2024-07-19T04:12:00Z".parse().ok());
    }

    #[test]
    fn the_time_since_is_told_of_whoever_is_impaired_and_to_the_second() {
        let impaired = status("running", "impaired", "ok", Some(1_721_362_320));
        let look = Look::at(&impaired).unwrap();
        let observed = "2024-07-19T04:15:00Z".parse().unwrap();
        let sighting = look.sighting("us-east-1", Kept { os: Os::Windows, launched: None }, observed);
        assert_eq!(sighting.since, Some("2024-07-19T04:12:00Z".parse().unwrap()));
        assert_eq!(sighting.place, Place { region: "us-east-1", zone: Some("us-east-1a") });
    }

    #[test]
    fn the_platform_is_told_by_its_name_or_its_details() {
        let os = |details: &str| os(&Instance::builder().platform_details(details).build());
        assert_eq!(os("Windows with SQL Server Standard"), Os::Windows);
        assert_eq!([os("Red Hat Enterprise Linux"), os("Linux/UNIX"), os("Ubuntu Pro")], [Os::Linux; 3]);
        assert_eq!(os(""), Os::Unknown);
        let windows = Instance::builder().platform("Windows".into()).build();
        assert_eq!(super::os(&windows), Os::Windows);
    }

    proptest! {
        #[test]
        fn no_word_of_a_newer_service_brings_it_down(state in ".{0,12}", instance in ".{0,12}", system in ".{0,12}") {
            let status = status(&state, &instance, &system, None);
            let look = Look::at(&status).unwrap();
            prop_assert!(look.strangers.len() <= 3);
            let odd = !["ok", "impaired", "initializing"].contains(&instance.as_str());
            prop_assert!(!(odd && matches!(look.seen, Seen::Well)));
        }
    }
}
