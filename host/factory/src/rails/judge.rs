//! What a model thinks of a draft: it is asked several times, answers by a schema, and an answer that is
//! missing, cut or something else is no opinion.

use std::fmt::Write as _;
use std::time::Duration;

use callboard_core::handler::{Call, ModelRequest, Tokens};
use callboard_core::outcome::{Done, Stop};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::question::{
    JudgeQuestion, Judged, JudgedSource, Judging, Opinion, OpinionFinding, SYSTEM, schema,
};
use super::review::{Remark, Review, Severity};
use crate::draft::{Draft, DraftWriter, writers};

/// What a model thinks of a draft, from all trials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeVerdict {
    pub passed: bool,
    pub review: Review,
    /// The models that answered, each once.
    pub models: Vec<String>,
    pub scores: Vec<u32>,
    pub tokens: Tokens,
}

/// The most findings that are kept of one answer, and characters of each.
const FINDINGS: usize = 20;
const LONGEST: usize = 600;

/// The variables of the prompts.
pub const VARIABLES: [&str; 4] = ["title", "text", "topic", "sources"];

/// Ask as often as is wanted. If one trial has no answer there is no verdict.
pub async fn judge(
    call: &Call,
    judging: &Judging,
    question: JudgeQuestion,
    judged: &Judged,
) -> Result<JudgeVerdict, Stop> {
    if let Some(lacks) = (question.lacks)(judged) {
        return Err(Stop::nothing_to_do(lacks));
    }
    read_wholly(judging, judged)?;
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
        tokens += answer.tokens;
        if !models.contains(&answer.model) {
            models.push(answer.model);
        }
    }
    Ok(verdict(question, judging, judged, opinions, models, tokens))
}

/// A draft that is not shown as a whole is judged by nobody.
fn read_wholly(judging: &Judging, judged: &Judged) -> Result<(), Stop> {
    let (length, most) = (judged.draft.markdown.chars().count(), judging.material);
    if length <= most {
        return Ok(());
    }
    let role = format!("role {}", judging.role);
    let cause = format!(
        "the draft has {length} characters, and `config.material` shows {most} of them; raise it"
    );
    Err(Stop::unavailable(role, cause))
}

/// What is said of sources that were not shown as a whole: what stands behind the cut counts as not there.
fn unread(judging: &Judging, judged: &Judged) -> Option<Remark> {
    let each = judging.material / judged.sources.len().max(1);
    let cut = judged.sources.iter();
    let cut = cut
        .filter(|source| source.text.chars().count() > each)
        .count();
    let told = format!(
        "{cut} of {} sources were shown up to {each} characters each; raise `config.material`",
        judged.sources.len()
    );
    (cut > 0).then(|| Remark::new("not_all_read", Severity::Warning, told))
}

/// What is said of how far the scores of several trials lie apart.
fn spread(scores: &[u32], most_spread: u32) -> Option<Remark> {
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
    Some(Remark::new("spread", severity, told))
}

