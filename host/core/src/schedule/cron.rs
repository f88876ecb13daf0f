//! Cron texts: five fields that wall-clock times are compared with.

use std::fmt;

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{DateTime, date};
use serde::{Deserialize, de};

use crate::foreign_reader;

/// The most characters of a cron text.
const LONGEST: usize = 1_000;

/// Times of a wall clock in five fields: minute, hour, day of the month, month, day of the week.
///
/// A field is `*`, a value, a range `a-b`, a step `*/n` or `a-b/n`, or several of these with
/// commas between. Months and days of the week have names (`JAN`, `MON`); Sunday is 0 and 7. The
/// last day of the month is `L`, its second Monday `1#2` and its last Friday `5L`. If both
/// kinds of day are given, either will do. Nothing else is understood: no seconds, years,
/// `?`, `W`, `+` and `@daily`.
#[derive(Clone, PartialEq, Eq)]
pub struct Cron {
    /// As it was written, in capitals and with one space between fields.
    text: String,
    parsed: Box<croner::Cron>,
}

/// What may stand in one of the five.
struct Field {
    name: &'static str,
    values: &'static str,
    /// Names that stand for numbers.
    names: &'static [&'static str],
    /// Whether an element is a day that depends on the month.
    depends: fn(&str) -> bool,
}

const MONTHS: &[&str] = &[
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 5] = [
    field("minute", "0-59", &[], |_| false),
    field("hour", "0-23", &[], |_| false),
    field("day of the month", "1-31, `L`", &[], |it| it == "L"),
    field("month", "1-12, JAN-DEC", MONTHS, |_| false),
    field("day of the week", "0-7, SUN-SAT, `1#2`, `5L`", DAYS, |it| {
        nth(it).is_some()
    }),
];

const fn field(
    name: &'static str,
    values: &'static str,
    names: &'static [&'static str],
    depends: fn(&str) -> bool,
) -> Field {
    Field {
        name,
        values,
        names,
        depends,
    }
}

impl Cron {
    /// Reads a text; the error is a message that names the mend.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!(
                "a cron text of more than {LONGEST} characters; write several schedules"
            ));
        }
        let text = text.to_uppercase();
        let fields: Vec<&str> = text.split_whitespace().collect();
        count(&fields)?;
        for (index, (field, written)) in FIELDS.iter().zip(&fields).enumerate() {
            if !field.reads(index, written) {
                return Err(format!(
                    "`{written}` is no {}; write one of {}, or `*`, `a-b`, `*/n`, or several with commas",
                    field.name, field.values
                ));
            }
        }
        let text = fields.join(" ");
        let parsed = croner(&text).ok_or_else(|| format!("`{text}` is not a cron text"))?;
        let cron = Self {
            text,
            parsed: Box::new(parsed),
        };
        if cron.next(date(2000, 1, 1).at(0, 0, 0, 0), true).is_none() {
            let text = &cron.text;
            return Err(format!(
                "`{text}` never fires; name a day that its months have"
            ));
        }
        Ok(cron)
    }

    /// The first time on the wall clock that fits, from `from` on or after it. Wall clocks
    /// know no zone; what a time means in one is for the zone to say.
    pub(super) fn next(&self, from: DateTime, inclusive: bool) -> Option<DateTime> {
        let next = || self.parsed.find_next_occurrence(&from, inclusive);
        foreign_reader::read("cron", next).ok()?.ok()
    }

    /// Whether it names hours and minutes, and so times of the day, instead of repeating
    /// throughout the day with a `*`.
    pub(super) fn is_fixed(&self) -> bool {
        self.fields().take(2).all(|field| !field.contains('*'))
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        self.text.split(' ')
    }

    /// The values that the fields stand for, without those that depend on the month.
    pub(super) fn values(&self) -> [Vec<u16>; 5] {
        let pattern = &self.parsed.pattern;
        [
            pattern.minutes.values(),
            pattern.hours.values(),
            pattern.days.values(),
            pattern.months.values(),
            pattern.days_of_week.values(),
        ]
    }
}

impl Field {
    /// Whether it is written so that it can be read in the place `index`. The crate by itself
    /// would take more, such as empty elements, for which it then searches in vain for long.
    fn reads(&self, index: usize, written: &str) -> bool {
        let known = |word: &str| word.is_empty() || self.names.contains(&word);
        let plain = |element: &str| {
            let mut words = element.split(|it: char| it.is_ascii_digit() || "*-/".contains(it));
            !element.is_empty() && words.all(known)
        };
        let mut alone = ["*"; 5];
        alone[index] = written;
        written
            .split(',')
            .all(|element| plain(element) || (self.depends)(element))
            && croner(&alone.join(" ")).is_some()
    }
}

/// The day of the week and its count in the month: `1` and `2` of `1#2`, `5` and `L` of `5L`.
pub(super) fn nth(element: &str) -> Option<(&str, &str)> {
    let last = || element.strip_suffix('L').map(|day| (day, "L"));
    let (day, count) = element.split_once('#').or_else(last)?;
    let one_day = !day.is_empty() && day.chars().all(|it| it.is_ascii_alphanumeric());
    one_day.then_some((day, count))
}

fn croner(text: &str) -> Option<croner::Cron> {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed);
    foreign_reader::read("cron", || parser.build().parse(text))
        .ok()?
        .ok()
}

fn count(fields: &[&str]) -> Result<(), String> {
    let text = fields.join(" ");
    match fields {
        [_, _, _, _, _] => Ok(()),
        [_, rest @ ..] if fields.len() == 6 => Err(format!(
            "`{text}` has six fields, and seconds are none of a cron's five; write `{}`, or `every = \"30s\"` without a cron",
            rest.join(" ")
        )),
        _ => Err(format!(
            "`{text}` has {} of the five fields minute, hour, day of the month, month and day of the week; write all, such as `0 6 * * 1-5`",
            fields.len()
        )),
    }
}

impl<'de> Deserialize<'de> for Cron {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({self})")
    }
}
