//! What can be written, what is refused and how, and how it reads for a person.

use serde_json::Value as Json;

use super::{DOCS, cron, read, schedule, table};
use crate::pipeline::Span;
use crate::schedule::{Cron, Overlap, Zone};

#[test]
fn the_example_in_the_documentation_reads() {
    let example = DOCS.split("```").nth(1).expect("an example");
    let schedule = read(example.trim_start_matches("toml")).expect("it reads");
    assert_eq!(schedule.when.to_string(), "0 6 * * 1-5 Europe/Berlin");
    assert_eq!(schedule.catch_up, Span::from_secs(3600));
    assert_eq!(schedule.overlap, Overlap::Skip);
    assert_eq!(schedule.jitter, Span::from_secs(30));
    assert!(schedule.enabled);
    assert_eq!(
        Json::Object(schedule.input),
        serde_json::json!({ "repository": "." })
    );
}

#[test]
fn what_is_not_written_has_a_default() {
    let schedule = schedule("cron = \"0 6 * * *\"\n");
    assert_eq!(schedule.when.to_string(), "0 6 * * * UTC");
    assert_eq!(schedule.catch_up, Span::from_secs(3600));
    assert_eq!(schedule.overlap, Overlap::Skip);
    assert_eq!(schedule.jitter, Span::from_secs(0));
    assert!(schedule.enabled && schedule.input.is_empty());
}

#[test]
fn a_schedule_is_put_into_words() {
    let rows = table("written");
    assert!(rows.len() > 5, "the table is found");
    for row in rows {
        assert_eq!(cron(row[0], "UTC").describe(), format!("{}, UTC", row[1]));
    }
    let words = |text| Cron::parse(text).expect(text).describe();
    assert_eq!(words("* * * * *"), "every minute");
    assert_eq!(words("* 9,12 * * *"), "every minute of hour 9 and 12");
    assert_eq!(words("*/45 * * * *"), "at minute 0 and 45 of every hour");
    assert_eq!(
        words("5 0-12/3 * * SUN"),
        "at 00:05, 03:05, 06:05, 09:05 and 12:05, Sunday"
    );
    assert_eq!(words("0-9 6 * * *"), "at minute 0-9 of hour 6");
    assert_eq!(
        words("0 6 * * sat-7,2"),
        "at 06:00, Tuesday, Saturday and Sunday"
    );
    assert_eq!(
        words("0 6 * * FRI-7,MON#2"),
        "at 06:00, Friday through Sunday and the second Monday of the month"
    );
    assert_eq!(
        words("0 6 1,15,L 2 5L"),
        "at 06:00, on day 1, 15 and the last of the month and on the last Friday of the month, in February"
    );
    assert_eq!(schedule("every = \"90m\"\n").describe(), "every 1h 30m");
}

/// Asserts where the keys of a schedule are wrong, and with which words.
fn refuses(keys: &str, place: &str, words: &str) {
    let error = read(&format!("[[schedule]]\n{keys}\n")).expect_err(keys);
    assert!(error.contains(place), "{keys}: {error}");
    assert!(error.contains(words), "{keys}: {error}");
}

#[test]
fn a_mistake_in_a_value_has_its_place_and_its_mend() {
    let refuses_cron =
        |cron, words| refuses(&format!("cron = {cron:?}"), "line 2, column 8", words);
    refuses_cron(
        "0 0 6 * * *",
        "`0 0 6 * * *` has six fields, and seconds are none of a cron's five; write `0 6 * * *`, or `every = \"30s\"` without a cron",
    );
    refuses_cron("@daily", "`@DAILY` has 1 of the five fields");
    refuses_cron(
        "0 6 * *",
        "month and day of the week; write all, such as `0 6 * * 1-5`",
    );
    refuses_cron(
        "0 0 30 2 *",
        "`0 0 30 2 *` never fires; name a day that its months have",
    );
    refuses_cron(
        "0 24 * * *",
        "`24` is no hour; write one of 0-23, or `*`, `a-b`, `*/n`",
    );
    refuses(
        "every = \"0s\"",
        "line 2, column 9",
        "`0s` is not a whole number of seconds",
    );
    refuses(
        "every = \"1500ms\"",
        "line 2, column 9",
        "write `1s` or more",
    );
    refuses(
        "every = \"soon\"",
        "line 2, column 9",
        "`soon` is not a length of time",
    );
    refuses(
        "every = \"1m\"\nzone = \"Berlin\"",
        "line 3, column 8",
        "`Berlin` is no time zone; write an IANA name such as `Europe/Berlin`",
    );
    refuses(
        "every = \"1m\"\ncatch_up = \"5s\"",
        "line 3, column 12",
        "`5s` is too short to notice an occurrence in time; write `10s` or more",
    );
    let overlap = "expected one of `skip`, `queue`, `replace`";
    refuses(
        "every = \"1m\"\noverlap = \"wait\"",
        "line 3, column 11",
        overlap,
    );
    refuses(
        "every = \"1m\"\njiter = \"5s\"",
        "line 3, column 1",
        "unknown field `jiter`",
    );
}

