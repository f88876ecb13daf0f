//! Shows what a run does while it does it, on standard error.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use callboard_core::engine::{Run, StageRun, Watcher};
use callboard_core::outcome::Outcome;

use super::output::Output;

/// How often a terminal is told how long a stage has been at it.
const TICK: Duration = Duration::from_secs(1);
/// How often everybody else is.
const REMIND: u64 = 30;

/// Prints a line for each stage, and how long those under way have been at it.
pub(super) struct Progress {
    output: Output,
    under_way: Arc<Mutex<StartedStage>>,
}

#[derive(Default)]
struct StartedStage {
    /// Stages with the time they began, in that order.
    stages: Vec<(String, Instant)>,
    ticks: u64,
}

impl Progress {
    pub(super) fn of(output: Output) -> Arc<Self> {
        let under_way = Arc::default();
        tokio::spawn(tick(output, Arc::downgrade(&under_way)));
        Arc::new(Self { output, under_way })
    }

    fn ended(&self, stage: &str) -> MutexGuard<'_, StartedStage> {
        let mut under_way = locked(&self.under_way);
        let mut stages = under_way.stages.iter();
        if let Some(index) = stages.position(|(known, _)| known == stage) {
            under_way.stages.remove(index);
        }
        under_way
    }
}

impl Watcher for Progress {
    fn stage_started(&self, _run: &Run, stage: &str, handler: &str) {
        let mut under_way = locked(&self.under_way);
        under_way.stages.push((stage.to_owned(), Instant::now()));
        self.output
            .progress(format_args!("  {stage} ({handler}) …"));
    }

    fn stage_ended(&self, _run: &Run, row: &StageRun) {
        let _quiet = self.ended(&row.stage);
        let mark = if matches!(row.outcome, Outcome::Done(_)) {
            "✓"
        } else {
            "·"
        };
        let took = row
            .finished_at
            .duration_since(row.started_at)
            .unsigned_abs();
        let detail = row.outcome.detail();
        let separator = if detail.is_empty() { "" } else { ": " };
        self.output.progress(format_args!(
            "  {mark} {} {}{separator}{detail} ({})",
            row.stage,
            row.outcome.name(),
            length(took),
        ));
    }

    fn followed(&self, elsewhere: &str) {
        let _quiet = locked(&self.under_way);
        self.output
            .progress(format_args!("{elsewhere} carries it out; following"));
    }

    fn attempt_failed(&self, _run: &Run, stage: &str, detail: &str, pause: Duration) {
        let _quiet = locked(&self.under_way);
        self.output.progress(format_args!(
            "  {stage}: {detail}; again in {}",
            length(pause)
        ));
    }
}

/// Tell how long stages have been under way, until the watcher is dropped: each second on a line of
/// a terminal that is written over, else on a line of its own now and then.
async fn tick(output: Output, watched: Weak<Mutex<StartedStage>>) {
    loop {
        tokio::time::sleep(TICK).await;
        let Some(under_way) = watched.upgrade() else {
            return;
        };
        let mut under_way = locked(&under_way);
        under_way.ticks += 1;
        let Some(told) = told(&under_way.stages) else {
            continue;
        };
        if output.is_live() {
            output.live(told);
        } else if under_way.ticks.is_multiple_of(REMIND) {
            output.progress(told);
        }
    }
}

/// Do work that may take long at the first time, and tell how long it has been at it.
pub(super) async fn patiently<T>(output: Output, what: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let began = Instant::now();
    let mut ticks = 0_u64;
    loop {
        tokio::select! {
            result = &mut work => {
                // The answer begins on a line of its own.
                output.live("");
                return result;
            }
            () = tokio::time::sleep(TICK) => ticks += 1,
        }
        let told = format!("  … {what}, {} s", began.elapsed().as_secs());
        if output.is_live() {
            output.live(told);
        } else if ticks.is_multiple_of(REMIND) {
            output.progress(told);
        }
    }
}

/// Stages that have been under way for a second or more; none if none has.
fn told(stages: &[(String, Instant)]) -> Option<String> {
    let stages = stages
        .iter()
        .map(|(stage, began)| (stage, began.elapsed().as_secs()));
    let stages = stages.filter(|(_, seconds)| *seconds > 0);
    let told: Vec<_> = stages
        .map(|(stage, seconds)| format!("{stage} {seconds} s"))
        .collect();
    (!told.is_empty()).then(|| format!("  … {}", told.join(", ")))
}

fn locked(under_way: &Mutex<StartedStage>) -> MutexGuard<'_, StartedStage> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A length of time for people.
pub(super) fn length(duration: Duration) -> String {
    match duration.as_millis() {
        0 => format!("{} µs", duration.as_micros()),
        millis @ 1..1000 => format!("{millis} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}
