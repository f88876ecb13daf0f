//! What the ledger of effects says of handlers that are expected again and again: silence, and
//! success that achieves nothing. No IO.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::spending;
use crate::pipeline::Pipeline;
use crate::policy;
use crate::span::Span;
use crate::store::effects::LedgerEntry;
use crate::store::schedules::{Cadence, Timetable};

/// The kinds of finding that come from the ledger.
pub const SILENCE: &str = "silence";
pub const NO_EFFECT: &str = "no-effect";
pub const FALLBACK: &str = "fallback";
/// All of them, and what a day's bound of models is.
pub const KINDS: [&str; 4] = [SILENCE, NO_EFFECT, FALLBACK, spending::CEILING];

/// Times of a schedule that its cadence is told by.
const TIMES: usize = 10;
/// Cadences without a success that are a silence.
const MISSED: u32 = 3;
/// Runs in a row in which a handler fell back that are worth a finding.
const FELL_BACK: u32 = 3;
/// No silence is shorter.
const SHORTEST: Duration = Duration::from_secs(60);

/// A handler that runs by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedHandler {
    pub pipeline: String,
    pub handler: String,
    /// Its cadence, if it is to succeed whenever its pipeline runs.
    pub every: Option<Duration>,
    /// Whether it is to have an effect, although it never had one yet.
    pub upkeep: bool,
}

/// The handlers of what is planned. Of a pipeline's, those that begin its runs are to succeed
/// each time; whether the others come to their turn depends.
pub fn expected(
    plan: &Timetable,
    pipelines: &BTreeMap<String, Arc<Pipeline>>,
    now: Timestamp,
) -> Vec<ExpectedHandler> {
    let planned = plan.schedules.values().filter(|planned| planned.enabled);
    let handlers = planned.flat_map(|planned| {
        let pipeline = pipelines.get(&planned.run.pipeline);
        let stages = pipeline.into_iter().flat_map(|pipeline| &pipeline.stages);
        stages.filter_map(move |stage| {
            let begins = stage.needed().next().is_none() && stage.when.is_empty();
            let every = begins.then(|| cadence(&planned.cadence, now)).flatten();
            Some(ExpectedHandler {
                pipeline: planned.run.pipeline.clone(),
                handler: stage.handler.as_ref()?.get_ref().clone(),
                every,
                upkeep: policy::of_pipeline(&planned.run.pipeline).is_some(),
            })
        })
    });
    handlers.collect()
}

/// The longest pause between the next few times.
fn cadence(cadence: &Cadence, now: Timestamp) -> Option<Duration> {
    let schedule = match cadence {
        Cadence::Pause(pause) => return Some(*pause),
        Cadence::Clock(schedule) => schedule,
    };
    let next = |at: &Timestamp| schedule.next(*at);
    let times: Vec<_> = std::iter::successors(next(&now), next)
        .take(TIMES)
        .collect();
    let pauses = times.windows(2).map(|pair| pair[1].duration_since(pair[0]));
    pauses.max().and_then(|pause| pause.try_into().ok())
}

/// Something that a person may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    pub kind: &'static str,
    /// The same for the same handler, whenever it is noticed.
    pub key: String,
    pub pipeline: String,
    pub message: String,
}

/// From when on, and by what, a ledger is judged.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    pub now: Timestamp,
    /// A handler that never succeeded is expected since then.
    pub since: Timestamp,
    /// Successes in a row without any effect that are worth a finding; 0 is never.
    pub effect_free: u32,
}

/// What is to be noticed about those expected.
pub fn notice(
    expected: &[ExpectedHandler],
    ledger: &[LedgerEntry],
    measure: Measure,
) -> Vec<Noticed> {
    let mut noticed = Vec::new();
    for expected in expected {
        let entry = ledger
            .iter()
            .find(|entry| entry.pipeline == expected.pipeline && entry.handler == expected.handler);
        noticed.extend(silence(expected, entry, measure));
        noticed.extend(entry.and_then(|entry| no_effect(expected, entry, measure)));
    }
    noticed
}

