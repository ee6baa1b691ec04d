//! What the status of a virtual machine says of its guest. The platform's word for power is no word of the guest: a guest
//! that boots over and over is running to it. What the agent inside says is.

use chrono::{DateTime, TimeDelta, Utc};
use entente_sidecar::fleet::Os;
use entente_sidecar::stamp::{instant, orders};
use serde::Deserialize;

use crate::signs;

/// An element of the list of machines.
#[derive(Deserialize)]
pub(super) struct Machine {
    pub(super) id: String,
    #[serde(default)]
    pub(super) location: String,
    #[serde(default)]
    pub(super) zones: Option<Vec<String>>,
    #[serde(default)]
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    storage_profile: Option<StorageProfile>,
    instance_view: Option<InstanceView>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StorageProfile {
    os_disk: Option<OsDisk>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OsDisk {
    os_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstanceView {
    os_name: Option<String>,
    vm_agent: Option<Agent>,
    vm_health: Option<Health>,
    #[serde(default)]
    statuses: Option<Vec<Status>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Agent {
    vm_agent_version: Option<String>,
    #[serde(default)]
    statuses: Option<Vec<Status>>,
}

#[derive(Deserialize)]
struct Health {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    code: Option<String>,
    display_status: Option<String>,
    message: Option<String>,
    time: Option<String>,
}

impl Machine {
    /// One of which no more can be read than that it is there.
    pub(super) fn unread(id: String, location: String) -> Self {
        Self { id, location, zones: None, properties: Properties::default() }
    }
}

/// When a status was told.
enum Told {
    /// It does not say so.
    Never,
    At(DateTime<Utc>),
    /// At no time, or at one that is still to come: no sign of life now.
    Unclear,
}

/// What a machine's status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Its guest answers.
    Well,
    /// The agent is silent.
    Silent {
        /// Whether its status shows that it spoke before.
        spoke: bool,
        /// When it spoke last.
        since: Option<DateTime<Utc>>,
    },
    /// What watches the application inside finds it ill.
    Ill {
        /// Since when.
        since: Option<DateTime<Utc>>,
    },
    /// There is nobody to ask.
    Mute,
    /// It starts.
    Starting,
    /// It is stopped, or stops.
    Stopped,
}

impl Machine {
    /// What it runs: as its disk says, else as its agent says.
    pub(super) fn os(&self) -> Os {
        let disk = self.properties.storage_profile.as_ref().and_then(|profile| profile.os_disk.as_ref());
        if let Some(named) = disk.and_then(|disk| disk.os_type.as_deref()) {
            return Os::named(named);
        }
        let view = self.properties.instance_view.as_ref();
        match view.and_then(|view| view.os_name.as_deref()).map(str::to_lowercase) {
            Some(name) if name.contains("windows") => Os::Windows,
            Some(name) if !name.trim().is_empty() => Os::Linux,
            _ => Os::Unknown,
        }
    }

    /// When it was last brought to where it is.
    pub(super) fn launched(&self, observed: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.status("provisioningstate/")?.since(observed)
    }

    fn status(&self, prefix: &str) -> Option<&Status> {
        let statuses = self.properties.instance_view.as_ref()?.statuses.as_deref()?;
        statuses.iter().find(|status| status.code().starts_with(prefix))
    }

    /// What its status says. `now` is the provider's clock, by which its agents are timed.
    pub(super) fn sign(&self, now: DateTime<Utc>, silent_after: TimeDelta) -> Sign {
        let Some(view) = &self.properties.instance_view else { return Sign::Mute };
        match self.status("powerstate/").map(Status::code).as_deref() {
            Some("powerstate/running") => {}
            Some("powerstate/starting") => return Sign::Starting,
            Some(
                "powerstate/stopping" | "powerstate/stopped" | "powerstate/deallocating" | "powerstate/deallocated",
            ) => return Sign::Stopped,
            _ => return Sign::Mute,
        }
        let fresh = |status: &&Status| match status.told(now) {
            Told::Never => true,
            Told::At(time) => now - time <= silent_after,
            Told::Unclear => false,
        };
        if let Some(health) = view.vm_health.as_ref().and_then(|health| health.status.as_ref()).filter(fresh) {
            match health.code().as_str() {
                "healthstate/healthy" => return Sign::Well,
                "healthstate/unhealthy" => return Sign::Ill { since: health.since(now) },
                _ => {}
            }
        }
        view.vm_agent.as_ref().map_or(Sign::Mute, |agent| agent.sign(now, silent_after))
    }
}

impl Agent {
    fn sign(&self, now: DateTime<Utc>, silent_after: TimeDelta) -> Sign {
        let Some(status) = self.statuses.as_deref().and_then(<[_]>::first) else { return Sign::Mute };
        let ready = status.display_status.as_deref().is_some_and(|word| word.trim().eq_ignore_ascii_case("ready"));
        if ready {
            return match status.told(now) {
                Told::At(time) if now - time > silent_after => Sign::Silent { spoke: true, since: Some(time) },
                Told::Unclear => Sign::Mute,
                Told::At(_) | Told::Never => Sign::Well,
            };
        }
        let version = self.vm_agent_version.as_deref().unwrap_or_default().trim();
        let known = !version.is_empty() && !version.eq_ignore_ascii_case("unknown");
        let spoke = known || status.message.as_deref().is_some_and(signs::of_silence);
        // The time of such a status is that of its reading.
        Sign::Silent { spoke, since: None }
    }
}

impl Status {
    fn code(&self) -> String {
        self.code.as_deref().unwrap_or_default().trim().to_lowercase()
    }

    fn since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.told(now) {
            Told::At(time) => Some(time),
            Told::Never | Told::Unclear => None,
        }
    }

    fn told(&self, now: DateTime<Utc>) -> Told {
        let Some(text) = self.time.as_deref() else { return Told::Never };
        let time = orders(instant(text, now).ok(), now);
        time.map_or(Told::Unclear, Told::At)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn now() -> DateTime<Utc> {
        "2024-07-19T05:00:00Z".parse().unwrap()
    }

    fn read(view: Value) -> Machine {
        serde_json::from_value(json!({"id": "/x", "location": "eastus", "properties": {"instanceView": view}})).unwrap()
    }

    fn sign(power: &str, agent: Value) -> Sign {
        let statuses = json!([{"code": "ProvisioningState/succeeded", "time": "2024-05-24T12:39:13.2418711+00:00"}, {"code": power}]);
        read(json!({"vmAgent": agent, "statuses": statuses})).sign(now(), TimeDelta::minutes(10))
    }

    fn agent(version: &str, display: &str, message: &str, time: &str) -> Value {
        let code = "ProvisioningState/x";
        json!({"vmAgentVersion": version,
               "statuses": [{"code": code, "displayStatus": display, "message": message, "time": time}]})
    }

    #[test]
    fn an_agent_speaks_for_its_guest() {
        let ready = |time| agent("2.7", "Ready", "Guest Agent is running", time);
        assert_eq!(sign("PowerState/running", ready("2024-07-19T04:59:00.1234567+00:00")), Sign::Well);
        let old: DateTime<Utc> = "2024-07-19T04:09:00Z".parse().unwrap();
        assert_eq!(
            sign("powerstate/Running", ready("2024-07-19T04:09:00+00:00")),
            Sign::Silent { spoke: true, since: Some(old) }
        );
        let lost = agent("Unknown", "Not Ready", "VM Agent is unresponsive.", "2024-07-19T05:00:00+00:00");
        assert_eq!(sign("PowerState/running", lost), Sign::Silent { spoke: true, since: None });
        let never =
            agent("Unknown", "Not Ready", "VM status blob is found but not yet populated.", "2024-07-19T05:00:00Z");
        assert_eq!(sign("PowerState/running", never), Sign::Silent { spoke: false, since: None });
    }

    #[test]
    fn who_speaks_at_no_time_or_at_one_to_come_is_no_sign_of_life() {
        let ready = |time: &str| sign("PowerState/running", agent("2.7", "Ready", "Guest Agent is running", time));
        assert_eq!(ready("2024-07-19T05:04:00Z"), Sign::Well, "clocks differ");
        for time in ["2024-07-19T05:06:00Z", "2031-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "yesterday", ""] {
            assert_eq!(ready(time), Sign::Mute, "{time:?}");
            let health = json!({"status": {"code": "HealthState/healthy", "time": time}});
            let view = json!({"vmHealth": health, "statuses": [{"code": "PowerState/running"}]});
            assert_eq!(read(view).sign(now(), TimeDelta::minutes(10)), Sign::Mute, "{time:?}");
        }
    }

    #[test]
    fn where_nobody_can_be_asked_nothing_is_said() {
        assert_eq!(sign("PowerState/running", Value::Null), Sign::Mute);
        assert_eq!(sign("PowerState/running", json!({"statuses": []})), Sign::Mute);
        assert_eq!(sign("PowerState/unknown", Value::Null), Sign::Mute);
        assert_eq!(sign("PowerState/starting", Value::Null), Sign::Starting);
        assert_eq!(sign("PowerState/deallocated", agent("2.7", "Ready", "", "2024-07-19T04:59:00Z")), Sign::Stopped);
        assert_eq!(read(Value::Null).sign(now(), TimeDelta::minutes(10)), Sign::Mute);
    }

    #[test]
    fn what_watches_the_application_goes_before_the_agent() {
        let view = |code: &str, time: &str| {
            read(
                json!({"vmHealth": {"status": {"code": code, "time": time}}, "statuses": [{"code": "PowerState/running"}]}),
            )
        };
        let sign = |code, time| view(code, time).sign(now(), TimeDelta::minutes(10));
        assert_eq!(sign("HealthState/healthy", "2024-07-19T04:59:00Z"), Sign::Well);
        assert!(matches!(sign("HealthState/unhealthy", "2024-07-19T04:59:00Z"), Sign::Ill { since: Some(_) }));
        assert_eq!(sign("HealthState/healthy", "2024-07-19T01:00:00Z"), Sign::Mute, "an old word is none");
    }

    #[test]
    fn the_system_is_known_by_disk_or_agent() {
        let os = |value: Value| serde_json::from_value::<Machine>(value).unwrap().os();
        assert_eq!(
            os(json!({"id": "x", "properties": {"storageProfile": {"osDisk": {"osType": "Windows"}}}})),
            Os::Windows
        );
        assert_eq!(os(json!({"id": "x", "properties": {"instanceView": {"osName": "ubuntu"}}})), Os::Linux);
        assert_eq!(os(json!({"id": "x"})), Os::Unknown);
    }
}
