//! What a process makes from the active revision and the settings, such as pages that are compiled: a
//! tenant says how it is made, and the server that shows it keeps it current. It is made anew when
//! another revision becomes active or a setting changes.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{App, AppError, SeenVersions};
use crate::supervision;

/// The pause before what could not be made is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// Something that was made, of a type that its tenant knows.
pub type TenantState = Arc<dyn Any + Send + Sync>;

/// What is rebuilt when a revision becomes active.
pub struct Rebuilt {
    /// What keeps it current, as a task of the process.
    pub task: &'static str,
    /// How it is made, for a process that is reached at an address. An error says nothing about
    /// what was asked for, such as that the database does not answer: the one before stays.
    pub make: for<'a> fn(&'a App, SocketAddr) -> BoxFuture<'a, Result<TenantState, AppError>>,
}

/// What is rebuilt of a tenant.
pub struct Rebuilds(pub &'static [Rebuilt]);

inventory::collect!(Rebuilds);

/// What was made last, of every tenant. Cheap to clone.
#[derive(Clone)]
pub struct Current(Arc<[watch::Receiver<TenantState>]>);

impl<const COUNT: usize> From<[watch::Receiver<TenantState>; COUNT]> for Current {
    fn from(made: [watch::Receiver<TenantState>; COUNT]) -> Self {
        Self(Arc::new(made))
    }
}

impl Current {
    /// What was made last of a type.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let mut all = self.0.iter().map(|made| Arc::clone(&made.borrow()));
        all.find_map(|made| made.downcast().ok())
    }
}

/// Keeps what was made current, until it is dropped.
pub struct Keepers(Vec<JoinHandle<()>>);

impl Drop for Keepers {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl App {
    /// Make what tenants rebuild, and keep it current with `changes`, as a look at the database
    /// sees them. `address` is where this process is reached.
    pub async fn keep_current(
        &self,
        address: SocketAddr,
        changes: &watch::Receiver<SeenVersions>,
    ) -> Result<(Current, Keepers), AppError> {
        let (mut current, mut keepers) = (Vec::new(), Keepers(Vec::new()));
        for rebuilt in inventory::iter::<Rebuilds>().flat_map(|all| all.0) {
            let (swap, made) = watch::channel((rebuilt.make)(self, address).await?);
            let (app, changes) = (self.clone(), changes.clone());
            let keep =
                move || rebuild(app.clone(), rebuilt, address, swap.clone(), changes.clone());
            let keeper = supervision::keep(rebuilt.task, || true, keep);
            current.push(made);
            keepers.0.push(keeper);
        }
        Ok((Current(current.into()), keepers))
    }
}

async fn rebuild(
    app: App,
    rebuilt: &Rebuilt,
    address: SocketAddr,
    swap: watch::Sender<TenantState>,
    mut changes: watch::Receiver<SeenVersions>,
) {
    while changes.changed().await.is_ok() {
        match (rebuilt.make)(&app, address).await {
            Ok(made) => drop(swap.send_replace(made)),
            Err(error) => {
                tracing::error!(task = rebuilt.task, %error, "what it made stays as it was");
                tokio::time::sleep(AGAIN).await;
                changes.mark_changed();
            }
        }
    }
}
