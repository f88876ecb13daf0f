//! `diary_days`: days of a repository that need no further look.

use jiff::Timestamp;

use callboard_core::store::{Store, StoreError, microseconds};
use callboard_core::value::Statement;

/// Why a day needs no further look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayState {
    /// It was read in full and has too little to tell.
    Thin,
    Published,
}

impl DayState {
    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            DayState::Thin => "thin",
            DayState::Published => "published",
        }
    }
}

/// Selects the `state` of a day, if it is decided.
pub fn find(subject: &str) -> Statement {
    Statement::new("SELECT state FROM diary_days WHERE subject = $1").bind(subject)
}

/// The state of a day, if it is decided.
pub async fn state(store: &Store, subject: &str) -> Result<Option<String>, StoreError> {
    let rows = store.query(find(subject)).await?;
    Ok(rows.first().map(|row| row.text("state")).transpose()?)
}

/// Decide a day. Doing it again changes nothing but the time, and a published day never
/// becomes a thin one.
pub fn mark(subject: &str, state: DayState, run: &str, now: Timestamp) -> Statement {
    let sql = "INSERT INTO diary_days (subject, state, run, decided_at) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (subject) DO UPDATE SET \
        state = excluded.state, run = excluded.run, decided_at = excluded.decided_at \
        WHERE diary_days.state <> 'published'";
    Statement::new(sql)
        .bind(subject)
        .bind(state.name())
        .bind(run)
        .bind(microseconds(now))
}
