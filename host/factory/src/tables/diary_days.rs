//! `diary_days`: days of a repository that need no further look.

use callboard_core::value::form::micros;
use callboard_core::value::{Query, Statement};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a day needs no further look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DayState {
    /// It was read in full and has too little to tell.
    Thin,
    Published,
}

/// The state of a day, if it is decided.
pub fn state(subject: &str) -> Query<DayState> {
    Query::new("SELECT state FROM diary_days WHERE subject = $1").bind(subject)
}

#[derive(Serialize)]
#[serde(rename = "diary_days")]
struct DiaryDay<'d> {
    subject: &'d str,
    state: DayState,
    run: &'d str,
    #[serde(with = "micros")]
    decided_at: Timestamp,
}

/// Decide a day. Doing it again changes nothing but the time, and a published day never
/// becomes a thin one.
pub fn mark(subject: &str, state: DayState, run: &str, now: Timestamp) -> Statement {
    let day = DiaryDay {
        subject,
        state,
        run,
        decided_at: now,
    };
    Statement::insert(&day).then(
        "ON CONFLICT (subject) DO UPDATE SET \
            state = excluded.state, run = excluded.run, decided_at = excluded.decided_at \
        WHERE diary_days.state <> 'published'",
    )
}
