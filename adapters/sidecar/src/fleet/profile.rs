//! What does not change about a fleet: whose it is, what is counted, what can be seen, and from which figures on things are
//! called what.

use chrono::TimeDelta;
use entente_schemas::block::ServiceClass;
use entente_schemas::count::{Method, Unit};
use entente_schemas::family::{ApproachKind, Automation};
use entente_schemas::subject::is_slug;

use super::error::FleetError;

/// Digits that the name of a fleet may have.
const DIGITS: usize = 6;

/// What a fleet is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetProfile {
    /// OpenTelemetry's `cloud.provider` value, or a vendor's slug: `aws`.
    pub provider: String,
    /// The native system of its impacts: `aws.ec2`.
    pub system: String,
    /// What its operator calls it, a slug; never the number of an account.
    pub fleet: String,
    /// The organisation whose fleet it is; its approaches are `<org>:<slug>`.
    pub org: String,
    /// What is counted.
    pub unit: Unit,
    /// How the count comes about.
    pub method: Method,
    /// The class of services that fails where a device does.
    pub service_class: ServiceClass,
    /// The provider's name of that service, as blocks give it: `EC2`.
    pub service: Option<String>,
    /// The class of the devices as the arms of a repair give it: `cloud_vm`.
    pub device_class: String,
    /// Whether a signal from inside the machines is configured: without one, nobody can say that nothing is wrong there.
    pub guest_signal: bool,
    /// The approaches that the adapter knows. A repair by another is counted as well, under its slug alone.
    pub approaches: Vec<KnownApproach>,
    /// When things are called what.
    pub rules: Rules,
}

/// A way of repairing that an adapter recognises by its traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownApproach {
    /// Its slug; `<org>:<slug>` is the approach's id.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ApproachKind,
    /// How much of it a machine does.
    pub automation: Automation,
    /// The native system that its runs are seen in: `aws.ssm`.
    pub system: String,
    /// Whether data can be lost; none if that is not known.
    pub data_loss: Option<bool>,
    /// What to beware of.
    pub cautions: Vec<String>,
}

/// From which figures on things are called what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Windows machines that fail within [`Rules::together`], in two places or more, and not by a sign of their hosts:
    /// they fail together.
    pub correlated_machines: u64,
    /// Within which time they must fail.
    pub together: TimeDelta,
    /// The least time between two revisions of one object.
    pub pace: TimeDelta,
    /// For how long nothing may remain before it is called resolved.
    pub watch: TimeDelta,
    /// After how long with nothing remaining a further failure is another incident.
    pub apart: TimeDelta,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            correlated_machines: 10,
            together: TimeDelta::minutes(15),
            pace: TimeDelta::seconds(10),
            watch: TimeDelta::minutes(10),
            apart: TimeDelta::hours(24),
        }
    }
}

impl FleetProfile {
    /// What every event of the fleet will carry must be taken by the bus, and must be no number of an account.
    pub(super) fn check(&self) -> Result<(), FleetError> {
        let slug = "1 to 24 lower-case letters, digits and `-` are taken";
        for (member, text) in [("provider", &self.provider), ("fleet", &self.fleet), ("org", &self.org)] {
            if !is_slug(&text.replace('_', "-")) {
                return Err(FleetError::Profile { member, text: text.clone(), expected: slug });
            }
        }
        let digits = self.fleet.bytes().filter(u8::is_ascii_digit).count();
        if digits > DIGITS {
            let expected =
                "a name is taken, not the number of an account, a project or a subscription: at most six digits";
            return Err(FleetError::Profile { member: "name", text: self.fleet.clone(), expected });
        }
        let system = self.system.split('.').all(is_slug);
        if !system {
            let expected = "slugs joined by `.` are taken, such as aws.ec2";
            return Err(FleetError::Profile { member: "native system", text: self.system.clone(), expected });
        }
        Ok(())
    }
}
