//! `/health`: whether pages can be answered, asked the way pages ask and rendered where pages are,
//! and whether what is behind them can be written.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;

use super::Face;
use super::answer::{JSON, Problem, found, unavailable};
use super::pages::per_page;
use callboard_core::store::{Store, StoreError, StoreErrorKind, revisions};
use callboard_factory::tables::posts::{self, Post};

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
    let newest = asked.unwrap_or_else(|_| Err(lacks("database")(late())))?;
    let site = face.site().map_err(|cause| Lack {
        dependency: "site",
        cause,
    })?;
    let page = face.renderings.page(&site, move |site| site.index(&newest));
    let cause = match tokio::time::timeout(LIMIT, page).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(Problem::Site(error))) => error.to_string(),
        Ok(Err(_)) | Err(_) => "pages take long to render".to_owned(),
    };
    Err(Lack {
        dependency: "pages",
        cause,
    })
}

/// The database answers, with the schema of this program, a revision is active, and a row can be
/// written; gives the posts of the front page.
async fn ask(store: &Store) -> Result<Vec<Post>, Lack> {
    store.has_its_schema().await.map_err(lacks("schema"))?;
    let newest = posts::newest(store, per_page(), 0).await;
    let newest = newest.map_err(lacks("database"))?;
    let active = revisions::active(store).await;
    if active.map_err(lacks("database"))?.is_none() {
        return Err(Lack {
            dependency: "revision",
            cause: "no revision is active; run `callboard apply`".to_owned(),
        });
    }
    store.probe().await.map_err(lacks("database"))?;
    Ok(newest)
}

fn lacks(dependency: &'static str) -> impl Fn(StoreError) -> Lack {
    move |error| Lack {
        dependency,
        cause: error.to_string(),
    }
}
