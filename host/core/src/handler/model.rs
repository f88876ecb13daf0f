//! What a model is asked and what it answered, whichever server has it.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::outcome::{Fallback, Stop};

/// What a model is asked. Write what matters, and `..ModelRequest::default()`.
#[derive(Debug, Clone)]
pub struct ModelRequest {
    pub system: String,
    pub prompt: String,
    /// What it is to look at, before the prompt.
    pub images: Vec<ModelImage>,
    /// The longest answer. One that would be longer is no answer: its cause is `truncated`.
    pub max_tokens: u32,
    /// How freely it chooses its words; 0 is always the likeliest.
    pub temperature: f32,
    /// The JSON schema that the answer has to fit, if it is to be JSON.
    pub schema: Option<Json>,
    /// How long to wait at most, for all providers of the role together; never longer than the
    /// call has.
    pub timeout: Duration,
}

impl Default for ModelRequest {
    fn default() -> Self {
        Self {
            system: String::new(),
            prompt: String::new(),
            images: Vec::new(),
            max_tokens: 2048,
            temperature: 0.3,
            schema: None,
            timeout: Duration::MAX,
        }
    }
}

/// Bytes of a token, of which few have less.
const TOKEN: u64 = 3;
/// The most tokens of one question that are counted.
const MOST: u64 = 1 << 40;
/// Tokens of a picture: those of a page.
pub const PICTURE: u64 = 2048;
/// Bytes of a text among others, besides its own.
const FRAME: usize = 16;

/// The tokens of a text of so many bytes, as they are estimated.
pub(crate) fn tokens_of(bytes: usize) -> u64 {
    (bytes as u64).div_ceil(TOKEN)
}

impl ModelRequest {
    /// What the question takes if nobody says what it took: as much as it may.
    pub fn estimate(&self) -> Tokens {
        let schema = self.schema.as_ref().map_or(0, |it| it.to_string().len());
        let text = self.system.len() + self.prompt.len() + schema;
        Tokens {
            prompt: tokens_of(text) + self.images.len() as u64 * PICTURE,
            completion: u64::from(self.max_tokens),
            estimated: true,
        }
    }
}

/// The same of texts that are to be vectors.
pub fn estimate_of(texts: &[String]) -> Tokens {
    let bytes = texts.iter().map(|text| text.len() + FRAME).sum();
    Tokens {
        prompt: tokens_of(bytes),
        completion: 0,
        estimated: true,
    }
}

/// Tokens that the questions of a call took so far, those under way by their estimates, whatever came
/// of them. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<AtomicU64>);

impl Tally {
    /// A question is about to be asked.
    pub(crate) fn begin(&self, estimate: Tokens) {
        self.0.fetch_add(estimate.total(), Ordering::Relaxed);
    }

    /// What it took is known.
    pub(crate) fn end(&self, estimate: Tokens, took: Tokens) {
        self.0.fetch_sub(estimate.total(), Ordering::Relaxed);
        self.0.fetch_add(took.total(), Ordering::Relaxed);
    }

    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelImage {
    /// Such as `image/png`.
    pub media_type: String,
    pub bytes: Vec<u8>,
}

/// What a model answered, in whole: an answer that was cut, or that does not fit the schema, is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    /// The answer, without its reasoning.
    pub text: String,
    /// What it thought before; empty if it showed nothing of that.
    pub reasoning: String,
    /// The answer as JSON that fits the schema, if there was one.
    pub json: Option<Json>,
    /// The model that answered, for the record.
    pub model: String,
    /// What it took.
    pub tokens: Tokens,
}

/// Texts as vectors, in the order of the texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vectors {
    pub vectors: Vec<Vec<f32>>,
    /// The model that made them. Vectors of two models cannot be compared.
    pub model: String,
    /// What it took.
    pub tokens: Tokens,
}

/// That nobody answered. What is said of it for people is not for guests: it names servers and models, and has what
/// they said.
#[derive(Debug)]
pub struct NoAnswer {
    /// What follows for who asked, with each provider and cause.
    pub stop: Stop,
    /// The causes alone.
    pub causes: String,
}

impl NoAnswer {
    /// One whose words name nobody and nothing.
    pub(crate) fn plain(stop: Stop) -> Self {
        let causes = stop.to_string();
        Self { stop, causes }
    }
}

/// Nobody could be asked, for a reason that is the operator's.
impl From<Stop> for NoAnswer {
    fn from(stop: Stop) -> Self {
        let causes = "it could not be asked".to_owned();
        Self { stop, causes }
    }
}

impl From<NoAnswer> for Stop {
    fn from(unanswered: NoAnswer) -> Self {
        unanswered.stop
    }
}

/// Tokens of a call, as the server counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// Of what was asked.
    pub prompt: u64,
    /// Of the answer, its reasoning included.
    pub completion: u64,
    /// Whether one of them is an estimate, as the server said nothing of it.
    pub estimated: bool,
}

impl Tokens {
    /// Those of the question and of the answer; none is near the most that a number holds.
    fn total(self) -> u64 {
        self.prompt.saturating_add(self.completion).min(MOST)
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, more: Self) {
        self.prompt = self.prompt.saturating_add(more.prompt);
        self.completion = self.completion.saturating_add(more.completion);
        self.estimated = self.estimated || more.estimated;
    }
}

/// Providers that did not answer while another one did, collected for the stage. Clones add to the same.
#[derive(Debug, Clone, Default)]
pub struct Fallbacks(Arc<Mutex<Vec<Fallback>>>);

impl Fallbacks {
    pub fn push(&self, what: impl Into<String>, why: impl Into<String>) {
        let (what, why) = (what.into(), why.into());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(Fallback { what, why });
    }

    /// What was collected so far.
    pub fn take(&self) -> Vec<Fallback> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *kept)
    }
}
