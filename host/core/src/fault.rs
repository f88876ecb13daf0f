//! Faults on purpose, for the tests that kill the real program at a named point.
//!
//! `CALLBOARD_FAULT=POINT=kill` ends the process there as `kill -9` does, `POINT=stop` freezes
//! it, `POINT=panic` ends the task, `POINT=hang` never lets its thread go on, and `POINT@N=…` does it
//! the N-th time, once. `clock=SECONDS` shifts the engine's clock.
//! Without the variable a point costs one comparison.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::SignedDuration;
use rustix::process::{Signal, getpid, kill_process};

/// The environment variable that asks for faults; several are separated by commas.
pub const VARIABLE: &str = "CALLBOARD_FAULT";

/// Where a process can be ended: the points of the host, and those of the crates that stand on it.
pub struct Points(pub &'static [&'static str]);

inventory::collect!(Points);

/// All of them.
pub fn points() -> impl Iterator<Item = &'static str> {
    inventory::iter::<Points>().flat_map(|points| points.0.iter().copied())
}

inventory::submit! { Points(&POINTS) }

const POINTS: [&str; 20] = [
    "before-look",
    "before-heartbeat",
    "before-group",
    "before-claim",
    "after-claim",
    "before-handler",
    "before-check",
    "after-handler",
    "before-commit",
    "after-commit",
    "before-successor",
    "before-end",
    "before-gate",
    "after-gate",
    "before-approval",
    "after-approval",
    "before-fired",
    "before-backup",
    "drain",
    "beside",
];

struct Fault {
    point: String,
    strike: Strike,
    /// Times until the point strikes; 0 when it has.
    left: AtomicU32,
}

#[derive(Clone, Copy)]
enum Strike {
    Signal(Signal),
    Panic,
    Hang,
}

#[derive(Default)]
struct Faults {
    points: Vec<Fault>,
    clock: SignedDuration,
}

static FAULTS: OnceLock<Faults> = OnceLock::new();

fn faults() -> &'static Faults {
    FAULTS.get_or_init(|| {
        std::env::var(VARIABLE).map_or_else(|_| Faults::default(), |text| parse(&text))
    })
}

fn parse(text: &str) -> Faults {
    let mut faults = Faults::default();
    for (name, value) in text.split(',').filter_map(|one| one.split_once('=')) {
        let strike = match value {
            "kill" => Strike::Signal(Signal::KILL),
            "stop" => Strike::Signal(Signal::STOP),
            "panic" => Strike::Panic,
            "hang" => Strike::Hang,
            seconds => {
                faults.clock = SignedDuration::from_secs(seconds.parse().unwrap_or_default());
                continue;
            }
        };
        let (point, times) = name.split_once('@').unwrap_or((name, "1"));
        let left = times.parse().unwrap_or(1);
        faults.points.push(Fault {
            point: point.to_owned(),
            strike,
            left: AtomicU32::new(left),
        });
    }
    faults
}

/// A point at which a test may end or freeze the process, or end the task.
///
/// # Panics
///
/// If the test asks for that.
pub fn point(name: &str) {
    debug_assert!(
        points().any(|known| known == name),
        "`{name}` is no point of a fault"
    );
    for fault in &faults().points {
        if fault.point == name && passed(&fault.left) {
            match fault.strike {
                Strike::Signal(signal) => strike(signal),
                Strike::Panic => panic!("a fault on purpose, {name}"),
                Strike::Hang => hang(name),
            }
        }
    }
}

/// Whether the point's time has come.
fn passed(left: &AtomicU32) -> bool {
    let fewer = |left: u32| left.checked_sub(1);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer) == Ok(1)
}

/// As what computes for ever, or waits for a disk that is gone.
fn hang(name: &str) {
    tracing::warn!(name, "this thread hangs, on purpose");
    loop {
        std::thread::park();
    }
}

/// From within, so that nothing passes the point meanwhile.
fn strike(signal: Signal) {
    if kill_process(getpid(), signal).is_err() {
        std::process::abort();
    }
}

/// How far the engine's clock is off, on purpose.
pub fn clock_shift() -> SignedDuration {
    faults().clock
}
