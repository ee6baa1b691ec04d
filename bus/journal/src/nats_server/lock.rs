//! The lock of a data folder, and the end of what a killed process left running in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::ServerError;

/// How long a left-over server may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Held as long as it lives, and no longer than this process.
pub(super) struct Lock {
    path: PathBuf,
    file: File,
}

impl Drop for Lock {
    /// Closing the file is not enough: a child that is just being started elsewhere in this process holds a copy of the
    /// descriptor, and with it the lock, until its program begins.
    fn drop(&mut self) {
        // An error means that nothing was locked.
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Takes the lock of a data folder, and ends the server whose process id its file holds.
    pub(super) fn take(data: &Path) -> Result<Self, ServerError> {
        let path = data.join("lock");
        let failed = |source| ServerError::File { path: path.clone(), source };
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(failed)?;
        let mut text = String::new();
        let tried = file.try_lock();
        file.read_to_string(&mut text).map_err(failed)?;
        match tried {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let holder = text.lines().next().unwrap_or("unknown").to_owned();
                return Err(ServerError::Held { path: data.to_owned(), holder });
            }
            Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
        let noted = text.lines().nth(1).and_then(|line| line.parse().ok());
        for pid in noted.into_iter().chain(in_ports_files(data)) {
            end_left_over(pid, data);
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { path, file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes down which server runs, as the second line of the lock file.
pub(super) fn note_child(path: &Path, pid: u32) -> io::Result<()> {
    fs::write(path, format!("{}\n{pid}\n", std::process::id()))
}

/// The process ids in the names of ports files, `nats-server_<pid>.ports`: a server that was started just before its
/// parent was killed may stand nowhere else.
fn in_ports_files(data: &Path) -> Vec<i32> {
    let Ok(entries) = fs::read_dir(data.join("run")) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter_map(|name| name.strip_suffix(".ports")?.rsplit('_').next()?.parse().ok()).collect()
}

fn end_left_over(pid: i32, data: &Path) {
    let Some(process) = Pid::from_raw(pid) else { return };
    if !is_server_of(pid, data) {
        return;
    }
    tracing::warn!("a nats-server of an earlier run is still there (process {pid}); it is ended");
    // An error means that it is gone, which is what is wanted.
    let _ = kill_process(process, Signal::TERM);
    let until = Instant::now() + GRACE;
    while test_kill_process(process).is_ok() && is_server_of(pid, data) {
        if Instant::now() > until {
            let _ = kill_process(process, Signal::KILL);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Process ids are used again: only a process whose command names our configuration is ours.
fn is_server_of(pid: i32, data: &Path) -> bool {
    let config = data.join("nats.conf");
    command_of(pid).is_some_and(|command| command.contains(&*config.to_string_lossy()))
}

fn command_of(pid: i32) -> Option<String> {
    if let Ok(bytes) = fs::read(format!("/proc/{pid}/cmdline")) {
        return Some(String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    let listed = std::process::Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output().ok()?;
    listed.status.success().then(|| String::from_utf8_lossy(&listed.stdout).into_owned())
}
