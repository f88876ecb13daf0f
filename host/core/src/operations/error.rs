//! Why something that was asked was not done, and the mend.

use std::fmt::Display;
use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use crate::app::AppError;
use crate::engine::EngineError;
use crate::rollcall::{Reference, RollReport};
use crate::secrets::SecretError;
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

impl ErrorKind {
    /// Of what could not be written: a disk that is full, or that takes nothing from anybody, is not available, whoever
    /// meets it. Everything else is `otherwise`.
    pub fn of_write(cause: io::ErrorKind, otherwise: Self) -> Self {
        match cause {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::ReadOnlyFilesystem => Self::Unavailable,
            _ => otherwise,
        }
    }
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

    /// That a file was not written, for a reason that is no slip of whoever named it if the disk is why.
    pub fn unwritten(file: impl Display, cause: &io::Error) -> Self {
        let kind = ErrorKind::of_write(cause.kind(), ErrorKind::Usage);
        Self::new(kind, format!("{file}: {cause}"))
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
            AppError::Workspace(error) => error.into(),
            AppError::Secret(SecretError::Exhausted { .. }) => {
                Self::new(ErrorKind::Unavailable, message)
            }
            AppError::Secret(SecretError::Unwritten { cause, .. }) => {
                Self::new(ErrorKind::of_write(cause, ErrorKind::Failed), message)
            }
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
        let otherwise = ErrorKind::Failed;
        let kind = error
            .unwritten
            .map(|cause| ErrorKind::of_write(cause, otherwise));
        Self::new(kind.unwrap_or(otherwise), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_full_disk_is_one_kind_whoever_meets_it() {
        for (cause, kind) in [
            (io::ErrorKind::StorageFull, ErrorKind::Unavailable),
            (io::ErrorKind::ReadOnlyFilesystem, ErrorKind::Unavailable),
            (io::ErrorKind::PermissionDenied, ErrorKind::Failed),
        ] {
            let key = SecretError::Unwritten {
                path: "callboard.key".into(),
                problem: cause.to_string(),
                cause,
            };
            let error = OperationError::from(AppError::Secret(key));
            assert_eq!(error.kind, kind, "{error}");
            let mut unwritten = WorkspaceError::from(crate::confined_folder::Refusal {
                path: "x".to_owned(),
                problem: crate::confined_folder::FolderProblem::Absent,
            });
            unwritten.unwritten = Some(cause);
            let error = OperationError::from(AppError::Workspace(unwritten));
            assert_eq!(error.kind, kind, "{error}");
        }
        let full = OperationError::unwritten("x", &io::ErrorKind::StorageFull.into());
        assert_eq!(full.kind, ErrorKind::Unavailable);
    }
}
