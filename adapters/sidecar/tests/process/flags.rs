//! What flags print, and with which code the program then ends.

use serde_json::{Value, json};

use super::{Stage, program, text};

pub fn what_flags_print() {
    let printed = program().arg("--print-config").output().unwrap();
    let told = text(&printed.stdout);
    assert!(printed.status.success() && told.contains("[feeds.acme-vm]") && told.contains("entente-acme"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    let mut refused = program();
    refused.args(["--org", "Bank", "--tlp", "clear", "--set", "feeds.acme-wm.x=1"]).env("HOME", folder.path());
    let refused = refused.env_remove("XDG_DATA_HOME").env_remove("STATE_DIRECTORY").output().unwrap();
    let told = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{told}");
    for part in ["--org: org: `Bank`", "--tlp: tlp: `clear`", "--set: feeds.acme-wm: no such feed"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert_eq!(program().arg("--no-such-flag").output().unwrap().status.code(), Some(2));
    let help = text(&program().arg("--help").output().unwrap().stdout);
    assert!(
        help.contains("--preflight")
            && help.contains("--outbox-mib")
            && help.contains("Exit codes")
            && help.contains("ENTENTE_LOG"),
        "{help}"
    );
    let version = text(&program().arg("--version").output().unwrap().stdout);
    assert_eq!(version.trim(), format!("entente-acme {}", env!("CARGO_PKG_VERSION")));
}

pub async fn a_preflight_and_a_probe() {
    let mut stage = Stage::new().await;
    let checked = stage.command().args(["--preflight", "--json"]).output().unwrap();
    let found: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((checked.status.code(), &found["ok"]), (Some(0), &json!(true)), "{found:#}");
    let gone = stage.command().args(["--probe", "healthz"]).output().unwrap();
    assert_eq!((gone.status.code(), text(&gone.stdout).as_str()), (Some(5), ""), "{gone:?}");
    stage.launch();
    stage.ready().await;
    let probed = stage.command().args(["--probe", "readyz"]).output().unwrap();
    assert!(probed.status.success() && text(&probed.stdout).contains("\"ready\":true"), "{probed:?}");
    stage.end();
}
