//! How much is written at a time.

/// Sizes in bytes. Tests make them small.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Changes that are gathered before they are handed to the system.
    pub batch: usize,
    /// What the file may have above twice what it needs, or took when it was begun, before it is written anew.
    pub slack: u64,
    /// What is written anew each time that a batch is written.
    pub part: u64,
    /// What may be written anew before the disk is made to keep it, so that it need not keep all of it at once.
    pub sync: u64,
}

impl Pace {
    pub(crate) const USUAL: Self = Self { batch: 64 << 10, slack: 4 << 20, part: 512 << 10, sync: 8 << 20 };
}
