//! What models are asked of drafts: a question a rail, how often, of what, the form of an answer, and the digest that
//! a trial of it goes by.

use callboard_core::settings::hex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::aggregate::SURFACE;
use crate::diary::answer::schema_of;
use crate::draft::Draft;

/// Who is asked, how often, and what passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Judging {
    /// The role that is asked.
    #[schemars(length(min = 1))]
    pub role: String,
    /// How often; the middle score counts.
    #[schemars(range(min = 1, max = 9))]
    pub trials: u32,
    /// The score, 0 to 100, below which it does not pass.
    #[schemars(range(max = 100))]
    pub least: u32,
    /// The most points that trials may differ by; more is told of as a warning.
    #[schemars(range(max = 100))]
    pub most_spread: u32,
    /// The longest answer, in tokens.
    #[schemars(range(min = 64))]
    pub max_tokens: u32,
    /// Seconds to wait for each answer at most.
    #[schemars(range(min = 1))]
    pub wait_seconds: u64,
    /// Characters of the draft, and of all sources together, that are shown to the model.
    #[schemars(range(min = 200))]
    pub material: usize,
    /// The agreement with people's labels, Cohen's kappa in hundredths, that a trial has to have reached before the
    /// rail may move a draft.
    #[schemars(range(max = 100))]
    pub least_kappa: u32,
    /// The fewest drafts of that trial.
    #[schemars(range(min = 2))]
    pub least_drafts: u32,
}

impl Default for Judging {
    fn default() -> Self {
        Self {
            role: "critic".to_owned(),
            trials: 1,
            least: 70,
            most_spread: 25,
            max_tokens: 1_500,
            wait_seconds: 90,
            material: 24_000,
            least_kappa: 60,
            least_drafts: 20,
        }
    }
}

/// What a rail that asks a model is given.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct Judged {
    pub draft: Draft,
    /// What it is to be about.
    pub topic: Option<String>,
    /// What was read before it was written.
    #[serde(default)]
    pub sources: Vec<JudgedSource>,
}

/// Something that was read.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct JudgedSource {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub text: String,
}

/// What a model answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Opinion {
    /// 0 (can't be published) to 100 (nothing to mend).
    #[schemars(range(max = 100))]
    pub score: u32,
    /// What is wrong, the gravest first; none if nothing is.
    #[schemars(length(max = 50))]
    pub findings: Vec<OpinionFinding>,
}

/// One thing that a model finds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpinionFinding {
    /// What is wrong, and how to mend it, in one sentence.
    pub message: String,
    /// The words of the draft that it is about, copied.
    pub excerpt: String,
}

pub(super) const SYSTEM: &str = "You judge drafts for a publication. You are strict and fair, you quote what you judge, and you answer with one JSON object.";

/// The schema of an answer, without references: not every server follows them.
pub fn schema() -> Json {
    schema_of::<Opinion>()
}

/// What a model is asked of a draft.
#[derive(Debug, Clone, Copy)]
pub struct JudgeQuestion {
    /// The rule that its findings go by, which is the rail's name.
    pub rule: &'static str,
    /// The prompt of the workspace.
    pub prompt: &'static str,
    /// What is not given and is what the question is about.
    pub(super) lacks: fn(&Judged) -> Option<&'static str>,
}

pub const CRITIC: JudgeQuestion = JudgeQuestion {
    rule: "critic",
    prompt: "rails_critic",
    lacks: |_| None,
};
pub const CONSISTENCY: JudgeQuestion = JudgeQuestion {
    rule: "consistency",
    prompt: "rails_consistency",
    lacks: |_| None,
};
pub const TITLE_COHERENCE: JudgeQuestion = JudgeQuestion {
    rule: "title_coherence",
    prompt: "rails_title_coherence",
    lacks: |_| None,
};
pub const TOPIC_DELIVERY: JudgeQuestion = JudgeQuestion {
    rule: "topic_delivery",
    prompt: "rails_topic_delivery",
    lacks: |judged| {
        let topic = judged.topic.as_deref().unwrap_or_default();
        let lacks = topic.trim().is_empty();
        lacks.then_some("no topic is given that it could be held against")
    },
};
pub const GROUNDING: JudgeQuestion = JudgeQuestion {
    rule: "grounding",
    prompt: "rails_grounding",
    lacks: |judged| {
        let lacks = judged.sources.is_empty();
        lacks.then_some("nothing was read that it could be held against")
    },
};
/// All of them.
pub const QUESTIONS: [JudgeQuestion; 5] = [
    CRITIC,
    CONSISTENCY,
    TITLE_COHERENCE,
    TOPIC_DELIVERY,
    GROUNDING,
];

impl JudgeQuestion {
    /// The question of a handler.
    pub fn of(handler: &str) -> Option<Self> {
        let mut all = QUESTIONS.into_iter();
        all.find(|question| handler == question.handler())
    }

    /// The handler that asks it.
    pub fn handler(&self) -> String {
        format!("{SURFACE}{}", self.rule)
    }

    /// A digest of all that a verdict depends on besides the draft and the model: what is asked, and
    /// what passes. `template` is the text of the prompt.
    pub fn digest(&self, template: &str, judging: &Judging) -> String {
        let asked = json!({
            "rule": self.rule, "system": SYSTEM, "prompt": template, "schema": schema(),
            "trials": judging.trials, "least": judging.least, "material": judging.material,
            "max_tokens": judging.max_tokens,
        });
        hex(&Sha256::digest(asked.to_string()))
    }
}
