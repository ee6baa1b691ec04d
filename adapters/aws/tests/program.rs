//! The program itself: what it prints is what it reads.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use entente_aws::account::Aws;
use entente_exercise::aws::Aws as Double;
use entente_exercise::{Fault, Faults, Fleet};
use entente_sidecar::account::{Adapter as _, Layers, Settings};
use serde_json::Value;

fn printed() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_entente-aws")).arg("--print-config").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn read(text: &str) -> Result<Settings, String> {
    let file = Some(("entente-aws.toml".to_owned(), text.to_owned()));
    let read = Settings::read::<Aws>(&Layers { file, ..Layers::default() });
    read.map(|(settings, _)| settings).map_err(|mistakes| mistakes.to_string())
}

/// The printed file, filled in, with every table and key in force that stands there as a comment.
fn filled() -> String {
    let in_force = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    let text: Vec<String> = printed().lines().map(in_force).collect();
    let text = text.join("\n").replacen("org = \"\"", "org = \"acme\"", 1);
    let text = text.replacen("audience = \"\"", "audience = \"gabcdefghijklmnop\"", 1);
    text.replace("https://sqs.REGION.amazonaws.com/ACCOUNT/NAME", "https://sqs.eu-west-1.amazonaws.com/0/health")
}

#[test]
fn every_setting_that_is_printed_is_read() {
    let settings = read(&filled()).unwrap();
    let feeds = ["aws-ec2", "aws-ssm", "aws-health", "aws-events"];
    assert!(feeds.iter().all(|slug| settings.scope(slug).is_some()));
    assert_eq!(settings.adapter, Aws::NAME);
}

#[test]
fn every_mistake_is_told_at_once_with_its_path() {
    let text = filled()
        .replace("home_region = \"us-east-1\"", "home_region = \"us-central1\"")
        .replace("https://sqs.eu-west-1.amazonaws.com/0/health", "health")
        .replace("lookback_days = 7", "lookback_days = 700")
        .replace("sweep = \"10m\"", "sweep = \"10m\"\nsweeps = 1")
        .replace("only = []", "only = [\"AWS-Nothing\"]");
    let mistakes = read(&text).unwrap_err();
    for path in [
        "aws.home_region",
        "feeds.aws-events.queue_url",
        "feeds.aws-health.lookback_days",
        "feeds.aws-ec2.sweeps",
        "feeds.aws-ssm.only",
    ] {
        assert!(mistakes.contains(path), "{path} in {mistakes}");
    }
}

/// Settings that read the machines of one region, with all that a sidecar keeps in a folder.
fn settings(folder: &Path, endpoints: &str) -> String {
    let key = "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = wJalrXUtnFEMI\n";
    std::fs::write(folder.join("credentials"), key).unwrap();
    std::fs::write(folder.join("config"), "").unwrap();
    let at = folder.display();
    format!(
        "org = \"acme\"\naudience = \"gabcdefghijklmnop\"\ndata = \"{at}/data\"\nbus = [\"nats://127.0.0.1:1\"]\n\
         listen = \"127.0.0.1:0\"\ntimeout = \"5s\"\n{endpoints}\n[aws]\nattempts = 1\n\
         config_file = \"{at}/config\"\ncredentials_file = \"{at}/credentials\"\n\
         [feeds.aws-ec2]\nregions = [\"us-east-1\"]\n"
    )
}

/// The lines that a preflight prints, by what it looked at.
fn preflight(folder: &Path, settings: &str, variables: &[(&str, &str)]) -> Vec<Value> {
    let file = folder.join("entente-aws.toml");
    std::fs::write(&file, settings).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_entente-aws"));
    command.args(["--preflight", "--json", "--config"]).arg(&file).env_remove("NO_PROXY").env_remove("no_proxy");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    found["checks"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_tells_the_clock_as_aws_has_it() {
    let double = Double::start(Fleet::new(), Faults::default()).await.unwrap();
    double.faults().keep("", Fault::ClockOff(90));
    let folder = tempfile::tempdir().unwrap();
    let text = settings(folder.path(), &format!("[endpoints]\nec2 = \"{}\"", double.url()));
    let found = tokio::task::spawn_blocking(move || preflight(folder.path(), &text, &[])).await.unwrap();
    let clock = found.iter().find(|row| row["api"] == "clock").unwrap();
    assert_eq!(clock["found"], "failed", "{clock}");
    assert!(clock["text"].as_str().is_some_and(|text| text.contains("s behind the provider's")), "{clock}");
}

#[test]
fn the_proxy_that_the_environment_names_is_asked_to_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let refused = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
            if refused.is_err() || tell.send(line).is_err() {
                return;
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let found = preflight(folder.path(), &settings(folder.path(), ""), &[("HTTPS_PROXY", &proxy)]);
    let asked: Vec<String> = told.try_iter().collect();
    let connect = "CONNECT ec2.us-east-1.amazonaws.com:443 ";
    assert!(!asked.is_empty() && asked.iter().all(|line| line.starts_with(connect)), "{asked:?} {found:?}");
}
