//! What a model thinks of a draft: it is asked several times, answers by a schema, and an answer that is
//! missing, cut or something else is no opinion.

use std::fmt::Write as _;
use std::time::Duration;

use callboard_core::handler::{Call, ModelRequest, Tokens};
use callboard_core::outcome::{Done, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::review::{Finding, Review, Severity};
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
    pub sources: Vec<Read>,
}

/// Something that was read.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct Read {
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
    pub findings: Vec<Said>,
}

/// One thing that a model finds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// What is wrong, and how to mend it, in one sentence.
    pub message: String,
    /// The words of the draft that it is about, copied.
    pub excerpt: String,
}

/// What a model is asked of a draft.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The rule that its findings go by, which is the rail's name.
    pub rule: &'static str,
    /// The prompt of the workspace.
    pub prompt: &'static str,
}

/// What a model thinks of a draft, from all trials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub passed: bool,
    pub review: Review,
    /// The models that answered, each once.
    pub models: Vec<String>,
    pub scores: Vec<u32>,
    pub tokens: Tokens,
}

const SYSTEM: &str = "You judge drafts for a publication. You are strict and fair, you quote what you judge, and you answer with one JSON object.";
/// The most findings that are kept of one answer, and characters of each.
const FINDINGS: usize = 20;
const LONGEST: usize = 600;

/// The variables of the prompts.
pub const VARIABLES: [&str; 4] = ["title", "text", "topic", "sources"];

/// The schema of an answer, without references: not every server follows them.
pub fn schema() -> Json {
    let mut settings = schemars::generate::SchemaSettings::draft07();
    settings.inline_subschemas = true;
    settings
        .into_generator()
        .into_root_schema_for::<Opinion>()
        .to_value()
}

/// Ask as often as is wanted. If one trial has no answer there is no verdict.
pub async fn judge(
    call: &Call,
    judging: &Judging,
    question: Question,
    judged: &Judged,
) -> Result<Verdict, Stop> {
    let variables = variables(judged, judging.material);
    let prompt = call.resources.prompt(question.prompt, &variables)?;
    let mut opinions = Vec::new();
    let mut models: Vec<String> = Vec::new();
    let mut tokens = Tokens::default();
    for _ in 0..judging.trials.max(1) {
        let request = ModelRequest {
            system: SYSTEM.to_owned(),
            prompt: prompt.clone(),
            max_tokens: judging.max_tokens,
            schema: Some(schema()),
            timeout: Duration::from_secs(judging.wait_seconds),
            ..ModelRequest::default()
        };
        let unavailable =
            |cause: String| Stop::unavailable(format!("role {}", judging.role), cause);
        let answer = call.complete(&judging.role, request).await?;
        let answer = answer.ok_or_else(|| {
            let role = &judging.role;
            unavailable(format!("it does not resolve; callboard settings set roles.{role}.url and roles.{role}.model"))
        })?;
        let opinion = answer
            .json
            .ok_or_else(|| format!("the answer of {} is no JSON", answer.model));
        let opinion = opinion.and_then(|json| {
            serde_json::from_value::<Opinion>(json)
                .map_err(|error| format!("the answer of {} does not fit: {error}", answer.model))
        });
        opinions.push(opinion.map_err(unavailable)?);
        tokens.prompt += answer.tokens.prompt;
        tokens.completion += answer.tokens.completion;
        if !models.contains(&answer.model) {
            models.push(answer.model);
        }
    }
    Ok(verdict(question, judging, judged, opinions, models, tokens))
}

/// What is said of how far the scores of several trials lie apart.
fn spread(scores: &[u32], most_spread: u32) -> Option<Finding> {
    let ends = scores.iter().max().zip(scores.iter().min());
    let spread = ends.map_or(0, |(most, least)| most - least);
    if scores.len() < 2 {
        return None;
    }
    let told: Vec<String> = scores.iter().map(ToString::to_string).collect();
    let severity = if spread > most_spread {
        Severity::Warning
    } else {
        Severity::Info
    };
    let (trials, told) = (scores.len(), told.join(", "));
    let told = format!("{trials} trials: {told}; they differ by {spread}");
    Some(Finding::new("spread", severity, told))
}

