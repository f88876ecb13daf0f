//! Models by role.
//!
//! ```ignore
//! let answer = model::ask("summarizer", text).system("Write one sentence.").send()?;
//! ```

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::bindings::callboard::plugin::model as host;

/// The longest answer, unless another bound is said.
const ANSWER: u32 = 1024;

/// What a call took: tokens of what was asked, and of the answer.
pub use host::Tokens;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The role is not granted; the text names the line that would.
    Denied(String),
    /// No provider is set for the role.
    Unset(String),
    /// The question makes no sense.
    Question(String),
    /// It would take more than the call may.
    TooLarge(String),
    /// A server is busy, or the day's bound is reached.
    Busy {
        /// Microseconds since 1970-01-01T00:00:00Z.
        until: i64,
        /// Why.
        reason: String,
    },
    /// Nobody answered, or not as asked.
    Unavailable(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Denied(text)
            | Error::Unset(text)
            | Error::Question(text)
            | Error::TooLarge(text)
            | Error::Busy { reason: text, .. }
            | Error::Unavailable(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

impl From<host::ModelError> for Error {
    fn from(error: host::ModelError) -> Self {
        match error {
            host::ModelError::Denied(text) => Error::Denied(text),
            host::ModelError::Unset(text) => Error::Unset(text),
            host::ModelError::Question(text) => Error::Question(text),
            host::ModelError::TooLarge(text) => Error::TooLarge(text),
            host::ModelError::Busy(host::Pause { until, reason }) => Error::Busy { until, reason },
            host::ModelError::Unavailable(text) => Error::Unavailable(text),
        }
    }
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Without what the model thought before; to a question with a schema, the JSON that the host has read.
    pub text: String,
    /// The model that answered, for the record.
    pub model: String,
    /// What it took.
    pub tokens: Tokens,
}

impl Answer {
    /// The answer to a question with a schema.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.text)
    }
}

/// Texts as vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    /// One a text, in their order, all of one length.
    pub vectors: Vec<Vec<f32>>,
    /// The model that made them. Vectors of two models cannot be compared.
    pub model: String,
    /// What it took.
    pub tokens: Tokens,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Question(host::Question);

/// A question to the model of a role.
pub fn ask(role: impl Into<String>, prompt: impl Into<String>) -> Question {
    Question(host::Question {
        role: role.into(),
        system: String::new(),
        prompt: prompt.into(),
        images: Vec::new(),
        schema: None,
        max_tokens: ANSWER,
        temperature: 0.3,
        deadline: None,
    })
}

/// Texts as vectors of the model of a role.
pub fn embed(role: &str, texts: &[String]) -> Result<Vectors, Error> {
    let host::Vectors {
        vectors,
        model,
        tokens,
    } = host::embed(role, texts)?;
    Ok(Vectors {
        vectors,
        model,
        tokens,
    })
}

impl Question {
    /// What it is, before it is asked.
    #[must_use]
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.0.system = text.into();
        self
    }

    /// Something to look at, such as `image/png`, before the prompt.
    #[must_use]
    pub fn image(mut self, media_type: impl Into<String>, bytes: Vec<u8>) -> Self {
        let media_type = media_type.into();
        self.0.images.push(host::Image { media_type, bytes });
        self
    }

    /// The answer has to be JSON that fits the schema of `T`.
    #[must_use]
    pub fn schema<T: schemars::JsonSchema>(mut self) -> Self {
        let schema = schemars::schema_for!(T);
        self.0.schema = Some(schema.as_value().to_string());
        self
    }

    /// The longest answer, in tokens. One that would be longer is none.
    #[must_use]
    pub fn max_tokens(mut self, count: u32) -> Self {
        self.0.max_tokens = count;
        self
    }

    /// How freely it chooses its words, 0 to 2; 0 is always the likeliest.
    #[must_use]
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.0.temperature = temperature;
        self
    }

    /// Wait no longer than this.
    #[must_use]
    pub fn deadline(mut self, longest: Duration) -> Self {
        self.0.deadline = u64::try_from(longest.as_millis()).ok();
        self
    }

    /// Ask it and wait for the answer.
    pub fn send(self) -> Result<Answer, Error> {
        let host::Answer {
            text,
            model,
            tokens,
        } = host::complete(&self.0)?;
        Ok(Answer {
            text,
            model,
            tokens,
        })
    }
}
