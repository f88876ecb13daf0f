//! What a post says, and of which change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::prose::Prose;

/// Where the words of a claim come from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The title of a change.
    Title,
    /// A sentence of its message.
    Reason,
    /// A part of it, as its message or the title of a commit says.
    Part,
    /// What it breaks.
    Breaking,
    /// A release.
    Release,
    /// A model's own words.
    Told,
}

/// One thing that a post says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    pub kind: Kind,
    /// As it stands in the text, in Markdown.
    pub text: String,
    /// As it stands in titles.
    pub plain: String,
    /// The changes and releases that it stands on.
    pub on: Vec<String>,
}

impl Claim {
    pub fn new(kind: Kind, words: &Prose, on: &[String]) -> Self {
        Self {
            kind,
            text: words.markdown(),
            plain: words.plain(),
            on: on.to_vec(),
        }
    }
}
