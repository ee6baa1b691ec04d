//! What may stand beside `--still`: saying again that something holds moves nothing else, so every other flag would be
//! dropped, and is refused instead.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// Flags that a confirmation has a use for: who confirms, when, and how the answer is given.
const BESIDE: [&str; 10] =
    ["still", "occurred_at", "person", "answers", "id", "audience", "tlp", "json", "dry_run", "data"];

/// Refuses flags beside `--still` that it would drop; `command` is the one that `matches` were made by.
///
/// # Errors
/// If there are any, with all of them.
pub fn stands_alone(command: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some(("publish", of_publish)) = matches.subcommand() else { return Ok(()) };
    let Some((kind, flags)) = of_publish.subcommand() else { return Ok(()) };
    let Ok(Some(object)) = flags.try_get_one::<String>("still") else { return Ok(()) };
    let publish = command.find_subcommand_mut("publish").and_then(|publish| publish.find_subcommand_mut(kind));
    let Some(family) = publish else { return Ok(()) };
    let given = |arg: &&Arg| {
        let is_here = flags.ids().any(|id| id == arg.get_id());
        is_here && flags.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
    };
    let dropped = family.get_arguments().filter(given).filter(|arg| !BESIDE.contains(&arg.get_id().as_str()));
    let dropped: Vec<String> = dropped.map(spelt).collect();
    if dropped.is_empty() {
        return Ok(());
    }
    let dropped = dropped.join(", ");
    let told = format!(
        "--still says that nothing has changed, and would drop {dropped}; use --object {object} to say it anew"
    );
    Err(family.error(ErrorKind::ArgumentConflict, told))
}

fn spelt(arg: &Arg) -> String {
    let name = || arg.get_value_names().into_iter().flatten().map(ToString::to_string).next();
    arg.get_long().map_or_else(|| name().unwrap_or_else(|| arg.get_id().to_string()), |long| format!("--{long}"))
}
