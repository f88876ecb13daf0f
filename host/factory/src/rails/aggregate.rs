//! What came of all rails of a draft, added up. Everything that is decided and the score can be worked
//! out again from the rows of the report.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::policy::{Action, CameTo, Config};
use super::review::{Remark, Review, Severity};
use crate::draft::Draft;

/// The surface of rails.
pub const SURFACE: &str = "qa.";

/// What the engine says of a stage.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct StageReport {
    /// The handler; a gate has none.
    #[serde(default)]
    pub handler: String,
    pub outcome: String,
    /// What it handed on.
    #[serde(default)]
    pub patch: Map<String, Json>,
    /// Why, in the words of the outcome: a rule and its detail, a reason, a cause.
    #[serde(flatten)]
    pub words: Map<String, Json>,
}

impl StageReport {
    fn word(&self, key: &str) -> &str {
        self.words
            .get(key)
            .and_then(Json::as_str)
            .unwrap_or_default()
    }

    /// One sentence of why.
    fn why(&self) -> String {
        let words = [
            "rule",
            "dependency",
            "kind",
            "detail",
            "reason",
            "cause",
            "message",
        ];
        let words = words.map(|key| self.word(key)).into_iter();
        words
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(": ")
    }

    /// What it found. A rail that rejects and hands nothing on found its rule.
    fn review(&self) -> Result<Review, String> {
        let mut handed_on = self.patch.values().cloned();
        let review = handed_on.find(|value| value.get("findings").is_some_and(Json::is_array));
        let review = review.map(serde_json::from_value).transpose();
        let review = review.map_err(|error| format!("its review cannot be read: {error}"))?;
        Ok(review.unwrap_or_else(|| {
            let (rule, detail) = (self.word("rule"), self.word("detail"));
            let rejected = self.outcome == "rejected";
            let finding = rejected.then(|| Remark::new(rule, Severity::Error, detail));
            Review {
                score: None,
                findings: finding.into_iter().collect(),
            }
        }))
    }
}

/// What one rail came to, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RailRow {
    /// The stage.
    pub rail: String,
    pub handler: String,
    pub required: bool,
    pub came_to: CameTo,
    pub action: Action,
    /// Why, if it did not pass.
    #[serde(default)]
    pub why: String,
    /// How much its score counts.
    pub weight: u32,
    /// Its score, if it gave a verdict with one.
    pub score: Option<u32>,
    #[serde(default)]
    pub findings: Vec<Remark>,
}

/// What all rails came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RailsReport {
    /// The greatest action of all rows, and of the threshold.
    pub action: Action,
    /// The mean of the scores by their weights, 0 to 100; none if no score counts.
    pub score: Option<u32>,
    /// Why a person should look before it is published.
    pub flags: Vec<String>,
    /// How often in a row a draft was judged, from 1.
    pub round: u32,
    /// The digest of the text that it is about.
    #[serde(default)]
    pub text: String,
    pub rails: Vec<RailRow>,
}

/// The best draft so far, with its report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Best {
    pub draft: Draft,
    pub report: RailsReport,
}

impl RailsReport {
    /// What came of the rails among the stages that were told, and of those that are required.
    pub fn of(told: &BTreeMap<String, StageReport>, config: &Config, round: u32) -> Self {
        let rails = told
            .iter()
            .filter(|(stage, told)| told.handler.starts_with(SURFACE) || config.is_required(stage));
        let mut rails: Vec<RailRow> = rails
            .map(|(stage, told)| row(stage, told, config))
            .collect();
        let absent = config
            .required
            .iter()
            .filter(|stage| !told.contains_key(*stage));
        rails.extend(absent.map(|stage| row(stage, &not_asked(), config)));
        let score = score(&rails);
        let mut flags: Vec<String> = rails.iter().filter_map(RailRow::flag).collect();
        let mut action = rails
            .iter()
            .map(|row| row.action)
            .max()
            .unwrap_or(Action::Hold);
        if let (None, Some(threshold)) = (score, config.threshold) {
            let unscored = if config.required.is_empty() {
                Action::Flag
            } else {
                Action::Hold
            };
            action = action.max(unscored);
            flags.push(format!(
                "no rail gave a score, and {threshold} is the least"
            ));
        }
        if let Some((score, threshold)) = score.zip(config.threshold)
            && score < threshold
        {
            action = Action::Veto;
            flags.push(format!(
                "the score is {score}, and {threshold} is the least"
            ));
        }
        Self {
            action,
            score,
            flags,
            round,
            text: String::new(),
            rails,
        }
    }

    /// The same, about this draft.
    #[must_use]
    pub fn about(self, draft: &Draft) -> Self {
        Self {
            text: draft.digest(),
            ..self
        }
    }

