//! Whether the host can answer, asked the way pages ask, and whether what is behind it can be
//! written.

use schemars::JsonSchema;
use serde::Serialize;

use super::OperationError;
use crate::app::App;
use crate::store::{StoreError, StoreErrorKind, revisions};

/// Whether pages can be answered.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Health {
    /// `ok`, `degraded` where pages are answered without something that they show, or `unavailable`.
    pub status: &'static str,
    /// What pages lack, by name; the log has the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dependency: Option<&'static str>,
}

/// What pages need and do not have. Only its name is told in public.
#[derive(Debug, Clone)]
pub struct MissingDependency {
    pub dependency: &'static str,
    pub cause: String,
}

impl MissingDependency {
    pub fn of(dependency: &'static str, error: OperationError) -> Self {
        Self {
            dependency,
            cause: error.message,
        }
    }
}

/// The database answers, with the schema of this program, a revision is active, and a row can be
/// written.
pub async fn check(app: &App) -> Result<(), MissingDependency> {
    let store = app.store();
    store.has_its_schema().await.map_err(lacks("schema"))?;
    let active = revisions::active(store).await;
    if active.map_err(lacks("database"))?.is_none() {
        return Err(MissingDependency {
            dependency: "revision",
            cause: "no revision is active; run `callboard apply`".to_owned(),
        });
    }
    store.probe().await.map_err(|error| match error.kind {
        StoreErrorKind::Full => lacks("disk")(error),
        _ => lacks("database")(error),
    })?;
    store.is_looked_after().map_err(lacks("worker"))
}

fn lacks(dependency: &'static str) -> impl Fn(StoreError) -> MissingDependency {
    move |error| MissingDependency::of(dependency, error.into())
}

impl Health {
    /// Pages are answered, without that.
    pub fn degraded(lack: &MissingDependency) -> Self {
        Self {
            status: "degraded",
            dependency: Some(lack.dependency),
        }
    }
}

impl From<Result<(), MissingDependency>> for Health {
    fn from(look: Result<(), MissingDependency>) -> Self {
        let dependency = look.err().map(|lack| lack.dependency);
        Self {
            status: dependency.map_or("ok", |_| "unavailable"),
            dependency,
        }
    }
}
