//! Its tables, and what is written into them when a run ends.

use callboard_core::schema::Migration;
use callboard_core::store::named::Noun;
use callboard_core::store::tenants::{CommitHooks, EndedRun, RunSubject};
use callboard_core::value::Statement;

const SCRIPT: &str = "-- grantable
CREATE TABLE visits (run TEXT PRIMARY KEY, guest TEXT NOT NULL, ended TEXT NOT NULL);
CREATE TABLE doors (name TEXT PRIMARY KEY);
";

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    text: SCRIPT,
}];

const GUEST: Noun = Noun {
    name: "guest",
    list: "select from the book of guests",
    rows: "SELECT guest AS key, 0 AS moment FROM visits",
    ids: false,
    none: (
        "there is no guest yet",
        "`callboard run PIPELINE` lets one in",
    ),
};

pub(crate) const COMMITS: CommitHooks = CommitHooks {
    subject: RunSubject {
        key: "invited",
        noun: &GUEST,
    },
    gate_opened: |_, _| Vec::new(),
    gate_withdrawn: |_, _| Vec::new(),
    gate_decided: |_, _| Box::pin(async { Ok(()) }),
    runs_ended: |ended, _| Ok(ended.iter().map(noted).collect()),
    run_reopened: |_, _| Vec::new(),
};

fn noted(ended: &EndedRun<'_>) -> Statement {
    Statement::new("UPDATE visits SET ended = $2 WHERE run = $1")
        .bind(ended.run)
        .bind(ended.status.as_str())
}
