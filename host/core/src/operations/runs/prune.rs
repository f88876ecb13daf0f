//! Runs that ended are removed, with their checkpoints and gates.

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::operations::{OperationError, named};
use crate::span::Span;
use crate::store::history;
use crate::store::named as names;

/// How many were found and removed.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Pruned {
    /// Runs that ended so long ago.
    pub found: u64,
    /// Those that are removed now.
    pub removed: u64,
    /// Those that stay, because a rate limit still counts them.
    pub counted: u64,
}

/// Remove one run that has ended, even if it cannot be read, or whose revision is gone. Gives its
/// id.
pub async fn prune_one(app: &App, wanted: &str) -> Result<String, OperationError> {
    let run = named::key(app.store(), &names::RUN, wanted).await?;
    if let Some((key, until)) = history::counted_until(app.store(), &run).await? {
        let until = until.strftime("%F %T");
        let message = format!("run {run} counts for the rate of limit `{key}` until {until} UTC");
        return Err(OperationError::failed(message).mend("remove it then"));
    }
    if !history::remove(app.store(), &run).await? {
        let message = format!("run {run} has not ended");
        let mend = format!("callboard runs cancel {run}");
        return Err(OperationError::failed(message).mend(mend));
    }
    Ok(run)
}

/// Remove the runs that ended at least `age` ago; `dry` counts them only. `told` hears how many of
/// how many are removed so far.
pub async fn prune(
    app: &App,
    age: Span,
    dry: bool,
    told: impl Fn(u64, u64),
) -> Result<Pruned, OperationError> {
    let (found, counted) = history::count_older(app.store(), age.0).await?;
    if dry {
        return Ok(Pruned {
            found,
            removed: 0,
            counted,
        });
    }
    let tell = |removed| {
        told(removed, found - counted);
        true
    };
    let removed = history::prune(app.store(), age.0, tell).await?;
    Ok(Pruned {
        found,
        removed,
        counted,
    })
}
