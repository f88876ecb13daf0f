//! An error at the command line: what is wrong, the mend, and the exit code.

use callboard_core::app::AppError;
use callboard_core::engine::EngineError;
use callboard_core::rollcall::Roll;
use callboard_core::store::{StoreError, StoreErrorKind};
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

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        let message = error.to_string();
        match error {
            AppError::Misread(misreads) => Self {
                misreads,
                ..Self::new(Exit::Failed, message)
            },
            AppError::Store(error) => error.into(),
            AppError::Engine(error) => error.into(),
            AppError::NoWorkspace(_) => Self::usage(message),
            AppError::Misses(_, roll) => Self {
                roll: Some(roll),
                ..Self::new(Exit::Failed, message)
            }
            .help("nothing was kept; mend the misses and apply again"),
            _ => Self::new(Exit::Failed, message),
        }
    }
}

impl From<Unshown> for Failure {
    fn from(error: Unshown) -> Self {
        match error {
            Unshown::App(error) => error.into(),
            Unshown::Site(error) => Self::new(Exit::Failed, error.to_string()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error.kind {
            StoreErrorKind::Absent
            | StoreErrorKind::Unavailable
            | StoreErrorKind::Busy
            | StoreErrorKind::Corrupt
            | StoreErrorKind::Foreign
            | StoreErrorKind::Schema => Exit::Unavailable,
            StoreErrorKind::Address | StoreErrorKind::Unstorable => Exit::Usage,
            _ => Exit::Failed,
        };
        Self::new(exit, error.to_string())
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
            other => Self::new(Exit::Failed, other.to_string()),
        }
    }
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        let exit = match error {
            HttpError::Public(_) => Exit::Usage,
            _ => Exit::Unavailable,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<WorkspaceError> for Failure {
    fn from(error: WorkspaceError) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}