/// What is to be noticed about handlers that do their work in a lesser way again and again,
/// however their runs began.
pub fn fallbacks(
    pipelines: &BTreeMap<String, Arc<Pipeline>>,
    ledger: &[LedgerEntry],
) -> Vec<Noticed> {
    let known = |entry: &&LedgerEntry| {
        let pipeline = pipelines.get(&entry.pipeline);
        pipeline.is_some_and(|pipeline| pipeline.handlers().any(|name| *name == entry.handler))
    };
    let often = ledger.iter().filter(|entry| entry.fallbacks >= FELL_BACK);
    let noticed = often.filter(known).map(|entry| Noticed {
        kind: FALLBACK,
        key: format!("{FALLBACK}:{}:{}", entry.pipeline, entry.handler),
        pipeline: entry.pipeline.clone(),
        message: format!(
            "{} in {} fell back {} times in a row; the last time {}",
            entry.handler,
            entry.pipeline,
            entry.fallbacks,
            entry.fallback.as_deref().unwrap_or_default(),
        ),
    });
    noticed.collect()
}

fn silence(
    expected: &ExpectedHandler,
    entry: Option<&LedgerEntry>,
    measure: Measure,
) -> Option<Noticed> {
    let every = expected.every?;
    let success = entry.and_then(|entry| entry.last_success);
    let age = measure.now.duration_since(success.unwrap_or(measure.since));
    let age = Duration::try_from(age).unwrap_or_default();
    let limit = every.saturating_mul(MISSED).max(SHORTEST);
    let last = match success {
        Some(at) => format!("has not succeeded since {at:.0}"),
        None => "has never succeeded".to_owned(),
    };
    (age > limit).then(|| {
        let message = format!(
            "{} in {} {last}; it is expected every {}",
            expected.handler,
            expected.pipeline,
            Span(every),
        );
        expected.noticed(SILENCE, message)
    })
}

fn no_effect(expected: &ExpectedHandler, entry: &LedgerEntry, measure: Measure) -> Option<Noticed> {
    let free = measure.effect_free > 0 && entry.without >= measure.effect_free;
    let wanted = expected.upkeep || entry.last_effect.is_some();
    (free && wanted).then(|| {
        let last = entry.last_effect.map_or_else(
            || "it never had any".to_owned(),
            |at| format!("the last was at {at:.0}"),
        );
        let message = format!(
            "{} in {} succeeded {} times in a row without any effect; {last}",
            expected.handler, expected.pipeline, entry.without,
        );
        expected.noticed(NO_EFFECT, message)
    })
}

impl ExpectedHandler {
    /// Whether it ever succeeded.
    pub fn succeeded(&self, ledger: &[LedgerEntry]) -> bool {
        self.entry(ledger)
            .is_some_and(|entry| entry.last_success.is_some())
    }

    fn entry<'l>(&self, ledger: &'l [LedgerEntry]) -> Option<&'l LedgerEntry> {
        let mut entries = ledger.iter();
        entries.find(|entry| entry.pipeline == self.pipeline && entry.handler == self.handler)
    }

    fn noticed(&self, kind: &'static str, message: String) -> Noticed {
        Noticed {
            kind,
            key: format!("{kind}:{}:{}", self.pipeline, self.handler),
            pipeline: self.pipeline.clone(),
            message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    fn kinds(every: u64, last_success: Option<i64>, without: u32) -> Vec<&'static str> {
        let expected = ExpectedHandler {
            pipeline: "policy:p".into(),
            handler: "retention.x".into(),
            every: Some(Duration::from_secs(every)),
            upkeep: true,
        };
        let entry = LedgerEntry {
            pipeline: "policy:p".into(),
            handler: "retention.x".into(),
            run: "r".into(),
            outcome: "done".into(),
            last_at: at(900),
            last_success: last_success.map(at),
            last_effect: None,
            without,
            fallbacks: 0,
            fallback: None,
        };
        let measure = Measure {
            now: at(1000),
            since: at(500),
            effect_free: 5,
        };
        let noticed = notice(&[expected], &[entry], measure);
        noticed.iter().map(|noticed| noticed.kind).collect()
    }

    #[test]
    fn silence_is_three_cadences_and_a_minute() {
        assert_eq!(kinds(30, Some(910), 0), NONE);
        assert_eq!(kinds(30, Some(909), 0), [SILENCE]);
        assert_eq!(kinds(1, Some(940), 0), NONE, "not a minute yet");
        assert_eq!(kinds(1, Some(939), 0), [SILENCE]);
        assert_eq!(kinds(166, None, 0), [SILENCE], "never succeeded");
        assert_eq!(kinds(167, None, 0), NONE, "not expected for long");
    }

    #[test]
    fn the_fifth_success_without_an_effect_is_noticed() {
        assert_eq!(kinds(3600, Some(999), 4), NONE);
        assert_eq!(kinds(3600, Some(999), 5), [NO_EFFECT]);
    }

    const NONE: [&str; 0] = [];
}
