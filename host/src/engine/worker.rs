//! A worker: claims runs that are due and carries them out, a few at a time, until it is
//! told to stop. Then it claims no more and lets what is under way come to a checkpoint.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Engine;
use crate::store::runs;

/// The pause after nothing was due; it doubles up to [`LONGEST_PAUSE`].
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Work until `stop`, on at most `places` runs at a time.
pub async fn work(engine: Engine, places: usize, stop: CancellationToken) {
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(places));
    let tasks = TaskTracker::new();
    let mut pause = SHORTEST_PAUSE;
    while !stop.is_cancelled() {
        let Ok(place) = places.clone().acquire_owned().await else {
            break;
        };
        match runs::claim(&engine.store, None).await {
            Ok(Some(claim)) => {
                pause = SHORTEST_PAUSE;
                let engine = engine.clone();
                tasks.spawn(async move {
                    let id = claim.run.id.clone();
                    if let Err(error) = engine.advance(claim).await {
                        tracing::error!(run = id, %error, "run left as it is");
                    }
                    drop(place);
                });
            }
            Ok(None) => {
                rest(&stop, pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => {
                tracing::error!(%error, "cannot claim runs");
                rest(&stop, LONGEST_PAUSE).await;
            }
        }
    }
    tasks.close();
    tasks.wait().await;
}

async fn rest(stop: &CancellationToken, pause: Duration) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(pause) => {}
    }
}
