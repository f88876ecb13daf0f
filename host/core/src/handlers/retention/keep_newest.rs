//! `retention.keep_newest`: keep the newest rows of a table and delete the rest, in batches.
//! Summaries, in a table that has them, neither count nor go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handler::{Call, Handled, Handler, Needs, RowUse, TableNeed};
use crate::outcome::{Done, Stop};
use crate::prune::{Batches, delete_in_batches, identifiers, keeps_summaries};
use crate::register;
use crate::store::prunable::Prunable;

struct KeepNewest;
register!(KeepNewest);

/// How many rows of which table stay.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The table.
    table: String,
    /// The column that says which rows are newer; equal ones are told apart by `key`.
    order_column: String,
    /// Rows that stay.
    #[schemars(range(min = 1))]
    keep: u32,
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
    /// Rows beyond those that stay.
    rows_matched: u64,
    /// Rows deleted.
    rows_deleted: u64,
}

impl Handler for KeepNewest {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;
    const SUMMARY: &'static str = "Keeps the newest rows of a table and deletes the rest";

    fn needs(&self) -> Needs {
        let surplus = TableNeed::configured("table", &["select", "delete"]);
        let surplus = surplus.time_key("order_column").id_key("key");
        Needs::default().on(surplus.rows(RowUse::deletes("original")))
    }

    async fn handle(&self, call: &Call, config: Config, _: Reads) -> Handled<Writes> {
        identifiers(&[&config.table, &config.order_column, &config.key])?;
        let Config {
            table,
            order_column,
            keep,
            key,
            batch_size,
            max_batches,
            dry_run,
        } = config;
        let summaries = keeps_summaries(call, &table).await?;
        let all = Prunable {
            table: &table,
            key: &key,
            condition: format!("{order_column} IS NOT NULL{summaries}"),
        };
        let rows = call.read_first(all.count()).await?.unwrap_or_default();
        let rows_matched = rows.saturating_sub(u64::from(keep));
        if rows_matched == 0 {
            return Err(Stop::nothing_to_do(format!(
                "{table} has {rows} rows, and {keep} may stay"
            )));
        }
        if dry_run {
            return Ok(Done::new(Writes {
                rows_matched,
                rows_deleted: 0,
            }));
        }
        let order = format!("{order_column} DESC, {key} DESC LIMIT $2 OFFSET $1");
        let statement = all.delete(&order).bind(keep).bind(batch_size);
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
