//! What a rail hands on, whatever it came to; and how it says what it came to.

use callboard_plugin::{Done, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The draft, as far as rails look at it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct Draft {
    pub(crate) title: String,
    pub(crate) markdown: String,
    /// What lists show of it.
    #[serde(default)]
    pub(crate) excerpt: String,
    /// The title that search engines show; its own, if empty.
    #[serde(default)]
    pub(crate) seo_title: String,
}

/// What a rail found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Review {
    /// 0 to 100.
    pub(crate) score: u32,
    pub(crate) findings: Vec<Finding>,
}

/// One thing that is wrong, or may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Finding {
    /// The rule that found it.
    pub(crate) rule: String,
    pub(crate) severity: Severity,
    /// What is wrong, and the mend.
    pub(crate) message: String,
    /// The line of the Markdown, from 1; none if it is about the whole or the title.
    pub(crate) line: Option<u32>,
    /// The words that it is about.
    pub(crate) excerpt: String,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// Worth knowing.
    Info,
    /// A person should look.
    Warning,
    /// The draft does not pass.
    Error,
}

impl Severity {
    /// Points that a finding takes off a score of 100.
    fn points(self) -> u32 {
        match self {
            Severity::Info => 0,
            Severity::Warning => 3,
            Severity::Error => 10,
        }
    }
}

/// Findings that a rejection tells in its detail; all of them are in what it hands on.
const TOLD: usize = 20;

impl Review {
    /// With the score that follows from the findings.
    pub(crate) fn of(findings: Vec<Finding>) -> Self {
        let points: u32 = findings.iter().map(|it| it.severity.points()).sum();
        Self {
            score: 100_u32.saturating_sub(points),
            findings,
        }
    }

    /// Rejected by the first error; else passed. `written` puts the review under its key.
    pub(crate) fn verdict<W: Serialize>(
        self,
        written: impl Fn(Self) -> W,
    ) -> Result<Done<W>, Stop> {
        let errors = self
            .findings
            .iter()
            .filter(|it| it.severity == Severity::Error);
        let told: Vec<String> = errors.clone().take(TOLD).map(Finding::told).collect();
        let Some(first) = errors.clone().next().map(|it| it.rule.clone()) else {
            return Ok(Done::new(written(self)));
        };
        let more = errors.count().saturating_sub(TOLD);
        let mut detail = told.join("; ");
        if more > 0 {
            detail = format!("{detail}; and {more} more");
        }
        Err(Stop::rejected(first, detail).handing_on(&written(self)))
    }
}

impl Finding {
    fn told(&self) -> String {
        let place = self
            .line
            .map(|line| format!("line {line}: "))
            .unwrap_or_default();
        let excerpt = match self.excerpt.as_str() {
            "" => String::new(),
            excerpt => format!(" – “{excerpt}”"),
        };
        format!("{place}{}{excerpt}", self.message)
    }
}
