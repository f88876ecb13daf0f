//! Why something that was asked was not done, and the mend.

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::AppError;
use crate::engine::EngineError;
use crate::rollcall::{Reference, RollReport};
use crate::store::{StoreError, StoreErrorKind};
use crate::workspace::{Misread, WorkspaceError};

/// What kind of error it is: what an exit code and an HTTP status are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was asked makes no sense as it stands.
    Usage,
    /// Nothing has the name that was given.
    Unknown,
    /// It was understood, and cannot be done as things are.
    Failed,
    /// The database does not answer, or not yet.
    Unavailable,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct OperationError {
    pub kind: ErrorKind,
    pub message: String,
    /// What to do about it, if that is known.
    pub mend: Option<String>,
    /// The places in files that cannot be read, if they are why.
    pub misreads: Vec<Misread>,
    /// The roll, if its misses are why.
    pub roll: Option<Box<RollReport>>,
}

/// Why something was not done, in place of what it answers with.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemView {
    /// What is wrong.
    pub error: String,
    /// The mend, if it is known.
    pub help: Option<String>,
    /// Places in files that cannot be read, if they are why.
    pub places: Vec<MisreadView>,
    /// References without an answer, if they are why.
    pub misses: Vec<Reference>,
}

/// A place in a file that cannot be read.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Misread")]
pub struct MisreadView {
    /// `FILE:LINE:COLUMN`.
    pub place: String,
    /// What is wrong there.
    pub message: String,
    /// What to write instead.
    pub mend: String,
}

impl OperationError {
    pub fn view(&self) -> ProblemView {
        let place = |misread: &Misread| MisreadView {
            place: misread.place.to_string(),
            message: misread.message.clone(),
            mend: misread.mend.clone(),
        };
        let misses = self.roll.iter().flat_map(|roll| roll.misses());
        ProblemView {
            error: self.message.clone(),
            help: self.mend.clone(),
            places: self.misreads.iter().map(place).collect(),
            misses: misses.cloned().collect(),
        }
    }

    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            mend: None,
            misreads: Vec::new(),
            roll: None,
        }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

impl From<AppError> for OperationError {
    fn from(error: AppError) -> Self {
        let message = error.to_string();
        match error {
            AppError::Misread(misreads) => Self {
                misreads,
                ..Self::failed(message)
            },
            AppError::Store(error) => error.into(),
            AppError::Engine(error) => error.into(),
            AppError::NoWorkspace(_) => Self::usage(message),
            AppError::Misses(_, roll) => Self {
                roll: Some(roll),
                ..Self::failed(message)
            }
            .mend("nothing was kept; mend the misses and apply again"),
            _ => Self::failed(message),
        }
    }
}

impl From<StoreError> for OperationError {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind {
            StoreErrorKind::Absent
            | StoreErrorKind::Unavailable
            | StoreErrorKind::Full
            | StoreErrorKind::Busy
            | StoreErrorKind::Corrupt
            | StoreErrorKind::Foreign
            | StoreErrorKind::Schema
            // What was asked for here, nobody was to be granted: it is the database's own user.
            | StoreErrorKind::Denied => ErrorKind::Unavailable,
            StoreErrorKind::Address | StoreErrorKind::Unstorable => ErrorKind::Usage,
            _ => ErrorKind::Failed,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<EngineError> for OperationError {
    fn from(error: EngineError) -> Self {
        let kind = match error {
            EngineError::Store(error) => return error.into(),
            EngineError::NoPipeline(_) | EngineError::NoStage { .. } => ErrorKind::Unknown,
            EngineError::MissingInput(_)
            | EngineError::Input { .. }
            | EngineError::UnknownInput { .. } => ErrorKind::Usage,
            _ => ErrorKind::Failed,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<WorkspaceError> for OperationError {
    fn from(error: WorkspaceError) -> Self {
        Self::failed(error.to_string())
    }
}
