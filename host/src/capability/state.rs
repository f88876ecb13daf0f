//! What one instance may touch: the state behind every host function of a call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::limit::{LimitHit, Limiter};
use crate::client::Client;
use crate::client::policy::Policy;
use crate::config::Limits;
use crate::grants::Grants;
use crate::settings::{SettingType, Snapshot};
use crate::store::granted::GrantedDatabase;
use crate::store::{Store, StoreError, StoreErrorKind};

/// Handles that one instance can hold: transactions, matrices, streams.
const HANDLES: usize = 1_000;
/// Bytes of standard error that are kept of one call.
const STANDARD_ERROR: usize = 64 * 1024;
/// Shorter secrets would tear holes into every line.
const SHORTEST_SECRET: usize = 4;

/// What all calls of one plugin share.
pub struct Access {
    pub plugin: String,
    pub grants: Grants,
    pub limits: Limits,
    pub client: Client,
    store: Option<Store>,
    database: OnceCell<GrantedDatabase>,
}

/// Who calls, and until when.
#[derive(Debug, Clone)]
pub struct Caller {
    pub run: String,
    pub stage: String,
    pub deadline: Instant,
    pub settings: Arc<Snapshot>,
}

/// The data of one store: one call of one plugin.
pub struct InstanceState {
    pub access: Arc<Access>,
    pub caller: Caller,
    pub table: ResourceTable,
    /// Values that no line of the log may show.
    pub secrets: Vec<String>,
    pub log_lines: u32,
    /// What the guest said last when it panicked.
    pub panic_text: Option<String>,
    /// Elements of the matrices that are held now.
    pub vector_elements: usize,
    pub(crate) limiter: Limiter,
    host_calls: u32,
    wasi: WasiCtx,
    standard_error: MemoryOutputPipe,
}

impl Access {
    pub fn new(plugin: &str, grants: Grants, limits: Limits, store: Option<Store>) -> Self {
        let client = Client::new(Policy::new(plugin, &grants.http));
        let database = OnceCell::new();
        Self {
            plugin: plugin.to_owned(),
            grants,
            limits,
            client,
            store,
            database,
        }
    }

    /// The plugin's database, opened when it is first asked for.
    pub async fn database(&self) -> Result<&GrantedDatabase, StoreError> {
        let Some(store) = &self.store else {
            let text = "this host runs without a database";
            return Err(StoreError::new(StoreErrorKind::Unavailable, text));
        };
        let open = || store.granted(&self.plugin, &self.grants, &self.limits);
        self.database.get_or_try_init(open).await
    }
}

impl InstanceState {
    pub fn new(access: Arc<Access>, caller: Caller) -> Self {
        let standard_error = MemoryOutputPipe::new(STANDARD_ERROR);
        let wasi = WasiCtx::builder()
            .stderr(standard_error.clone())
            .max_random_size(1 << 20)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self {
            secrets: secrets(&caller.settings),
            limiter: Limiter::new(&access.limits),
            access,
            caller,
            table,
            log_lines: 0,
            panic_text: None,
            vector_elements: 0,
            host_calls: 0,
            wasi,
            standard_error,
        }
    }

    /// Count a call of the host; gives the time that is left for it.
    pub fn host_call(&mut self) -> wasmtime::Result<Duration> {
        self.host_calls += 1;
        if self.host_calls > self.access.limits.host_calls {
            return Err(LimitHit::HostCalls(self.access.limits.host_calls).into());
        }
        let left = self
            .caller
            .deadline
            .saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(LimitHit::Time.into())
        } else {
            Ok(left)
        }
    }

    /// What the guest wrote to its standard error.
    pub fn standard_error(&self) -> String {
        String::from_utf8_lossy(&self.standard_error.contents()).into_owned()
    }
}

fn secrets(settings: &Snapshot) -> Vec<String> {
    let declared = settings.declarations().iter();
    let keys = declared.filter(|(_, declaration)| declaration.kind == SettingType::Secret);
    let texts = keys.filter_map(|(key, _)| Some(settings.secret(key).ok()??.expose().to_owned()));
    let mut texts: Vec<_> = texts.filter(|text| text.len() >= SHORTEST_SECRET).collect();
    // A secret that contains another is hidden first.
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}
