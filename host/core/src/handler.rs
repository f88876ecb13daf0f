//! The contract of a handler: what it is, what it needs, and how it is called.
//!
//! A native handler is one file under `handlers/<surface>/` that implements [`Handler`] and
//! says [`register!`](crate::register). Forgetting the latter does not compile. A plugin
//! handler implements [`AnyHandler`] at run time, through `plugin`.
//!
//! A whole handler:
//!
//! ```
//! use callboard_core::handler::{Call, Handled, Handler};
//! use callboard_core::outcome::{Done, Stop};
//! use callboard_core::register;
//!
//! # mod content { pub(super) mod words { use super::super::*;
//! struct Words;
//! register!(Words);
//!
//! impl Handler for Words {
//!     type Config = ();
//!     type Reads = Letter;
//!     type Writes = Count;
//!     const SUMMARY: &'static str = "Counts the words of a letter";
//!
//!     async fn handle(&self, _: &Call, _config: (), reads: Letter) -> Handled<Count> {
//!         match reads.letter.split_whitespace().count() {
//!             0 => Err(Stop::rejected("length", "the letter is empty")),
//!             words => Ok(Done::new(Count { words })),
//!         }
//!     }
//! }
//! # } }
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Letter {
//!     letter: String,
//! }
//!
//! #[derive(serde::Serialize, schemars::JsonSchema)]
//! struct Count {
//!     words: usize,
//! }
//!
//! # fn main() {
//! // The file's place is the handler's name.
//! let registry = callboard_core::registry::Registry::native().unwrap();
//! let words = registry.get("content.words").expect("it is registered");
//! assert_eq!(words.contract.summary, "Counts the words of a letter");
//! # }
//! ```
//!
//! Without `register!` the compiler says ``handler `Words` is never registered``, and to add
//! ``register!(Words);`` to the file:
//!
//! ```compile_fail,E0277
//! # use callboard_core::handler::{Call, Handled, Handler};
//! # use callboard_core::outcome::Done;
//! struct Words;
//!
//! impl Handler for Words {
//!     type Config = ();
//!     type Reads = ();
//!     type Writes = ();
//!     const SUMMARY: &'static str = "Counts the words of a letter";
//!
//!     async fn handle(&self, _: &Call, _config: (), _reads: ()) -> Handled<()> {
//!         Ok(Done::new(()))
//!     }
//! }
//! ```
//!
//! Registered twice, it does not compile either, and a second handler in the file, which would
//! have the same name, is refused when the registry is made:
//!
//! ```compile_fail,E0119
//! # use callboard_core::handler::{Call, Handled, Handler};
//! # use callboard_core::outcome::Done;
//! # struct Words;
//! # impl Handler for Words {
//! #     type Config = ();
//! #     type Reads = ();
//! #     type Writes = ();
//! #     const SUMMARY: &'static str = "Counts the words of a letter";
//! #     async fn handle(&self, _: &Call, _config: (), _reads: ()) -> Handled<()> {
//! #         Ok(Done::new(()))
//! #     }
//! # }
//! callboard_core::register!(Words);
//! callboard_core::register!(Words);
//! ```

mod contract;
mod model;
mod ruling;
pub mod schema;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

pub use self::contract::{Contract, Needs, PromptNeed, RowAct, RowUse, TableName, TableNeed};
pub(crate) use self::model::tokens_of;
pub use self::model::{
    Completion, Fallbacks, ModelImage, ModelRequest, NoAnswer, PICTURE, Tally, Tokens, Vectors,
    estimate_of,
};
pub use self::ruling::{RULING, Ruling, RulingAnswer, SETTLED_BY};
use crate::config::Config;
use crate::exchange::{ClientError, Reach, Request, Response};
use crate::lines::{Line, LineLevel, LineSource, VisitLines};
use crate::outcome::{self, Done, FailureKind, Outcome, Patch, Stop};
use crate::settings::Snapshot;
use crate::value::{Query, Rows, Statement};

/// The surfaces: families of handlers with one calling convention.
pub const SURFACES: [&str; 7] = [
    "content",
    JUDGES,
    "retention",
    "tap",
    PUBLISHES,
    "notify",
    "probe",
];

/// The surface of handlers that put something before the world.
pub const PUBLISHES: &str = "publish";

/// The surface of handlers that judge: their outcome is a verdict.
pub const JUDGES: &str = "qa";

/// The key under which a stage reads what came of those that it needs.
pub const OUTCOMES: &str = "outcomes";

/// The most bytes of a name of a handler, behind its surface, and of an effect.
pub const LONGEST_NAME: usize = 64;

/// Whether a text is a name of an effect, or of a handler behind its surface: 1 to 64 of `a-z`,
/// `0-9` and `_`.
pub fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(fits)
}

