//! What a model is asked and what it answered, whichever server has it.

use std::ops::AddAssign;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::outcome::Fallback;

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