fn verdict(
    question: Question,
    judging: &Judging,
    judged: &Judged,
    mut opinions: Vec<Opinion>,
    models: Vec<String>,
    tokens: Tokens,
) -> Verdict {
    let scores: Vec<u32> = opinions.iter().map(|it| it.score.min(100)).collect();
    opinions.sort_by_key(|opinion| opinion.score);
    // Of an even number the lower of the two in the middle.
    let middle = opinions.swap_remove((opinions.len() - 1) / 2);
    let score = middle.score.min(100);
    let passed = score >= judging.least;
    let severity = if passed {
        Severity::Warning
    } else {
        Severity::Error
    };
    let mut findings: Vec<Finding> = middle
        .findings
        .into_iter()
        .take(FINDINGS)
        .map(|said| finding(question.rule, severity, said, &judged.draft))
        .collect();
    if !passed && findings.is_empty() {
        findings.push(Finding::new(
            question.rule,
            severity,
            format!(
                "it scores {score}, and {} is the least; no reason was given",
                judging.least
            ),
        ));
    }
    findings.extend(spread(&scores, judging.most_spread));
    let writer = judged.draft.written_by.strip_prefix("model ");
    if let Some(own) = writer.filter(|writer| models.iter().any(|model| model == writer)) {
        findings.push(Finding::new("own_work", Severity::Warning, format!("{own} judges what it wrote itself, and models praise their own work; give the role {} another one", judging.role)));
    }
    Verdict {
        passed,
        review: Review {
            score: Some(score),
            findings,
        },
        models,
        scores,
        tokens,
    }
}

fn finding(rule: &str, severity: Severity, said: Said, draft: &Draft) -> Finding {
    let short = |text: String| text.chars().take(LONGEST).collect::<String>();
    let excerpt = short(said.excerpt);
    // What it quotes and is not there stands nowhere.
    let at = Some(excerpt.as_str())
        .filter(|it| !it.is_empty())
        .and_then(|it| draft.markdown.find(it));
    let line = at.map(|at| draft.markdown[..at].split('\n').count());
    let mut finding = Finding::new(rule, severity, short(said.message)).about(excerpt);
    finding.line = line.and_then(|line| u32::try_from(line).ok());
    finding
}

impl Verdict {
    /// Done or rejected; `written` puts the review under the rail's key.
    pub fn handled<W: Serialize>(
        self,
        rule: &str,
        written: impl Fn(Review) -> W,
    ) -> Result<Done<W>, Stop> {
        let told: Vec<String> = self.review.errors().map(ToString::to_string).collect();
        let written = written(self.review);
        if self.passed {
            return Ok(Done::new(written));
        }
        Err(Stop::rejected(rule, told.join("; ")).handing_on(&written))
    }
}

fn variables(judged: &Judged, most: usize) -> Json {
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let mut sources = String::new();
    let each = most / judged.sources.len().max(1);
    for source in &judged.sources {
        let Read {
            id,
            url,
            title,
            text,
        } = source;
        // Writing to a string cannot fail.
        writeln!(sources, "{id} {title} {url}\n{}\n", cut(text, each)).ok();
    }
    json!({
        "title": judged.draft.title,
        "text": cut(&judged.draft.markdown, most),
        "topic": judged.topic.as_deref().unwrap_or_default(),
        "sources": sources,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Question = Question {
        rule: "critic",
        prompt: "rails_critic",
    };

    fn opinion(score: u32, findings: &[(&str, &str)]) -> Opinion {
        let said = |(message, excerpt): &(&str, &str)| Said {
            message: (*message).to_owned(),
            excerpt: (*excerpt).to_owned(),
        };
        Opinion {
            score,
            findings: findings.iter().map(said).collect(),
        }
    }

    fn judged() -> Judged {
        let draft = Draft {
            markdown: "One.\n\nTwo is thin.".to_owned(),
            written_by: "model small".to_owned(),
            ..Draft::default()
        };
        Judged {
            draft,
            ..Judged::default()
        }
    }

    fn of(opinions: Vec<Opinion>, model: &str) -> Verdict {
        let models = vec![model.to_owned()];
        verdict(
            QUESTION,
            &Judging::default(),
            &judged(),
            opinions,
            models,
            Tokens::default(),
        )
    }

    #[test]
    fn the_middle_of_several_trials_counts_and_their_spread_is_told() {
        let thin = [("say more", "Two is thin"), ("who says so", "not there")];
        let verdict = of(
            vec![opinion(90, &[]), opinion(40, &thin), opinion(10, &thin)],
            "other",
        );
        assert_eq!((verdict.passed, verdict.review.score), (false, Some(40)));
        let told: Vec<_> = verdict
            .review
            .findings
            .iter()
            .map(|it| (it.rule.as_str(), it.severity, it.line))
            .collect();
        assert_eq!(
            told,
            [
                ("critic", Severity::Error, Some(3)),
                ("critic", Severity::Error, None),
                ("spread", Severity::Warning, None),
            ]
        );
        assert_eq!(
            verdict.review.findings[2].message,
            "3 trials: 90, 40, 10; they differ by 80"
        );
    }

    #[test]
    fn who_judges_its_own_work_is_told_and_a_fail_always_has_a_reason() {
        let rules = |verdict: Verdict| {
            verdict
                .review
                .findings
                .into_iter()
                .map(|it| it.rule)
                .collect::<Vec<_>>()
        };
        assert_eq!(rules(of(vec![opinion(80, &[])], "small")), ["own_work"]);
        let failed = of(vec![opinion(69, &[])], "other");
        assert!(!failed.passed);
        assert_eq!(failed.review.errors().count(), 1);
        assert_eq!(of(vec![opinion(250, &[])], "other").review.score, Some(100));
    }
}
