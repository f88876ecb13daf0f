//! What becomes of a cron when the clock of its zone is changed.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::{after, at, cron, numbers, rules, table};
use crate::schedule::Schedule;

/// One with half an hour, one whose gap ends a day, one with two hours, and one without.
const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Nuuk",
    "Antarctica/Troll",
    "Asia/Kolkata",
];
const FIXED: [&str; 6] = [
    "0 2 * * *",
    "30 2 * * *",
    "30 2,14 * * *",
    "0,15,45 0-3 * * *",
    "30 23 * * 6",
    "10 1 31 3,10 *",
];
const REPEATED: [&str; 5] = [
    "*/30 * * * *",
    "7 * * * *",
    "*/20 1-2 * * 0",
    "45 */2 * * *",
    "* 0,23 * 3,4,10,11 *",
];

#[test]
fn a_day_on_which_the_clock_is_changed_goes_as_documented() {
    let rows = table("cron");
    assert!(rows.len() > 10, "the table is found");
    for row in rows {
        let [written, zone, day, fires] = row[..] else {
            panic!("four cells: {row:?}")
        };
        let (schedule, rules) = (cron(written, zone), rules(zone));
        let day: Date = day.parse().expect(day);
        let midnight = day.to_zoned(rules.clone()).expect("a day").timestamp();
        let all = schedule
            .upcoming(after(midnight, -1))
            .map(|it| it.to_zoned(rules.clone()));
        let fired: Vec<String> = all
            .take_while(|it| it.date() == day)
            .map(|it| it.strftime("%H:%M%:z").to_string())
            .collect();
        let fired = fired.join(", ");
        match fires.strip_suffix(", …") {
            Some(first) => assert!(fired.starts_with(first), "{row:?}: {fired}"),
            None => assert_eq!(fired, fires, "{row:?}"),
        }
    }
}

/// The minutes that a cron in a zone fires at, found by looking at each minute: what the
/// clock shows, whether it showed it before, and what it has just left out.
fn by_the_minute(text: &str, rules: &TimeZone, from: Timestamp, days: i64) -> Vec<Timestamp> {
    let cron = plain(text);
    let fits = |wall: DateTime| cron.is_time_matching(&wall).expect("a time");
    let repeated = text.split(' ').take(2).any(|field| field.contains('*'));
    let mut shown = rules.to_datetime(after(from, -60));
    let mut fired = Vec::new();
    for minute in 0..days * 24 * 60 {
        let at = after(from, minute * 60);
        let wall = rules.to_datetime(at);
        let next = shown + 1.minute();
        let fires = if repeated {
            fits(wall)
        } else {
            let mut left_out = std::iter::successors(Some(next), |it| Some(*it + 1.minute()))
                .take_while(|it| *it < wall);
            (wall >= next && fits(wall)) || left_out.any(fits)
        };
        shown = shown.max(wall);
        fired.extend(fires.then_some(at));
    }
    fired
}

fn plain(text: &str) -> croner::Cron {
    text.parse().expect(text)
}

/// Moments around which a clock is changed, and one around which it is not.
fn moments(rules: &TimeZone) -> Vec<Timestamp> {
    let new_year = at("2027-01-01T00:00:00Z");
    let changes = rules.following(new_year).take(3).map(|it| it.timestamp());
    changes.chain([new_year]).collect()
}

#[test]
fn around_each_change_of_a_clock_it_fires_as_a_person_with_a_clock_would() {
    for zone in ZONES {
        let rules = rules(zone);
        for moment in moments(&rules) {
            let from = after(moment, -36 * 3600);
            for text in FIXED.iter().chain(&REPEATED) {
                let end = after(from, 3 * 24 * 3600);
                let schedule = cron(text, zone);
                let fired = schedule
                    .upcoming(after(from, -1))
                    .take_while(|it| *it < end);
                let fired: Vec<_> = fired.collect();
                let expected = by_the_minute(text, &rules, from, 3);
                assert_eq!(fired, expected, "{text} in {zone} around {moment}");
            }
        }
    }
}

#[test]
fn a_day_that_a_zone_left_out_is_made_up_for_at_its_end() {
    let schedule = cron("0 6 * * *", "Pacific/Apia");
    let days = schedule.upcoming(at("2011-12-29T00:00:00Z")).take(3);
    let expected = [
        "2011-12-29T16:00:00Z",
        "2011-12-30T10:00:00Z",
        "2011-12-30T16:00:00Z",
    ];
    assert_eq!(days.collect::<Vec<_>>(), expected.map(at));
}

fn year(schedule: &Schedule) -> Vec<Timestamp> {
    let end = at("2028-01-01T12:00:00Z");
    let all = schedule.upcoming(at("2026-12-31T12:00:00Z"));
    all.take_while(|it| *it < end).collect()
}

#[test]
fn over_a_year_occurrences_increase_and_no_fixed_time_comes_twice() {
    for zone in ZONES {
        let rules = rules(zone);
        for text in FIXED.iter().chain(&REPEATED) {
            let year = year(&cron(text, zone));
            assert!(year.is_sorted_by(|a, b| a < b), "{text} in {zone}");
            let walls: BTreeSet<_> = year.iter().map(|it| rules.to_datetime(*it)).collect();
            if FIXED.contains(text) {
                assert_eq!(walls.len(), year.len(), "{text} in {zone} comes twice");
            }
        }
        for (text, times) in [("30 2 * * *", 1), ("30 2,14 * * *", 2)] {
            let days = year(&cron(text, zone)).len();
            assert!(
                (366 * times - 1..=366 * times + 1).contains(&days),
                "{text} in {zone}: {days}"
            );
        }
    }
}

/// The crate's own search in a zone agrees where its rules are the same.
#[test]
fn single_times_and_plain_steps_fire_as_in_the_crate() {
    for zone in [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
    ] {
        for text in [
            "30 2 * * *",
            "45 1 * * *",
            "0 0 * * *",
            "*/30 * * * *",
            "15 * * * *",
            "5 */3 * * *",
        ] {
            let ours = year(&cron(text, zone));
            let start = at("2026-12-31T12:00:00Z").to_zoned(rules(zone));
            let theirs = plain(text).iter_after(start);
            let theirs: Vec<_> = theirs.map(|it| it.timestamp()).take(ours.len()).collect();
            assert_eq!(ours, theirs, "{text} in {zone}");
        }
    }
}

#[test]
fn from_any_moment_the_next_is_the_next_of_all() {
    for zone in ZONES {
        let changes = moments(&rules(zone));
        for text in FIXED.iter().chain(&REPEATED) {
            let schedule = cron(text, zone);
            let year = year(&schedule);
            for (change, number) in changes.iter().cycle().zip(numbers(7)).take(200) {
                let moment = after(*change, number % (6 * 3600) - 3 * 3600);
                let moment = moment + SignedDuration::from_nanos(number % 1_000_000_000);
                let expected = year.iter().find(|it| **it > moment).copied();
                if expected.is_some() {
                    assert_eq!(
                        schedule.next(moment),
                        expected,
                        "{text} in {zone} after {moment}"
                    );
                }
            }
        }
    }
}
