//! The program itself: what it prints is what it reads.
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::process::Command;

use entente_aws::account::Aws;
use entente_sidecar::account::{Adapter as _, Layers, Settings};

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
