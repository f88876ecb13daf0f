//! The one composition root: config, store, plugin runtime, runnable revisions and clients are built
//! here and nowhere else, so every mode of the program sees the same.

mod apply;
pub mod current;
pub mod doctor;
mod duties;
mod loaded;
mod process;
mod resources;
mod runnables;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

pub use self::apply::Applied;
pub use self::duties::{SeenVersions, WorkerDuties};
pub use self::loaded::{Inspection, LoadedRevision};
use crate::client::{Network, Tape};
use crate::config::Config;
use crate::engine::executor::Dispatcher;
use crate::engine::{Engine, EngineError, Watcher};
use crate::plugin::Runtime;
use crate::private_file;
use crate::registry::RegistryError;
use crate::secrets::{self, SecretError, SecretKey};
use crate::shared_cache::SharedCache;
use crate::store::schedules::Timetable;
use crate::store::{self, Dialect, Store, StoreError, StoreErrorKind, revisions};
use crate::workspace::{self, Definitions, Misread, WorkspaceError};

/// Revisions at hand though no run uses them: the active one, and one that runs may come back to.
const COMPANIES: usize = 2;

/// An opened workspace. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    config: Config,
    store: Store,
    runtime: Runtime,
    /// Revisions that are loaded, by number and digest: of a database that is restored, another one
    /// may have the number.
    loaded: SharedCache<(i64, String), LoadedRevision>,
    runnables: runnables::RunnableCache,
    /// The cassette, if there is one.
    tape: OnceLock<Arc<Tape>>,
    /// What the host's own clients go over, but for the cassette.
    network: Network,
    /// What starts by itself, as the store has it, with the digest of its revision.
    plan: Mutex<Option<(String, Arc<Timetable>)>>,
}

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error(
        "there is no workspace in {0}; name its folder with `-w`, or make one in a folder of its own: `callboard init DIR`"
    )]
    NoWorkspace(String),
    #[error("{} of the workspace cannot be read", places(.0.len()))]
    Misread(Vec<Misread>),
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("nothing is applied yet; run `callboard apply`")]
    NothingApplied,
    #[error(
        "it is not in the database, and what belongs to it cannot go on; put a backup back that has it"
    )]
    NoRevision,
    #[error(
        "revision {0} is not what its digest says: somebody changed its files in the database; restore a \
         backup, or make another one active (`callboard revisions list`)"
    )]
    ChangedRevision(i64),
    #[error("the roll call has {0} without an answer")]
    Misses(usize, Box<crate::rollcall::RollReport>),
}

fn places(count: usize) -> String {
    if count == 1 {
        "one place".to_owned()
    } else {
        format!("{count} places")
    }
}

/// What takes the most code, boxed, so that it is compiled here, once.
pub type AppFuture<'a, T> = BoxFuture<'a, Result<T, AppError>>;

impl App {
    /// Open the workspace in `folder`: read `callboard.toml`, open the database and bring its
    /// schema up to date. `database` wins over the file's address.
    pub async fn open(folder: &Path, database: Option<&str>) -> Result<Self, AppError> {
        let (config, url) = found(folder, database)?;
        let store = Store::open(&url).await?;
        // Every process has to derive the same passwords from it, from the first one on.
        if store.dialect() == Dialect::Postgres
            && let Err(error) = SecretKey::load_or_make(&folder.join(secrets::FILE))
        {
            tracing::warn!(%error, "plugins log in with passwords of this process alone");
        }
        Ok(Self::of(folder, config, store))
    }

    /// Open the workspace in `folder` as it is: no database is made, and none is changed by that.
    pub async fn open_as_it_is(folder: &Path, database: Option<&str>) -> Result<Self, AppError> {
        let (config, url) = found(folder, database)?;
        Ok(Self::of(folder, config, Store::open_as_it_is(&url).await?))
    }

