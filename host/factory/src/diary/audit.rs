//! Every day of a history composed and checked, and nothing stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use super::bundle::Bundle;
use super::check::check;
use super::composer::compose;
use super::gather::{Gatherer, Landed};
use super::git::{Git, GitError};
use super::looking::Looking;
use crate::draft::ClaimKind;
use crate::draft::Draft;

/// What became of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DayVerdict {
    /// A post that holds.
    Told,
    /// Too little for a post.
    Thin,
    /// A post that the verifier refuses.
    Refused,
    /// A day that git does not give.
    Unreadable,
}

/// One day.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DayAudit {
    /// `YYYY-MM-DD`, in UTC.
    pub day: String,
    pub verdict: DayVerdict,
    /// How many changes count.
    pub changes: usize,
    /// What they weigh.
    pub substance: u32,
    /// Words of the text.
    pub words: usize,
    /// The title of its text; empty if there is none.
    pub title: String,
    /// How many claims there are of each kind.
    pub claims: BTreeMap<ClaimKind, usize>,
    /// Why it was refused, or can't be read.
    pub reasons: Vec<String>,
    /// The whole text, if it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// How a history is looked at.
pub struct Audit<'a> {
    pub git: &'a Git,
    pub looking: &'a Looking,
    /// The template of the text.
    pub template: &'a str,
    pub now: Timestamp,
    /// The most days, the newest first; all if absent.
    pub days: Option<usize>,
    /// Whether texts are given, too.
    pub texts: bool,
}

/// The days of a history.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AuditedHistory {
    pub repository: String,
    pub days: Vec<DayAudit>,
}

impl Audit<'_> {
    /// Look at each day, oldest first; `seen` is told how many of how many were.
    pub async fn run(
        &self,
        seen: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<AuditedHistory, GitError> {
        let identity = self.git.identity().await?;
        let mut history = AuditedHistory {
            repository: identity.name.clone(),
            days: Vec::new(),
        };
        if !self.git.has_commits().await? {
            return Ok(history);
        }
        let landed = Landed::new(self.git.history().await?);
        let rules = self.looking.rules();
        let gatherer = Gatherer {
            identity: &identity,
            rules: &rules,
            forge: self.looking.forge,
            limit: self.looking.max_commits,
            now: self.now,
        };
        let days = landed.days();
        let left_out = self.days.map_or(0, |most| days.len().saturating_sub(most));
        let days: Vec<Date> = days.into_iter().skip(left_out).collect();
        for (index, day) in days.iter().enumerate() {
            seen(index, days.len());
            history
                .days
                .push(match gatherer.bundle(self.git, &landed, *day).await {
                    Ok(bundle) => self.day(&bundle),
                    Err(error @ (GitError::Timeout | GitError::NotInstalled)) => return Err(error),
                    Err(error) => unreadable(*day, &error),
                });
        }
        Ok(history)
    }

    fn day(&self, bundle: &Bundle) -> DayAudit {
        let mut audit = DayAudit {
            day: bundle.day.clone(),
            verdict: DayVerdict::Thin,
            changes: bundle.changes.len(),
            substance: bundle.substance,
            words: 0,
            title: String::new(),
            claims: BTreeMap::new(),
            reasons: Vec::new(),
            text: None,
        };
        if bundle.changes.is_empty() {
            return audit;
        }
        // A thin day is composed and checked as well: what holds a post back is its weight alone.
        let is_thin = bundle.substance < self.looking.substance_bar;
        let draft = match compose(bundle, self.template) {
            Ok(draft) => draft,
            Err(error) => {
                audit.verdict = DayVerdict::Refused;
                audit.reasons.push(error.to_string());
                return audit;
            }
        };
        match check(&draft, bundle, self.template, &[]) {
            Ok(_) if is_thin => {}
            Ok(_) => audit.verdict = DayVerdict::Told,
            Err(misses) => {
                audit.verdict = DayVerdict::Refused;
                audit.reasons = misses.iter().map(ToString::to_string).collect();
            }
        }
        for claim in &draft.claims {
            *audit.claims.entry(claim.kind).or_default() += 1;
        }
        audit.words = words(&draft);
        audit.text = (self.texts && audit.verdict != DayVerdict::Thin).then(|| {
            format!(
                "# {}\n\n> {}\n\n{}",
                draft.title, draft.excerpt, draft.markdown
            )
        });
        audit.title = draft.title;
        audit
    }
}

/// Words of a text, without the addresses of its links.
fn words(draft: &Draft) -> usize {
    pattern!(LINK, r"\]\([^)\s]*\)");
    LINK.replace_all(&draft.markdown, "]")
        .split_whitespace()
        .count()
}

fn unreadable(day: Date, error: &GitError) -> DayAudit {
    DayAudit {
        day: day.to_string(),
        verdict: DayVerdict::Unreadable,
        changes: 0,
        substance: 0,
        words: 0,
        title: String::new(),
        claims: BTreeMap::new(),
        reasons: vec![error.to_string()],
        text: None,
    }
}
