//! What a sidecar costs its host while nothing happens: resident memory, share of a core, size of the program. Each reads its
//! double at the pace of its defaults.

use std::time::Duration;

use entente_tests::bench::resident_kib;
use entente_tests::clouds::{Clouds, NAMES};
use entente_tests::sidecar::{Sidecar, build, program};
use tokio::time::{Instant, sleep};

/// How long it may take until all that is read once has been read.
const SETTLING: Duration = Duration::from_secs(30);
const WATCHED: Duration = Duration::from_secs(120);
/// Clock ticks a second in /proc, on every Linux that Rust runs on.
const TICKS: u128 = 100;

#[tokio::main]
async fn main() {
    println!(
        "sidecars at rest, 1,000 machines in three clouds; goals: 20 MB resident (AWS 30 MB), below 1 % of a core"
    );
    NAMES.into_iter().for_each(build);
    let mut clouds = Clouds::start([400, 300, 300]).await;
    clouds.every = "60s";
    let sidecars: Vec<Sidecar> = (0..NAMES.len()).filter_map(|cloud| clouds.sidecar(cloud, "acme", true)).collect();
    sleep(SETTLING).await;
    let (began, before) = (Instant::now(), sidecars.iter().map(ticks).collect::<Vec<_>>());
    sleep(WATCHED).await;
    for ((sidecar, before), name) in sidecars.iter().zip(before).zip(NAMES) {
        let spent = u128::from(ticks(sidecar).saturating_sub(before)) * 1_000_000 / TICKS;
        let share_ppm = spent * 1_000_000 / began.elapsed().as_micros().max(1);
        let resident = sidecar.pid().map_or(0, resident_kib) * 1024;
        let size = program(name).and_then(|path| std::fs::metadata(path).ok()).map_or(0, |file| file.len());
        println!(
            "sidecar entente-{name}: {:.1} MB resident, {:.2} % of a core over {} s, program {:.1} MB",
            resident as f64 / 1e6,
            share_ppm as f64 / 1e4,
            began.elapsed().as_secs(),
            size as f64 / 1e6,
        );
    }
}

/// User and system time that a process has spent, in ticks.
fn ticks(sidecar: &Sidecar) -> u64 {
    let stat = sidecar.pid().and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok());
    let stat = stat.unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}