/// What a handler returns: done, or the reason why not.
pub type Handled<P> = Result<Done<P>, Stop>;

/// Implemented by [`register!`](crate::register) alone, so an unregistered handler does not
/// compile.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "handler `{Self}` is never registered",
    label = "declared here, but no `register!` names it",
    note = "add `register!({Self});` to this file"
)]
pub trait Registered {}

/// A named unit of work, written in Rust and linked into the program.
pub trait Handler: Registered + Send + Sync + 'static {
    /// Its configuration, from the definition that names the handler.
    type Config: DeserializeOwned + JsonSchema + Send;
    /// The keys it reads; an `Option` field is a key that may be absent.
    type Reads: DeserializeOwned + JsonSchema + Send;
    /// The keys it writes.
    type Writes: Serialize + JsonSchema;

    /// One line for people.
    const SUMMARY: &'static str;

    /// Settings, roles and tables it cannot do without.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Whether every call gives an explicit verdict; only then it can be required.
    fn always_gives_a_verdict(&self) -> bool {
        false
    }

    /// Whether it rules, under the key [`RULING`], if a gate behind it has to ask a person.
    fn decides(&self) -> bool {
        false
    }

    /// Whether it may hand on what others refused, with a flag: a person is asked before that is published.
    fn may_flag(&self) -> bool {
        false
    }

    fn handle(
        &self,
        call: &Call,
        config: Self::Config,
        reads: Self::Reads,
    ) -> impl Future<Output = Handled<Self::Writes>> + Send;
}

/// One call: who asks, what is left, and what the handler may reach.
#[derive(Clone)]
pub struct Call {
    pub run: String,
    /// What the run was started with, which no stage changes.
    pub asked: Arc<Patch>,
    /// The pipeline of the run.
    pub pipeline: String,
    pub stage: String,
    pub visit: u32,
    /// A loop or a person sent the run back to this very stage: what it made before is what is not wanted.
    pub sent_back: bool,
    pub attempt: u32,
    /// The handler must have answered by then; everything it calls gets what is left.
    pub deadline: Instant,
    /// The time of the call: the same for every attempt to read the clock in it.
    pub now: Timestamp,
    pub settings: Arc<Snapshot>,
    pub resources: Arc<dyn Resources>,
    /// What is said meanwhile is kept with the visit.
    pub lines: VisitLines,
    /// Providers that others stood in for; the engine adds them to what the stage did.
    pub fallbacks: Fallbacks,
    /// What models took for it.
    pub tally: Tally,
}

impl Call {
    /// What the call has left.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// What a query gives, which the database ends at the deadline.
    pub async fn read<T: DeserializeOwned>(&self, query: Query<T>) -> Result<Vec<T>, Stop> {
        let rows = self.resources.query(query.into(), self.deadline).await?;
        Ok(rows.taken().collect::<Result<_, _>>()?)
    }

    /// The same without the rows that cannot be read, which are told in the log of the visit: where
    /// plugins may write, one row stops nobody. `doctor` names them.
    pub async fn read_sound<T: DeserializeOwned>(&self, query: Query<T>) -> Result<Vec<T>, Stop> {
        let rows = self.resources.query(query.into(), self.deadline).await?;
        let mut sound = Vec::with_capacity(rows.rows.len());
        for read in rows.taken() {
            match read {
                Ok(read) => sound.push(read),
                Err(error) => self.warn(format!("a row is passed over: {error}")),
            }
        }
        Ok(sound)
    }

