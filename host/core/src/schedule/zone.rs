//! Time zones: their names, and when the times of a cron text come to pass in one.

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, de};

use super::Cron;

/// The rules that the program carries. A machine may have none, or others, and workers that
/// disagree would fire an occurrence twice.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone by its IANA name; UTC by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Zone {
    /// The zone of a name, in any case; the error is a message that names the mend.
    pub fn named(name: &str) -> Result<Self, String> {
        ZONES.get(name).map(Self).map_err(|_| {
            let near = nearest(name).unwrap_or_else(|| "Europe/Berlin".into());
            format!("`{name}` is no time zone; write an IANA name such as `{near}`")
        })
    }

    /// A moment on the wall clock of the zone.
    pub fn local(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.0.clone())
    }

    /// The first time after a moment at which a cron text fires.
    ///
    /// The cron crate's own search in a zone takes a list of hours for a repetition: it loses
    /// `30 2,14 * * *` in a gap and fires it twice in an overlap. So it searches the wall
    /// clock only, and what its times mean is decided here.
    pub(super) fn next(&self, cron: &Cron, after: Timestamp) -> Option<Timestamp> {
        if cron.is_fixed() {
            self.next_fixed(cron, after)
        } else {
            self.next_repeated(cron, after)
        }
    }

    /// Each time on the wall clock comes once a day: the first of two, and for one that is
    /// left out the moment at which the clock is put forward.
    fn next_fixed(&self, cron: &Cron, after: Timestamp) -> Option<Timestamp> {
        let mut wall = self.0.to_datetime(after);
        loop {
            wall = cron.next(wall, false)?;
            let at = match self.0.to_ambiguous_timestamp(wall).offset() {
                AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(wall).ok()?,
                AmbiguousOffset::Fold { before, .. } => before.to_timestamp(wall).ok()?,
                AmbiguousOffset::Gap { before, .. } => {
                    self.change_before(before.to_timestamp(wall).ok()?)?
                }
            };
            if at > after {
                return Some(at);
            }
        }
    }

    /// Each moment fires at which the wall clock fits: both of two, and none for a time that is
    /// left out. Between two changes of the clock, wall clock and time go side by side.
    fn next_repeated(&self, cron: &Cron, after: Timestamp) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        loop {
            let offset = self.0.to_offset(from);
            let wall = cron.next(offset.to_datetime(from), inclusive)?;
            let at = offset.to_timestamp(wall).ok()?;
            let change = self.0.following(from).next().map(|it| it.timestamp());
            match change {
                Some(change) if change <= at => (from, inclusive) = (change, true),
                _ => return Some(at),
            }
        }
    }

    /// The last change of the clock up to a moment.
    fn change_before(&self, at: Timestamp) -> Option<Timestamp> {
        let after = at.checked_add(Duration::from_nanos(1)).ok()?;
        self.0.preceding(after).next().map(|it| it.timestamp())
    }
}

/// The zone whose name, or the place in it, is most like `name`, if it can be meant.
fn nearest(name: &str) -> Option<String> {
    let name = name.to_lowercase().replace(' ', "_");
    let like = |zone: &str| {
        let zone = zone.to_lowercase();
        let place = zone.rsplit('/').next().unwrap_or(&zone);
        strsim::jaro_winkler(&name, &zone).max(strsim::jaro_winkler(&name, place))
    };
    ZONES
        .available()
        .map(|zone| (like(zone.as_str()), zone))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, zone)| zone.to_string())
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).map_err(de::Error::custom)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}
