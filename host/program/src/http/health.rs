//! `/health`: whether pages can be answered, asked the way pages ask, and whether what is behind
//! them can be written.

use axum::extract::State;
use axum::response::Response;
use callboard_core::operations::health::Lack;
use callboard_factory::operations::health::{self, Health};

use super::Face;
use super::answer::{JSON, found, unavailable};

/// 200 if a page would be answered, and 503 with what it lacks.
pub(super) async fn endpoint(State(face): State<Face>) -> Response {
    let look = look(&face).await;
    if let Err(Lack { dependency, cause }) = &look {
        tracing::error!(dependency, cause, "pages can't be answered");
    }
    let is_well = look.is_ok();
    match serde_json::to_string(&Health::from(look)) {
        Ok(text) if is_well => found(&JSON, format!("{text}\n")),
        Ok(text) => unavailable(JSON.media, format!("{text}\n")),
        Err(error) => super::answer::defect(&error),
    }
}

async fn look(face: &Face) -> Result<(), Lack> {
    health::look(&face.app).await?;
    face.site().map(drop).map_err(|cause| Lack {
        dependency: "site",
        cause,
    })
}
