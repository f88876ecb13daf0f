//! `retention.ttl_prune`: delete rows that are older than a number of days, in batches.
//! Summaries in `embeddings` are never deleted: they are what older memory was kept as.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handler::{Call, Handled, Handler};
use crate::outcome::{Done, FailureKind, Stop};
use crate::register;
use crate::value::Statement;

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
    ttl_days: u32,
    /// The column that tells rows apart.
    #[serde(default = "id")]
    key: String,
    /// Rows deleted in one transaction.
    #[serde(default = "batch")]
    batch_size: u32,
    /// Count what would be deleted, and delete nothing.
    #[serde(default)]
    dry_run: bool,
}

fn id() -> String {
    "id".to_owned()
}

fn batch() -> u32 {
    1000
}

#[derive(Deserialize, JsonSchema)]
struct Reads {}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// Rows deleted, or that would be.
    rows: u64,
}

impl Handler for TtlPrune {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;
    const SUMMARY: &'static str = "deletes rows older than a number of days, never summaries";

    async fn handle(&self, call: &Call, config: Config, _: Reads) -> Handled<Writes> {
        let condition = condition(call, &config)?;
        if config.dry_run {
            return Ok(Done::new(Writes { rows: count(call, &config, condition).await? }));
        }
        let mut rows = 0;
        while call.remaining() > Duration::from_secs(1) {
            let deleted = call.resources.execute(delete(&config, &condition)).await?;
            rows += deleted;
            if deleted < u64::from(config.batch_size) {
                break;
            }
        }
        match rows {
            0 => Err(Stop::nothing_to_do(format!("nothing in {} is that old", config.table))),
            rows => Ok(Done::new(Writes { rows }).effect("rows_deleted", rows)),
        }
    }
}

struct Condition {
    sql: String,
    before: i64,
}

fn condition(call: &Call, config: &Config) -> Result<Condition, Stop> {
    for name in [&config.table, &config.age_column, &config.key] {
        super::identifier(name)?;
    }
    if config.batch_size == 0 {
        return Err(Stop::failed(FailureKind::Config, "batch_size 0 deletes nothing; write 1 or more"));
    }
    let ttl = Duration::from_secs(u64::from(config.ttl_days) * 86_400);
    let before = call.now.checked_sub(ttl).map_err(|error| {
        Stop::failed(FailureKind::Config, format!("ttl_days {}: {error}", config.ttl_days))
    })?;
    let kept = if config.table == "embeddings" { " AND is_summary = FALSE" } else { "" };
    let sql = format!("\"{}\" < $1{kept}", config.age_column);
    Ok(Condition { sql, before: before.as_microsecond() })
}

fn delete(config: &Config, condition: &Condition) -> Statement {
    let Config { table, key, batch_size, .. } = config;
    let sql = format!(
        "DELETE FROM \"{table}\" WHERE \"{key}\" IN \
         (SELECT \"{key}\" FROM \"{table}\" WHERE {} ORDER BY \"{key}\" LIMIT $2)",
        condition.sql
    );
    Statement::new(sql).bind(condition.before).bind(*batch_size)
}

async fn count(call: &Call, config: &Config, condition: Condition) -> Result<u64, Stop> {
    let sql = format!("SELECT COUNT(*) AS total FROM \"{}\" WHERE {}", config.table, condition.sql);
    let rows = call.resources.query(Statement::new(sql).bind(condition.before)).await?;
    super::total(&rows)
}
