//! Shows what a run does while it does it, on standard error.

use std::time::Duration;

use super::output::Output;
use crate::engine::Watcher;
use crate::outcome::Outcome;
use crate::store::runs::Run;
use crate::store::stage_runs::StageRun;

/// Prints a line for each stage.
pub(super) struct Progress(pub(super) Output);

impl Watcher for Progress {
    fn stage_started(&self, _run: &Run, stage: &str, handler: &str) {
        self.0.progress(format_args!("  {stage} ({handler}) …"));
    }

    fn stage_ended(&self, _run: &Run, row: &StageRun) {
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
        self.0.progress(format_args!(
            "  {mark} {} {}{separator}{detail} ({})",
            row.stage,
            row.outcome.name(),
            length(took),
        ));
    }

    fn attempt_failed(&self, _run: &Run, stage: &str, detail: &str, pause: Duration) {
        self.0.progress(format_args!(
            "  {stage}: {detail}; again in {}",
            length(pause)
        ));
    }
}

/// A length of time for people.
pub(super) fn length(duration: Duration) -> String {
    match duration.as_millis() {
        0 => format!("{} µs", duration.as_micros()),
        millis @ 1..1000 => format!("{millis} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}
