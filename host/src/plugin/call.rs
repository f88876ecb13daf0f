//! One call of a plugin's handler: a fresh store, bounded in every way, and what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use jsonschema::Validator;
use serde_json::Value as Json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::Store;

use super::bindings::handlers;
use super::{Plugin, PluginError, Runtime, trap};
use crate::capability::{Caller, InstanceState};
use crate::handler::{AnyHandler, Call, Contract};
use crate::outcome::{Failure, FailureKind, Outcome, Patch, Stop};

mod convert;

/// Handles and strings that one host call may lift, in bytes.
const HOST_CALL_BYTES: usize = 128 << 20;

/// A handler that a plugin gives.
pub struct PluginHandler {
    plugin: Arc<Plugin>,
    contract: Contract,
    writes: Validator,
}

/// A handler of `plugin` with what `describe` said of it.
pub fn handler(plugin: Arc<Plugin>, contract: Contract) -> Result<PluginHandler, PluginError> {
    let writes =
        jsonschema::validator_for(&contract.writes).map_err(|error| PluginError::Schema {
            plugin: plugin.name.clone(),
            handler: contract.name.clone(),
            which: "writes".to_owned(),
            cause: error.to_string(),
        })?;
    Ok(PluginHandler {
        plugin,
        contract,
        writes,
    })
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
            message: format!("plugin `{}`: {what} within {allowed:?}", self.plugin.name),
            retryable: true,
        };
        let turn = tokio::time::timeout(allowed, self.turn());
        let _turn = turn.await.map_err(|_| late("its turn did not come"))?;
        let guest = self.guest_call(call, config, input, deadline);
        // The future owns the store: dropped at the deadline, it gives its slot back.
        let answered =
            tokio::time::timeout_at(deadline.into(), self.in_store(call, guest, deadline));
        let outcome = answered
            .await
            .map_err(|_| late(&format!("handler `{}` did not answer", self.contract.name)))??;
        self.checked(convert::outcome(outcome, &self.plugin)?)
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

    async fn in_store(
        &self,
        call: &Call,
        guest: handlers::Call,
        deadline: Instant,
    ) -> Result<handlers::Outcome, Failure> {
        let caller = Caller {
            run: call.run.clone(),
            stage: call.stage.clone(),
            attempt: call.attempt,
            deadline,
            settings: Arc::clone(&call.settings),
            lines: call.lines.clone(),
        };
        let state = InstanceState::new(Arc::clone(&self.plugin.access), caller);
        let mut store = store(&self.plugin.runtime, state);
        let answered = async {
            let instance = self.plugin.linked.instantiate_async(&mut store).await?;
            instance
                .callboard_plugin_handlers()
                .call_handle(&mut store, &guest)
                .await
        };
        let answered = answered.await;
        answered.map_err(|error| trap::failure(&error, store.data()))
    }

    /// Hold what the guest says against its own schema.
    fn checked(&self, outcome: Outcome) -> Result<Outcome, Failure> {
        let Outcome::Done(done) = &outcome else {
            return Ok(outcome);
        };
        let patch = Json::Object(done.patch.clone());
        match self.writes.iter_errors(&patch).next() {
            None => Ok(outcome),
            Some(error) => {
                let place = error.instance_path().to_string();
                let (plugin, handler) = (&self.plugin.name, &self.contract.name);
                let text = format!(
                    "plugin `{plugin}`: the patch of `{handler}` breaks its schema at `{place}`: {error}"
                );
                Err(convert::internal(text))
            }
        }
    }
}

/// A store for one call, bounded and yielding.
pub(super) fn store(runtime: &Runtime, state: InstanceState) -> Store<InstanceState> {
    let mut store = Store::new(runtime.engine(), state);
    store.limiter(|state| &mut state.limiter);
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    store.set_hostcall_fuel(HOST_CALL_BYTES);
    store
}
