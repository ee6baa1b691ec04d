//! From a cold clone to the address: `git clone`, then the README's first command, until it prints where it answers. Crates
//! that the machine has downloaded before are not downloaded again; every one is compiled.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use entente_tests::data::root;

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clone = folder.path().join("entente");
    let started = Instant::now();
    let cloned = Command::new("git")
        .args(["clone", "--quiet", "--no-local", "--depth", "1"])
        .arg(format!("file://{}", root().display()))
        .arg(&clone)
        .status();
    if !cloned.is_ok_and(|status| status.success()) {
        println!("cold: skipped, this is no clone of a repository");
        return;
    }
    let child = Command::new("cargo")
        .args(["run", "--quiet", "--release", "--", "--data"])
        .arg(folder.path().join("data"))
        .args(["up", "--no-public-feeds"])
        .current_dir(&clone)
        .env("CARGO_TARGET_DIR", folder.path().join("target"))
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.expect("cargo runs");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let address = lines.into_iter().find(|line| line.starts_with("http://127.0.0.1:"));
    println!(
        "cold: {:.0} s from the clone to {}",
        started.elapsed().as_secs_f64(),
        address.as_deref().unwrap_or("nothing")
    );
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    let _ = child.wait();
}
