//! A length of time as definitions and the configuration write it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SpanRelativeTo;
use serde::{Deserialize, Serialize, de};

/// A length of time, written `90s`, `10m`, `2h 30m`, `90d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// The shortest length of time there is, but for none.
const SHORTEST: Duration = Duration::from_millis(1);

impl Span {
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl FromStr for Span {
    type Err = String;

    /// A day is 24 hours.
    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.parse::<jiff::Span>().ok();
        parsed
            .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok())
            .and_then(|span| Duration::try_from(span).ok())
            .map(Span)
            .ok_or_else(|| format!("`{text}` is not a length of time such as `90s` or `2h 30m`"))
            .and_then(|span| match span.0 {
                Duration::ZERO => Ok(span),
                length if length < SHORTEST => Err(format!(
                    "`{text}` is shorter than anything here can be told apart; write `1ms` or more"
                )),
                _ => Ok(span),
            })
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::SignedDuration::try_from(self.0) {
            Ok(span) => write!(f, "{span:#}"),
            Err(_) => write!(f, "{}s", self.0.as_secs()),
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
