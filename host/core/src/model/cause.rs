//! Why a provider gave no answer that can be used. Each cause has a name, and keeps it to the edge.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::client::{ClientError, ClientErrorKind};
use crate::shown::cut;

/// Characters of a cause.
const LONGEST: usize = 600;

#[derive(Debug, Clone, PartialEq)]
pub enum ModelCause {
    /// It could not be asked, or its answer did not come through: `unreachable`, `dns`, `tls`, `reset`,
    /// `timeout`, `too-large`, `status 500` …
    Client(ClientError),
    /// It has no time now, and said when it may be asked again.
    Busy { after: Duration, said: String },
    /// A bound of the day is reached; the next day begins then.
    Ceiling { until: Timestamp, reached: String },
    /// The answer ended at the limit of tokens.
    Truncated { tokens: u32 },
    /// There is no answer beside the reasoning.
    Empty,
    /// The model would not answer.
    Refused(String),
    /// The server answered in another form than its protocol has.
    Protocol(String),
    /// The answer was to be JSON, and is none.
    NoJson {
        line: usize,
        column: usize,
        problem: String,
    },
    /// The answer is JSON that does not fit its schema.
    Misfit { place: String, problem: String },
    /// The provider cannot do what it is asked for.
    Unable(String),
}

impl ModelCause {
    /// Its name, as it is counted.
    pub fn name(&self) -> String {
        match self {
            ModelCause::Client(error) => error.kind.to_string(),
            ModelCause::Busy { .. } => "busy".to_owned(),
            ModelCause::Ceiling { .. } => "ceiling".to_owned(),
            ModelCause::Truncated { .. } => "truncated".to_owned(),
            ModelCause::Empty => "empty".to_owned(),
            ModelCause::Refused(_) => "refused".to_owned(),
            ModelCause::Protocol(_) => "protocol".to_owned(),
            ModelCause::NoJson { .. } => "no-json".to_owned(),
            ModelCause::Misfit { .. } => "misfit".to_owned(),
            ModelCause::Unable(_) => "unable".to_owned(),
        }
    }

    /// What may be told to who is not told who answers, and where: its name, and what is about the question or
    /// the answer itself.
    pub fn without_places(&self) -> String {
        match self {
            ModelCause::Client(_)
            | ModelCause::Busy { .. }
            | ModelCause::Ceiling { .. }
            | ModelCause::Protocol(_) => self.name(),
            ModelCause::Unable(_) => "no provider can do what it is asked for".to_owned(),
            _ => self.to_string(),
        }
    }

    /// Whether the server may have made an answer all the same, which nobody has read.
    pub(super) fn leaves_open_what_it_took(&self) -> bool {
        match self {
            ModelCause::Client(error) => matches!(
                error.kind,
                ClientErrorKind::Timeout
                    | ClientErrorKind::Reset
                    | ClientErrorKind::TooLarge
                    | ClientErrorKind::Protocol
            ),
            ModelCause::Protocol(_) => true,
            _ => false,
        }
    }
}

impl fmt::Display for ModelCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = match self {
            ModelCause::Client(error) => error.message.clone(),
            ModelCause::Busy { said, .. } => said.clone(),
            ModelCause::Ceiling { reached, .. } => reached.clone(),
            ModelCause::Truncated { tokens } => {
                format!("the answer was cut at {tokens} tokens; raise its limit")
            }
            ModelCause::Empty => "there is no answer beside the reasoning".to_owned(),
            ModelCause::Refused(said) => format!("the model would not answer: {said}"),
            ModelCause::NoJson {
                line,
                column,
                problem,
            } => format!("the answer is no JSON at line {line}, column {column}: {problem}"),
            ModelCause::Misfit { place, problem } if place.is_empty() => {
                format!("the answer does not fit its schema: {problem}")
            }
            ModelCause::Misfit { place, problem } => {
                format!("the answer does not fit its schema at `{place}`: {problem}")
            }
            ModelCause::Protocol(problem) | ModelCause::Unable(problem) => problem.clone(),
        };
        write!(f, "{}: {}", self.name(), cut(told, LONGEST))
    }
}

impl From<ClientError> for ModelCause {
    fn from(error: ClientError) -> Self {
        ModelCause::Client(error)
    }
}
