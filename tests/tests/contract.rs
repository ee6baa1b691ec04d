//! The agreements between crates, read from the tree itself: allowed arrows, who may name which library, and that the
//! documents name only what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use entente_tests::data::root;
use serde_json::Value;

/// Product crates and the crates of Entente that each may depend on.
const ARROWS: [(&str, &[&str]); 14] = [
    ("entente-schemas", &[]),
    ("entente-journal", &["entente-schemas"]),
    ("entente-correlator", &["entente-schemas"]),
    ("entente-replay", &["entente-schemas", "entente-correlator"]),
    ("entente-console", &["entente-schemas", "entente-correlator"]),
    ("entente-exercise", &["entente-schemas"]),
    ("entente-ledger", &[]),
    ("entente-sidecar", &["entente-schemas", "entente-journal", "entente-ledger"]),
    ("entente-aws", &["entente-schemas", "entente-sidecar"]),
    ("entente-azure", &["entente-schemas", "entente-sidecar"]),
    ("entente-gcp", &["entente-schemas", "entente-sidecar"]),
    ("entente-vendor", &["entente-schemas", "entente-sidecar"]),
    (
        "entente-server",
        &["entente-schemas", "entente-journal", "entente-correlator", "entente-replay", "entente-console"],
    ),
    (
        "entente-cli",
        &[
            "entente-schemas",
            "entente-journal",
            "entente-correlator",
            "entente-replay",
            "entente-console",
            "entente-server",
            "entente-sidecar",
            "entente-aws",
            "entente-azure",
            "entente-gcp",
            "entente-vendor",
        ],
    ),
];

/// Normal dependencies of every member of the workspace.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let of = |package: &Value| {
        let all = package["dependencies"].as_array().cloned().unwrap_or_default();
        all.iter().filter(|d| d["kind"].is_null()).filter_map(|d| d["name"].as_str().map(str::to_owned)).collect()
    };
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    packages.iter().map(|package| (package["name"].as_str().unwrap_or_default().to_owned(), of(package))).collect()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let dependencies = dependencies();
    for (name, allowed) in ARROWS {
        let ours = dependencies[name].iter().filter(|dependency| dependency.starts_with("entente-"));
        for dependency in ours {
            assert!(allowed.contains(&dependency.as_str()), "{name} -> {dependency}");
        }
    }
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).chain(["entente-tests"]).collect();
    let members: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    assert_eq!(members, known, "every member has its arrows");
}

#[test]
fn each_library_has_its_one_crate() {
    let only: [(&str, &[&str]); 5] = [
        ("async-nats", &["entente-journal"]),
        ("redb", &["entente-journal", "entente-sidecar"]),
        ("maud", &["entente-console"]),
        ("axum", &["entente-server", "entente-sidecar", "entente-azure", "entente-exercise", "entente-tests"]),
        ("clap", &["entente-cli", "entente-sidecar"]),
    ];
    for (name, dependencies) in dependencies() {
        for (library, crates) in only {
            assert!(!dependencies.contains(library) || crates.contains(&name.as_str()), "{name} -> {library}");
        }
        let aws = dependencies.iter().find(|dependency| dependency.starts_with("aws-sdk"));
        assert!(aws.is_none() || name == "entente-aws", "{name} -> {aws:?}");
    }
}

/// `cargo run` and `cargo test -p` of anything but the AWS adapter must not take the minutes that its SDK takes.
#[test]
fn an_aws_sdk_is_compiled_for_the_aws_adapter_alone() {
    for name in dependencies().keys() {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--prefix", "none", "--edges", "normal,build,dev", "--package", name])
            .current_dir(root())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let tree = String::from_utf8_lossy(&output.stdout);
        assert_eq!(tree.contains("aws-sdk-"), name == "entente-aws", "the tree of {name}");
    }
}

#[test]
fn pure_crates_stay_pure() {
    let impure = ["tokio", "reqwest", "async-nats", "rustix", "rand", "tracing"];
    let dependencies = dependencies();
    for name in ["entente-schemas", "entente-correlator", "entente-replay"] {
        for library in impure {
            assert!(!dependencies[name].contains(library), "{name} -> {library}");
        }
        let folder = if name == "entente-schemas" {
            "schemas/src".to_owned()
        } else {
            format!("bus/{}/src", &name["entente-".len()..])
        };
        for (path, text) in sources(&folder) {
            for word in ["Utc::now", "SystemTime", "Instant::now", "std::fs", "std::net", "f64", "f32", "HashMap"] {
                let product = text.split("#[cfg(test)]").next().unwrap_or_default();
                // The reader of JSON must name the numbers that it refuses or passes over.
                let reads_numbers =
                    word.starts_with('f') && ["strict.rs", "exact.rs"].iter().any(|file| path.ends_with(file));
                assert!(reads_numbers || !product.contains(word), "{word} in {path}");
            }
        }
    }
}

fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).expect("text")));
            }
        }
    }
    found
}

#[test]
fn no_providers_name_stands_in_what_adapters_share() {
    for (path, text) in sources("adapters/sidecar/src") {
        let product = text.split("#[cfg(test)]").next().unwrap_or_default().to_lowercase();
        for word in ["azure", "google", "statuspage", "currentevents"] {
            assert!(!product.contains(word), "{word} in {path}");
        }
    }
}

#[test]
fn the_documents_name_only_what_is_there() {
    for document in ["README.md", "bus/docs/architecture.md", "bus/docs/feeds.md"] {
        let text = std::fs::read_to_string(root().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"));
        let mut named = 0;
        for word in text.split('`').skip(1).step_by(2) {
            let is_path = ["schemas", "adapters", "bus", "tests"]
                .iter()
                .any(|top| word == *top || word.starts_with(&format!("{top}/")));
            if is_path && !word.contains(['<', '*', ' ', '{']) {
                named += 1;
                assert!(root().join(word).exists(), "{document} names {word}");
            }
        }
        assert!(named > 0, "{document} names no path");
    }
}
