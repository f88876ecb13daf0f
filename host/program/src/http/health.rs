//! `/health`: whether pages can be answered, asked the way pages ask, and whether what is behind
//! them can be written.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use callboard_core::store::{Store, StoreError, StoreErrorKind, revisions};
use callboard_factory::tables::posts;

use super::Face;
use super::answer::{JSON, found, unavailable};

const LIMIT: Duration = Duration::from_secs(3);

/// What pages need and do not have. Only its name is told in public; the log has the cause.
struct Lack {
    dependency: &'static str,
    cause: String,
}

/// 200 if a page would be answered, and 503 with what it lacks.
pub(super) async fn endpoint(State(face): State<Face>) -> Response {
    match look(&face).await {
        Ok(()) => found(&JSON, "{\"status\":\"ok\"}\n".to_owned()),
        Err(Lack { dependency, cause }) => {
            tracing::error!(dependency, cause, "pages can't be answered");
            let text = serde_json::json!({ "status": "unavailable", "dependency": dependency });
            unavailable("application/json", format!("{text}\n"))
        }
    }
}

async fn look(face: &Face) -> Result<(), Lack> {
    let late = || StoreError::new(StoreErrorKind::Timeout, "it did not answer in time");
    let asked = tokio::time::timeout(LIMIT, ask(&face.store)).await;
    asked.unwrap_or_else(|_| Err(lacks("database")(late())))?;
    face.site().map(drop).map_err(|cause| Lack {
        dependency: "site",
        cause,
    })
}

/// The database answers, with the schema of this program, its posts can be read, a revision is
/// active, and a row can be written.
async fn ask(store: &Store) -> Result<(), Lack> {
    store.has_its_schema().await.map_err(lacks("schema"))?;
    posts::newest(store, 1, 0)
        .await
        .map_err(lacks("database"))?;
    let active = revisions::active(store).await;
    if active.map_err(lacks("database"))?.is_none() {
        return Err(Lack {
            dependency: "revision",
            cause: "no revision is active; run `callboard apply`".to_owned(),
        });
    }
    store.probe().await.map_err(lacks("database"))
}

fn lacks(dependency: &'static str) -> impl Fn(StoreError) -> Lack {
    move |error| Lack {
        dependency,
        cause: error.to_string(),
    }
}
