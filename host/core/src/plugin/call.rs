//! One call of a plugin's handler: a fresh store, bounded in every way, and what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use serde_json::Value as Json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Engine, Store};

use super::bindings::handlers;
use super::runtime::LinkedComponent;
use super::{Plugin, trap};
use crate::capability::{Caller, InstanceState};
use crate::handler::{AnyHandler, Call, Contract};
use crate::outcome::{Failure, FailureKind, Outcome, Patch, Stop};

mod convert;

/// Handles and strings that one host call may lift, in bytes.
const HOST_CALL_BYTES: usize = 128 << 20;

/// A handler that a plugin gives. Its caller holds what it writes against its schema
/// ([`checked`](crate::registry::Entry::checked)).
pub struct PluginHandler {
    plugin: Arc<Plugin>,
    contract: Contract,
}

/// A handler of `plugin` with what `describe` said of it.
pub fn handler(plugin: Arc<Plugin>, contract: Contract) -> PluginHandler {
    PluginHandler { plugin, contract }
}

impl AnyHandler for PluginHandler {
    fn contract(&self, name: &str) -> Contract {
        Contract {
            name: name.to_owned(),
            ..self.contract.clone()
        }
    }

    fn call<'a>(&'a self, call: &'a Call, config: Json, input: Patch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match self.run(call, &config, input).await {
                Ok(outcome) => outcome,
                Err(failure) => Outcome::Stopped(Stop::Failed(failure)),
            }
        })
    }
}

impl PluginHandler {
    async fn run(&self, call: &Call, config: &Json, input: Patch) -> Result<Outcome, Failure> {
        let longest = Duration::from_secs(self.plugin.access.limits.seconds.into());
        let allowed = call.remaining().min(longest);
        let deadline = Instant::now() + allowed;
        let late = |what: &str| Failure {
            kind: FailureKind::Timeout,
            message: format!("{what} within {allowed:?}"),
            retryable: true,
        };
        let linked = tokio::time::timeout(allowed, self.plugin.linked());
        let linked = linked.await.map_err(|_| late("it was not compiled"))?;
        let linked = linked.map_err(|error| convert::internal(error.to_string()))?;
        let turn = tokio::time::timeout(allowed, self.turn());
        let _turn = turn.await.map_err(|_| late("its turn did not come"))?;
        let guest = self.guest_call(call, config, input, deadline);
        let state = self.state(call, deadline);
        let said = state.standard_error();
        // The future owns the store: dropped at the deadline, it gives its slot back.
        let answered =
            tokio::time::timeout_at(deadline.into(), self.in_store(linked, state, &guest));
        let outcome = answered.await.map_err(|_| {
            let failure = late(&format!("handler `{}` did not answer", self.contract.name));
            trap::with_last_words(failure, &said.text())
        })??;
        convert::outcome(outcome, &self.plugin)
    }

    /// A place among the calls of this plugin, and one in the pool of instances.
    async fn turn(&self) -> (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>) {
        let calls: Arc<Semaphore> = Arc::clone(&self.plugin.calls);
        // Neither semaphore is ever closed.
        let own = calls.acquire_owned().await.ok();
        (own, self.plugin.runtime.slots().acquire_owned().await.ok())
    }

    fn guest_call(
        &self,
        call: &Call,
        config: &Json,
        input: Patch,
        deadline: Instant,
    ) -> handlers::Call {
        let remaining = deadline.saturating_duration_since(Instant::now());
        handlers::Call {
            handler: self.contract.name.clone(),
            config: config.to_string(),
            input: Json::Object(input).to_string(),
            run: call.run.clone(),
            stage: call.stage.clone(),
            visit: call.visit,
            attempt: call.attempt,
            remaining: u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX),
            now: call.now.as_microsecond(),
        }
    }

    fn state(&self, call: &Call, deadline: Instant) -> InstanceState {
        let caller = Caller {
            run: call.run.clone(),
            stage: call.stage.clone(),
            attempt: call.attempt,
            deadline,
            settings: Arc::clone(&call.settings),
            call: Some(call.clone()),
            lines: call.lines.clone(),
        };
        InstanceState::new(Arc::clone(&self.plugin.access), caller)
    }

    async fn in_store(
        &self,
        linked: &LinkedComponent,
        state: InstanceState,
        guest: &handlers::Call,
    ) -> Result<handlers::Outcome, Failure> {
        let engine = self.plugin.runtime.engine();
        let engine = engine.map_err(|error| convert::internal(error.to_string()))?;
        let mut store = store(engine, state, HOST_CALL_BYTES);
        let answered = async {
            let instance = linked.instantiate_async(&mut store).await?;
            instance
                .callboard_plugin_handlers()
                .call_handle(&mut store, guest)
                .await
        };
        let answered = answered.await;
        answered.map_err(|error| trap::failure(&error, store.data()))
    }
}

/// A store for one call, bounded and yielding. A call of the host, and what the guest answers,
/// may lift `bytes` into the host.
pub(super) fn store(engine: &Engine, state: InstanceState, bytes: usize) -> Store<InstanceState> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    store.set_hostcall_fuel(bytes);
    store
}
