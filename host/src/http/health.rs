//! `/health`: whether pages can be answered, asked the way pages ask.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;

use super::Face;
use super::answer::{JSON, found, unavailable};
use crate::store::{Store, StoreError, StoreErrorKind, posts, revisions};

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

/// The database answers, with the schema of this program, its posts can be read, and a revision is active.
async fn ask(store: &Store) -> Result<(), Lack> {
    store.has_its_schema().await.map_err(lacks("schema"))?;
    posts::newest(store, 1, 0)
        .await
        .map_err(lacks("database"))?;
    let active = revisions::active(store).await;
    match active.map_err(lacks("database"))? {
        Some(_) => Ok(()),
        None => Err(Lack {
            dependency: "revision",
            cause: "no revision is active; run `callboard apply`".to_owned(),
        }),
    }
}

fn lacks(dependency: &'static str) -> impl Fn(StoreError) -> Lack {
    move |error| Lack {
        dependency,
        cause: error.to_string(),
    }
}
