//! Cron texts in words, for a person who reads a list of schedules. The description that comes with
//! croner is not told: of `5 0-12/3 * * *` it says "of every 3 hours", of `*/7 * * * *` "every 7
//! minutes", and neither is so; and `0 6,18 * * *` is no two times of the day to it.

use super::Cron;
use super::cron::nth;

/// More times of the day than this are told by their minutes and hours.
const MOST_TIMES: usize = 6;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// From Sunday, which is 0, to Sunday, which is 7.
const DAYS: [&str; 8] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

const COUNTS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

impl Cron {
    /// The times for a person, without the zone.
    pub fn describe(&self) -> String {
        describe(self)
    }
}

fn describe(cron: &Cron) -> String {
    let fields: Vec<&str> = cron.fields().collect();
    let [minutes, hours, days, months, weekdays] = cron.values();
    let time = if cron.is_fixed() && minutes.len() * hours.len() <= MOST_TIMES {
        times(&minutes, &hours)
    } else {
        repetition(&fields, &minutes, &hours)
    };
    let month = if fields[3] == "*" {
        String::new()
    } else {
        let names = ranges(&months, " through ", |month| {
            MONTHS[usize::from(month) - 1].to_owned()
        });
        format!("in {}", list(names))
    };
    let day = day(&fields, &days, &weekdays);
    let parts = [time, day, month];
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(", ")
}

/// `at 06:00 and 18:00`
fn times(minutes: &[u16], hours: &[u16]) -> String {
    let times = hours.iter().flat_map(|hour| {
        minutes
            .iter()
            .map(move |minute| format!("{hour:02}:{minute:02}"))
    });
    format!("at {}", list(times.collect()))
}

/// `every 10 minutes from 9-17`, `at minute 5 of every hour`
fn repetition(fields: &[&str], minutes: &[u16], hours: &[u16]) -> String {
    let minute = match (fields[0], step(fields[0], 60)) {
        ("*", _) => "every minute".to_owned(),
        (_, Some(step)) => format!("every {step} minutes"),
        _ => format!("at minute {}", list(numbers(minutes))),
    };
    let hour = match (fields[1], step(fields[1], 24)) {
        ("*", _) if minute.starts_with("every") => String::new(),
        ("*", _) => " of every hour".to_owned(),
        (_, Some(step)) => format!(" of every {step} hours"),
        _ => format!(" of hour {}", list(numbers(hours))),
    };
    minute + &hour
}

/// The step of `*/n`, if it goes on evenly from one hour or day to the next.
fn step(field: &str, size: u16) -> Option<u16> {
    let step: u16 = field.strip_prefix("*/")?.parse().ok()?;
    (step > 1 && step < size && size.is_multiple_of(step)).then_some(step)
}

/// `Monday through Friday`, `on day 1 of the month and on the last Friday of the month`
fn day(fields: &[&str], days: &[u16], weekdays: &[u16]) -> String {
    let mut week: Vec<u16> = weekdays.iter().map(|day| (day + 6) % 7 + 1).collect();
    week.sort_unstable();
    let mut of_week = ranges(&week, " through ", weekday);
    of_week.extend(fields[4].split(',').filter_map(counted));
    let of_week = list(of_week);
    match (fields[2], fields[4]) {
        ("*", "*") => String::new(),
        (_, "*") => of_month(fields[2], days),
        ("*", _) => of_week,
        _ => format!("{} and on {of_week}", of_month(fields[2], days)),
    }
}

fn of_month(field: &str, days: &[u16]) -> String {
    let mut days = numbers(days);
    if !field.contains('L') {
        return format!("on day {} of the month", list(days));
    }
    if days.is_empty() {
        return "on the last day of the month".to_owned();
    }
    days.push("the last".to_owned());
    format!("on day {} of the month", list(days))
}

fn weekday(day: u16) -> String {
    DAYS[usize::from(day)].to_owned()
}

/// `the second Monday of the month` from `1#2`.
fn counted(element: &str) -> Option<String> {
    let (day, count) = nth(element)?;
    let named = |name: &&str| name[..3].eq_ignore_ascii_case(day);
    let day = day.parse().ok().or_else(|| DAYS.iter().position(named))?;
    let count = match count {
        "L" => "last",
        count => COUNTS.get(count.parse::<usize>().ok()?.checked_sub(1)?)?,
    };
    Some(format!("the {count} {} of the month", DAYS.get(day)?))
}

fn numbers(values: &[u16]) -> Vec<String> {
    ranges(values, "-", |value| value.to_string())
}

/// Three or more values in a row become a range.
fn ranges(values: &[u16], to: &str, name: impl Fn(u16) -> String) -> Vec<String> {
    let rows = values.chunk_by(|a, b| a + 1 == *b);
    let named = rows.flat_map(|row| match row {
        [first, _, .., last] => vec![name(*first) + to + &name(*last)],
        row => row.iter().map(|value| name(*value)).collect(),
    });
    named.collect()
}

/// `a, b and c`
fn list(mut items: Vec<String>) -> String {
    match items.pop() {
        Some(last) if items.is_empty() => last,
        Some(last) => format!("{} and {last}", items.join(", ")),
        None => String::new(),
    }
}