    /// What did not pass, for the stage that writes the draft anew.
    pub fn detail(&self) -> String {
        let rows = self.rails.iter().filter(|row| row.action >= Action::Flag);
        let mut parts: Vec<String> = rows.map(RailRow::told).collect();
        let rails = self.rails.iter().filter_map(RailRow::flag).count();
        parts.extend(self.flags.iter().skip(rails).cloned());
        parts.join("\n")
    }

    /// The first rail with an action.
    pub fn first(&self, action: Action) -> Option<&RailRow> {
        self.rails.iter().find(|row| row.action == action)
    }

    /// Fewer that stand against it, a greater score.
    fn rank(
        &self,
    ) -> (
        std::cmp::Reverse<usize>,
        Option<u32>,
        std::cmp::Reverse<usize>,
    ) {
        let count = |action| self.rails.iter().filter(|row| row.action == action).count();
        let against = count(Action::Veto) + count(Action::Fail) + count(Action::Hold);
        (
            std::cmp::Reverse(against),
            self.score,
            std::cmp::Reverse(count(Action::Flag)),
        )
    }
}

impl Best {
    /// The better of two; of two that are alike the newer.
    #[must_use]
    pub fn better(self, newer: Best) -> Best {
        if newer.report.rank() >= self.report.rank() {
            newer
        } else {
            self
        }
    }
}

impl RailRow {
    fn flag(&self) -> Option<String> {
        (self.action >= Action::Flag).then(|| format!("{}: {}", self.rail, self.why))
    }

    fn told(&self) -> String {
        let findings = self.findings.iter().map(ToString::to_string);
        let findings: Vec<String> = findings.collect();
        let told = if findings.is_empty() {
            self.why.clone()
        } else {
            findings.join("; ")
        };
        format!("{}: {told}", self.rail)
    }
}

fn row(stage: &str, told: &StageReport, config: &Config) -> RailRow {
    let (required, mut came_to) = (config.is_required(stage), CameTo::of(&told.outcome));
    let (mut why, mut review) = (told.why(), Review::default());
    if came_to.is_verdict() {
        match told.review() {
            Ok(read) => review = read,
            Err(unread) => {
                // Whether it is a pass stands in what cannot be read; a rejection is one without it.
                if came_to == CameTo::Pass {
                    (came_to, why) = (CameTo::Error, unread.clone());
                }
                review.findings = vec![Remark::new("review", Severity::Warning, unread)];
            }
        }
    }
    RailRow {
        rail: stage.to_owned(),
        handler: told.handler.clone(),
        required,
        came_to,
        action: config.policy(stage).follows(came_to, required),
        why,
        weight: config.weight(stage),
        score: review.score.map(|score| score.min(100)),
        findings: review.findings,
    }
}

/// A required rail that was not asked is as one that did not answer.
fn not_asked() -> StageReport {
    StageReport {
        outcome: "unavailable".to_owned(),
        words: Map::from_iter([("cause".to_owned(), "it was not asked".into())]),
        ..StageReport::default()
    }
}

