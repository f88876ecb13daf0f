//! `retention.keep_newest`: keep the newest rows of a table and delete the rest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::handler::{Call, Handled, Handler};
use crate::outcome::{Done, Stop};
use crate::register;
use crate::value::Statement;

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
    keep: u32,
    /// The column that tells rows apart.
    #[serde(default = "id")]
    key: String,
}

fn id() -> String {
    "id".to_owned()
}

#[derive(Deserialize, JsonSchema)]
struct Reads {}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// Rows deleted.
    rows: u64,
}

impl Handler for KeepNewest {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;
    const SUMMARY: &'static str = "keeps the newest rows of a table and deletes the rest";

    async fn handle(&self, call: &Call, config: Config, _: Reads) -> Handled<Writes> {
        for name in [&config.table, &config.order_column, &config.key] {
            super::identifier(name)?;
        }
        let Config { table, order_column, keep, key } = config;
        let sql = format!(
            "DELETE FROM \"{table}\" WHERE \"{key}\" NOT IN (SELECT \"{key}\" FROM \"{table}\" \
             ORDER BY \"{order_column}\" DESC, \"{key}\" DESC LIMIT $1)"
        );
        let rows = call.resources.execute(Statement::new(sql).bind(keep)).await?;
        match rows {
            0 => Err(Stop::nothing_to_do(format!("{table} has no more than {keep} rows"))),
            rows => Ok(Done::new(Writes { rows }).effect("rows_deleted", rows)),
        }
    }
}
