//! Whether pages can be answered: what the host needs for that, and the posts.

use std::collections::BTreeSet;
use std::time::Duration;

use callboard_core::app::App;
use callboard_core::operations::health::{self, MissingDependency};

use crate::media::{self, Media};
use crate::tables::posts;

pub use callboard_core::operations::health::Health;

/// A caller that waits longer for an answer is told that there is none.
const LIMIT: Duration = Duration::from_secs(3);

/// Of how many posts, the newest, the pictures are looked for.
const SHOWN: u32 = 10;

/// What newest posts show and is not where it is kept. A bucket is not asked, which everybody could have
/// done by asking here; the doctor does.
pub async fn pictures(app: &App) -> Option<MissingDependency> {
    let newest = posts::newest(app.store(), SHOWN, 0).await.ok()?;
    let names = newest
        .iter()
        .flat_map(|post| media::names(&post.markdown, post.featured.as_ref()));
    let names: BTreeSet<_> = names.collect();
    if names.is_empty() {
        return None;
    }
    let cause = match Media::of(app).await {
        Ok(Some(media)) if !media.is_near() => return None,
        Ok(media) => match media::absent(media.as_ref(), &names).await {
            Ok(absent) => media::missing(&absent, names.len())?,
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    Some(MissingDependency {
        dependency: "pictures",
        cause,
    })
}

/// Whether the host is well, and posts can be read.
pub async fn check(app: &App) -> Result<(), MissingDependency> {
    let look = async {
        health::check(app).await?;
        let newest = posts::newest(app.store(), 1, 0).await;
        newest
            .map(drop)
            .map_err(|error| MissingDependency::of("database", error.into()))
    };
    let late = || MissingDependency {
        dependency: "database",
        cause: "it did not answer in time".to_owned(),
    };
    tokio::time::timeout(LIMIT, look)
        .await
        .unwrap_or_else(|_| Err(late()))
}
