//! The fleet ledger at 100,000, 1 million and 8.5 million devices, each in a process of its own: memory, changes per second
//! on one core with hash and log, and how long it takes to come back after SIGKILL with the sums that it had.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use entente_ledger::{ApproachId, BlockId, Ledger, Seen};
use entente_tests::bench::resident_kib;
use rustix::time::{ClockId, clock_gettime};

const FLEETS: [u64; 3] = [100_000, 1_000_000, 8_500_000];
const FOLDER: &str = "LEDGER_FOLDER";
const DEVICES: &str = "LEDGER_DEVICES";
/// Ids that are made at a time, outside of what is measured.
const CHUNK: u64 = 1_000;

fn main() {
    let folder = std::env::var_os(FOLDER).map(PathBuf::from);
    let devices = std::env::var(DEVICES).ok().and_then(|devices| devices.parse().ok());
    match (folder, devices) {
        (Some(folder), Some(devices)) => live(&folder, devices),
        (Some(folder), None) => reload(&folder),
        _ => {
            println!(
                "ledger: goals at 8,500,000 devices on one core: 300 MB resident, 1,000,000 changes/s, reload in 10 s"
            );
            let [least, .., most] = FLEETS.map(trial);
            println!("ledger: {}", growth(&least, &most));
        }
    }
}

/// What is measured of one fleet: megabytes resident at most, changes per second of one core, seconds until it is back.
struct Figures {
    devices: f64,
    resident: f64,
    changes: f64,
    back: f64,
}

fn growth(least: &Figures, most: &Figures) -> String {
    let times = |of: fn(&Figures) -> f64| of(most) / of(least);
    format!(
        "from {} devices to {}, {:.0} times as many: {:.0} times the memory, {:.2} times the rate, {:.0} times as long to come back",
        least.devices,
        most.devices,
        times(|of| of.devices),
        times(|of| of.resident),
        times(|of| of.changes),
        times(|of| of.back)
    )
}

/// The numbers of a line that is not for readers.
fn numbers(line: &str) -> Option<Vec<f64>> {
    line.strip_prefix("= ")?.split(' ').map(|number| number.parse().ok()).collect()
}

/// A ledger's life, its end and its return.
fn trial(devices: u64) -> Figures {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut living = child(folder.path(), Some(devices));
    let lines = BufReader::new(living.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let (mut life, mut sums) = (Vec::new(), None);
    for line in lines {
        match numbers(&line) {
            Some(figures) => life = figures,
            None => println!("ledger: {line}"),
        }
        if line.starts_with("sums ") {
            sums = Some(line);
            break;
        }
    }
    living.kill().expect("it runs");
    living.wait().expect("it has ended");
    let back = child(folder.path(), None).wait_with_output().expect("it runs");
    let told = String::from_utf8_lossy(&back.stdout).into_owned();
    let [figures, back, after] = told.trim_end().split('\n').collect::<Vec<_>>()[..] else {
        panic!("three lines: {told}")
    };
    assert_eq!(Some(after), sums.as_deref(), "after SIGKILL the sums are those that were flushed");
    println!("ledger: {back}, the same sums");
    let [resident, changes] = life[..] else { panic!("two figures: {life:?}") };
    let back = numbers(figures).and_then(|figures| figures.first().copied()).expect("seconds");
    Figures { devices: devices as f64, resident, changes, back }
}

fn child(folder: &Path, devices: Option<u64>) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.env(FOLDER, folder).stdout(Stdio::piped());
    if let Some(devices) = devices {
        command.env(DEVICES, devices.to_string());
    }
    command.spawn().expect("this program runs")
}

/// A fleet is met, goes into a boot loop, and is repaired; then this process waits for its end.
fn live(folder: &Path, devices: u64) {
    let before = resident_kib(std::process::id());
    let mut play = Play::new(folder, devices);
    let met = play.all(|_, _| Some(Seen::Well));
    let resident = megabytes(resident_kib(std::process::id()) - before);
    println!(
        "{devices} devices: {resident:.1} MB resident ({:.1} bytes each), met at {}, {:.1} MB on disk",
        resident * 1e6 / devices as f64,
        met,
        play.on_disk()
    );
    let mut phases = play.all(|random, _| (random % 10 > 0).then_some(Seen::Affected));
    phases.add(play.all(|random, by| (random % 10 > 0).then(|| Seen::Attempted { by: by(random) })));
    phases.add(play.all(|random, _| (random % 10 > 1).then_some(Seen::Well)));
    phases.add(play.all(|random, _| (random % 100 == 7).then_some(Seen::Affected)));
    phases.add(play.all(|random, by| (random % 100 == 7).then(|| Seen::Restored { by: Some(by(random / 7)) })));
    phases.add(play.all(|random, _| (random % 100 == 50).then_some(Seen::Unknown)));
    let resident = megabytes(resident_kib(std::process::id()) - before);
    let peak = megabytes(peak_kib() - before);
    println!(
        "{devices} devices: boot loop and repairs at {phases}; {resident:.1} MB resident (at most {peak:.1}), {:.1} MB on disk",
        play.on_disk()
    );
    let started = Instant::now();
    let affected: u64 = play.ledger.sums().map(|(_, sums)| sums.affected).sum();
    println!("{devices} devices: asking for the sums takes {:.1?} ({affected} affected)", started.elapsed());
    println!("= {peak} {}", phases.changes as f64 / phases.core.as_secs_f64());
    println!("{}", sums_of(&play.ledger));
    std::thread::sleep(Duration::from_secs(60));
}

