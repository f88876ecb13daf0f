//! What is due, what is dropped, and when a run starts.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{after, at, numbers, schedule, table};

#[test]
fn every_counts_from_a_monday_in_utc() {
    let next = |every: &str, after| schedule(&format!("every = \"{every}\"\n")).next(at(after));
    assert_eq!(
        next("10m", "2027-03-28T00:59:59.5Z"),
        Some(at("2027-03-28T01:00:00Z"))
    );
    assert_eq!(
        next("10m", "2027-03-28T01:00:00Z"),
        Some(at("2027-03-28T01:10:00Z"))
    );
    assert_eq!(
        next("24h", "2027-03-28T12:00:00Z"),
        Some(at("2027-03-29T00:00:00Z"))
    );
    assert_eq!(
        next("168h", "2027-03-28T12:00:00Z"),
        Some(at("2027-03-29T00:00:00Z"))
    );
    assert_eq!(
        next("1s", "1969-12-31T23:59:58.5Z"),
        Some(at("1969-12-31T23:59:59Z"))
    );
    assert_eq!(next("876000000h", "2027-03-28T12:00:00Z"), None);
}

#[test]
fn however_time_is_split_nothing_is_lost_and_nothing_comes_twice() {
    let mut splits = numbers(3);
    let written = [
        "cron = \"*/30 1-3 * * *\"\nzone = \"Europe/Berlin\"\ncatch_up = \"100000h\"\n",
        "cron = \"0,30 2,14 * * *\"\nzone = \"Australia/Lord_Howe\"\ncatch_up = \"100000h\"\n",
        "every = \"47m\"\ncatch_up = \"100000h\"\n",
    ];
    for schedule in written.map(schedule) {
        let (start, end) = (at("2027-01-01T00:00:00Z"), at("2027-12-31T00:00:00Z"));
        let whole: Vec<_> = schedule
            .upcoming(start)
            .take_while(|it| *it <= end)
            .collect();
        let (mut handled, mut now, mut parts) = (start, start, Vec::new());
        while now < end {
            let step = splits.next().expect("no end") % (9 * 24 * 3600);
            now = after(now, step).min(end);
            loop {
                let due = schedule.due(handled, now);
                assert_eq!(due.dropped, 0);
                assert!(due.occurrences.len() <= 100);
                handled = due.handled;
                parts.extend(due.occurrences);
                if due.next.is_none_or(|next| next > now) {
                    break;
                }
            }
        }
        assert_eq!(parts, whole);
    }
}

#[test]
fn too_many_at_once_come_in_parts() {
    let schedule = schedule("cron = \"* * * * *\"\ncatch_up = \"24h\"\n");
    let (last, now) = (at("2027-01-01T00:00:00Z"), at("2027-01-01T03:00:00Z"));
    let first = schedule.due(last, now);
    assert_eq!(first.occurrences.len(), 100);
    assert_eq!(first.next, Some(at("2027-01-01T01:41:00Z")));
    let second = schedule.due(first.handled, now);
    assert_eq!(second.occurrences.len(), 80);
    assert_eq!(second.handled, now);
    assert_eq!(second.next, Some(at("2027-01-01T03:01:00Z")));
    let third = schedule.due(second.handled, now);
    assert_eq!((third.occurrences.len(), third.handled), (0, now));
}

#[test]
fn what_is_too_late_is_dropped_and_counted_as_documented() {
    let schedule = schedule("cron = \"0 * * * *\"\ncatch_up = \"1h\"\n");
    let time = |time: &str| at(&format!("2027-01-01T{time}:00Z"));
    let due = schedule.due(time("09:00"), time("12:40"));
    let mut rows = table("occurrence").into_iter();
    let mut row = || rows.next().expect("a row").join(" | ");
    assert_eq!(
        (row(), row()),
        (
            "10:00 | 2h 40m | dropped".into(),
            "11:00 | 1h 40m | dropped".into()
        )
    );
    assert_eq!(due.dropped, 2);
    assert_eq!(row(), "12:00 | 40m | runs");
    assert_eq!(due.occurrences, [time("12:00")]);
    assert_eq!(row(), "13:00 |  | runs at its time");
    assert_eq!(due.next, Some(time("13:00")));
    let on_the_edge = schedule.due(time("09:00"), time("11:00"));
    assert_eq!((on_the_edge.dropped, on_the_edge.occurrences.len()), (0, 2));
}

#[test]
fn a_clock_that_stood_at_1970_costs_no_minutes() {
    let schedule = schedule("cron = \"* * * * *\"\ncatch_up = \"10m\"\n");
    let now = at("2027-01-01T00:00:00Z");
    let due = schedule.due(Timestamp::UNIX_EPOCH, now);
    assert_eq!(due.dropped, 10_000);
    assert_eq!(due.occurrences.len(), 11);
    assert_eq!(due.handled, now);
    assert_eq!(due.next, Some(at("2027-01-01T00:01:00Z")));
}

#[test]
fn a_clock_that_is_put_back_fires_nothing_again() {
    let schedule = schedule("every = \"1m\"\n");
    let (last, now) = (at("2027-01-01T00:10:00Z"), at("2027-01-01T00:05:00Z"));
    let due = schedule.due(last, now);
    assert_eq!(
        (due.occurrences.len(), due.dropped, due.handled),
        (0, 0, last)
    );
}

#[test]
fn jitter_is_the_same_everywhere_and_stays_before_the_next() {
    let schedule = schedule("cron = \"* * * * *\"\njitter = \"10m\"\n");
    let first = at("2027-01-01T00:00:00Z");
    let start = |name| schedule.start(name, first).to_string();
    assert_eq!(start("dev_diary"), "2027-01-01T00:00:29.297Z");
    assert_eq!(start("digest"), "2027-01-01T00:00:51.175Z");
    let mut starts = BTreeSet::new();
    for occurrence in schedule.upcoming(first).take(500) {
        let start = schedule.start("dev_diary", occurrence);
        assert!(
            occurrence <= start && start < after(occurrence, 60),
            "{start}"
        );
        starts.insert(start.duration_since(occurrence).as_secs() / 10);
    }
    assert_eq!(starts.len(), 6, "starts are spread over the whole minute");
}

#[test]
fn without_jitter_a_run_starts_at_its_occurrence() {
    let schedule = schedule("every = \"1m\"\n");
    let first = at("2027-01-01T00:00:00Z");
    assert_eq!(schedule.start("dev_diary", first), first);
}
