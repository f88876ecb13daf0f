//! Tests of a workspace as data: `tests/*.toml`, what a run of a pipeline comes to with what it is
//! given. No IO.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::Deserialize;
use toml::Spanned;

use super::expectation::Expectation;
use crate::outcome::Patch;
use crate::store::gates::Decision;
use crate::store::runs::RunStatus;

/// Where cassettes of tests lie, one folder each.
pub const CASSETTES: &str = "tests/cassettes";
/// What is run in the database of each test before anything is applied: the workspace's own tables.
pub const TABLES: &str = "tests/schema.sql";
/// A definition of a run and what it has to come to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestCase {
    pub name: Spanned<String>,
    #[serde(default)]
    pub description: String,
    pub pipeline: Spanned<String>,
    /// What the run is started with. A relative path begins at the folder of the tests.
    #[serde(default)]
    pub input: Patch,
    /// Values of settings, which are those of the test alone.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// What answers in place of the network, a folder in [`CASSETTES`]; without one nothing does.
    #[serde(default)]
    pub cassette: Option<Spanned<String>>,
    /// Whether questions that nothing answers are part of the test; they fail it otherwise.
    #[serde(default)]
    pub unanswered: bool,
    /// What is said at gates, in their order; a gate that is left over stays open.
    #[serde(default, rename = "decision")]
    pub decisions: Vec<TestDecision>,
    pub expect: ExpectedRun,
}

/// What a person would say at a gate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestDecision {
    /// The stage that asks.
    pub gate: Spanned<String>,
    #[serde(rename = "as")]
    pub said: SaidDecision,
    /// What is to be made anew, by its name in the pipeline.
    #[serde(default)]
    pub part: Option<Spanned<String>>,
    #[serde(default)]
    pub feedback: String,
    #[serde(default = "tester")]
    pub by: String,
}

/// The decisions that are a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SaidDecision {
    Approved,
    Rejected,
    Regenerated,
}

impl From<SaidDecision> for Decision {
    fn from(said: SaidDecision) -> Self {
        match said {
            SaidDecision::Approved => Decision::Approved,
            SaidDecision::Rejected => Decision::Rejected,
            SaidDecision::Regenerated => Decision::Regenerated,
        }
    }
}

/// What a run has to come to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedRun {
    pub status: RunStatus,
    /// How often something was done in a lesser way than it should have been.
    #[serde(default)]
    pub fallbacks: usize,
    /// The outcome of the last visit of each stage that is named.
    #[serde(default)]
    pub stages: BTreeMap<String, StageOutcome>,
    #[serde(default, rename = "key")]
    pub keys: Vec<Expectation>,
}

/// How the last visit of a stage ended. One that is passed over had nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StageOutcome {
    Done,
    NothingToDo,
    Deferred,
    Rejected,
    Unavailable,
    Failed,
    /// The run never came to it.
    Absent,
}

fn tester() -> String {
    "callboard test".to_owned()
}

impl TestCase {
    pub fn name(&self) -> &str {
        self.name.get_ref()
    }
}

/// Whether the folder of a cassette is one folder, and not a path elsewhere.
pub fn is_folder_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!(
        (parts.next(), parts.next()),
        (Some(Component::Normal(_)), None)
    )
}

impl StageOutcome {
    /// As definitions write it, and as the engine names an outcome.
    pub fn word(self) -> &'static str {
        match self {
            StageOutcome::Done => "done",
            StageOutcome::NothingToDo => "nothing-to-do",
            StageOutcome::Deferred => "deferred",
            StageOutcome::Rejected => "rejected",
            StageOutcome::Unavailable => "unavailable",
            StageOutcome::Failed => "failed",
            StageOutcome::Absent => "absent",
        }
    }
}
