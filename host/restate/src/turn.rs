//! The object of a run in Restate: at most one turn at a time, and an announcement of the run
//! during a turn waits for its end. It keeps nothing and knows nothing of pipelines, so that a turn
//! may begin on one release of the program and the next on another.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use restate_sdk::endpoint::ServiceOptions;
use restate_sdk::prelude::*;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::offers::Offers;

/// How long Restate leaves a turn alone: a worker that hangs is the lease's business.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// How soon, and how seldom at last, a turn is offered again that broke off.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// After so many the turn is forgotten; a run that is due is announced again.
const ATTEMPTS: u64 = 60;

pub(super) struct Turn {
    offers: Arc<Offers>,
}

#[object(name = "CallboardRun")]
impl Turn {
    /// Offer the run to the worker that this came to, until the run is given back.
    #[handler]
    async fn advance(&self, ctx: ObjectContext<'_>) -> HandlerResult<()> {
        let (run, offers) = (ctx.key().to_owned(), Arc::clone(&self.offers));
        let turn = async move || {
            let end = offers.offer(run);
            let end = end.ok_or_else(|| io::Error::other("this worker takes no more"))?;
            let ended = end.await;
            Ok(ended.map_err(|_| io::Error::other("the worker let go of the run"))?)
        };
        ctx.run(turn).name("turn").await?;
        Ok(())
    }
}

/// Nothing is kept of a turn that has ended, so that the same announcement begins another.
fn options() -> ServiceOptions {
    ServiceOptions::new()
        .inactivity_timeout(PATIENCE)
        .abort_timeout(PATIENCE)
        .idempotency_retention(Duration::ZERO)
        .journal_retention(Duration::ZERO)
        .retry_policy_initial_interval(FIRST_PAUSE)
        .retry_policy_max_interval(LONGEST_PAUSE)
        .retry_policy_max_attempts(ATTEMPTS)
        .retry_policy_kill_on_max_attempts()
}

/// Take turns until `stop`; those under way come to their end.
pub(super) async fn serve(listener: TcpListener, offers: Arc<Offers>, stop: CancellationToken) {
    let turn = Turn {
        offers: Arc::clone(&offers),
    };
    let endpoint = Endpoint::builder()
        .bind(turn.into_service_definition().options(options()))
        .build();
    let stopped = async {
        stop.cancelled().await;
        offers.close();
    };
    let server = HttpServer::new(endpoint);
    server.serve_with_cancel(listener, stopped).await;
}