    fn warn(&self, text: String) {
        self.lines.push(Line {
            at: self.now,
            attempt: self.attempt,
            level: LineLevel::Warn,
            source: LineSource::Log,
            text,
        });
    }

    /// The first row that a query gives, if it gives one.
    pub async fn read_first<T: DeserializeOwned>(
        &self,
        query: Query<T>,
    ) -> Result<Option<T>, Stop> {
        Ok(self.read(query).await?.into_iter().next())
    }

    /// Run a statement at once, in a transaction of its own that the database ends at the
    /// deadline; gives the rows touched. A call may be repeated after a crash: prefer
    /// [`Done::write`].
    pub async fn execute(&self, statement: Statement) -> Result<u64, Stop> {
        self.resources.execute(statement, self.deadline).await
    }

    /// Ask the model of a role, for as long as the call has: the first provider of its chain that
    /// answers. `None` if no provider is set. A provider that is busy is `deferred`, and none that
    /// answers `unavailable`, with the name of each cause.
    pub async fn complete(
        &self,
        role: &str,
        request: ModelRequest,
    ) -> Result<Option<Completion>, Stop> {
        let asked = self.resources.complete(self, role, request).await;
        asked.map_err(Stop::from)
    }

    /// Texts as vectors of the model of a role. `None` if no provider is set.
    pub async fn embed(&self, role: &str, texts: &[String]) -> Result<Option<Vectors>, Stop> {
        let asked = self.resources.embed(self, role, texts).await;
        asked.map_err(Stop::from)
    }

    /// Send a request and read the whole answer, whatever its status, for as long as the call has.
    pub async fn send(
        &self,
        reach: Reach<'_>,
        mut request: Request,
    ) -> Result<Response, ClientError> {
        request.deadline = request.deadline.min(self.remaining());
        self.resources.send(reach, request).await
    }

    /// Makes a direct write recognisable when the call is repeated.
    pub fn idempotency_key(&self) -> String {
        format!("{}/{}/{}", self.run, self.stage, self.visit)
    }
}

/// What native handlers reach of the host.
pub trait Resources: Send + Sync {
    /// Rows of a SELECT that ends by `deadline`.
    fn query(&self, statement: Statement, deadline: Instant) -> BoxFuture<'_, Result<Rows, Stop>>;

    /// Run a statement at once that ends by `deadline`, in a transaction of its own; gives the
    /// rows touched.
    fn execute(&self, statement: Statement, deadline: Instant) -> BoxFuture<'_, Result<u64, Stop>>;

    /// The folder of the workspace, at which relative paths of settings begin.
    fn folder(&self) -> &Path;

    /// What `callboard.toml` of the revision says.
    fn config(&self) -> &Config;

    /// The columns of a table in the live schema; none if there is no such table.
    fn columns<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<Vec<String>, Stop>>;

    /// The text of a prompt of the workspace with its variables filled in.
    fn prompt(&self, name: &str, variables: &Json) -> Result<String, Stop>;

    /// A text in a folder of the workspace that a tenant reads, as it is.
    fn text(&self, path: &str) -> Result<String, Stop>;

    /// Ask the model of a role. `None` if the role does not resolve: no provider is set.
    fn complete<'a>(
        &'a self,
        call: &'a Call,
        role: &'a str,
        request: ModelRequest,
    ) -> BoxFuture<'a, Result<Option<Completion>, NoAnswer>>;

    /// Texts as vectors of the model of a role. `None` if the role does not resolve.
    fn embed<'a>(
        &'a self,
        call: &'a Call,
        role: &'a str,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Option<Vectors>, NoAnswer>>;

    /// Send a request, if it may go there, and read the whole answer.
    fn send<'a>(
        &'a self,
        reach: Reach<'a>,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, ClientError>>;
}

