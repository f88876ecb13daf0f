//! `/health`: whether pages can be answered, asked the way pages ask and rendered where pages are,
//! and whether what is behind them can be written.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use callboard_core::operations::health::MissingDependency;
use callboard_factory::operations::health::{self, Health};
use callboard_factory::operations::posts;
use callboard_factory::site::Site;

use super::WebState;
use super::answer::{AnswerProblem, JSON, found, unavailable};
use super::pages::per_page;

/// A reader who waits longer for a page is told that there is none.
const LIMIT: Duration = Duration::from_secs(3);

/// 200 if a page would be answered, and 503 with what it lacks.
pub(super) async fn endpoint(State(web): State<WebState>) -> Response {
    let look = check(&web).await;
    if let Err(MissingDependency { dependency, cause }) = &look {
        tracing::error!(dependency, cause, "pages can't be answered");
    }
    let is_well = look.is_ok();
    let health = match pictures(&web, is_well).await {
        Some(lack) => Health::degraded(&lack),
        None => Health::from(look),
    };
    match serde_json::to_string(&health) {
        Ok(text) if is_well => found(&JSON, format!("{text}\n")),
        Ok(text) => unavailable(JSON.media, format!("{text}\n")),
        Err(error) => super::answer::defect(&error),
    }
}

/// What pages show and readers do not get: no reason to send them elsewhere.
async fn pictures(web: &WebState, is_well: bool) -> Option<MissingDependency> {
    if !is_well {
        return None;
    }
    let looked = tokio::time::timeout(LIMIT, health::pictures(&web.app)).await;
    let lack = looked.ok().flatten()?;
    let (dependency, cause) = (lack.dependency, &lack.cause);
    tracing::error!(
        dependency,
        cause,
        "pages are answered without their pictures"
    );
    Some(lack)
}

async fn check(web: &WebState) -> Result<(), MissingDependency> {
    health::check(&web.app).await?;
    let site = web.site().map_err(|cause| MissingDependency {
        dependency: "site",
        cause,
    })?;
    let page = async {
        let newest = posts::newest(&web.app, per_page(), 0).await?;
        let front = move |site: &Site| site.index(&newest);
        let came = web.renderings.page(&site, front).await;
        web.renderings.note(&web.app, "/", &came).await;
        came
    };
    let cause = match tokio::time::timeout(LIMIT, page).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(AnswerProblem::Site(error))) => error.to_string(),
        Ok(Err(_)) | Err(_) => "pages take long to render".to_owned(),
    };
    Err(MissingDependency {
        dependency: "pages",
        cause,
    })
}
