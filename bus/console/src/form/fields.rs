//! The fields of each form: path in the claim, label, what to type, and how it is read.

use entente_schemas::block::{BlockState, Effect, Layer, ServiceClass, Severity};
use entente_schemas::count::{Method, Quantity, Unit};
use entente_schemas::family::{CauseStatus, Outcome, Phase};
use entente_schemas::header::{Certainty, Fidelity};
use entente_schemas::speaker::Role;

use super::FormKind;

/// How a field is typed and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// One line.
    Line,
    /// Several lines.
    Text,
    /// Several words, separated by commas.
    List,
    /// A time, UTC.
    Time,
    /// A whole number.
    Number,
    /// One word of these.
    Choice(&'static [&'static str]),
    /// Any of these words.
    Some(&'static [&'static str]),
    /// Yes, or nothing.
    Flag,
}

/// One field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its name: a path in the claim.
    pub(super) path: &'static str,
    /// What it is called.
    pub(super) label: &'static str,
    /// What to type, in a few words; may be empty.
    pub(super) hint: &'static str,
    /// How it is typed.
    pub(super) input: Input,
    /// Whether a claim is none without it.
    pub(super) required: bool,
}

/// Fields under one heading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) name: &'static str,
    /// Shut until it is opened, since most claims need it not.
    pub(super) shut: bool,
    pub(super) fields: &'static [Field],
}

const fn field(path: &'static str, label: &'static str, hint: &'static str, input: Input) -> Field {
    Field { path, label, hint, input, required: false }
}

const fn needed(path: &'static str, label: &'static str, hint: &'static str, input: Input) -> Field {
    Field { path, label, hint, input, required: true }
}

const WHO: Group = Group {
    name: "Whose words",
    // A call that is entered as one's own claim is the worst mistake of this form: the question is never folded away.
    shut: false,
    fields: &[
        field("speaker.org", "Told for", "another organisation, heard by phone; empty: your own words", Input::Line),
        field("speaker.role", "What it is", "needed once for one not heard before", Input::Choice(Role::WORDS)),
        field("certainty", "Certainty", "own words: observed, told: likely", Input::Choice(Certainty::WORDS)),
        field("headline", "Quotable line", "200 characters", Input::Line),
        field("invented", "Made up for an exercise", "", Input::Flag),
    ],
};

const WHAT: Group = Group {
    name: "What",
    shut: false,
    fields: &[
        needed("title", "Title", "what fails, in one line", Input::Line),
        needed("phase", "Phase", "", Input::Choice(Phase::WORDS)),
        needed("severity", "Severity", "", Input::Choice(Severity::WORDS)),
        field("next_update_by", "Next update by, UTC", "", Input::Time),
        field("outcome", "How it ended", "with phase resolved", Input::Choice(Outcome::WORDS)),
        field("summary", "In words", "", Input::Text),
        field("effect", "What users notice", "", Input::Some(Effect::WORDS)),
    ],
};

const WHERE: Group = Group {
    name: "Where",
    shut: false,
    fields: &[
        field("blocks.0.provider", "Provider or vendor", "aws, azure, gcp, …", Input::Line),
        field("blocks.0.service_class", "Class of service", "", Input::Choice(ServiceClass::WORDS)),
        field("blocks.0.state", "State", "", Input::Choice(BlockState::WORDS)),
        field("blocks.0.services", "Services", "native names, commas between", Input::List),
        field("blocks.0.regions", "Regions", "codes, commas between; empty: not stated", Input::List),
        field("blocks.0.layer", "Layer", "", Input::Choice(Layer::WORDS)),
    ],
};

const ASSET: Group = Group {
    name: "Product concerned",
    shut: true,
    fields: &[
        field("blocks.0.asset.vendor", "Vendor", "slug", Input::Line),
        field("blocks.0.asset.product", "Product", "", Input::Line),
        field("blocks.0.asset.version_range", "Versions", "in the vendor's notation", Input::Line),
        field("blocks.0.asset.os_family", "Operating system", "windows, linux, macos", Input::Line),
        field("blocks.0.asset.artifact", "File or driver", "", Input::Line),
        field("symptoms", "Signs", "bugcheck, driver, error code; commas between", Input::List),
    ],
};

const WHEN: Group = Group {
    name: "When",
    shut: false,
    fields: &[
        field("times.occurred_at", "Began, UTC", "empty: not stated", Input::Time),
        field("times.occurred_end", "Ended, UTC", "", Input::Time),
        field("times.fidelity", "Known to the", "", Input::Choice(Fidelity::WORDS)),
    ],
};

const COUNT: Group = Group {
    name: "How many",
    shut: true,
    fields: &[
        field("counts.0.value", "Figure", "empty: not shared", Input::Number),
        field("counts.0.lo", "At least", "", Input::Number),
        field("counts.0.hi", "At most", "", Input::Number),
        field("counts.0.unit", "Of what", "", Input::Choice(Unit::WORDS)),
        field("counts.0.quantity", "Which part", "", Input::Choice(Quantity::WORDS)),
        field("counts.0.method", "Counted how", "", Input::Choice(Method::WORDS)),
        field("counts.0.population", "Population", "fleet:aws, …", Input::Line),
        field("counts.0.as_of", "As of, UTC", "empty: now", Input::Time),
    ],
};

const CAUSE: Group = Group {
    name: "Suspected cause",
    shut: true,
    fields: &[
        field("suspected_cause.status", "How sure", "", Input::Choice(CauseStatus::WORDS)),
        field("suspected_cause.class", "Kind", "own_change, third_party_update, power, …", Input::Line),
        field("suspected_cause.vendor", "Vendor", "slug", Input::Line),
        field("suspected_cause.product", "Product", "", Input::Line),
        field("suspected_cause.version", "Version", "", Input::Line),
        field("suspected_cause.artifact", "File or update", "", Input::Line),
        field("refs", "References", "tracking ids and addresses, commas between", Input::List),
    ],
};

const NOTE: Group = Group {
    name: "Note",
    shut: false,
    fields: &[
        needed("text", "Text", "for the record of this incident", Input::Text),
        field("to", "To", "organisations, commas between; empty: all", Input::List),
    ],
};

const REQUEST: Group = Group {
    name: "Ask",
    shut: false,
    fields: &[
        needed("text", "What is asked", "", Input::Text),
        needed("to", "Of whom", "organisations, commas between", Input::List),
        field("due_at", "Answer by, UTC", "", Input::Time),
    ],
};

const COMMITMENT: Group = Group {
    name: "Commit",
    shut: false,
    fields: &[
        needed("text", "What is promised", "", Input::Text),
        field("to", "To", "organisations, commas between; empty: all", Input::List),
        needed("due_at", "By, UTC", "", Input::Time),
    ],
};

/// The groups of a form, in the order in which they stand.
pub(super) fn groups(kind: FormKind) -> &'static [Group] {
    match kind {
        FormKind::Impact => &[WHAT, WHO, WHERE, WHEN, COUNT, ASSET, CAUSE],
        FormKind::Note => &[NOTE],
        FormKind::Request => &[REQUEST],
        FormKind::Commitment => &[COMMITMENT],
    }
}

/// All fields of a form.
pub(super) fn fields(kind: FormKind) -> impl Iterator<Item = &'static Field> {
    groups(kind).iter().flat_map(|group| group.fields)
}
