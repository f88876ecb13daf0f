//! A text that waits to be checked, approved and published, whichever handler made it.

pub mod merge;

use callboard_core::settings::hex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

/// A text that waits to be checked, approved and published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Draft {
    pub title: String,
    pub excerpt: String,
    pub markdown: String,
    pub tags: Vec<String>,
    /// `built-in composer`, or `model <name>` of each that had a hand in it, as [`Draft::also_by`] writes them.
    pub written_by: String,
    /// What it is about besides its topic: the day of a diary, as `YYYY-MM-DD`.
    #[serde(default)]
    pub covers: String,
    /// What it says of which change.
    #[serde(default)]
    pub claims: Vec<Claim>,
    /// What a person should know before approving it, e.g. why no model wrote it.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The picture that stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub featured: Option<Image>,
    /// The title that search engines show; its own, if empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seo_title: String,
}

/// What was said of a draft before it was saved, as it is kept with it; `null` where nothing was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DraftReports {
    /// By the rail of a diary's citations.
    pub citations: Json,
    /// By all rails, added up.
    pub rails: Json,
    /// Whether a person should look before it is published.
    pub flagged: bool,
}

/// A picture that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Image {
    /// Where it is: `/media/NAME`.
    pub src: String,
    /// What it shows, for who does not see it.
    pub alt: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Its media type.
    pub mime: String,
    /// The size of its file.
    pub bytes: u64,
}

impl Draft {
    /// A digest of all words that readers are told: the title, the text, and what lists and search engines show of
    /// them. Its tags and its picture are no part of that.
    pub fn digest(&self) -> String {
        let told = [&self.title, &self.seo_title, &self.excerpt, &self.markdown];
        let told = told.map(|text| format!("{}\n{text}", text.len()));
        hex(&Sha256::digest(told.concat()))
    }

    /// What the rails said of it, and what a person should know before approving it.
    pub fn report(&self, said: &DraftReports) -> Json {
        let (notes, tags, covers) = (&self.notes, &self.tags, &self.covers);
        let DraftReports {
            citations,
            rails,
            flagged,
        } = said;
        json!({
            "citations": citations, "rails": rails, "flagged": flagged,
            "notes": notes, "tags": tags, "covers": covers,
        })
    }
}

/// Where the words of a claim come from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimKind {
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
    pub kind: ClaimKind,
    /// As it stands in the text, in Markdown.
    pub text: String,
    /// As it stands in titles.
    pub plain: String,
    /// The changes and releases that it stands on.
    pub on: Vec<String>,
}

/// A writer of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftWriter<'d> {
    /// No model.
    BuiltIn,
    /// Whoever a post names that was brought from elsewhere.
    Author(&'d str),
    Model(&'d str),
}

/// Everybody whom [`Draft::written_by`] names, in order.
pub fn writers(written_by: &str) -> Vec<DraftWriter<'_>> {
    match written_by.strip_prefix(MODEL) {
        Some(models) => models.split(AND).map(DraftWriter::Model).collect(),
        None if matches!(written_by, "" | BUILT_IN) => vec![DraftWriter::BuiltIn],
        None => vec![DraftWriter::Author(written_by)],
    }
}

/// How a model is named, and another one behind it.
const MODEL: &str = "model ";
const AND: &str = ", model ";
/// What is built in.
pub const BUILT_IN: &str = "built-in composer";

impl Draft {
    /// The same with a model that had a hand in it.
    #[must_use]
    pub fn also_by(mut self, model: &str) -> Self {
        if !writers(&self.written_by).contains(&DraftWriter::Model(model)) {
            let before = Some(self.written_by).filter(|it| it.starts_with(MODEL));
            self.written_by = match before {
                Some(before) => format!("{before}{AND}{model}"),
                None => format!("{MODEL}{model}"),
            };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_writer_is_named_once_and_told_from_one_that_begins_like_it() {
        let draft = Draft::default().also_by("gpt-5-mini").also_by("gpt-5");
        let draft = draft.also_by("gpt-5-mini").also_by("music composer");
        let wanted = ["gpt-5-mini", "gpt-5", "music composer"].map(DraftWriter::Model);
        assert_eq!(writers(&draft.written_by), wanted);
        assert_eq!(writers("built-in composer"), [DraftWriter::BuiltIn]);
        assert_eq!(writers("Ada, Ben"), [DraftWriter::Author("Ada, Ben")]);
    }
}
