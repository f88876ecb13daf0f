//! What the word of a rail that asks a model is worth: its verdicts on drafts whose worth people have said,
//! and how far the two agree beyond what chance would give.

use std::fmt::Write as _;

use callboard_core::settings::hex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::question::{Judged, JudgedSource, Judging};
use crate::draft::Draft;
use crate::tables::rail_trials::RailTrial;

/// A draft that people have judged.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// The name of its file.
    pub name: String,
    pub judged: Judged,
    /// Whether it is one that should pass.
    pub passes: bool,
}

/// What stands above a draft, between lines of `+++`, as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelledHead {
    title: String,
    /// What lists show of it.
    #[serde(default)]
    excerpt: String,
    /// The title that search engines show.
    #[serde(default)]
    seo_title: String,
    topic: Option<String>,
    #[serde(default)]
    sources: Vec<JudgedSource>,
    /// Whether it should pass; if absent, it should if nothing is to be found in it.
    passes: Option<bool>,
    /// The rules that have to find something in it.
    #[serde(default)]
    finds: Vec<String>,
    /// What those rules are given.
    #[serde(default, rename = "config")]
    _config: Json,
    /// The posts that links may lead to.
    #[serde(default, rename = "posts")]
    _posts: Json,
}

impl Labelled {
    /// A file of a corpus; the error says what is wrong with it.
    pub fn read(name: &str, text: &str) -> Result<Self, String> {
        let parts = text.strip_prefix("+++\n");
        let parts = parts.and_then(|rest| rest.split_once("\n+++\n"));
        let (head, markdown) = parts.ok_or("it does not begin with its label between two `+++`")?;
        let head: LabelledHead = serde_json::from_str(head)
            .map_err(|error| format!("its label cannot be read: {error}"))?;
        let draft = Draft {
            title: head.title,
            excerpt: head.excerpt,
            seo_title: head.seo_title,
            markdown: markdown.trim_start().to_owned(),
            ..Draft::default()
        };
        Ok(Self {
            name: name.to_owned(),
            judged: Judged {
                draft,
                topic: head.topic,
                sources: head.sources,
            },
            passes: head.passes.unwrap_or(head.finds.is_empty()),
        })
    }
}

/// A digest of the files of a corpus, by names and texts.
pub fn corpus_digest<'f>(files: impl Iterator<Item = (&'f str, &'f str)>) -> String {
    let mut digest = Sha256::new();
    for (name, text) in files {
        digest.update(format!("{name}\n{}\n{text}", text.len()));
    }
    hex(&digest.finalize())
}

/// How often verdicts and labels were which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Confusion {
    /// Verdicts of pass on drafts that should pass.
    pub good_passed: u64,
    /// Verdicts of fail on drafts that should pass.
    pub good_failed: u64,
    /// Verdicts of pass on drafts that should not pass.
    pub bad_passed: u64,
    /// Verdicts of fail on drafts that should not pass.
    pub bad_failed: u64,
}

impl Confusion {
    pub fn count(&mut self, should: bool, passed: bool) {
        *match (should, passed) {
            (true, true) => &mut self.good_passed,
            (true, false) => &mut self.good_failed,
            (false, true) => &mut self.bad_passed,
            (false, false) => &mut self.bad_failed,
        } += 1;
    }

    /// All verdicts.
    pub fn total(&self) -> u64 {
        self.good_passed + self.good_failed + self.bad_passed + self.bad_failed
    }

    /// Cohen's kappa in hundredths, rounded down: 100 is agreement, 0 what chance would give. None where
    /// chance alone agrees always, as with drafts of one label only.
    pub fn kappa(&self) -> Option<i64> {
        let number = |count: u64| i128::from(count);
        let (all, agreed) = (self.total(), self.good_passed + self.bad_failed);
        let good = self.good_passed + self.good_failed;
        let passed = self.good_passed + self.bad_passed;
        let by_chance = number(good) * number(passed) + number(all - good) * number(all - passed);
        let (least, most) = (by_chance, number(all) * number(all));
        let beyond = 100 * (number(all) * number(agreed) - least);
        let kappa = (most > least).then(|| beyond.div_euclid(most - least))?;
        // Labels of one kind say nothing of the other.
        let both = good > 0 && good < all;
        both.then(|| i64::try_from(kappa).ok()).flatten()
    }
}

/// What came of one draft.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct DraftTrial {
    /// The name of its file.
    pub draft: String,
    /// Whether people say that it should pass.
    pub should_pass: bool,
    /// Verdicts of pass.
    pub passed: u64,
    /// Verdicts of fail.
    pub failed: u64,
    /// The scores of all verdicts, in their order.
    pub scores: Vec<u32>,
    /// The most points that they differ by.
    pub spread: u32,
    /// Why there was no verdict, for each that is missing.
    pub unanswered: Vec<String>,
    /// Why no model was asked, if the rail does not apply to it.
    pub not_applicable: Option<String>,
}

impl DraftTrial {
    pub fn of(labelled: &Labelled) -> Self {
        Self {
            draft: labelled.name.clone(),
            should_pass: labelled.passes,
            ..Self::default()
        }
    }

    /// A verdict.
    pub fn answered(&mut self, passed: bool, score: u32) {
        *if passed {
            &mut self.passed
        } else {
            &mut self.failed
        } += 1;
        self.scores.push(score);
        let ends = self.scores.iter().max().zip(self.scores.iter().min());
        self.spread = ends.map_or(0, |(most, least)| most - least);
    }

