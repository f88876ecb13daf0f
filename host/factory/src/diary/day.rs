//! A UTC day: which one is asked for, when it begins and when it is over.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// What a run was asked to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedDay {
    Day(Date),
    /// The latest day with substance.
    Latest,
}

impl WantedDay {
    /// Read `YYYY-MM-DD` or `latest`; the error says what would do.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, String> {
        if text == "latest" {
            return Ok(WantedDay::Latest);
        }
        let date = text.parse::<Date>().ok();
        let date = date.filter(|date| date.to_string() == text);
        let date = date.ok_or_else(|| {
            format!("date `{text}` is not a day such as `2026-06-25`, nor `latest`")
        })?;
        in_range(date, now).map(WantedDay::Day)
    }
}

fn in_range(date: Date, now: Timestamp) -> Result<Date, String> {
    let today = day_of(now);
    if date > today {
        return Err(format!(
            "date `{date}` has not begun: today is {today} in UTC; give a day up to that"
        ));
    }
    if date.year() < 1970 {
        return Err(format!(
            "date `{date}` is before 1970-01-01, where the clock of git begins"
        ));
    }
    Ok(date)
}

/// The UTC day of a time.
pub fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// The UTC day of seconds since 1970.
pub fn day_of_seconds(seconds: i64) -> Date {
    day_of(Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Whether no commit can be made in this day any more.
pub fn is_over(day: Date, now: Timestamp) -> bool {
    day < day_of(now)
}

/// The second that a day begins with.
pub fn begins_at(day: Date) -> i64 {
    let midnight = day.to_zoned(TimeZone::UTC);
    midnight.map_or(0, |zoned| zoned.timestamp().as_second())
}

/// The second that the next day begins with.
pub fn ends_at(day: Date) -> i64 {
    begins_at(day.saturating_add(1.day()))
}

/// `25 June 2026`; the text itself if it is not a day.
pub fn in_words(day: &str) -> String {
    let date = day.parse::<Date>().ok();
    date.map_or_else(
        || day.to_owned(),
        |date| date.strftime("%-d %B %Y").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-06-25T23:59:59Z".parse().expect("a time")
    }

    #[test]
    fn only_whole_days_up_to_today_are_taken() {
        assert_eq!(WantedDay::parse("latest", now()), Ok(WantedDay::Latest));
        assert!(WantedDay::parse("2026-06-25", now()).is_ok());
        for text in [
            "",
            "today",
            "2026-6-5",
            "20260625",
            "2026-02-30",
            "2026-06-25T00:00",
            "2026-06-26",
            "9999-12-31",
            "1969-12-31",
            "-2026-06-25",
        ] {
            assert!(WantedDay::parse(text, now()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_begins_and_ends_at_midnight_in_utc() {
        let day: Date = "2026-06-25".parse().expect("a day");
        assert_eq!(day_of_seconds(begins_at(day)), day);
        assert_eq!(day_of_seconds(ends_at(day) - 1), day);
        assert!(day_of_seconds(ends_at(day)) > day);
        assert!(!is_over(day, now()));
        assert_eq!(in_words("2026-06-05"), "5 June 2026");
    }
}
