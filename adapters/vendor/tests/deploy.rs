//! The files by which sidecars are run: policies name exactly the permissions that the adapters ask for, manifests, units
//! and the container file are what their readers take, and grant no more than they say.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use entente_sidecar::account::{Layers, Settings};
use entente_vendor::Vendor;
use regex::Regex;
use serde_json::Value;

const SIDECARS: [&str; 4] = ["aws", "azure", "gcp", "vendor"];
/// What AWS Health looks up in its caller's name; no call of the adapter's own.
const BY_HEALTH: [&str; 2] = ["organizations:DescribeOrganization", "organizations:ListAccounts"];
/// What systemd may find a unit exposed to, of 10.
const EXPOSURE_MAX: f64 = 2.0;

fn adapters() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn file(path: &str) -> String {
    let path = adapters().join("deploy").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn texts(list: &Value) -> BTreeSet<String> {
    match list {
        Value::String(one) => BTreeSet::from([one.clone()]),
        list => list.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
    }
}

/// Every permission in the table of calls from which an adapter makes its feeds and its preflight.
fn permissions(adapter: &str, shape: &str) -> BTreeSet<String> {
    let table = fs::read_to_string(adapters().join(adapter).join("src/account/api.rs")).unwrap();
    let shape = Regex::new(&format!("\"({shape})\"")).unwrap();
    let found: BTreeSet<String> = shape.captures_iter(&table).map(|found| found[1].to_owned()).collect();
    assert!(found.len() > 3, "{adapter}: {found:?}");
    found
}

fn actions(policy: &Value) -> BTreeSet<String> {
    policy["Statement"].as_array().unwrap().iter().flat_map(|statement| texts(&statement["Action"])).collect()
}

#[test]
fn the_policies_of_aws_name_what_the_adapter_calls_and_no_more() {
    let (account, organisation) = (json("aws/account.json"), json("aws/organisation.json"));
    let mut named: BTreeSet<String> = actions(&account).union(&actions(&organisation)).cloned().collect();
    for action in BY_HEALTH {
        assert!(named.remove(action), "{action}");
    }
    assert_eq!(named, permissions("aws", "[a-z0-9]+:[A-Z][A-Za-z]+"));
    assert!(actions(&account).iter().all(|action| !action.ends_with("ForOrganization")));
    for policy in [&account, &organisation] {
        assert_eq!(policy["Version"], "2012-10-17");
        for statement in policy["Statement"].as_array().unwrap() {
            assert_eq!(statement["Effect"], "Allow");
            let queue = texts(&statement["Action"]).iter().any(|action| action.starts_with("sqs:"));
            assert_eq!(statement["Resource"] == "*", !queue, "describing calls know no resource, a queue is one");
        }
    }
    let trust = json("aws/trust-irsa.json");
    let account = &trust["Statement"][0]["Condition"]["StringEquals"]["OIDC_PROVIDER:sub"];
    assert_eq!(account, "system:serviceaccount:entente:entente-aws", "as the manifest names it");
    assert_eq!(json("aws/events.rule.json")["source"], serde_json::json!(["aws.health"]));
    assert_eq!(actions(&json("aws/queue.json")), BTreeSet::from(["sqs:SendMessage".to_owned()]));
}

#[test]
fn the_roles_of_google_cloud_name_what_the_adapter_calls_and_no_more() {
    let role = |path: &str| yaml(path).remove(0);
    let (project, organization) = (role("gcp/project-role.yaml"), role("gcp/organization-role.yaml"));
    let of = |role: &Value| texts(&role["includedPermissions"]);
    let named: BTreeSet<String> = of(&project).union(&of(&organization)).cloned().collect();
    let table = fs::read_to_string(adapters().join("gcp/src/account/api.rs")).unwrap();
    // The name of a call, then its permission.
    let pairs = Regex::new(r#"=\s*"[^"]+",\s*"([^"]+)""#).unwrap();
    let needed: BTreeSet<String> = pairs.captures_iter(&table).map(|found| found[1].to_owned()).collect();
    assert!(needed.len() > 8, "{needed:?}");
    assert_eq!(named, needed);
    assert!(of(&organization).iter().all(|permission| permission.contains(".organization")));
    assert!(of(&project).is_disjoint(&of(&organization)));
    for role in [project, organization] {
        assert!(role["title"].is_string() && role["description"].is_string() && role["stage"] == "GA");
    }
}

#[test]
fn the_role_of_azure_names_what_the_adapter_calls_and_only_reads() {
    let role = json("azure/role.json");
    let actions = texts(&role["Actions"]);
    assert_eq!(actions, permissions("azure", r"Microsoft\.[A-Za-z./]+/read"));
    assert!(actions.iter().all(|action| action.ends_with("/read") && !action.contains('*')));
    assert!(["NotActions", "DataActions", "NotDataActions"].iter().all(|list| role[list] == serde_json::json!([])));
    assert_eq!((role["IsCustom"].as_bool(), role["AssignableScopes"].as_array().map(Vec::len)), (Some(true), Some(1)));
}

/// The parts of a manifest, by kind.
fn manifest(name: &str) -> impl Fn(&str) -> Value {
    let documents = yaml(&format!("kubernetes/{name}.yaml"));
    assert_eq!(documents.len(), 3, "{name}");
    move |kind| documents.iter().find(|document| document["kind"] == kind).unwrap_or_else(|| panic!("{kind}")).clone()
}

#[test]
fn a_manifest_starts_its_sidecar_before_the_tool_and_grants_it_nothing() {
    for name in SIDECARS {
        let part = manifest(name);
        let set = part("StatefulSet");
        let pod = &set["spec"]["template"]["spec"];
        let sidecar = &pod["initContainers"][0];
        assert_eq!((&set["spec"]["replicas"], &sidecar["restartPolicy"]), (&Value::from(1), &Value::from("Always")));
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(pod["serviceAccountName"], part("ServiceAccount")["metadata"]["name"]);
        for container in [sidecar, &pod["containers"][0]] {
            let security = &container["securityContext"];
            assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(security["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(security["capabilities"]["drop"], serde_json::json!(["ALL"]), "{name}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{name}");
            assert!(!container["image"].as_str().unwrap().ends_with(":latest"), "{name}");
        }
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            let command = texts(&sidecar[probe]["exec"]["command"]);
            assert!(
                command.contains("--probe") && command.contains(&format!("/etc/entente/{name}.toml")),
                "{command:?}"
            );
        }
        let mounted = |container: &Value, mount: &str| {
            let mounts = container["volumeMounts"].as_array().unwrap().iter();
            mounts.filter(|one| one["mountPath"] == mount).map(|one| one["readOnly"] == true).next()
        };
        assert_eq!(mounted(sidecar, "/etc/entente"), Some(true), "{name}");
        assert_eq!(mounted(sidecar, "/var/lib/entente"), Some(false), "{name}");
        assert_eq!(mounted(&pod["containers"][0], "/run/entente"), Some(true), "{name}: the token is all that it sees");
        assert_eq!(mounted(&pod["containers"][0], "/var/lib/entente"), None, "{name}");
    }
}

#[test]
fn each_cloud_s_identity_comes_by_annotation() {
    let annotation = |name: &str| manifest(name)("ServiceAccount")["metadata"]["annotations"].clone();
    assert!(annotation("aws")["eks.amazonaws.com/role-arn"].is_string());
    assert!(annotation("gcp")["iam.gke.io/gcp-service-account"].is_string());
    assert!(annotation("azure")["azure.workload.identity/client-id"].is_string());
    let labels = manifest("azure")("StatefulSet")["spec"]["template"]["metadata"]["labels"].clone();
    assert_eq!(labels["azure.workload.identity/use"], "true");
    assert_eq!(annotation("vendor"), Value::Null);
}

/// The settings that a manifest gives.
fn settings(name: &str) -> String {
    manifest(name)("ConfigMap")["data"][format!("{name}.toml")].as_str().unwrap().to_owned()
}

/// The text of every source file of an adapter.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| match path.is_dir() {
        true => sources(&path),
        false => fs::read_to_string(path).unwrap_or_default(),
    };
    entries.map(of).collect()
}

#[test]
fn the_settings_of_a_manifest_are_the_sidecar_s() {
    let port = Regex::new(r"const PORT: u16 = ([0-9_]+);").unwrap();
    for name in SIDECARS {
        let own = fs::read_to_string(adapters().join(name).join("src/account/defaults.toml")).unwrap();
        let shared = fs::read_to_string(adapters().join("sidecar/src/account/defaults.toml")).unwrap();
        let written: toml::Table = settings(name).parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        let known = |text: &str, key: &str| {
            let lines = text.lines().map(|line| line.trim_start_matches(['#', ' ']));
            lines.into_iter().any(|line| line.starts_with(&format!("{key} =")) || line == format!("[{key}]"))
        };
        for (key, value) in &written {
            assert!(key == "feeds" || known(&shared, key) || known(&own, key), "{name}: {key}");
            let Some(table) = value.as_table().filter(|_| key == "feeds" && name != "vendor") else { continue };
            for (slug, table) in table {
                assert!(own.contains(&format!("[feeds.{slug}]")), "{name}: {slug}");
                let keys = table.as_table().unwrap().keys();
                keys.for_each(|key| assert!(own.contains(&format!("{key} =")), "{name}: {slug}.{key}"));
            }
        }
        let port = port.captures(&sources(&adapters().join(name).join("src"))).unwrap()[1].replace('_', "");
        assert!(written["listen"].as_str().unwrap().ends_with(&format!(":{port}")), "{name} answers on {port}");
    }
    let file = Some(("vendor.toml".to_owned(), settings("vendor").replace("\"ORG\"", "\"acme\"")));
    let read = Settings::read::<Vendor>(&Layers { file, ..Layers::default() });
    let (settings, _) = read.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(settings.relay_of("acme"), entente_schemas::speaker::Relay::Own);
}

#[test]
fn mistakes_in_the_settings_are_told_at_once_with_their_places() {
    let text = "org = \"acme\"\naudience = \"gaaaaaaaaaaaaaaaa\"\n[feeds.acme-csaf]\nprovider = \"http://acme.example\"\n\
                [feeds.acme-blog]\n[feeds.acme-status]\n[feeds.acme-rss]\naddress = \"acme\"\nclass = \"x\"\n\
                [feeds.page-rss]\naddress = \"https://me:pw@acme.example/rss\"\n\
                [feeds.shut-csaf]\nprovider = \"https://me:pw@acme.example\"\n\
                [feeds.other-csaf]\nprovider = \"https://other.example\"\nreach_days = 0\n[vendor]\nclass = \"toaster\"\n";
    let file = Some(("vendor.toml".to_owned(), text.to_owned()));
    let told = Settings::read::<Vendor>(&Layers { file, ..Layers::default() }).unwrap_err().to_string();
    for part in [
        "feeds.acme-csaf.provider",
        "plain http",
        "feeds.acme-blog",
        "NAME-csaf",
        "feeds.acme-status.address",
        "feeds.acme-rss",
        "unknown field `class`",
        "feeds.page-rss.address: expected an address without a name or password",
        "feeds.shut-csaf.provider: expected an address without a name or password",
        "feeds.other-csaf.reach_days",
        "1 to 3650",
        "vendor.class",
        "toaster",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    assert!(!told.contains("me:pw"), "{told}");
}

/// The settings of a unit, in its order.
fn unit(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.starts_with(['#', '[']) && !line.is_empty());
    lines.map(|line| line.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())).unwrap()).collect()
}

