//! An error at the command line: what is wrong, the mend, and the exit code.

use callboard_core::app::AppError;
use callboard_core::operations::{ErrorKind, OperationError};
use callboard_core::workspace::WorkspaceError;

use super::documents::FailureDocument;
use super::exit::Exit;
use crate::http::HttpError;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    pub(super) why: OperationError,
    exit: Exit,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            why: OperationError::failed(message),
            exit,
        }
    }

    /// Wrong usage or input.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.why = self.why.mend(help);
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
    pub(super) fn document(&self) -> FailureDocument {
        FailureDocument {
            problem: self.why.view(),
            code: self.exit.code(),
        }
    }
}

impl From<OperationError> for Failure {
    fn from(why: OperationError) -> Self {
        let exit = match why.kind {
            ErrorKind::Usage | ErrorKind::Unknown => Exit::Usage,
            ErrorKind::Failed => Exit::Failed,
            ErrorKind::Unavailable => Exit::Unavailable,
        };
        Self { why, exit }
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

as_operation!(AppError, WorkspaceError);

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        let exit = match error {
            HttpError::Public(_) => Exit::Usage,
            _ => Exit::Unavailable,
        };
        Self::new(exit, error.to_string())
    }
}
