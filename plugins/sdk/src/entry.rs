//! What [`export!`](crate::export) generates calls to: the way from a call of the host to
//! a handler and back.

mod contract;
mod panic;

use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::bindings::exports::callboard::plugin::handlers as wit;
use crate::{Call, Done, Failure, FailureKind, Handler, Stop};

/// Export the handlers of this plugin. It is the only list of them: what the plugin
/// describes and what it answers to are both generated from it.
///
/// ```ignore
/// callboard_plugin::export!(Collapse, Prune);
/// ```
#[macro_export]
macro_rules! export {
    ($($handler:ident),+ $(,)?) => {
        $(impl $crate::handler::Exported for $handler {})+

        #[doc(hidden)]
        struct CallboardPlugin;

        impl $crate::entry::Guest for CallboardPlugin {
            fn describe() -> ::std::vec::Vec<$crate::entry::Contract> {
                $crate::entry::install_panic_hook();
                ::std::vec![$($crate::entry::contract::<$handler>()),+]
            }

            fn handle(call: $crate::entry::WitCall) -> $crate::entry::Outcome {
                $crate::entry::install_panic_hook();
                $(if call.handler == <$handler as $crate::Handler>::NAME {
                    return $crate::entry::run::<$handler>(call);
                })+
                $crate::entry::unknown(&call.handler)
            }
        }

        $crate::bindings::export!(CallboardPlugin with_types_in $crate::bindings);
    };
}

pub use contract::contract;
pub use panic::install_panic_hook;
pub use wit::{Call as WitCall, Contract, Guest, Outcome};

/// Run a handler on a call of the host.
pub fn run<H: Handler>(call: WitCall) -> Outcome {
    outcome(attempt::<H>(call))
}

/// The answer to a name that this plugin does not have.
pub fn unknown(name: &str) -> Outcome {
    let message = format!("no handler `{name}` in this plugin; `describe` lists the ones it has");
    outcome(Err(Stop::failed(FailureKind::Internal, message)))
}

fn attempt<H: Handler>(call: WitCall) -> Result<wit::Done, Stop> {
    let config = parse(&call.config, FailureKind::Config, || {
        format!("config of `{}`", H::NAME)
    })?;
    let reads = parse(&call.input, FailureKind::Input, || {
        format!("input of `{}`", H::NAME)
    })?;
    let call = Call {
        handler: call.handler,
        run: call.run,
        stage: call.stage,
        visit: call.visit,
        attempt: call.attempt,
        now: call.now,
        budget: Duration::from_millis(call.remaining),
        started: Instant::now(),
    };
    done(H::handle(&call, config, reads)?)
}

fn parse<T: DeserializeOwned>(
    text: &str,
    kind: FailureKind,
    what: impl Fn() -> String,
) -> Result<T, Stop> {
    serde_json::from_str(text)
        .map_err(|error| Stop::failed(kind, format!("{} does not fit: {error}", what())))
}

fn done<W: serde::Serialize>(done: Done<W>) -> Result<wit::Done, Stop> {
    let patch = serde_json::to_value(&done.patch)?;
    if !patch.is_object() {
        let message = "the patch is not an object; give `Writes` named fields";
        return Err(Stop::failed(FailureKind::Internal, message));
    }
    let (writes, fallbacks) = (done.writes.into_iter(), done.fallbacks.into_iter());
    Ok(wit::Done {
        patch: patch.to_string(),
        effects: done.effects,
        fallbacks: fallbacks
            .map(|(what, why)| wit::Fallback { what, why })
            .collect(),
        writes: writes
            .map(|(statement, params)| wit::DeferredWrite { statement, params })
            .collect(),
    })
}

fn outcome(result: Result<wit::Done, Stop>) -> Outcome {
    match result {
        Ok(done) => Outcome::Done(done),
        Err(Stop::NothingToDo(reason)) => Outcome::NothingToDo(reason),
        Err(Stop::Deferred { until, reason }) => Outcome::Deferred(wit::Deferral { until, reason }),
        Err(Stop::Rejected {
            rule,
            detail,
            patch,
        }) => Outcome::Rejected(wit::Rejection {
            rule,
            detail,
            patch: patch.map(|patch| patch.to_string()),
        }),
        Err(Stop::Unavailable { dependency, cause }) => {
            Outcome::Unavailable(wit::Unavailability { dependency, cause })
        }
        Err(Stop::Failed(Failure {
            kind,
            message,
            retryable,
        })) => Outcome::Failed(wit::Failure {
            kind: failure_kind(kind),
            message,
            retryable,
        }),
    }
}

fn failure_kind(kind: FailureKind) -> wit::FailureKind {
    match kind {
        FailureKind::Config => wit::FailureKind::Config,
        FailureKind::Input => wit::FailureKind::Input,
        FailureKind::Denied => wit::FailureKind::Denied,
        FailureKind::Internal => wit::FailureKind::Internal,
        FailureKind::Timeout => wit::FailureKind::Timeout,
    }
}

#[cfg(test)]
mod tests;
