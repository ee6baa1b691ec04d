//! Runs the built program on a data folder of its own and keeps what it said.

use std::path::Path;
use std::process::{Output, Stdio};

use assert_cmd::cargo::cargo_bin;

/// What the program said and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Its output, having ended well.
    #[track_caller]
    pub fn well(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// What it complained of, having ended with `code`.
    #[track_caller]
    pub fn complaint(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.out, "", "a complaint belongs on standard error");
        self.err
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// The program on a data folder, free of the settings of whoever runs the tests.
pub fn command(data: &Path) -> std::process::Command {
    clean(std::process::Command::new(cargo_bin("entente")), data)
}

fn clean(mut command: std::process::Command, data: &Path) -> std::process::Command {
    let ours = |name: &str| name.starts_with("ENTENTE_") && name != "ENTENTE_NATS_SERVER";
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        command.env_remove(name);
    }
    command.env("ENTENTE_DATA", data).env_remove("RUST_LOG");
    command
}

/// Runs the program with these arguments.
pub fn entente(data: &Path, arguments: &[&str]) -> Ran {
    command(data).args(arguments).stdin(Stdio::null()).output().expect("the program starts").into()
}

/// Runs a line of shell in which `entente` is the built program.
pub fn shell(data: &Path, line: &str) -> Ran {
    let program = cargo_bin("entente");
    let mut path = program.parent().expect("a folder").as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut shell = clean(std::process::Command::new("sh"), data);
    shell.args(["-c", line]).env("PATH", path).current_dir(data).stdin(Stdio::null());
    shell.output().expect("a shell starts").into()
}
