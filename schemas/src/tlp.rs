//! Traffic Light Protocol 2.0 (FIRST): the marking that travels inside a claim, for onward sharing, export and display.
//! Who may read at all is the audience, not this.

use crate::word::words;

words! {
    /// A TLP 2.0 marking, from the least to the most restricted.
    Tlp {
        /// No limit on disclosure.
        Clear = "clear",
        /// Disclosure within the community.
        Green = "green",
        /// Disclosure within the recipient's organisation and its clients, on a need-to-know basis.
        Amber = "amber",
        /// Disclosure within the recipient's organisation only.
        AmberStrict = "amber+strict",
        /// For the eyes of individual recipients only.
        Red = "red",
    }
}

impl Tlp {
    /// Whether a claim of this marking may stand in audience `all`; every other marking needs a sharing group.
    #[must_use]
    pub fn fits_all(self) -> bool {
        matches!(self, Self::Clear | Self::Green)
    }
}
