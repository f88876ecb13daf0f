//! `retention.ttl_prune`: delete rows that are older than a number of days, in batches.
//! Summaries, in a table that has them, are never deleted: they stand for what is gone.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handler::{Call, Handled, Handler, Needs, RowUse, TableNeed};
use crate::outcome::{Done, FailureKind, Stop};
use crate::prune::{Batches, delete_in_batches, identifiers, keeps_summaries};
use crate::register;
use crate::store::prunable::Prunable;

struct TtlPrune;
register!(TtlPrune);

/// Which rows live how long.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The table.
    table: String,
    /// The column of the rows' age, in microseconds since 1970.
    age_column: String,
    /// Days that a row lives.
    #[schemars(range(min = 1, max = 36_500))]
    ttl_days: u32,
    /// The column that tells rows apart.
    #[serde(default = "crate::prune::id")]
    key: String,
    /// Rows deleted in one transaction.
    #[serde(default = "crate::prune::batch_size")]
    #[schemars(range(min = 1))]
    batch_size: u32,
    /// How many batches one call deletes, at most.
    #[serde(default = "crate::prune::max_batches")]
    #[schemars(range(min = 1))]
    max_batches: u32,
    /// Count what would be deleted, and delete nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Deserialize, JsonSchema)]
struct Reads {}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// Rows that are too old.
    rows_matched: u64,
    /// Rows deleted.
    rows_deleted: u64,
}

impl Handler for TtlPrune {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;
    const SUMMARY: &'static str = "Deletes rows older than a number of days, never summaries";

    fn needs(&self) -> Needs {
        let old = TableNeed::configured("table", &["select", "delete"]);
        let old = old.time_key("age_column").id_key("key");
        Needs::default().on(old.rows(RowUse::deletes("original").after("ttl_days")))
    }

    async fn handle(&self, call: &Call, config: Config, _: Reads) -> Handled<Writes> {
        identifiers(&[&config.table, &config.age_column, &config.key])?;
        let Config {
            table,
            age_column,
            ttl_days,
            key,
            batch_size,
            max_batches,
            dry_run,
        } = config;
        let before = before(call, ttl_days)?;
        let old = Prunable {
            table: &table,
            key: &key,
            condition: format!("{age_column} < $1{}", keeps_summaries(call, &table).await?),
        };
        let count = call.read_first(old.count().bind(before)).await?;
        let rows_matched = count.unwrap_or_default();
        if rows_matched == 0 {
            let reason = format!("no row of {table} is older than {ttl_days} days");
            return Err(Stop::nothing_to_do(reason));
        }
        if dry_run {
            return Ok(Done::new(Writes {
                rows_matched,
                rows_deleted: 0,
            }));
        }
        let statement = old.delete(&format!("{age_column}, {key} LIMIT $2"));
        let statement = statement.bind(before).bind(batch_size);
        let rows_deleted = delete_in_batches(
            call,
            &statement,
            Batches {
                batch_size,
                max_batches,
            },
        )
        .await?;
        Ok(Done::new(Writes {
            rows_matched,
            rows_deleted,
        })
        .effect("rows_deleted", rows_deleted))
    }
}

/// The time that rows have to be older than.
fn before(call: &Call, ttl_days: u32) -> Result<i64, Stop> {
    let ttl = Duration::from_secs(u64::from(ttl_days) * 86_400);
    let before = call.now.checked_sub(ttl).map_err(|error| {
        Stop::failed(FailureKind::Config, format!("ttl_days {ttl_days}: {error}"))
    })?;
    Ok(before.as_microsecond())
}
