//! Whose words a claim carries, and how they reached the bus.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{OBJECT_ID_MAX, Problems};
use crate::word::words;

words! {
    /// What an organisation is to the incident.
    Role {
        /// A cloud provider.
        Provider = "provider",
        /// A vendor of software or services.
        Vendor = "vendor",
        /// A customer of either.
        Customer = "customer",
        /// Somebody who looks on.
        Observer = "observer",
        /// The organisation that coordinates.
        Coordinator = "coordinator",
    }
}

words! {
    /// How the speaker's words reached the transmitter. Within one lane own outranks polled outranks relayed.
    Relay {
        /// The speaker transmits itself.
        Own = "own",
        /// Read by a machine from the speaker's public channel.
        Polled = "polled",
        /// A person passes on what another organisation said.
        Relayed = "relayed",
    }
}

impl Relay {
    /// Rank within a lane: smaller speaks first.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Own => 0,
            Self::Polled => 1,
            Self::Relayed => 2,
            Self::Other => 3,
        }
    }
}

/// Whose words a claim carries. Lanes of the picture are per speaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Speaker {
    /// The organisation's slug: `a-z0-9-`, at most 24 characters.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,23}$"))]
    pub org: String,
    /// What the organisation is to the incident.
    pub role: Role,
    /// The public channel that was read, for polled words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub channel: Option<String>,
    /// How the words reached the transmitter.
    pub relay: Relay,
}

/// The person who wrote a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Author {
    /// The organisation that the person acts for.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,23}$"))]
    pub org: String,
    /// The person's name or desk, as they wish to be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub person: Option<String>,
    /// In which role the person writes; `coordinator` carries weight in constraints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

impl Speaker {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.slug("speaker.org", &self.org);
        problems.length("speaker.channel", self.channel.as_deref().unwrap_or_default(), OBJECT_ID_MAX);
    }
}

impl Author {
    pub(crate) fn check(&self, problems: &mut Problems) {
        problems.slug("author.org", &self.org);
        problems.length("author.person", self.person.as_deref().unwrap_or_default(), OBJECT_ID_MAX);
    }
}
