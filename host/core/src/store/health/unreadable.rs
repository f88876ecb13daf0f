//! Every row that the host reads is read once, batch by batch in the order of keys, so that no age
//! and no number of rows hides one that cannot be read.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{EXAMPLES, HealthCase};
use crate::store::findings::Finding;
use crate::store::gates::{self, Gate};
use crate::store::runs::{self, Run};
use crate::store::schedules::Times;
use crate::store::stage_runs::{self, StageRun};
use crate::store::unreadable::{cut, shown};
use crate::store::{ReadLimit, Store, StoreError, StoreErrorKind, effects, settings};
use crate::value::{Row, Statement, Value, columns, parameters};

/// Rows that are in memory at once. Of checkpoints each may have a large report.
const BATCH: u32 = 1_000;
const BATCH_OF_CHECKPOINTS: u32 = 50;
/// What they may take there together, unless one alone takes more.
const LIMIT: ReadLimit = ReadLimit::of_bytes(64 << 20);

/// The rows of one table, each of which has to be readable.
pub struct ReadableTable {
    /// What a row of it is, in words.
    row: &'static str,
    /// Where all of them are, up to a condition.
    rows: &'static str,
    columns: fn() -> String,
    /// The columns of its primary key.
    key: &'static [&'static str],
    /// The column with the run that a row belongs to.
    run: Option<&'static str>,
    /// Whether nothing waits for its rows any more.
    ended: bool,
    batch: u32,
    read: fn(Row<'_>) -> Result<(), StoreError>,
}

const TABLES: [ReadableTable; 8] = [
    ReadableTable {
        run: Some("id"),
        columns: runs::open_columns,
        ..plain::<Run>("run", "open_runs WHERE TRUE", &["id"])
    },
    ReadableTable {
        run: Some("id"),
        columns: runs::ended_columns,
        ended: true,
        ..plain::<Run>("run that has ended", "history WHERE TRUE", &["id"])
    },
    ReadableTable {
        run: Some("run"),
        columns: stage_runs::whole_columns,
        batch: BATCH_OF_CHECKPOINTS,
        read: |row| stage_runs::read(row).map(drop),
        ..plain::<StageRun>(
            "checkpoint",
            "stage_runs LEFT JOIN blobs ON blobs.digest = stage_runs.digest \
            WHERE EXISTS (SELECT 1 FROM open_runs WHERE open_runs.id = stage_runs.run)",
            &["run", "stage", "visit"],
        )
    },
    ReadableTable {
        run: Some("run"),
        read: |row| gates::read(row).map(drop),
        ..plain::<Gate>(
            "open gate",
            "gates WHERE decision IS NULL",
            &["run", "stage", "visit"],
        )
    },
    plain::<Times>("schedule", "schedules WHERE TRUE", &["name"]),
    plain::<effects::LedgerEntry>(
        "entry of the ledger",
        "effects WHERE TRUE",
        &["pipeline", "handler"],
    ),
    plain::<Finding>(
        "open finding",
        "findings WHERE resolved_at IS NULL",
        &["key"],
    ),
    ReadableTable {
        columns: settings::columns,
        read: settings::whole,
        ..plain::<()>("setting", "settings WHERE TRUE", &["key"])
    },
];

/// The tables of a tenant.
pub struct Tables(pub &'static [ReadableTable]);

inventory::collect!(Tables);

/// Rows that belong to no run: what one is in words, where all of them are, and the columns of
/// the primary key.
pub const fn plain<T: DeserializeOwned>(
    row: &'static str,
    rows: &'static str,
    key: &'static [&'static str],
) -> ReadableTable {
    ReadableTable {
        row,
        rows,
        columns: columns::<T>,
        key,
        run: None,
        ended: false,
        batch: BATCH,
        read: |row| Ok(row.read::<T>().map(drop)?),
    }
}

/// Rows that cannot be read. The run of a case is empty if the row is of none.
#[derive(Debug, Default)]
pub struct UnreadRows {
    /// Of what has not ended.
    pub open: Vec<HealthCase>,
    /// Runs that have ended.
    pub ended: Vec<HealthCase>,
}

/// Rows that cannot be read, each with why, a hundred of a table at most and how many more.
pub async fn unreadable(store: &Store) -> Result<UnreadRows, StoreError> {
    let mut unread = UnreadRows::default();
    let tenants = inventory::iter::<Tables>().flat_map(|tables| tables.0);
    for table in TABLES.iter().chain(tenants) {
        let cases = if table.ended {
            &mut unread.ended
        } else {
            &mut unread.open
        };
        table.scan(store, cases).await?;
    }
    Ok(unread)
}

impl ReadableTable {
    async fn scan(&self, store: &Store, cases: &mut Vec<HealthCase>) -> Result<(), StoreError> {
        let (mut after, mut found, mut batch) = (None, 0, self.batch);
        loop {
            let limit = if batch > 1 { LIMIT } else { ReadLimit::HOST };
            let asked = self.batch_after(after.clone(), batch);
            let rows = match store.query_within(asked, limit).await {
                Err(error) if error.kind == StoreErrorKind::TooLarge && batch > 1 => {
                    batch = (batch / 8).max(1);
                    continue;
                }
                rows => rows?,
            };
            for row in rows.iter() {
                let Err(error) = (self.read)(row) else {
                    continue;
                };
                found += 1;
                if found <= EXAMPLES {
                    cases.push(self.case(row, &error));
                }
            }
            let last = rows
                .iter()
                .last()
                .filter(|_| rows.rows.len() >= batch as usize);
            let Some(last) = last else { break };
            let key = self.key.iter().map(|column| last.value(column).cloned());
            after = Some(key.collect::<Result<Vec<_>, _>>()?);
        }
        if let Some(more) = found.checked_sub(EXAMPLES).filter(|more| *more > 0) {
            let what = format!("{more} more rows, each a {}", self.row);
            cases.push(case(String::new(), String::new(), what));
        }
        Ok(())
    }

    /// The rows that come after one of this key, or the first.
    fn batch_after(&self, after: Option<Vec<Value>>, batch: u32) -> Statement {
        let Self { rows, .. } = self;
        let (columns, key) = ((self.columns)(), self.key.join(", "));
        let after = after.unwrap_or_default();
        let beyond = match after.len() {
            0 => String::new(),
            length => format!("AND ({key}) > {}", parameters(1, length)),
        };
        let sql = format!("SELECT {columns} FROM {rows} {beyond} ORDER BY {key} LIMIT {batch}");
        after.into_iter().fold(Statement::new(sql), Statement::bind)
    }

    fn case(&self, row: Row<'_>, error: &StoreError) -> HealthCase {
        let problem = cut(&error.message);
        if let Some(run) = self.run {
            return case(shown(row, run), shown(row, "pipeline"), problem);
        }
        let key: Vec<_> = self.key.iter().map(|column| shown(row, column)).collect();
        let what = format!("{} `{}`: {problem}", self.row, key.join(" "));
        case(String::new(), shown(row, "pipeline"), what)
    }
}

fn case(run: String, pipeline: String, what: String) -> HealthCase {
    HealthCase {
        run,
        pipeline,
        revision: 0,
        what,
        age: Duration::ZERO,
    }
}