fn reload(folder: &Path) {
    let before = resident_kib(std::process::id());
    let mut rate = Rate::default();
    let ledger = rate.measure(|| Ledger::open(folder).expect("the ledger"));
    let [core, clock] = [rate.core, rate.clock].map(|time| time.as_secs_f64());
    let resident = megabytes(resident_kib(std::process::id()) - before);
    let devices = ledger.recovery().devices;
    println!("= {core}");
    println!(
        "{devices} devices: back after SIGKILL in {core:.2} s of one core, {clock:.2} s on the clock (file in the page cache), {resident:.1} MB resident"
    );
    println!("{}", sums_of(&ledger));
}

struct Play {
    ledger: Ledger,
    /// When a phase begins, in seconds since 1970; each device is seen within 20 minutes from there.
    clock: i64,
    folder: PathBuf,
    blocks: Vec<BlockId>,
    approaches: Vec<ApproachId>,
    devices: u64,
}

/// Changes, and what noting them took: on the clock, and of the core, which others may use as well.
#[derive(Clone, Copy, Default)]
struct Rate {
    changes: u64,
    clock: Duration,
    core: Duration,
}

impl Rate {
    fn measure<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (clock, core) = (Instant::now(), core_time());
        let done = work();
        self.clock += clock.elapsed();
        self.core += core_time() - core;
        done
    }

    fn add(&mut self, other: Self) {
        self.changes += other.changes;
        self.clock += other.clock;
        self.core += other.core;
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [clock, core] = [self.clock, self.core].map(|time| time.as_secs_f64());
        let changes = self.changes as f64;
        let (own, all) = (changes / core, changes / clock);
        write!(f, "{own:.0} changes/s of one core, {all:.0} on the clock ({changes} in {core:.2} and {clock:.2} s)")
    }
}

/// What this thread has had of the core.
fn core_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("below a second"))
}

impl Play {
    fn new(folder: &Path, devices: u64) -> Self {
        let mut ledger = Ledger::open(folder).expect("a ledger");
        let blocks = (0..60).map(|n| ledger.block(&format!("region-{n}/windows")).expect("a block")).collect();
        let approaches = (0..6).map(|n| ledger.approach(&format!("acme:way-{n}")).expect("an approach")).collect();
        Self { ledger, clock: 1_721_361_600, folder: folder.to_owned(), blocks, approaches, devices }
    }

    /// Notes what is seen of each device, by a random number of its own, and flushes.
    fn all(&mut self, seen: impl Fn(u64, &dyn Fn(u64) -> ApproachId) -> Option<Seen>) -> Rate {
        let approaches = self.approaches.clone();
        let by = |random: u64| approaches[(random / 100 % 6) as usize];
        let mut rate = Rate::default();
        for first in (0..self.devices).step_by(CHUNK as usize) {
            let chunk = (first..self.devices.min(first + CHUNK)).map(random);
            let chunk: Vec<_> = chunk.filter_map(|n| Some((format!("i-{n:017x}"), n, seen(n, &by)?))).collect();
            let changes = rate.measure(|| self.note(&chunk));
            rate.changes += changes;
        }
        rate.measure(|| self.ledger.flush().expect("room on the disk"));
        self.clock += 1_200;
        rate
    }

    /// How many of these change something.
    fn note(&mut self, sightings: &[(String, u64, Seen)]) -> u64 {
        let mut changes = 0;
        for (device, random, seen) in sightings {
            let block = self.blocks[(random / 1_000 % 60) as usize];
            let at = self.clock + (random / 60_000 % 1_200) as i64;
            let change = self.ledger.note(device, block, *seen, at).expect("room on the disk");
            changes += u64::from(change.is_some());
        }
        changes
    }

    fn on_disk(&self) -> f64 {
        let files = std::fs::read_dir(&self.folder).expect("the folder").flatten();
        files.filter_map(|file| Some(file.metadata().ok()?.len())).sum::<u64>() as f64 / 1e6
    }
}

fn sums_of(ledger: &Ledger) -> String {
    let all: Vec<String> = ledger.sums().map(|(block, sums)| format!("{block} {sums:?}")).collect();
    let total = |of: fn(&entente_ledger::Sums) -> u64| ledger.sums().map(|(_, sums)| of(sums)).sum::<u64>();
    let digest = entente_schemas::digest::hex(&entente_schemas::digest::sha256(all.join("\n").as_bytes()));
    format!(
        "sums {digest}: {} well, {} affected, {} unknown, {} ever affected, {} relapsed, {} restored ({} timed)",
        total(|sums| sums.well),
        total(|sums| sums.affected),
        total(|sums| sums.unknown),
        total(|sums| sums.ever_affected),
        total(|sums| sums.relapsed),
        total(|sums| sums.restored.total()),
        total(|sums| sums.took.iter().map(|(_, _, devices)| devices).sum())
    )
}

/// The n-th number of a sequence that repeats none.
fn random(n: u64) -> u64 {
    let mut x = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 31)
}

fn megabytes(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

/// The most that this process ever had resident.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
