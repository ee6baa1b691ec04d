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

use std::process::ExitCode;

use cloud::adapter::Acme;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    if std::env::var_os(process::PROGRAM).is_some() {
        return entente_sidecar::account::main::<Acme>();
    }
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let runtime = Runtime::new().unwrap();
    let tried = |name: &str, test: &dyn Fn(&Runtime)| {
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
    ExitCode::SUCCESS
}
