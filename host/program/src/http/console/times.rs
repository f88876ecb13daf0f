//! Times and durations in the words of the console.

use jiff::{Timestamp, Unit};

/// `4 min ago`, from a time as JSON writes it.
pub(super) fn ago(time: String) -> String {
    match time.parse::<Timestamp>() {
        Ok(time) => since(time, Timestamp::now()),
        Err(_) => time,
    }
}

/// `22 Nov 2026, 13:04 UTC`, from a time as JSON writes it.
pub(super) fn date_and_time(time: String) -> String {
    match time.parse::<Timestamp>() {
        Ok(time) => time.strftime("%-d %b %Y, %H:%M UTC").to_string(),
        Err(_) => time,
    }
}

/// `840 ms`, `3.2 s`, `4 min`.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub(super) fn millis(millis: u64) -> String {
    match millis {
        0..=999 => format!("{millis} ms"),
        1000..=59_999 => format!("{:.1} s", millis as f64 / 1000.0),
        _ => format!("{} min", millis / 60_000),
    }
}

fn since(time: Timestamp, now: Timestamp) -> String {
    let seconds = now
        .since((Unit::Second, time))
        .map_or(0, |span| span.get_seconds());
    match seconds {
        ..0 => "just now".to_owned(),
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let now = Timestamp::from_second(1_000_000).expect("a time");
        let at = |seconds: i64| Timestamp::from_second(1_000_000 - seconds).expect("a time");
        assert_eq!(since(at(5), now), "5 s ago");
        assert_eq!(since(at(240), now), "4 min ago");
        assert_eq!(since(at(7200), now), "2 h ago");
        assert_eq!(since(at(400_000), now), "4 days ago");
        assert_eq!(since(at(-5), now), "just now");
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(millis(840), "840 ms");
        assert_eq!(millis(3240), "3.2 s");
        assert_eq!(millis(240_000), "4 min");
    }
}
