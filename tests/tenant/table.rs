//! Its tables, and what is written into them when a run ends.

use callboard_core::schema::Migration;
use callboard_core::store::tenants::{Commits, EndedRun};
use callboard_core::store::{Dialect, StoreError};
use callboard_core::value::Statement;

/// The same words on both databases.
const SCRIPT: &str = "-- grantable
CREATE TABLE visits (run TEXT PRIMARY KEY, guest TEXT NOT NULL, ended TEXT NOT NULL);
CREATE TABLE doors (name TEXT PRIMARY KEY);
";

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    sqlite: SCRIPT,
    postgres: SCRIPT,
}];

pub(crate) const COMMITS: Commits = Commits {
    subject: "invited",
    gate_opened: |_, _| Ok(Vec::new()),
    runs_ended,
    run_reopened: |_, _| Ok(Vec::new()),
};

fn runs_ended(ended: &[EndedRun<'_>], _: Dialect) -> Result<Vec<Statement>, StoreError> {
    let ends = ended.iter().map(|ended| {
        let sql = "UPDATE visits SET ended = $2 WHERE run = $1";
        Statement::new(sql)
            .bind(ended.run)
            .bind(ended.status.as_str())
    });
    Ok(ends.collect())
}
