//! Wakes workers when there is something to do, so that they need not ask all the time.
//!
//! Within a process it is a channel; between processes PostgreSQL's `NOTIFY`. Neither is relied
//! upon: a wake that is lost costs a second.

use std::sync::OnceLock;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::watch;

use crate::supervision;

/// What workers of one database listen to.
const CHANNEL: &str = "callboard_runs";
/// The pause before listening again after the connection broke.
const AGAIN: Duration = Duration::from_secs(1);

/// The wakes of one store.
pub(super) struct Wake {
    sender: watch::Sender<u64>,
    listening: OnceLock<tokio::task::AbortHandle>,
}

/// Hears wakes.
pub struct Woken(watch::Receiver<u64>);

impl Woken {
    /// Wait until there may be something to do.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Default for Wake {
    fn default() -> Self {
        Self {
            sender: watch::Sender::new(0),
            listening: OnceLock::new(),
        }
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        if let Some(task) = self.listening.get() {
            task.abort();
        }
    }
}

impl Wake {
    /// Wake the workers of this process.
    pub(super) fn wake(&self) {
        self.sender.send_modify(|times| *times += 1);
    }

    pub(super) fn woken(&self) -> Woken {
        Woken(self.sender.subscribe())
    }

    /// Hear the wakes of other processes, too.
    pub(super) fn listen(&self, options: &PgConnectOptions) {
        let (options, sender) = (options.clone(), self.sender.clone());
        self.listening.get_or_init(|| {
            let task = supervision::keep(
                "who hears the wakes",
                || false,
                move || hear_on(options.clone(), sender.clone()),
            );
            task.abort_handle()
        });
    }
}

async fn hear_on(options: PgConnectOptions, sender: watch::Sender<u64>) {
    loop {
        if let Err(error) = hear(&options, &sender).await {
            tracing::debug!(%error, "wakes of other processes are not heard");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn hear(options: &PgConnectOptions, sender: &watch::Sender<u64>) -> Result<(), sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1);
    let pool = pool.connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    // Whatever was missed until now.
    sender.send_modify(|times| *times += 1);
    while listener.try_recv().await?.is_some() {
        sender.send_modify(|times| *times += 1);
    }
    Ok(())
}

/// The statement that wakes the workers of other processes.
pub(super) const NOTIFY: &str = "SELECT pg_notify('callboard_runs', '')";
