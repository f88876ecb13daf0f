//! `retention.embeddings_collapse`: folds old, alike embeddings into one summary row each.
//!
//! The memory of a factory grows by thousands of rows a week, and old rows say much the
//! same. Rows past an age are clustered by likeness; each cluster becomes one row that
//! keeps the mean vector, the gist of the texts and the ids of what it stands for.
//!
//! What it promises:
//!
//! * a summary and the deletion of its members commit together or not at all;
//! * members that changed meanwhile are not deleted: the cluster is rolled back;
//! * summaries are never candidates, so a summary is never summarised;
//! * vectors of different models are never mixed.
//!
//! # Layout
//!
//! * `config`: what an operator may set
//! * `pool`: which rows are candidates
//! * `cluster`: which of them belong together
//! * `summary`: the row that stands for a cluster
//! * `swap`: summary in, members out, in one transaction

mod cluster;
mod config;
mod date;
mod pool;
mod summary;
mod swap;

use callboard_plugin::{
    Call, Done, FailureKind, Handler, Needs, Nothing, Rows, Stop, Table, Verb, log,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::config::Config;
use crate::pool::Pool;
use crate::summary::Summary;

struct Collapse;
callboard_plugin::export!(Collapse);

/// What one call did.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Writes {
    /// Rows that summaries stand for now.
    collapsed: u64,
    /// Summaries written.
    summaries: u64,
    /// Rows old enough that are still there: unlike any other, past the batch or past the
    /// deadline.
    remaining: u64,
    /// Whether it only looked: then the numbers say what it would have done.
    dry_run: bool,
}

impl Handler for Collapse {
    const NAME: &'static str = "retention.embeddings_collapse";
    const SUMMARY: &'static str = "Folds old, alike embeddings into one summary row each";
    type Config = Config;
    type Reads = Nothing;
    type Writes = Writes;

    fn needs() -> Needs {
        let verbs = [Verb::Select, Verb::Insert, Verb::Update, Verb::Delete];
        let memory = Table::named("embeddings", &verbs).source_key("source_table");
        let memory = memory.rows(Rows::read("original").after("age_days"));
        let memory = memory.rows(Rows::deleted("original").after("age_days"));
        Needs::none().on(memory.rows(Rows::written("summary")))
    }

    fn handle(call: &Call, config: Config, _reads: Nothing) -> Result<Done<Writes>, Stop> {
        config.check()?;
        let cutoff = config.cutoff(call.now);
        let pools = pool::list(&config, cutoff)?;
        let candidates: u64 = pools.iter().map(|pool| pool.candidates).sum();
        if candidates == 0 {
            let Config {
                source_table,
                age_days,
                ..
            } = &config;
            let reason = format!("no row of `{source_table}` is older than {age_days} days");
            return Err(Stop::nothing_to_do(reason));
        }
        let mut writes = Writes {
            dry_run: config.dry_run,
            ..Writes::default()
        };
        let mut left = config.batch_size;
        for pool in &pools {
            if left == 0 || call.is_nearly_spent() {
                break;
            }
            left = left.saturating_sub(collapse(call, &config, pool, left, &mut writes)?);
        }
        writes.remaining = candidates.saturating_sub(writes.collapsed);
        conclude(call, candidates, writes)
    }
}

/// Collapse the candidates of one pool, at most `limit`; gives how many it looked at.
fn collapse(
    call: &Call,
    config: &Config,
    pool: &Pool,
    limit: u32,
    writes: &mut Writes,
) -> Result<u32, Stop> {
    if pool.candidates <= u64::from(cluster::LEAST_CLUSTERS) {
        return Ok(0); // too few to say what is alike
    }
    let (matrix, members) = pool::load(config, pool, config.cutoff(call.now), limit)?;
    let rows = matrix.rows();
    let assignment = matrix.k_means(
        cluster::count(rows, config.cluster_size),
        config.seed,
        config.max_iterations,
    )?;
    for rows in cluster::group(&assignment) {
        if call.is_nearly_spent() {
            log::warn(
                "out of time; the next call goes on",
                &[("collapsed", &writes.collapsed)],
            );
            break;
        }
        let Some(cluster) = pool::pick(&members, &rows) else {
            log::warn(
                "a member is gone since the vectors were read; its cluster waits",
                &[],
            );
            continue;
        };
        if !config.dry_run {
            let embedding = matrix.mean(&rows)?;
            let summary = Summary::of(&cluster, pool, &config.source_table, call.now, embedding);
            swap::write(&summary, &cluster)?;
            log::info(
                "cluster collapsed",
                &[("summary", &summary.source_id), ("members", &cluster.len())],
            );
        }
        writes.collapsed += cluster.len() as u64;
        writes.summaries += 1;
    }
    Ok(rows)
}

fn conclude(call: &Call, candidates: u64, writes: Writes) -> Result<Done<Writes>, Stop> {
    let (collapsed, summaries) = (writes.collapsed, writes.summaries);
    if summaries == 0 && call.is_nearly_spent() {
        let message = "no time left before the first cluster; give the stage a longer timeout or a smaller batch_size";
        return Err(Stop::failed_for_now(FailureKind::Timeout, message));
    }
    if summaries == 0 {
        return Err(Stop::nothing_to_do(format!(
            "rows old enough: {candidates}, but no two of them are alike"
        )));
    }
    let dry_run = writes.dry_run;
    let done = Done::new(writes);
    if dry_run {
        return Ok(done);
    }
    Ok(done
        .effect("embeddings_deleted", collapsed)
        .effect("summaries_written", summaries))
}
