//! An error at the command line: what is wrong, the mend, and the exit code.

use std::process::ExitCode;

use serde_json::{Value as Json, json};

use crate::app::AppError;
use crate::engine::EngineError;
use crate::http::HttpError;
use crate::store::{StoreError, StoreErrorKind};
use crate::workspace::{Misread, WorkspaceError};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) misreads: Vec<Misread>,
    code: u8,
}

/// A decision or a failure.
pub(super) const FAILED: u8 = 1;
/// Wrong usage or input.
pub(super) const USAGE: u8 = 2;
/// Something it depends on is not available.
pub(super) const UNAVAILABLE: u8 = 3;
/// A run waits.
pub(super) const WAITING: u8 = 4;

impl Failure {
    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
            misreads: Vec::new(),
            code,
        }
    }

    /// Wrong usage or input.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn interrupted() -> Self {
        Self::new(130, "interrupted; what was committed is kept")
            .help("an unfinished run goes on with `callboard runs resume ID`")
    }

    pub(super) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

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
        json!({ "error": self.message, "help": self.help, "places": places })
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let message = error.to_string();
        match error {
            AppError::Misread(misreads) => Self {
                misreads,
                ..Self::new(FAILED, message)
            },
            AppError::Store(error) => error.into(),
            AppError::Engine(error) => error.into(),
            AppError::NoWorkspace(_) => Self::usage(message),
            AppError::Misses(..) => {
                Self::new(FAILED, message).help("nothing was kept; mend the misses and apply again")
            }
            _ => Self::new(FAILED, message),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match error.kind {
            StoreErrorKind::Unavailable
            | StoreErrorKind::Busy
            | StoreErrorKind::Corrupt
            | StoreErrorKind::Schema => UNAVAILABLE,
            StoreErrorKind::Address | StoreErrorKind::Unstorable => USAGE,
            _ => FAILED,
        };
        Self::new(code, error.to_string())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::NoPipeline(_)
            | EngineError::NoStage { .. }
            | EngineError::MissingInput(_)
            | EngineError::Input { .. }
            | EngineError::UnknownInput { .. } => Self::usage(error.to_string()),
            other => Self::new(FAILED, other.to_string()),
        }
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        Self::new(UNAVAILABLE, error.to_string())
    }
}

impl From<WorkspaceError> for Failure {
    fn from(error: WorkspaceError) -> Self {
        Self::new(FAILED, error.to_string())
    }
}
