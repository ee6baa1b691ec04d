//! Enum words of the newer services and the numbers that stand for them where a client asks for numbers.

use serde_json::Value;

/// Personalized Service Health, by member.
const HEALTH: [(&str, &[(&str, i32)]); 5] = [
    ("category", &[("INCIDENT", 2)]),
    ("detailedCategory", &[("CONFIRMED_INCIDENT", 1), ("EMERGING_INCIDENT", 2)]),
    ("state", &[("ACTIVE", 1), ("CLOSED", 2)]),
    (
        "detailedState",
        &[
            ("EMERGING", 1),
            ("CONFIRMED", 2),
            ("RESOLVED", 3),
            ("MERGED", 4),
            ("AUTO_CLOSED", 9),
            ("FALSE_POSITIVE", 10),
        ],
    ),
    ("relevance", &[("UNKNOWN", 2), ("NOT_IMPACTED", 6), ("PARTIALLY_RELATED", 7), ("RELATED", 8), ("IMPACTED", 9)]),
];

/// States of a patch job.
pub(super) const JOB: [(&str, i32); 7] = [
    ("STARTED", 1),
    ("INSTANCE_LOOKUP", 2),
    ("PATCHING", 3),
    ("SUCCEEDED", 4),
    ("COMPLETED_WITH_ERRORS", 5),
    ("CANCELED", 6),
    ("TIMED_OUT", 7),
];

/// States of a machine in a patch job, with the member of the job's summary that counts them.
pub(super) const PATCH: [(&str, i32, &str); 15] = [
    ("PENDING", 1, "pendingInstanceCount"),
    ("INACTIVE", 2, "inactiveInstanceCount"),
    ("NOTIFIED", 3, "notifiedInstanceCount"),
    ("STARTED", 4, "startedInstanceCount"),
    ("DOWNLOADING_PATCHES", 5, "downloadingPatchesInstanceCount"),
    ("APPLYING_PATCHES", 6, "applyingPatchesInstanceCount"),
    ("REBOOTING", 7, "rebootingInstanceCount"),
    ("SUCCEEDED", 8, "succeededInstanceCount"),
    ("SUCCEEDED_REBOOT_REQUIRED", 9, "succeededRebootRequiredInstanceCount"),
    ("FAILED", 10, "failedInstanceCount"),
    ("ACKED", 11, "ackedInstanceCount"),
    ("TIMED_OUT", 12, "timedOutInstanceCount"),
    ("RUNNING_PRE_PATCH_STEP", 13, "prePatchStepInstanceCount"),
    ("RUNNING_POST_PATCH_STEP", 14, "postPatchStepInstanceCount"),
    ("NO_AGENT_DETECTED", 15, "noAgentDetectedInstanceCount"),
];

/// Replaces the words of an event's members by their numbers; a word that has none stays.
pub(super) fn number_health(event: &mut Value) {
    for (member, words) in HEALTH {
        if let Some(word) = event.get_mut(member) {
            *word = numbered(word, words.iter().copied());
        }
    }
}

/// The number of a word, where there is one.
pub(super) fn numbered(word: &Value, mut words: impl Iterator<Item = (&'static str, i32)>) -> Value {
    let found = word.as_str().and_then(|word| words.find(|(known, _)| *known == word));
    found.map_or_else(|| word.clone(), |(_, number)| Value::from(number))
}

/// Whether the client asked for numbers.
pub(super) fn as_numbers(query: &str) -> bool {
    super::answer::parameter(query, "$alt").is_some_and(|alt| alt.contains("enum-encoding"))
}
