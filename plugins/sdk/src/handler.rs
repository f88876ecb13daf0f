//! What an author implements: [`Handler`], and what a call hands it.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Done, Needs, Stop};

/// Implemented by [`export!`](crate::export) alone, so a handler that nobody exports does
/// not compile.
///
/// ```compile_fail,E0277
/// use callboard_plugin::{Call, Done, Handler, Nothing, Stop};
///
/// struct Forgotten;
///
/// impl Handler for Forgotten {
///     const NAME: &'static str = "probe.forgotten";
///     const SUMMARY: &'static str = "Nobody exports it";
///     type Config = Nothing;
///     type Reads = Nothing;
///     type Writes = Nothing;
///
///     fn handle(_: &Call, _: Nothing, _: Nothing) -> Result<Done<Nothing>, Stop> {
///         Ok(Done::new(Nothing {}))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "handler `{Self}` is never exported",
    label = "declared here, but `export!` does not name it",
    note = "add it to the list: `callboard_plugin::export!({Self});`"
)]
pub trait Exported {}

/// One named unit of work.
pub trait Handler: Exported {
    /// `<surface>.<name>`, as pipelines and policies refer to it.
    const NAME: &'static str;
    /// One line that says what it does.
    const SUMMARY: &'static str;
    /// Whether every call gives an explicit verdict; a stage with `required = true` asks for it.
    const ALWAYS_GIVES_A_VERDICT: bool = false;

    /// What an operator may configure. Add `#[serde(deny_unknown_fields)]`.
    type Config: DeserializeOwned + JsonSchema;
    /// The input: its fields are the keys that the handler reads.
    type Reads: DeserializeOwned + JsonSchema;
    /// The patch: its fields are the keys that the handler writes.
    type Writes: Serialize + JsonSchema;

    /// The settings, roles and tables that the handler touches.
    fn needs() -> Needs {
        Needs::none()
    }

    /// Do one unit of work.
    fn handle(
        call: &Call,
        config: Self::Config,
        reads: Self::Reads,
    ) -> Result<Done<Self::Writes>, Stop>;
}

/// An object without keys, for a handler that reads or writes nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nothing {}

/// One call of a handler.
#[derive(Debug, Clone)]
pub struct Call {
    /// The name that was called.
    pub handler: String,
    /// The run this call belongs to.
    pub run: String,
    /// The stage of the pipeline.
    pub stage: String,
    /// How often the run has come to this stage; with `run` and `stage` an idempotency key.
    pub visit: u32,
    /// Which try of this visit it is.
    pub attempt: u32,
    /// The time of the call, in microseconds since 1970-01-01T00:00:00Z.
    pub now: i64,
    /// What the call had left when it began.
    pub budget: Duration,
    pub(crate) started: Instant,
}

impl Call {
    /// What the call has left.
    pub fn remaining(&self) -> Duration {
        self.budget.saturating_sub(self.started.elapsed())
    }

    /// Whether it is time to finish: less than a tenth of the budget is left, or less than
    /// half a second of a long one.
    pub fn is_nearly_spent(&self) -> bool {
        self.remaining() <= (self.budget / 10).min(Duration::from_millis(500))
    }
}
