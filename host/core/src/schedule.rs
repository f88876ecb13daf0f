//! Schedules as data: when a run is due, which occurrences were missed, and when each starts.
//!
//! No IO and no clock: the time is always an argument, and the rules of time zones come with
//! the program, so that every worker of a release finds the same occurrences. What can be
//! written, and what daylight saving time does to it, is in `docs/schedules.md`.

mod cron;
mod every;
mod words;
mod written;
mod zone;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

pub use self::cron::Cron;
pub use self::every::Every;
pub use self::zone::Zone;
use crate::pipeline::Span;

/// The most occurrences that come due in one go; the rest is due right after.
const MOST_DUE: usize = 100;
/// Dropped occurrences are counted up to here, so that a clock that stood at 1970 costs
/// milliseconds and not minutes.
const MOST_DROPPED: u64 = 10_000;

/// When runs begin by themselves: an element of `[[schedule]]`.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub when: When,
    /// Occurrences missed by more than this are dropped.
    pub catch_up: Span,
    pub overlap: Overlap,
    /// The longest time between an occurrence and the start of its run.
    pub jitter: Span,
    /// Whether it counts at all; what is asked of a schedule does not depend on it.
    pub enabled: bool,
    /// What the run is started with.
    pub input: Map<String, Json>,
}

/// The times of a schedule.
#[derive(Debug, Clone)]
pub enum When {
    /// Times of the wall clock of a zone.
    Cron { cron: Cron, zone: Zone },
    /// Every multiple of a length of time, counted from a Monday, 00:00 UTC.
    Every(Every),
}

/// What happens to an occurrence if the run before it has not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// The occurrence passes without a run.
    #[default]
    Skip,
    /// Its run waits until the one before has ended.
    Queue,
    /// The run before is cancelled.
    Replace,
    /// Its run starts beside the one before, such as one that waits for a person.
    Allow,
}

impl Overlap {
    /// As definitions write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Queue => "queue",
            Self::Replace => "replace",
            Self::Allow => "allow",
        }
    }
}

/// What is to be done about a schedule at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueOccurrences {
    /// Occurrences to run now, oldest first; at most 100.
    pub occurrences: Vec<Timestamp>,
    /// How many were missed by more than `catch_up`; counted to 10,000.
    pub dropped: u64,
    /// What to pass as `last` the next time, once the above is done.
    pub handled: Timestamp,
    /// The occurrence after `handled`. It is not after the moment if there were too many.
    pub next: Option<Timestamp>,
}

impl Schedule {
    /// The first occurrence after a moment, without jitter. Occurrences are whole seconds.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.when {
            When::Cron { cron, zone } => zone.next(cron, after),
            When::Every(every) => every.next(after),
        }
    }

    /// All occurrences after a moment, without jitter.
    pub fn upcoming(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next(after), |at| self.next(*at))
    }

    /// The occurrences after `last`, the last one that was handled, up to `now`.
    ///
    /// Nothing is lost and nothing comes twice if each call gets what the one before gave as
    /// `handled`, however the time between is split.
    pub fn due(&self, last: Timestamp, now: Timestamp) -> DueOccurrences {
        let kept_from = now
            .checked_sub(self.catch_up.0)
            .unwrap_or(Timestamp::UNIX_EPOCH);
        let mut due = DueOccurrences {
            occurrences: Vec::new(),
            dropped: 0,
            handled: last,
            next: None,
        };
        loop {
            due.next = self.next(due.handled);
            let Some(at) = due.next.filter(|at| *at <= now) else {
                return due;
            };
            if at >= kept_from {
                if due.occurrences.len() == MOST_DUE {
                    return due;
                }
                due.occurrences.push(at);
                due.handled = at;
            } else if due.dropped < MOST_DROPPED {
                due.dropped += 1;
                due.handled = at;
            } else {
                due.handled = just_before(kept_from);
            }
        }
    }

    /// When the run of an occurrence starts: with the jitter, which is the same wherever it is
    /// asked for, and before the next occurrence in any case.
    pub fn start(&self, name: &str, occurrence: Timestamp) -> Timestamp {
        let pause = self.next(occurrence).and_then(|next| {
            let pause = next.duration_since(occurrence);
            Duration::try_from(pause).ok()
        });
        let most = pause.map_or(self.jitter.0, |pause| pause.min(self.jitter.0));
        let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        let jitter = spread(name, occurrence).checked_rem(millis).unwrap_or(0);
        let start = occurrence.checked_add(Duration::from_millis(jitter));
        start.unwrap_or(occurrence)
    }

    /// The zone that its times are told in.
    pub fn zone(&self) -> Zone {
        match &self.when {
            When::Cron { zone, .. } => zone.clone(),
            When::Every(_) => Zone::default(),
        }
    }

    /// When it fires, for a person: `at 06:00, Monday through Friday, Europe/Berlin`.
    pub fn describe(&self) -> String {
        match &self.when {
            When::Cron { cron, zone } => format!("{}, {zone}", cron.describe()),
            When::Every(every) => format!("every {}", every.span()),
        }
    }
}

/// As it is written: `0 6 * * 1-5 Europe/Berlin`, or `every 10m`.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            When::Cron { cron, zone } => write!(f, "{cron} {zone}"),
            When::Every(every) => write!(f, "every {}", every.span()),
        }
    }
}

/// Occurrences are whole seconds, so none lies between this and `at`.
fn just_before(at: Timestamp) -> Timestamp {
    at.checked_sub(Duration::from_nanos(1)).unwrap_or(at)
}

/// A number that looks random and is the same everywhere.
fn spread(name: &str, occurrence: Timestamp) -> u64 {
    let text = format!("{name} {}", occurrence.as_second());
    let digest = Sha256::digest(text);
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
