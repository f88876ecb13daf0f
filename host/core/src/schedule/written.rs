//! A schedule as it stands in a file, with what is left out filled in.

use std::fmt;

use serde::{Deserialize, de};
use serde_json::{Map, Value as Json};

use super::{Cron, Every, Overlap, Schedule, When, Zone};
use crate::pipeline::Span;

/// Less than this could pass between an occurrence and the worker that looks for it.
const LEAST_CATCH_UP: Span = Span::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSchedule {
    cron: Option<Cron>,
    every: Option<Every>,
    zone: Option<Zone>,
    #[serde(default = "one_hour", deserialize_with = "catch_up")]
    catch_up: Span,
    #[serde(default)]
    overlap: Overlap,
    #[serde(default = "none")]
    jitter: Span,
    #[serde(default = "enabled")]
    enabled: bool,
    #[serde(default)]
    input: Map<String, Json>,
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ScheduleVisitor)
    }
}

/// Keys that do not fit together are refused while the table is visited: an error that comes
/// later has no place, and would be taken for one of the first `[[schedule]]`.
struct ScheduleVisitor;

impl<'de> de::Visitor<'de> for ScheduleVisitor {
    type Value = Schedule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table with `cron` or `every`")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, table: A) -> Result<Schedule, A::Error> {
        let table = de::value::MapAccessDeserializer::new(table);
        let written = WrittenSchedule::deserialize(table)?;
        written.schedule().map_err(de::Error::custom)
    }
}

impl WrittenSchedule {
    fn schedule(self) -> Result<Schedule, &'static str> {
        let when = match (self.cron, self.every, self.zone) {
            (Some(cron), None, zone) => When::Cron {
                cron,
                zone: zone.unwrap_or_default(),
            },
            (None, Some(every), None) => When::Every(every),
            (None, Some(_), Some(_)) => {
                return Err("`zone` has no meaning beside `every`; remove it, or write a `cron`");
            }
            (Some(_), Some(_), _) => {
                return Err("the schedule has both `cron` and `every`; remove one of them");
            }
            (None, None, _) => {
                return Err("the schedule has neither `cron` nor `every`; add one of them");
            }
        };
        Ok(Schedule {
            when,
            catch_up: self.catch_up,
            overlap: self.overlap,
            jitter: self.jitter,
            enabled: self.enabled,
            input: self.input,
        })
    }
}

fn catch_up<'de, D: de::Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    let span = Span::deserialize(deserializer)?;
    if span < LEAST_CATCH_UP {
        let message = format!(
            "`{span}` is too short to notice an occurrence in time; write `{LEAST_CATCH_UP}` or more"
        );
        return Err(de::Error::custom(message));
    }
    Ok(span)
}

fn one_hour() -> Span {
    Span::from_secs(3600)
}

fn none() -> Span {
    Span::from_secs(0)
}

fn enabled() -> bool {
    true
}
