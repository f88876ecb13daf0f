//! What one instance may touch: the state behind every host function of a call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::guest_log::{GuestLog, GuestOutput};
use super::limit::{LimitHit, Limiter};
use super::{Caller, denial};
use crate::client::Client;
use crate::client::egress::Egress;
use crate::config::CallLimits;
use crate::grants::Grants;
use crate::lines::LineSource;
use crate::store::granted::{self, GrantedDatabase, Idle};
use crate::store::{Dialect, Store, StoreError, StoreErrorKind};

/// Handles that one instance can hold: transactions, matrices, streams.
const HANDLES: usize = 1_000;

/// What all calls of one plugin share.
pub struct Access {
    pub plugin: String,
    pub grants: Grants,
    pub limits: CallLimits,
    pub client: Client,
    store: Option<Store>,
    database: OnceCell<GrantedDatabase>,
}

/// The data of one store: one call of one plugin.
pub struct InstanceState {
    pub access: Arc<Access>,
    pub caller: Caller,
    pub table: ResourceTable,
    pub log: GuestLog,
    pub log_lines: u32,
    /// Tokens of models that the call took.
    pub model_tokens: u64,
    /// What the guest said last when it panicked.
    pub panic_text: Option<String>,
    /// Elements of the matrices that are held now.
    pub vector_elements: usize,
    /// Transactions that were begun and not ended.
    pub open_transactions: u32,
    /// What its transactions may keep others waiting while it computes.
    pub idle: Idle,
    /// Whether it is asked what it gives, rather than called.
    pub(crate) describes: bool,
    pub(crate) limiter: Limiter,
    host_calls: u32,
    wasi: WasiCtx,
    standard_error: GuestOutput,
}

impl Access {
    pub fn new(plugin: &str, grants: Grants, limits: CallLimits, store: Option<Store>) -> Self {
        let client = Client::new(Egress::new(plugin, &grants));
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

    /// The plugin's database, opened when it is first asked for; denied without a grant of it.
    pub async fn database(&self) -> Result<&GrantedDatabase, StoreError> {
        if let Some(denial) = denial(self, "db") {
            return Err(StoreError::new(StoreErrorKind::Denied, denial));
        }
        let Some(store) = &self.store else {
            let text = "this host runs without a database";
            return Err(StoreError::new(StoreErrorKind::Unavailable, text));
        };
        let open = || store.granted(&self.plugin, &self.grants, &self.limits);
        self.database.get_or_try_init(open).await
    }

    /// The kind of database behind the plugin, granted or not.
    pub fn dialect(&self) -> Dialect {
        self.store.as_ref().map_or(Dialect::Sqlite, Store::dialect)
    }
}

impl InstanceState {
    pub fn new(access: Arc<Access>, caller: Caller) -> Self {
        let log = GuestLog::new(&access.plugin, &caller);
        let standard_error = GuestOutput::new(&log, LineSource::Stderr);
        let wasi = WasiCtx::builder()
            .stdout(GuestOutput::new(&log, LineSource::Stdout))
            .stderr(standard_error.clone())
            .max_random_size(1 << 20)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self {
            log,
            limiter: Limiter::new(&access.limits),
            access,
            caller,
            table,
            log_lines: 0,
            model_tokens: 0,
            panic_text: None,
            vector_elements: 0,
            open_transactions: 0,
            idle: Idle::default(),
            describes: false,
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

    /// What leads to the plugin's database, outside of any transaction of this call. Within one,
    /// what is asked for beside it may wait for what the transaction holds, and that would be
    /// for ever: the guest goes on only when it is answered.
    pub fn outside_transaction(&self) -> Result<Arc<Access>, StoreError> {
        if self.open_transactions > 0 {
            let text = "a transaction of this call is open; run the statement in it, or commit or drop it first";
            return Err(StoreError::new(StoreErrorKind::Statement, text));
        }
        Ok(Arc::clone(&self.access))
    }

    /// An error of a statement, with whose statement it is.
    pub fn about(&self, sql: &str, error: StoreError) -> StoreError {
        granted::about(&self.access.plugin, &self.caller.stage, sql, error)
    }

    /// What the guest writes to its standard error, also while it runs.
    pub fn standard_error(&self) -> GuestOutput {
        self.standard_error.clone()
    }
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}
