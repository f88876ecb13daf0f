//! What [`export!`](crate::export) generates calls to: the way from a call of the host to
//! a handler and back.

use std::panic::PanicHookInfo;
use std::sync::Once;
use std::time::{Duration, Instant};

use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;

use crate::bindings::callboard::plugin::log as host_log;
use crate::bindings::exports::callboard::plugin::handlers as wit;
use crate::handler::Exported;
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

pub use wit::{Call as WitCall, Contract, Guest, Outcome};

/// Send the text and place of a panic through `log`, before the trap that follows it. The
/// host takes the line with the field `panic` for the text of the trap.
pub fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(report_panic)));
}

fn report_panic(info: &PanicHookInfo<'_>) {
    let place = info
        .location()
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let text = info.payload_as_str().unwrap_or("a payload without text");
    let field = ("panic".to_owned(), "true".to_owned());
    host_log::write(
        host_log::Level::Error,
        &format!("panicked at {place}: {text}"),
        &[field],
    );
}

/// What the host has to know about a handler before it runs.
pub fn contract<H: Handler + Exported>() -> Contract {
    let needs = H::needs();
    let accepted = SchemaSettings::draft2020_12().for_deserialize();
    let given = SchemaSettings::draft2020_12().for_serialize();
    Contract {
        name: H::NAME.to_owned(),
        summary: H::SUMMARY.to_owned(),
        config_schema: accepted
            .clone()
            .into_generator()
            .into_root_schema_for::<H::Config>()
            .as_value()
            .to_string(),
        reads_schema: accepted
            .into_generator()
            .into_root_schema_for::<H::Reads>()
            .as_value()
            .to_string(),
        writes_schema: given
            .into_generator()
            .into_root_schema_for::<H::Writes>()
            .as_value()
            .to_string(),
        settings: needs.settings,
        roles: needs.roles,
        tables: needs
            .tables
            .into_iter()
            .map(|(table, verbs)| wit::TableNeed {
                table,
                verbs: verbs
                    .into_iter()
                    .map(|verb| verb.as_str().to_owned())
                    .collect(),
            })
            .collect(),
        always_gives_a_verdict: H::ALWAYS_GIVES_A_VERDICT,
    }
}

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
    let writes = done.writes.into_iter();
    Ok(wit::Done {
        patch: patch.to_string(),
        effects: done.effects,
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
        Err(Stop::Rejected { rule, detail }) => Outcome::Rejected(wit::Rejection { rule, detail }),
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
