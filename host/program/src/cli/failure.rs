//! An error at the command line: what is wrong, the mend, and the exit code.

use callboard_core::app::AppError;
use callboard_core::engine::EngineError;
use callboard_core::operations::{ErrorKind, OperationError};
use callboard_core::rollcall::Roll;
use callboard_core::store::StoreError;
use callboard_core::workspace::{Misread, WorkspaceError};
use callboard_factory::site::Unshown;
use serde_json::{Value as Json, json};

use super::exit::Exit;
use crate::http::HttpError;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) misreads: Vec<Misread>,
    /// The roll, if its misses are why.
    pub(super) roll: Option<Box<Roll>>,
    exit: Exit,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
            misreads: Vec::new(),
            roll: None,
            exit,
        }
    }

    /// Wrong usage or input.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted; what was committed is kept")
            .help("an unfinished run goes on with `callboard runs resume ID`")
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// The document that stands in place of the answer.
    pub(super) fn to_json(&self) -> Json {
        let places: Vec<_> = self
            .misreads
            .iter()
            .map(|misread| {
                json!({
                    "place": misread.place.to_string(),
                    "message": misread.message,
                    "mend": misread.mend,
                })
            })
            .collect();
        let misses = self.roll.iter().flat_map(|roll| roll.misses());
        json!({
            "error": self.message,
            "help": self.help,
            "code": self.exit.code(),
            "places": places,
            "misses": misses.collect::<Vec<_>>(),
        })
    }
}

impl From<OperationError> for Failure {
    fn from(error: OperationError) -> Self {
        let exit = match error.kind {
            ErrorKind::Usage | ErrorKind::Unknown => Exit::Usage,
            ErrorKind::Failed => Exit::Failed,
            ErrorKind::Unavailable => Exit::Unavailable,
        };
        Self {
            message: error.message,
            help: error.mend,
            misreads: error.misreads,
            roll: error.roll,
            exit,
        }
    }
}

/// What the host says of itself is said as of something that was asked.
macro_rules! as_operation {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                OperationError::from(error).into()
            }
        }
    )*};
}

as_operation!(AppError, StoreError, EngineError, WorkspaceError, Unshown);

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        let exit = match error {
            HttpError::Public(_) => Exit::Usage,
            _ => Exit::Unavailable,
        };
        Self::new(exit, error.to_string())
    }
}
