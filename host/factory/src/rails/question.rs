//! What models are asked of drafts: a question a rail, and the digest that a trial of it goes by.

use callboard_core::settings::hex;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::aggregate::SURFACE;
use super::judge::{Judged, Judging, SYSTEM, schema};

/// What a model is asked of a draft.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The rule that its findings go by, which is the rail's name.
    pub rule: &'static str,
    /// The prompt of the workspace.
    pub prompt: &'static str,
    /// What is not given and is what the question is about.
    pub(super) lacks: fn(&Judged) -> Option<&'static str>,
}

pub const CRITIC: Question = Question {
    rule: "critic",
    prompt: "rails_critic",
    lacks: |_| None,
};
pub const CONSISTENCY: Question = Question {
    rule: "consistency",
    prompt: "rails_consistency",
    lacks: |_| None,
};
pub const TITLE_COHERENCE: Question = Question {
    rule: "title_coherence",
    prompt: "rails_title_coherence",
    lacks: |_| None,
};
pub const TOPIC_DELIVERY: Question = Question {
    rule: "topic_delivery",
    prompt: "rails_topic_delivery",
    lacks: |judged| {
        let topic = judged.topic.as_deref().unwrap_or_default();
        let lacks = topic.trim().is_empty();
        lacks.then_some("no topic is given that it could be held against")
    },
};
pub const GROUNDING: Question = Question {
    rule: "grounding",
    prompt: "rails_grounding",
    lacks: |judged| {
        let lacks = judged.sources.is_empty();
        lacks.then_some("nothing was read that it could be held against")
    },
};
/// All of them.
pub const QUESTIONS: [Question; 5] = [
    CRITIC,
    CONSISTENCY,
    TITLE_COHERENCE,
    TOPIC_DELIVERY,
    GROUNDING,
];

impl Question {
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
