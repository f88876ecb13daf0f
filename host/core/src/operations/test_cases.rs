//! The workspace's own tests: each is run in a workspace and a database of its own, which are gone
//! afterwards, with a cassette in place of the network.

mod bench;
mod verdict;

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use self::bench::Bench;
use super::runs::RunStatus;
use super::{OperationError, named};
use crate::app::{App, AppError};
use crate::workspace::{Definitions, Files, TestCase};

/// A test that is defined.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "TestCase")]
pub struct TestCaseView {
    /// Its name, that of its file.
    pub name: String,
    /// The pipeline that it starts a run of.
    pub pipeline: String,
    /// What answers in place of the network, a folder in `tests/cassettes`; nothing, if it has none.
    pub cassette: Option<String>,
    /// What it is about.
    pub description: String,
}

/// What came of a test.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// Whether everything was as expected.
    pub passed: bool,
    /// What was not, one sentence each.
    pub problems: Vec<String>,
    /// How its run stood at the end; nothing, if none was started.
    pub status: Option<RunStatus>,
    /// What that says, for a person.
    pub detail: String,
    /// What was done in a lesser way than it should have been.
    pub fallbacks: Vec<String>,
    /// Whether its cassette was recorded anew.
    pub recorded: bool,
    /// What it took.
    pub took_ms: u64,
}

/// Which tests to run, and how.
pub struct TestSelection<'a> {
    /// Names of tests; all if there are none.
    pub names: &'a [String],
    /// The opened workspace whose secrets are sent to models and servers, whose answers are kept in the
    /// cassettes; without one nobody is asked.
    pub records: Option<&'a App>,
    /// Ends it.
    pub stop: &'a CancellationToken,
}

/// The tests in the folder of a workspace, by name. No database is opened.
pub fn list(workspace: &Path) -> Result<Vec<TestCaseView>, OperationError> {
    let (_, definitions) = read(workspace)?;
    let cases = definitions.test_cases.values();
    Ok(cases.map(|it| TestCaseView::of(&it.value)).collect())
}

/// Run tests of the folder as it stands, one after another, and tell each result as it comes. What
/// is applied, its database and its settings are left as they are.
pub async fn run(
    workspace: &Path,
    asked: TestSelection<'_>,
    told: &(dyn Fn(&TestResult) + Sync),
) -> Result<Vec<TestResult>, OperationError> {
    let (files, definitions) = read(workspace)?;
    let cases = &definitions.test_cases;
    let known = || cases.keys().map(String::as_str);
    if let Some(name) = asked.names.iter().find(|name| !cases.contains_key(*name)) {
        return Err(named::unknown(
            "test",
            name,
            known(),
            "callboard test --list",
        ));
    }
    if cases.is_empty() {
        let problem = "the workspace has no tests";
        return Err(OperationError::usage(problem).mend("write one, `tests/NAME.toml`"));
    }
    if asked.records.is_some() {
        recordable(&definitions, asked.names)?;
    }
    let chosen = cases.iter();
    let chosen = chosen.filter(|(name, _)| asked.names.is_empty() || asked.names.contains(name));
    let mut results = Vec::new();
    for (_, defined) in chosen {
        let bench = Bench {
            workspace,
            files: &files,
            definitions: &definitions,
            records: asked.records,
            stop: asked.stop,
        };
        let result = bench.result(&defined.value).await?;
        told(&result);
        results.push(result);
    }
    Ok(results)
}

/// A test that is to be recorded names where its answers are kept.
fn recordable(definitions: &Definitions, names: &[String]) -> Result<(), OperationError> {
    let named = names
        .iter()
        .filter_map(|name| definitions.test_cases.get(name));
    let mut named = named.map(|defined| &defined.value);
    let Some(case) = named.find(|case| case.cassette.is_none()) else {
        return Ok(());
    };
    let name = case.name();
    let problem = format!("test `{name}` names no cassette, so nothing of it is recorded");
    let mend = format!("add `cassette = \"{name}\"` to tests/{name}.toml");
    Err(OperationError::usage(problem).mend(mend))
}

/// The files of the folder, and what they define.
fn read(workspace: &Path) -> Result<(Files, Definitions), OperationError> {
    let files = App::files_in(workspace)?.files;
    let definitions = Definitions::parse(&files).map_err(AppError::Misread)?;
    Ok((files, definitions))
}

impl TestCaseView {
    fn of(case: &TestCase) -> Self {
        Self {
            name: case.name().to_owned(),
            pipeline: case.pipeline.get_ref().clone(),
            cassette: case.cassette.as_ref().map(|it| it.get_ref().clone()),
            description: case.description.clone(),
        }
    }
}
