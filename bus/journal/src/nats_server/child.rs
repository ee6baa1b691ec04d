//! The child process: one thread starts it, waits for its end and starts it again, until it is told to stop.
//!
//! The thread lives as long as the server is wanted, for the kernel's "end with the parent" looks at the thread that
//! started the child, not at the process.

use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::lock::note_child;

const LOOK_EVERY: Duration = Duration::from_millis(20);
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const GRACE: Duration = Duration::from_secs(5);
/// A server that ran this long is not failing at its start.
const STEADY: Duration = Duration::from_secs(10);

/// How to start it.
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) config: PathBuf,
    pub(super) lock: PathBuf,
}

/// Keeps one server running.
pub(super) struct Keeper {
    pub(super) pid: Arc<Mutex<Option<u32>>>,
    failure: Arc<Mutex<Option<String>>>,
    stop: Mutex<Option<mpsc::Sender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Keeper {
    pub(super) fn start(launch: Launch) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let (pid, failure) = (Arc::default(), Arc::default());
        let work = Work { launch, pid: Arc::clone(&pid), failure: Arc::clone(&failure), stopped };
        let thread = std::thread::Builder::new().name("nats-server".to_owned()).spawn(move || work.run())?;
        Ok(Self { pid, failure, stop: Mutex::new(Some(stop)), thread: Mutex::new(Some(thread)) })
    }

    /// Why the last start failed, if it did.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the server and waits for it, 5 s gently.
    pub(super) fn stop(&self) {
        drop(self.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the keeper of nats-server ended badly");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Work {
    launch: Launch,
    pid: Arc<Mutex<Option<u32>>>,
    failure: Arc<Mutex<Option<String>>>,
    stopped: mpsc::Receiver<()>,
}

impl Work {
    fn run(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            match self.launch.spawn() {
                Ok(child) => {
                    let Some(ended) = self.watch(child) else { return };
                    self.fail(format!("it ended: {ended}"));
                }
                Err(error) => self.fail(format!("{} does not start: {error}", self.launch.program.display())),
            }
            pause = if began.elapsed() > STEADY { FIRST_PAUSE } else { pause };
            if self.stopped.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn fail(&self, reason: String) {
        tracing::warn!("nats-server: {reason}; it is started again");
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// Waits for the child's end; `None` if it was wanted.
    fn watch(&self, mut child: Child) -> Option<String> {
        *self.pid.lock().unwrap_or_else(PoisonError::into_inner) = Some(child.id());
        if let Err(error) = note_child(&self.launch.lock, child.id()) {
            tracing::error!(%error, "the lock file cannot be written");
        }
        let ended = loop {
            match child.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) => break Some(describe(status)),
                Err(error) => break Some(error.to_string()),
            }
            if self.stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Disconnected) {
                end(&mut child);
                break None;
            }
        };
        *self.pid.lock().unwrap_or_else(PoisonError::into_inner) = None;
        ended
    }
}

fn describe(status: ExitStatus) -> String {
    status.to_string()
}

fn end(child: &mut Child) {
    let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(process) = process {
        // An error means that it has ended already.
        let _ = kill_process(process, Signal::TERM);
    }
    let until = Instant::now() + GRACE;
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() > until {
            let _ = child.kill();
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

impl Launch {
    fn spawn(&self) -> io::Result<Child> {
        let mut command = match super::program::on_path("setpriv").filter(|_| cfg!(target_os = "linux")) {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "TERM"]).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        // A group of its own: a Ctrl-C at the terminal reaches this program, which stops the server last.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.arg("-c").arg(&self.config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }
}