/// A handler of any origin, as the registry holds it.
pub trait AnyHandler: Send + Sync {
    fn contract(&self, name: &str) -> Contract;

    /// Why the handler cannot read a configuration, where that can be known without a call: by the
    /// type of a native handler.
    fn misread(&self, _config: &Json) -> Option<String> {
        None
    }

    fn call<'a>(&'a self, call: &'a Call, config: Json, input: Patch) -> BoxFuture<'a, Outcome>;
}

impl<H: Handler> AnyHandler for H {
    fn contract(&self, name: &str) -> Contract {
        Contract {
            name: name.to_owned(),
            summary: H::SUMMARY.to_owned(),
            config: keys_of::<H::Config>(SchemaSettings::for_deserialize),
            reads: keys_of::<H::Reads>(SchemaSettings::for_deserialize),
            // What it hands on, as it is written: a key that is only written when it is there may be absent.
            writes: keys_of::<H::Writes>(SchemaSettings::for_serialize),
            needs: self.needs(),
            always_gives_a_verdict: self.always_gives_a_verdict(),
            decides: self.decides(),
            may_flag: self.may_flag(),
        }
    }

    fn misread(&self, config: &Json) -> Option<String> {
        let read = read::<H::Config>(schema::whole(config.clone()));
        read.err().map(|error| error.to_string())
    }

    fn call<'a>(&'a self, call: &'a Call, config: Json, input: Patch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match call_typed(self, call, config, input).await {
                Ok(done) => Outcome::Done(done),
                Err(stop) => Outcome::Stopped(stop),
            }
        })
    }
}

async fn call_typed<H: Handler>(
    handler: &H,
    call: &Call,
    config: Json,
    input: Patch,
) -> Handled<Patch> {
    let config =
        read(config).map_err(|error| Stop::failed(FailureKind::Config, error.to_string()))?;
    let reads = read(Json::Object(input))
        .map_err(|error| Stop::failed(FailureKind::Input, error.to_string()))?;
    let done = handler.handle(call, config, reads).await?;
    let patch = outcome::keys_of(&done.patch);
    let patch = patch.map_err(|problem| Stop::failed(FailureKind::Internal, problem))?;
    Ok(done.with_patch(|_| patch))
}

/// Keys as a type; none at all may also be `()`.
fn read<T: DeserializeOwned>(keys: Json) -> Result<T, serde_json::Error> {
    let none = keys.as_object().is_some_and(serde_json::Map::is_empty);
    serde_json::from_value(keys).or_else(|error| {
        if none {
            serde_json::from_value(Json::Null).map_err(|_| error)
        } else {
            Err(error)
        }
    })
}

/// The schema of keys: `()` has none.
fn keys_of<T: JsonSchema>(contract: fn(SchemaSettings) -> SchemaSettings) -> Json {
    let settings = contract(SchemaSettings::default());
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let schema = schema.to_value();
    if schema.get("type").is_some_and(|kind| kind == "null") {
        return serde_json::json!({ "type": "object", "additionalProperties": false });
    }
    schema
}

/// A native handler as found at start-up, before it has a place in the registry.
pub struct Registration {
    /// `module_path!()` of the handler's file.
    pub module: &'static str,
    pub file: &'static str,
    pub handler: &'static dyn AnyHandler,
}

inventory::collect!(Registration);

impl Registration {
    /// `<surface>.<name>`, from the folder and the file, so the file system keeps it unique.
    pub fn name(&self) -> String {
        let mut segments = self.module.rsplit("::");
        let name = segments.next().unwrap_or_default();
        let surface = segments.next().unwrap_or_default();
        format!("{surface}.{name}")
    }
}

/// Register the handler of a file under its path: `handlers/retention/ttl_prune.rs` is
/// `retention.ttl_prune`.
#[macro_export]
macro_rules! register {
    ($handler:ident) => {
        impl $crate::handler::Registered for $handler {}
        ::inventory::submit! {
            $crate::handler::Registration {
                module: module_path!(),
                file: file!(),
                handler: &$handler,
            }
        }
    };
}
