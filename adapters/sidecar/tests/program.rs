//! A sidecar as a process: what its flags print, how it ends, what a kill costs, and a neighbour that reports from a shell.
//! The program of the made-up cloud is this test itself, started anew under a variable.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod cloud;
mod process;
mod world;

use std::cell::Cell;
use std::process::ExitCode;

use cloud::adapter::Acme;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    if std::env::var_os(process::PROGRAM).is_some() {
        return entente_sidecar::account::main::<Acme>();
    }
    let (filter, runtime) = (filter(std::env::args().skip(1)), Runtime::new().unwrap());
    let (ran, passed_over) = (Cell::new(0), Cell::new(0));
    let tried = |name: &str, test: &dyn Fn(&Runtime)| {
        let counted = if name.contains(&filter) { &ran } else { &passed_over };
        counted.set(counted.get() + 1);
        if name.contains(&filter) {
            test(&runtime);
            println!("test {name} ... ok");
        }
    };
    tried("what_flags_print", &|_| process::flags::what_flags_print());
    tried("a_preflight_and_a_probe", &|runtime| runtime.block_on(process::flags::a_preflight_and_a_probe()));
    tried("five_lines_of_shell", &|runtime| runtime.block_on(process::shell::five_lines_of_shell()));
    tried("a_kill_costs_nothing_that_was_answered", &|runtime| {
        runtime.block_on(process::ending::a_kill_costs_nothing_that_was_answered());
    });
    tried("it_ends_in_order", &|runtime| runtime.block_on(process::ending::it_ends_in_order()));
    println!("test result: ok. {} passed; {} filtered out", ran.get(), passed_over.get());
    ExitCode::SUCCESS
}

/// The part of a test's name that `cargo test` was given, among what else its own harness would take.
fn filter(mut arguments: impl Iterator<Item = String>) -> String {
    while let Some(argument) = arguments.next() {
        if ["--test-threads", "--skip", "--format", "--color", "--logfile", "-Z"].contains(&argument.as_str()) {
            arguments.next();
        } else if !argument.starts_with('-') {
            return argument;
        }
    }
    String::new()
}