#[test]
fn a_unit_runs_its_sidecar_as_nobody_with_nothing() {
    for name in SIDECARS {
        let settings = unit(&file(&format!("systemd/entente-{name}.service")));
        let is = |key: &str, value: &str| {
            assert!(settings.iter().any(|(k, v)| k == key && v == value), "{name}: {key}={value}");
        };
        is("ExecStart", &format!("/usr/bin/entente-{name} --config /etc/entente/{name}.toml"));
        is("StateDirectory", &format!("entente-{name}"));
        for key in ["DynamicUser", "NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "LockPersonality"]
        {
            is(key, "yes");
        }
        for (key, value) in
            [("ProtectSystem", "strict"), ("CapabilityBoundingSet", ""), ("RestartPreventExitStatus", "2")]
        {
            is(key, value);
        }
    }
}

#[test]
fn systemd_takes_the_units_and_finds_them_closed() {
    let folder = tempfile::tempdir().unwrap();
    for name in SIDECARS {
        let path = folder.path().join(format!("entente-{name}.service"));
        let text = file(&format!("systemd/entente-{name}.service"));
        // The program is not installed where this is tested.
        fs::write(&path, text.replace(&format!("/usr/bin/entente-{name}"), "/bin/true")).unwrap();
        let analyze = |arguments: &[&str]| Command::new("systemd-analyze").args(arguments).arg(&path).output();
        let Ok(verified) = analyze(&["verify"]) else {
            return println!("skipped: systemd-analyze is not on this machine");
        };
        let told = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success() && !told.contains(&format!("entente-{name}.service:")), "{told}");
        let found = analyze(&["security", "--offline=true", "--no-pager"]).unwrap();
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        let level =
            found.lines().rev().find_map(|line| line.split_once(".service: ")).map(|(_, level)| level.to_owned());
        let level: f64 = level.unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(level <= EXPOSURE_MAX, "{name}: {level}");
    }
}

#[test]
fn the_container_file_builds_each_sidecar_and_runs_it_as_nobody() {
    let text = file("container/Containerfile");
    let with_program = |name: &&str| adapters().join(name).join("src/main.rs").exists();
    assert!(SIDECARS.iter().all(with_program));
    assert!(text.contains("aws|gcp|azure|vendor"));
    let last = text.rsplit("\nFROM ").next().unwrap();
    assert!(
        last.contains(":nonroot\n") && last.contains("USER 65532:65532") && last.contains("ENTRYPOINT [\"/entente\"]")
    );
    for line in text.lines().filter(|line| line.starts_with("FROM ")) {
        assert!(!line.contains(":latest") && line.contains(':'), "{line}");
    }
    let root = adapters().parent().unwrap().to_owned();
    for line in file("container/Containerfile.dockerignore").lines().filter_map(|line| line.strip_prefix('!')) {
        assert!(root.join(line).exists() && text.contains(line), "{line}");
    }
}
