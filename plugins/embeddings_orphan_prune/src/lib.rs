//! `retention.embeddings_orphan_prune`: deletes embeddings whose source row is gone.
//!
//! What it promises:
//!
//! * summaries are never deleted: they stand for rows that are gone on purpose;
//! * an error is never taken for absence: if the source table cannot be read, the call
//!   fails and nothing is deleted;
//! * an empty source table is refused unless the configuration expects one;
//! * a batch is one statement, so it is deleted whole or not at all.
//!
//! The source table is a matter of the configuration: the operator grants `select` on it
//! (`[[ask.db]]` in `plugin.toml` and the ceiling in `callboard.toml`). Without that grant the
//! roll call has a miss.
//!
//! # Layout
//!
//! * `config`: what an operator may set
//! * `statements`: the SQL, with the names of the source table in it

mod config;
mod statements;

use callboard_plugin::db::{self, params};
use callboard_plugin::{
    Call, Done, FailureKind, Handler, Needs, Nothing, Rows, Stop, Table, Verb, log,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Config;
use crate::statements::Statements;

struct OrphanPrune;
callboard_plugin::export!(OrphanPrune);

/// What one call did.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
struct Writes {
    /// Embeddings deleted.
    deleted: u64,
    /// Orphans that are still there, for the next call.
    remaining: u64,
    /// Whether it only looked.
    dry_run: bool,
}

impl Handler for OrphanPrune {
    const NAME: &'static str = "retention.embeddings_orphan_prune";
    const SUMMARY: &'static str = "Deletes embeddings whose source row is gone";
    type Config = Config;
    type Reads = Nothing;
    type Writes = Writes;

    fn needs() -> Needs {
        let memory = Table::named("embeddings", &[Verb::Select, Verb::Delete]);
        let memory = memory.source_key("source_table");
        let source = Table::configured("source_table", &[Verb::Select]);
        Needs::none()
            .on(memory.rows(Rows::deleted("original").orphans()))
            .on(source.id_key("source_id_column"))
    }

    fn handle(call: &Call, config: Config, _reads: Nothing) -> Result<Done<Writes>, Stop> {
        config.check()?;
        let statements = Statements::new(&config);
        let orphans = count_orphans(&config, &statements)?;
        if config.dry_run {
            return Ok(Done::new(Writes {
                deleted: 0,
                remaining: orphans,
                dry_run: true,
            }));
        }
        let deleted = prune(call, &config, &statements)?;
        if deleted == 0 {
            return Err(none_deleted(call, &config, orphans));
        }
        let writes = Writes {
            deleted,
            remaining: orphans.saturating_sub(deleted),
            dry_run: false,
        };
        Ok(Done::new(writes).effect("embeddings_deleted", deleted))
    }
}

/// The orphans there are; stops if there is none or if the source table looks like an outage.
fn count_orphans(config: &Config, statements: &Statements) -> Result<u64, Stop> {
    let Config { source_table, .. } = config;
    let orphans = db::query(&statements.count, params![source_table])?
        .first()?
        .count("orphans")?;
    let source_is_empty = db::query(&statements.any_source, [])?.is_empty();
    if orphans == 0 {
        return Err(Stop::nothing_to_do(format!(
            "every embedding of `{source_table}` has its source row"
        )));
    }
    if source_is_empty && !config.allow_empty_source {
        let detail = format!(
            "`{source_table}` has no rows but {orphans} embeddings; if that is meant, set `allow_empty_source = true`"
        );
        return Err(Stop::rejected("empty-source", detail));
    }
    Ok(orphans)
}

/// Why nothing was deleted although there was something to delete.
fn none_deleted(call: &Call, config: &Config, orphans: u64) -> Stop {
    if call.is_nearly_spent() {
        let message = "no time left before the first batch; give the stage a longer timeout";
        return Stop::failed_for_now(FailureKind::Timeout, message);
    }
    let message = format!(
        "{orphans} orphans were counted and none was there to delete: `{}` changed meanwhile",
        config.source_table
    );
    Stop::failed_for_now(FailureKind::Internal, message)
}

/// Delete batch after batch; gives how many rows are gone.
fn prune(call: &Call, config: &Config, statements: &Statements) -> Result<u64, Stop> {
    let mut deleted = 0;
    for _ in 0..config.max_batches {
        if call.is_nearly_spent() {
            log::warn(
                "out of time; the next call goes on",
                &[("deleted", &deleted)],
            );
            break;
        }
        let batch = db::execute(
            &statements.delete,
            params![&config.source_table, config.batch_size],
        )?;
        log::debug("batch deleted", &[("rows", &batch)]);
        deleted += batch;
        if batch < u64::from(config.batch_size) {
            break;
        }
    }
    Ok(deleted)
}
