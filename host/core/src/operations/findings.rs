//! Findings: what a person may want to know, until it is resolved.

use schemars::JsonSchema;
use serde::Serialize;

use super::{OperationError, named};
use crate::app::App;
use crate::store::findings;
use crate::store::named::{self as names, LATEST};
use crate::supervision::Fall;

pub use crate::store::findings::Finding;

/// How many findings were resolved.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Resolved {
    /// How many.
    pub resolved: u64,
}

/// The open findings, oldest first; or all of them, those that were resolved too, newest first.
pub async fn list(app: &App, all: bool) -> Result<Vec<Finding>, OperationError> {
    let found = if all {
        findings::all(app.store()).await?
    } else {
        findings::open(app.store()).await?
    };
    Ok(found)
}

/// Resolve the finding of a key, or those whose keys begin with it, or the `latest`. What is noticed
/// again opens again.
pub async fn resolve(app: &App, wanted: &str) -> Result<Resolved, OperationError> {
    let store = app.store();
    let mut resolved = 0;
    if wanted != LATEST {
        resolved = findings::resolve(store, wanted).await?;
    }
    if resolved == 0 {
        let key = named::key(store, &names::FINDING, wanted).await?;
        resolved = u64::from(findings::close(store, &key).await?);
    }
    Ok(Resolved { resolved })
}

/// Make a finding of a task of this process that fell.
pub async fn note_fall(app: &App, fall: &Fall) -> Result<(), OperationError> {
    let Fall { task, how, .. } = fall;
    let then = if fall.given_up {
        "its process ends"
    } else {
        "its process goes on"
    };
    let message = format!("{task} ended by itself ({how}); {then}");
    findings::raise(app.store(), &format!("task:{task}"), "task", task, &message).await?;
    Ok(())
}
