//! The recorded answers of real providers. They lie beside the project, never in it; where they are absent a test says so
//! and ends, but for CI, where they must be there.

use std::path::{Path, PathBuf};

/// The recording at `path`, if the recordings are here. Prints `skipped: ...` and gives nothing if they are not.
///
/// # Panics
/// With `CI=true`, if the recording is absent.
#[must_use]
pub fn recording(path: &str) -> Option<PathBuf> {
    let found = root().join("../shared/data").join(path);
    if found.exists() {
        return Some(found);
    }
    skipped(&format!("no recording at {}", found.display()));
    None
}

/// Says that something was skipped.
///
/// # Panics
/// With `CI=true`.
pub fn skipped(reason: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI nothing may be skipped: {reason}");
    println!("skipped: {reason}");
}

/// The workspace's root.
#[must_use]
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