    /// Whether a verdict was given other than people's.
    pub fn is_wrong(&self) -> bool {
        let wrong = if self.should_pass {
            self.failed
        } else {
            self.passed
        };
        wrong > 0
    }
}

/// What all drafts came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Figures {
    /// Drafts that it gave a verdict on.
    pub drafts: u64,
    /// Questions without an answer.
    pub unanswered: u64,
    /// Verdicts and labels.
    #[serde(flatten)]
    pub confusion: Confusion,
    /// Cohen's kappa in hundredths; none where nothing can be said.
    pub kappa: Option<i64>,
    /// The most points that the scores of one draft differ by.
    pub spread: u32,
}

impl Figures {
    pub fn of(drafts: &[DraftTrial]) -> Self {
        let mut figures = Self::default();
        for draft in drafts {
            let confusion = &mut figures.confusion;
            for (passed, times) in [(true, draft.passed), (false, draft.failed)] {
                (0..times).for_each(|_| confusion.count(draft.should_pass, passed));
            }
            figures.drafts += u64::from(!draft.scores.is_empty());
            figures.unanswered += u64::try_from(draft.unanswered.len()).unwrap_or(u64::MAX);
            figures.spread = figures.spread.max(draft.spread);
        }
        figures.kappa = figures.confusion.kappa();
        figures
    }

    /// Why the rail may not move a draft by this trial, with the bounds of its configuration; none, if it may.
    pub fn falls_short(&self, judging: &Judging) -> Option<String> {
        let mut short = String::new();
        let mut say = |problem: String| {
            let comma = if short.is_empty() { "" } else { ", " };
            // Writing to a string cannot fail.
            write!(short, "{comma}{problem}").ok();
        };
        if self.unanswered > 0 {
            say(format!(
                "{} of its questions had no answer",
                self.unanswered
            ));
        }
        if self.drafts < u64::from(judging.least_drafts) {
            let (drafts, least) = (self.drafts, judging.least_drafts);
            say(format!(
                "it was of {drafts} drafts, and {least} are the least"
            ));
        }
        match self.kappa {
            None => say("it had drafts of one label only".to_owned()),
            Some(kappa) if kappa < i64::from(judging.least_kappa) => {
                let least = hundredths(i64::from(judging.least_kappa));
                let kappa = hundredths(kappa);
                say(format!("its kappa was {kappa}, and {least} is the least"));
            }
            Some(_) => {}
        }
        (!short.is_empty()).then_some(short)
    }
}

impl From<&RailTrial> for Figures {
    fn from(trial: &RailTrial) -> Self {
        Self {
            drafts: trial.drafts,
            unanswered: trial.unanswered,
            confusion: Confusion {
                good_passed: trial.good_passed,
                good_failed: trial.good_failed,
                bad_passed: trial.bad_passed,
                bad_failed: trial.bad_failed,
            },
            kappa: trial.kappa,
            spread: trial.spread,
        }
    }
}

/// Hundredths as a person reads them: `0.83`.
pub fn hundredths(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let number = number.unsigned_abs();
    format!("{sign}{}.{:02}", number / 100, number % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confusion(counts: [u64; 4]) -> Confusion {
        let [good_passed, good_failed, bad_passed, bad_failed] = counts;
        Confusion {
            good_passed,
            good_failed,
            bad_passed,
            bad_failed,
        }
    }

    #[test]
    fn kappa_is_agreement_beyond_chance() {
        // The textbook's: 20 and 15 of 50 agree, (0.7 - 0.5) / (1 - 0.5).
        assert_eq!(confusion([20, 5, 10, 15]).kappa(), Some(40));
        assert_eq!(confusion([10, 0, 0, 10]).kappa(), Some(100));
        assert_eq!(confusion([0, 10, 10, 0]).kappa(), Some(-100));
        // Who always says the same agrees by chance alone, however the labels lie.
        assert_eq!(confusion([90, 0, 10, 0]).kappa(), Some(0));
        assert_eq!(confusion([5, 0, 0, 0]).kappa(), None);
        assert_eq!(confusion([5, 3, 0, 0]).kappa(), None);
        assert_eq!(confusion([0; 4]).kappa(), None);
    }

    #[test]
    fn a_trial_without_all_its_answers_is_no_proof() {
        let judging = Judging {
            least_drafts: 2,
            ..Judging::default()
        };
        let good =
            Labelled::read("a", "+++\n{\"title\": \"t\", \"finds\": []}\n+++\n\nx").expect("one");
        let bad =
            Labelled::read("b", "+++\n{\"title\": \"t\", \"passes\": false}\n+++\nx").expect("one");
        assert!(good.passes && !bad.passes);
        let (mut one, mut other) = (DraftTrial::of(&good), DraftTrial::of(&bad));
        one.answered(true, 90);
        other.answered(false, 30);
        other.answered(false, 50);
        let figures = Figures::of(&[one.clone(), other.clone()]);
        assert_eq!((figures.kappa, figures.spread), (Some(100), 20));
        assert_eq!(figures.falls_short(&judging), None);
        let strict = figures.falls_short(&Judging::default());
        assert_eq!(
            strict.as_deref(),
            Some("it was of 2 drafts, and 20 are the least")
        );
        other.unanswered.push("busy".to_owned());
        let figures = Figures::of(&[one, other]);
        let told = figures.falls_short(&judging);
        assert_eq!(told.as_deref(), Some("1 of its questions had no answer"));
        assert_eq!(hundredths(-7), "-0.07");
    }
}