#[test]
fn a_schedule_has_a_cron_or_a_length_of_time() {
    let refuses_each = |keys, words| {
        refuses(keys, "line 1, column 1", words);
        let second = format!("every = \"1m\"\n[[schedule]]\n{keys}");
        refuses(&second, "line 3, column 1", words);
    };
    refuses_each("enabled = true", "neither `cron` nor `every`; add one");
    refuses_each(
        "every = \"1m\"\ncron = \"0 6 * * *\"",
        "both `cron` and `every`; remove one",
    );
    refuses_each(
        "every = \"1m\"\nzone = \"UTC\"",
        "`zone` has no meaning beside `every`",
    );
}

#[test]
fn only_the_documented_dialect_reads() {
    let refused = "
        * * * *         * * * * * * *   , * * * *       1,,2 * * * *    60 * * * *
        -5 * * * *      5- * * * *      5-1 * * * *     1-2-3 * * * *   */0 * * * *
        1/5 * * * *     *-5 * * * *     *,5 * * * *     9999999 * * * *    MON * * * *
        L * * * *       1#1 * * * *     0 L * * *       0 0 0 * *       0 0 32 * *
        0 0 15W * *     0 0 LW * *      0 0 ? * *       0 0 L-2 * *     0 0 MON * *
        0 0 * 13 *      0 0 * MON *     0 0 * * 8       0 0 * * L       0 0 * * 1,L
        0 0 * * ?       0 0 * * +1      0 0 * * MONDAY  0 0 * * JAN     0 0 * * 1#6
        0 0 * * 1#0     0 0 * * 1-5#2   0 0 * * 1-5L    0 0 * * FRI-MON  0 0 31 4 *
        ٣ * * * *       é * * * *";
    for text in crons(refused) {
        let error = Cron::parse(text).expect_err(text);
        assert!(error.contains("; "), "{text}: {error}");
    }
    let read = "
        0 6 * * mon-FRI     0 0 L * *       0 0 1,L 2 *     0 0 29 2 *
        0 0 * * 7,FRI#L     0 0 * * 1#2,3L  0 0 * * 0-7     */15 9-17/2 1-7 JAN-mar,dec 5L";
    for text in crons(read) {
        Cron::parse(text).expect(text);
    }
    assert!(Cron::parse("").is_err());
    let spaced = Cron::parse(" 0  6\t* * mon-FRI ").expect("it reads");
    assert_eq!(spaced.to_string(), "0 6 * * MON-FRI");
}

/// Cron texts with a wide space or a line between them.
fn crons(table: &str) -> impl Iterator<Item = &str> {
    let texts = table.split("  ").flat_map(str::lines).map(str::trim);
    texts.filter(|text| !text.is_empty())
}

#[test]
fn a_zone_is_found_in_any_case_and_the_nearest_is_named() {
    assert_eq!(
        Zone::named("europe/berlin").expect("a zone").to_string(),
        "Europe/Berlin"
    );
    let meant = |name| Zone::named(name).expect_err(name);
    for (name, near) in [
        ("Europe/Berln", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("Lord Howe", "Australia/Lord_Howe"),
        ("local", "Europe/Berlin"),
    ] {
        assert!(
            meant(name).ends_with(&format!("such as `{near}`")),
            "{}",
            meant(name)
        );
    }
}