fn verdict(
    question: JudgeQuestion,
    judging: &Judging,
    judged: &Judged,
    mut opinions: Vec<Opinion>,
    models: Vec<String>,
    tokens: Tokens,
) -> JudgeVerdict {
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
    let mut findings: Vec<Remark> = middle
        .findings
        .into_iter()
        .take(FINDINGS)
        .map(|said| finding(question.rule, severity, said, &judged.draft))
        .collect();
    if !passed && findings.is_empty() {
        findings.push(Remark::new(
            question.rule,
            severity,
            format!(
                "it scores {score}, and {} is the least; no reason was given",
                judging.least
            ),
        ));
    }
    findings.extend(spread(&scores, judging.most_spread));
    findings.extend(unread(judging, judged));
    let mut writers = writers(&judged.draft.written_by).into_iter();
    let own = writers.find_map(|writer| match writer {
        DraftWriter::Model(name) if models.iter().any(|model| model == name) => Some(name),
        _ => None,
    });
    if let Some(own) = own {
        findings.push(Remark::new("own_work", Severity::Warning, format!("{own} judges what it wrote itself, and models praise their own work; give the role {} another one", judging.role)));
    }
    JudgeVerdict {
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

fn finding(rule: &str, severity: Severity, said: OpinionFinding, draft: &Draft) -> Remark {
    let short = |text: String| text.chars().take(LONGEST).collect::<String>();
    let excerpt = short(said.excerpt);
    // What it quotes and is not there stands nowhere.
    let at = Some(excerpt.as_str())
        .filter(|it| !it.is_empty())
        .and_then(|it| draft.markdown.find(it));
    let line = at.map(|at| draft.markdown[..at].split('\n').count());
    let mut finding = Remark::new(rule, severity, short(said.message)).about(excerpt);
    finding.line = line.and_then(|line| u32::try_from(line).ok());
    finding
}

impl JudgeVerdict {
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
    let cut = |text: &str, most: usize| match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}\n[cut here: what follows is not shown]", &text[..end]),
        None => text.to_owned(),
    };
    let mut sources = String::new();
    let each = most / judged.sources.len().max(1);
    for source in &judged.sources {
        let JudgedSource {
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
        "text": format!("{}{}", cut(&judged.draft.markdown, most), described(&judged.draft)),
        "topic": judged.topic.as_deref().unwrap_or_default(),
        "sources": sources,
    })
}

/// What is shown of a draft where it is found, which is judged with it.
fn described(draft: &Draft) -> String {
    let told = [
        ("In lists it is described as", &draft.excerpt),
        ("Search engines show as its title", &draft.seo_title),
    ];
    let told = told.into_iter().filter(|(_, text)| !text.is_empty());
    told.map(|(what, text)| format!("\n\n[{what}: {text}]"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: JudgeQuestion = crate::rails::question::CRITIC;

    fn opinion(score: u32, findings: &[(&str, &str)]) -> Opinion {
        let said = |(message, excerpt): &(&str, &str)| OpinionFinding {
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

    fn of(opinions: Vec<Opinion>, model: &str) -> JudgeVerdict {
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
    fn what_was_not_shown_is_not_judged() {
        let judging = Judging {
            material: 200,
            ..Judging::default()
        };
        let mut judged = judged();
        assert_eq!(read_wholly(&judging, &judged), Ok(()));
        judged.draft.markdown = "é".repeat(201);
        let stop = read_wholly(&judging, &judged).expect_err("it is too long");
        assert!(
            matches!(&stop, Stop::Unavailable { cause, .. } if cause.contains("201 characters"))
        );
        judged.sources = vec![
            JudgedSource::default(),
            JudgedSource {
                text: "x".repeat(101),
                ..JudgedSource::default()
            },
        ];
        let finding = unread(&judging, &judged).expect("one is cut");
        assert!(finding.message.starts_with("1 of 2 sources"), "{finding}");
        let shown = variables(&judged, judging.material)["sources"].to_string();
        assert!(shown.contains("[cut here"), "{shown}");
    }

    #[test]
    fn who_judges_its_own_work_is_told_and_a_fail_always_has_a_reason() {
        let rules = |verdict: JudgeVerdict| {
            verdict
                .review
                .findings
                .into_iter()
                .map(|it| it.rule)
                .collect::<Vec<_>>()
        };
        assert_eq!(rules(of(vec![opinion(80, &[])], "small")), ["own_work"]);
        let mut second = judged();
        second.draft.written_by = "model big, model small".to_owned();
        let models = vec!["small".to_owned()];
        let opinions = vec![opinion(80, &[])];
        let default = Judging::default();
        let verdict = verdict(
            QUESTION,
            &default,
            &second,
            opinions,
            models,
            Tokens::default(),
        );
        assert_eq!(rules(verdict), ["own_work"], "a second hand is one as well");
        let failed = of(vec![opinion(69, &[])], "other");
        assert!(!failed.passed);
        assert_eq!(failed.review.errors().count(), 1);
        assert_eq!(of(vec![opinion(250, &[])], "other").review.score, Some(100));
    }
}
