//! Schedules against `docs/schedules.md`, a year of minutes, and the cron crate itself.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use super::*;

mod clocks;
mod due;
mod reading;

fn read(text: &str) -> Result<Schedule, String> {
    #[derive(Deserialize)]
    struct File {
        schedule: Vec<Schedule>,
    }
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    file.schedule.into_iter().next().ok_or("none".to_owned())
}

fn schedule(keys: &str) -> Schedule {
    read(&format!("[[schedule]]\n{keys}")).expect(keys)
}

fn cron(cron: &str, zone: &str) -> Schedule {
    schedule(&format!("cron = \"{cron}\"\nzone = \"{zone}\"\n"))
}

fn rules(zone: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(zone).expect(zone)
}

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at + SignedDuration::from_secs(seconds)
}

/// Numbers without pattern, the same in every run of the tests.
fn numbers(seed: u64) -> impl Iterator<Item = i64> {
    let next = |number: &u64| {
        Some(
            number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1),
        )
    };
    std::iter::successors(Some(seed), next).map(|number| (number >> 33).cast_signed())
}

const DOCS: &str = include_str!("../../../../docs/schedules.md");

/// Rows of the table in the documentation whose first head is `head`.
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| -> Vec<&str> {
        let line = line.trim_matches(['|', ' ']);
        line.split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect()
    };
    let mut lines = DOCS
        .lines()
        .skip_while(|line| !line.starts_with(&format!("| {head} |")));
    lines.by_ref().take(2).for_each(drop);
    lines
        .take_while(|line| line.starts_with('|'))
        .map(cells)
        .collect()
}