    fn of(folder: &Path, config: Config, store: Store) -> Self {
        // A file that cannot be used is a finding where it is needed for secrets.
        if let Ok(Some(key)) = SecretKey::load(&folder.join(secrets::FILE)) {
            store.derive_logins(key.derive("logins of plugins"));
        }
        let inner = Inner {
            folder: folder.to_owned(),
            config,
            store,
            runtime: Runtime::new(),
            loaded: SharedCache::new(COMPANIES),
            runnables: runnables::known(),
            tape: OnceLock::new(),
            network: Network::default(),
            plan: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Keep each answer over HTTP in a folder, from now on. What is loaded already goes on without.
    pub fn record(&self, folder: &Path) -> std::io::Result<()> {
        self.put(Tape::record(folder)?)
    }

    /// Answer from a folder in place of the network, from now on.
    pub fn replay(&self, folder: &Path) -> std::io::Result<()> {
        self.put(Tape::replay(folder)?)
    }

    /// One that were put in beside another would not be asked, and the network would be instead.
    fn put(&self, tape: Tape) -> std::io::Result<()> {
        let put = self.inner.tape.set(Arc::new(tape));
        put.map_err(|_| std::io::Error::other("a cassette is in already"))
    }

    pub(crate) fn tape(&self) -> Option<Arc<Tape>> {
        self.inner.tape.get().cloned()
    }

    /// What the host's own clients go over: connections that they share, and the cassette.
    pub fn network(&self) -> Network {
        let mut network = self.inner.network.clone();
        network.tape = self.tape();
        network
    }

    /// Revisions, and runnable revisions, that are in memory.
    pub fn in_memory(&self) -> (usize, usize) {
        (self.inner.loaded.count(), self.inner.runnables.count())
    }

    /// The file that holds the key of the secrets.
    pub fn key_file(&self) -> PathBuf {
        self.inner.folder.join(secrets::FILE)
    }

    /// The files of the folder that count. What is kept private never does, by whatever name: the
    /// key, and the databases that the file and this process name.
    pub fn read(&self) -> Result<workspace::Folder, WorkspaceError> {
        let mut private = self.store().files();
        let named = address(self.folder(), &self.config().database);
        private.extend(store::files(&named));
        private.push(self.key_file());
        workspace::read(self.folder(), &private)
    }

    /// The same of a folder of which nothing is opened.
    pub fn files_in(folder: &Path) -> Result<workspace::Folder, AppError> {
        let (_, url) = found(folder, None)?;
        let mut private = store::files(&url);
        private.push(folder.join(secrets::FILE));
        Ok(workspace::read(folder, &private)?)
    }

    /// The files of this workspace that hold what is its owner's alone, and that others may reach.
    pub fn open_to_others(&self) -> Vec<PathBuf> {
        let mut files = self.store().files();
        files.push(self.key_file());
        files.retain(|file| private_file::is_open_to_others(file));
        files
    }

    /// The active revision, loaded.
    pub async fn active(&self) -> Result<Arc<LoadedRevision>, AppError> {
        let active = revisions::active(self.store())
            .await?
            .ok_or(AppError::NothingApplied)?;
        self.loaded_revision_of(active.number, active.digest).await
    }

    /// A revision, loaded once a process; it stays while it is in use or among the latest that were
    /// asked for.
    pub async fn loaded_revision(&self, number: i64) -> Result<Arc<LoadedRevision>, AppError> {
        let digest = revisions::digest(self.store(), number).await?;
        self.loaded_revision_of(number, digest).await
    }

    fn loaded_revision_of(
        &self,
        number: i64,
        digest: String,
    ) -> AppFuture<'_, Arc<LoadedRevision>> {
        let known = digest.clone();
        let load = async move || {
            let said = revisions::said(self.store(), number).await?;
            if said.files.is_empty() {
                return Err(AppError::NoRevision);
            }
            if workspace::digest_with(&said.files, &said.components) != known {
                return Err(AppError::ChangedRevision(number));
            }
            let definitions = Definitions::of_revision(&said.files, &said.components);
            let definitions = definitions.map_err(AppError::Misread)?;
            self.load(definitions, number).await
        };
        Box::pin(async move { self.inner.loaded.get((number, digest), load).await })
    }

    /// An engine on this workspace. Needs a runtime.
    pub fn engine(&self, watcher: Arc<dyn Watcher>) -> Engine {
        let runnables = Arc::new(self.clone());
        let rules = self.config().engine.clone();
        if let (Some(restate), Some(dispatcher)) = (rules.restate.clone(), Dispatcher::named()) {
            return (dispatcher.0)(self.store(), runnables, watcher, (rules, restate));
        }
        Engine::new(self.store(), runnables, watcher, rules)
    }

    /// The digests that are the same in every mode: active revision, settings, registry.
    pub async fn digests(&self) -> Result<[(&'static str, String); 3], AppError> {
        let active = revisions::active(self.store())
            .await?
            .ok_or(AppError::NothingApplied)?;
        let runnable = self.runnable().await?;
        Ok([
            ("revision", active.digest),
            ("settings", runnable.settings.digest()),
            ("registry", runnable.registry.digest()),
        ])
    }
}

/// What `callboard.toml` says, and the address of the database.
fn found(folder: &Path, database: Option<&str>) -> Result<(Config, String), AppError> {
    let text = workspace::configuration(folder)?
        .ok_or_else(|| AppError::NoWorkspace(folder.display().to_string()))?;
    let config = workspace::parse_config(&text).map_err(AppError::Misread)?;
    let url = address(folder, database.unwrap_or(&config.database));
    for file in store::files(&url) {
        refuse_published(folder, &file)?;
    }
    Ok((config, url))
}

/// The address of the database; a relative path of SQLite starts at the workspace.
fn address(folder: &Path, url: &str) -> String {
    match url.strip_prefix("sqlite:") {
        Some(path) if !path.starts_with(':') => {
            // `sqlite://PATH` is what other programs write.
            let path = path.strip_prefix("//").unwrap_or(path);
            format!("sqlite:{}", folder.join(path).display())
        }
        _ => url.to_owned(),
    }
}

/// A database in a folder of definitions would become one of them, and be shown wherever a tenant shows those.
fn refuse_published(folder: &Path, file: &Path) -> Result<(), AppError> {
    let within = file.parent().and_then(|within| within.canonicalize().ok());
    let (Some(within), Ok(root)) = (within, folder.canonicalize()) else {
        return Ok(());
    };
    let read = workspace::folders_read().find(|read| within.starts_with(root.join(read)));
    let Some(read) = read else {
        return Ok(());
    };
    let message = format!(
        "the database {} is in `{read}/`, whose files become part of each revision; name another \
         place, such as `database = \"sqlite:callboard.db\"`, and move it there",
        file.display(),
    );
    Err(StoreError::new(StoreErrorKind::Address, message).into())
}
