//! The serial port of a machine: what its firmware and its system print. A machine in a boot loop has booted again each time
//! that somebody looks; names stand in the text, as they do in real ones.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;

use super::project::LINKS;
use super::refusal;
use super::stage::Stage;
use crate::fleet::{Condition, Machine, Os};

/// Bytes that one call gives.
const GIVEN_MAX: usize = 1024 * 1024;

/// What a machine has printed.
#[derive(Debug, Default)]
pub(super) struct Serial {
    text: String,
    last: Option<Condition>,
}

impl Serial {
    /// Prints what came since somebody looked.
    fn go_on(&mut self, machine: &Machine) {
        let looped = machine.condition == Condition::BootLoop;
        if looped {
            self.boot(machine);
            self.crash(machine);
            self.boot(machine);
            self.crash(machine);
        } else if self.last.as_ref() != Some(&machine.condition) && machine.condition == Condition::Well {
            self.boot(machine);
            self.live(machine);
        } else if machine.condition == Condition::Well {
            let _ = writeln!(self.text, "{} GCEGuestAgent: heartbeat", machine.name);
        }
        self.last = Some(machine.condition.clone());
    }

    fn boot(&mut self, machine: &Machine) {
        self.text.push_str("UEFI: Attempting to start image.\n");
        self.text.push_str("Description: Windows Boot Manager\nUEFI: Image start attempt complete.\n");
        let _ = writeln!(self.text, "{} is starting", machine.name);
    }

    fn crash(&mut self, machine: &Machine) {
        let sign = match machine.os {
            Os::Windows => "PAGE_FAULT_IN_NONPAGED_AREA (csagent.sys)",
            Os::Linux => "Kernel panic - not syncing: Fatal exception",
        };
        let _ = writeln!(self.text, "{}: *** {sign}", machine.name);
    }

    fn live(&mut self, machine: &Machine) {
        let _ = writeln!(self.text, "{} GCEGuestAgent: GCE Agent Started", machine.name);
    }
}

#[derive(Deserialize)]
struct Asked {
    port: Option<u8>,
    start: Option<usize>,
}

pub(super) fn routes() -> Router<Stage> {
    Router::new().route("/compute/v1/projects/{project}/zones/{zone}/instances/{name}/serialPort", get(port))
}

async fn port(
    State(stage): State<Stage>,
    Path((project, zone, name)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
) -> Response {
    let read = stage.with_project(&project, |project| {
        let mut machines = project.machines().into_iter();
        let machine = machines.find(|machine| {
            machine.zone == zone && (machine.name == name || project.machine_id(machine.number) == name)
        })?;
        let serial = project.serial.entry(machine.number).or_default();
        serial.go_on(&machine);
        let from = asked.start.unwrap_or(0).min(serial.text.len()).max(serial.text.len().saturating_sub(GIVEN_MAX));
        let given = serial.text.get(from..).unwrap_or_default().to_owned();
        Some((from, given, serial.text.len()))
    });
    if asked.port.is_some_and(|port| !(1..=4).contains(&port)) {
        return refusal::bad_request("/compute/", "Invalid value for field 'port'");
    }
    let Some(Some((start, contents, next))) = read else {
        let resource = format!("projects/{project}/zones/{zone}/instances/{name}");
        return refusal::not_found("/compute/", &format!("The resource '{resource}' was not found"));
    };
    let link = format!("{LINKS}/{project}/zones/{zone}/instances/{name}/serialPort");
    axum::Json(json!({
        "kind": "compute#serialPortOutput",
        "contents": contents,
        "start": start.to_string(),
        "next": next.to_string(),
        "selfLink": link,
    }))
    .into_response()
}
