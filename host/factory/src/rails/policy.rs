//! What follows for a draft from what a rail came to: a table that an operator may change, rail by rail,
//! and whose defaults make no failure into a success.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What came of a rail.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CameTo {
    Pass,
    Fail,
    /// There is nothing in the draft that it is about.
    NotApplicable,
    /// What it needs did not answer, or it was not asked.
    Unavailable,
    /// It went wrong.
    Error,
}

impl CameTo {
    /// By the outcome of its stage.
    pub fn of(outcome: &str) -> Self {
        match outcome {
            "done" => CameTo::Pass,
            "rejected" => CameTo::Fail,
            "nothing-to-do" => CameTo::NotApplicable,
            "unavailable" | "deferred" => CameTo::Unavailable,
            _ => CameTo::Error,
        }
    }

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            CameTo::Pass => "pass",
            CameTo::Fail => "fail",
            CameTo::NotApplicable => "not-applicable",
            CameTo::Unavailable => "unavailable",
            CameTo::Error => "error",
        }
    }

    /// Whether it gave a verdict, so that its score counts.
    pub fn is_verdict(self) -> bool {
        matches!(self, CameTo::Pass | CameTo::Fail)
    }
}

/// What follows for the draft. The greatest of all rails counts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It goes on.
    Allow,
    /// It goes on, and a person is told; it is never published by itself.
    Flag,
    /// It does not go on as long as there is no verdict: the stage is `unavailable`.
    Hold,
    /// The stage is `failed`, and names the rail.
    Fail,
    /// The draft is rejected.
    Veto,
}

/// What follows from each thing that a rail may come to; what is not written follows from the
/// defaults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct RailPolicy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_applicable: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Action>,
}

impl RailPolicy {
    /// What follows; `required` chooses the default.
    pub fn follows(&self, came_to: CameTo, required: bool) -> Action {
        let written = match came_to {
            CameTo::Pass => self.pass,
            CameTo::Fail => self.fail,
            CameTo::NotApplicable => self.not_applicable,
            CameTo::Unavailable => self.unavailable,
            CameTo::Error => self.error,
        };
        written.unwrap_or_else(|| default(came_to, required))
    }
}

/// A rail that the draft can't do without stops it wherever it gave no verdict; of any other a person
/// is told.
fn default(came_to: CameTo, required: bool) -> Action {
    match (came_to, required) {
        (CameTo::Pass, _) | (CameTo::NotApplicable, false) => Action::Allow,
        (CameTo::Fail, true) => Action::Veto,
        (CameTo::Unavailable, true) => Action::Hold,
        (CameTo::Error, true) => Action::Fail,
        (CameTo::NotApplicable, true)
        | (CameTo::Fail | CameTo::Unavailable | CameTo::Error, false) => Action::Flag,
    }
}

/// How `qa.aggregate` is configured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Stages whose verdict the draft can't do without. All other rails advise.
    pub required: Vec<String>,
    /// By stage: what follows if the rail passes, fails, does not apply, is unavailable, or went wrong.
    pub policy: BTreeMap<String, RailPolicy>,
    /// By stage: how much its score counts. 1 for what is required, 0 for all others.
    pub weights: BTreeMap<String, u32>,
    /// The score, 0 to 100, below which a draft is rejected; none is without it.
    #[schemars(range(max = 100))]
    pub threshold: Option<u32>,
    /// After so many rejections in a row the best draft is handed on with a flag, for a person to decide;
    /// without it a draft is rejected until the way back has no turns left.
    #[schemars(range(min = 1))]
    pub flag_after: Option<u32>,
}

impl Config {
    pub fn is_required(&self, stage: &str) -> bool {
        self.required.iter().any(|it| it == stage)
    }

    pub fn policy(&self, stage: &str) -> RailPolicy {
        self.policy.get(stage).copied().unwrap_or_default()
    }

    pub fn weight(&self, stage: &str) -> u32 {
        let written = self.weights.get(stage).copied();
        written.unwrap_or_else(|| u32::from(self.is_required(stage)))
    }

    /// The stages that it names.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let required = self.required.iter().map(|it| ("required", it.as_str()));
        let policy = self.policy.keys().map(|it| ("policy", it.as_str()));
        let weights = self.weights.keys().map(|it| ("weights", it.as_str()));
        required.chain(policy).chain(weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [CameTo; 5] = [
        CameTo::Pass,
        CameTo::Fail,
        CameTo::NotApplicable,
        CameTo::Unavailable,
        CameTo::Error,
    ];

    #[test]
    fn the_defaults_move_no_failure_sideways() {
        let defaults = |required| ALL.map(|it| RailPolicy::default().follows(it, required));
        let (allow, flag) = (Action::Allow, Action::Flag);
        let required = [allow, Action::Veto, flag, Action::Hold, Action::Fail];
        assert_eq!(defaults(true), required);
        assert_eq!(defaults(false), [allow, flag, allow, flag, flag]);
        // Whatever gave no verdict is neither a pass nor a fail.
        for required in [true, false] {
            for came_to in [CameTo::Unavailable, CameTo::Error] {
                let follows = RailPolicy::default().follows(came_to, required);
                assert!(
                    !matches!(follows, Action::Allow | Action::Veto),
                    "{came_to:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_written_counts_and_what_is_not_a_known_outcome_is_an_error() {
        let policy: RailPolicy =
            serde_json::from_str(r#"{"not-applicable": "veto"}"#).expect("a policy");
        assert_eq!(policy.follows(CameTo::NotApplicable, false), Action::Veto);
        assert_eq!(policy.follows(CameTo::Fail, false), Action::Flag);
        let outcomes = ["done", "rejected", "nothing-to-do", "unavailable", "failed"];
        assert_eq!(outcomes.map(CameTo::of), ALL);
        assert_eq!(CameTo::of("deferred"), CameTo::Unavailable);
        assert_eq!(CameTo::of("anything"), CameTo::Error);
    }
}
