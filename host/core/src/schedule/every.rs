//! Occurrences at the multiples of a length of time.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, de};

use crate::pipeline::Span;

/// What `every` counts from: a Monday, 1970-01-05T00:00:00Z.
const FIRST_MONDAY: i128 = 4 * 24 * 60 * 60;

/// A length of time between occurrences, in whole seconds and not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every(Duration);

impl Every {
    pub fn span(self) -> Span {
        Span(self.0)
    }

    pub(super) fn next(self, after: Timestamp) -> Option<Timestamp> {
        let step = i128::from(self.0.as_secs());
        let second = after.as_nanosecond().div_euclid(1_000_000_000);
        let passed = (second - FIRST_MONDAY).div_euclid(step);
        let next = FIRST_MONDAY + (passed + 1) * step;
        Timestamp::from_second(i64::try_from(next).ok()?).ok()
    }
}

impl<'de> Deserialize<'de> for Every {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let span = Span::deserialize(deserializer)?;
        if span.0.is_zero() || span.0.subsec_nanos() != 0 {
            let message = format!("`{span}` is not a whole number of seconds; write `1s` or more");
            return Err(de::Error::custom(message));
        }
        Ok(Self(span.0))
    }
}
