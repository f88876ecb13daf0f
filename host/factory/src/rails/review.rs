//! What one rail found in a draft.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a rail hands on under a key of its own, whatever it came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Review {
    /// 0 to 100; none if the rail gives no score.
    pub score: Option<u32>,
    pub findings: Vec<Remark>,
}

/// One thing that is wrong, or may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remark {
    /// The rule that found it.
    pub rule: String,
    pub severity: Severity,
    /// What is wrong, and the mend.
    pub message: String,
    /// The line of the Markdown, from 1; none if it is about the whole or the title.
    #[serde(default)]
    pub line: Option<u32>,
    /// The words that it is about.
    #[serde(default)]
    pub excerpt: String,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
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

impl Remark {
    pub fn new(rule: &str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            rule: rule.to_owned(),
            severity,
            message: message.into(),
            line: None,
            excerpt: String::new(),
        }
    }

    #[must_use]
    pub fn about(mut self, excerpt: impl Into<String>) -> Self {
        self.excerpt = excerpt.into();
        self
    }
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.rule)?;
        if let Some(line) = self.line {
            write!(f, " (line {line})")?;
        }
        write!(f, ": {}", self.message)?;
        match self.excerpt.as_str() {
            "" => Ok(()),
            excerpt => write!(f, " – “{excerpt}”"),
        }
    }
}

impl Review {
    /// With the score that follows from the findings.
    pub fn of(findings: Vec<Remark>) -> Self {
        let points: u32 = findings.iter().map(|it| it.severity.points()).sum();
        Self {
            score: Some(100_u32.saturating_sub(points)),
            findings,
        }
    }

    /// The findings that a draft does not pass with.
    pub fn errors(&self) -> impl Iterator<Item = &Remark> {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.severity == Severity::Error)
    }
}