/// The mean by weight, rounded down so that what is shown is never more than what was reached.
pub fn score(rows: &[RailRow]) -> Option<u32> {
    let scored = || {
        rows.iter()
            .filter_map(|row| Some((u64::from(row.weight), u64::from(row.score?))))
    };
    let weight: u64 = scored().map(|(weight, _)| weight).sum();
    let sum: u64 = scored().map(|(weight, score)| weight * score).sum();
    u32::try_from(sum.checked_div(weight)?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(outcomes: Json) -> BTreeMap<String, StageReport> {
        serde_json::from_value(outcomes).expect("outcomes")
    }

    fn config(text: Json) -> Config {
        serde_json::from_value(text).expect("a configuration")
    }

    fn passed(score: u32) -> Json {
        json!({ "handler": "qa.critic", "outcome": "done", "patch": { "critic": { "score": score, "findings": [] } } })
    }

    #[test]
    fn what_a_rail_came_to_stays_apart_and_only_a_verdict_has_a_score() {
        let told = told(json!({
            "good": passed(90),
            "bad": { "handler": "qa.rules", "outcome": "rejected", "rule": "fake_quote", "detail": "line 3",
                "patch": { "rules": { "score": 50, "findings": [
                    { "rule": "fake_quote", "severity": "error", "message": "nobody said it", "line": 3 } ] } } },
            "none": { "handler": "qa.links", "outcome": "nothing-to-do", "reason": "no links" },
            "away": { "handler": "qa.critic", "outcome": "unavailable", "dependency": "role critic", "cause": "refused",
                "patch": {} },
            "torn": { "handler": "qa.style", "outcome": "failed", "kind": "trap", "message": "memory", "retryable": false },
            "draft": { "handler": "content.draft", "outcome": "done", "patch": { "x": { "score": 1, "findings": [] } } },
            "gate": { "outcome": "done", "patch": {} },
        }));
        let config = config(json!({ "required": ["bad", "away"], "weights": { "good": 1 } }));
        let report = RailsReport::of(&told, &config, 1);
        let rows: Vec<_> = report
            .rails
            .iter()
            .map(|row| (row.rail.as_str(), row.came_to, row.action, row.score))
            .collect();
        assert_eq!(
            rows,
            [
                ("away", CameTo::Unavailable, Action::Hold, None),
                ("bad", CameTo::Fail, Action::Veto, Some(50)),
                ("good", CameTo::Pass, Action::Allow, Some(90)),
                ("none", CameTo::NotApplicable, Action::Allow, None),
                ("torn", CameTo::Error, Action::Flag, None),
            ]
        );
        assert_eq!((report.action, report.score), (Action::Veto, Some(70)));
        assert_eq!(
            report.score,
            score(&report.rails),
            "it can be worked out again"
        );
        assert_eq!(
            report.detail(),
            "away: role critic: refused\nbad: fake_quote (line 3): nobody said it\ntorn: trap: memory"
        );
    }

    #[test]
    fn a_review_that_cannot_be_read_is_an_error_and_no_pass() {
        let odd = json!({ "critic": { "score": "high", "findings": [] } });
        let odd = json!({ "handler": "qa.critic", "outcome": "done", "patch": odd });
        let odd = told(json!({ "odd": odd }));
        let required = config(json!({ "required": ["odd"] }));
        assert_eq!(RailsReport::of(&odd, &required, 1).action, Action::Fail);
        let report = RailsReport::of(&odd, &config(json!({})), 1);
        let row = &report.rails[0];
        assert_eq!((row.came_to, row.score), (CameTo::Error, None));
        assert_eq!(report.action, Action::Flag);
        let told = &row.findings[0].message;
        assert!(told.starts_with("its review cannot be read: "), "{told}");
    }

    #[test]
    fn a_required_rail_that_nobody_asked_holds_and_no_rail_at_all_is_no_pass() {
        let required = config(json!({ "required": ["critic"] }));
        let report = RailsReport::of(&BTreeMap::new(), &required, 1);
        assert_eq!((report.action, report.score), (Action::Hold, None));
        assert_eq!(report.rails[0].why, "it was not asked");
        assert_eq!(
            RailsReport::of(&BTreeMap::new(), &Config::default(), 1).action,
            Action::Hold
        );
    }

    #[test]
    fn a_score_below_the_threshold_is_a_veto_and_what_advises_has_no_weight() {
        let both = told(json!({ "critic": passed(60), "other": passed(0) }));
        let limits = |least: u32| config(json!({ "required": ["critic"], "threshold": least }));
        let report = RailsReport::of(&both, &limits(61), 1);
        assert_eq!((report.action, report.score), (Action::Veto, Some(60)));
        assert_eq!(report.detail(), "the score is 60, and 61 is the least");
        assert_eq!(RailsReport::of(&both, &limits(60), 1).action, Action::Allow);
        let silent = told(
            json!({ "critic": { "handler": "qa.critic", "outcome": "done",
            "patch": { "critic": { "score": null, "findings": [] } } } }),
        );
        let report = RailsReport::of(&silent, &limits(60), 1);
        assert_eq!(report.action, Action::Hold);
        assert_eq!(report.detail(), "no rail gave a score, and 60 is the least");
        let advised = RailsReport::of(&silent, &config(json!({ "threshold": 60 })), 1);
        assert_eq!(advised.action, Action::Flag);
    }

    #[test]
    fn the_best_draft_has_the_fewest_against_it_and_then_the_greatest_score() {
        let best = |title: &str, outcomes: Json| {
            let rules = config(json!({ "required": ["a", "b"] }));
            Best {
                draft: Draft {
                    title: title.to_owned(),
                    ..Draft::default()
                },
                report: RailsReport::of(&told(outcomes), &rules, 1),
            }
        };
        let failed = |score: u32| {
            json!({ "handler": "qa.x", "outcome": "rejected", "rule": "r", "detail": "d",
            "patch": { "x": { "score": score, "findings": [] } } })
        };
        let one = || best("one", json!({ "a": failed(60), "b": passed(60) }));
        let two = || best("two", json!({ "a": failed(90), "b": failed(90) }));
        let three = || best("three", json!({ "a": failed(61), "b": passed(60) }));
        let title = |best: Best| best.draft.title;
        assert_eq!(title(one().better(two())), "one");
        assert_eq!(title(two().better(one())), "one");
        assert_eq!(title(one().better(three())), "three");
        let again = best("again", json!({ "a": failed(60), "b": passed(60) }));
        assert_eq!(title(one().better(again)), "again");
    }
}
