//! Whether pages can be answered: what the host needs for that, and the posts.

use std::time::Duration;

use callboard_core::app::App;
use callboard_core::operations::health::{self, Lack};

use crate::tables::posts;

pub use callboard_core::operations::health::Health;

/// A caller that waits longer for an answer is told that there is none.
const LIMIT: Duration = Duration::from_secs(3);

/// Whether the host is well, and posts can be read.
pub async fn check(app: &App) -> Result<(), Lack> {
    let look = async {
        health::check(app).await?;
        let newest = posts::newest(app.store(), 1, 0).await;
        newest
            .map(drop)
            .map_err(|error| Lack::of("database", error.into()))
    };
    let late = || Lack {
        dependency: "database",
        cause: "it did not answer in time".to_owned(),
    };
    tokio::time::timeout(LIMIT, look)
        .await
        .unwrap_or_else(|_| Err(late()))
}
