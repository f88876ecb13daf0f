//! Whether the run of a test came to what was expected, and what is not so.

use super::TestResult;
use crate::app::App;
use crate::operations::OperationError;
use crate::operations::runs::{self, RunStatus, RunView};
use crate::workspace::{StageOutcome, TestCase};

/// The result of a test that could not be run.
pub(super) fn not_run(case: &TestCase, error: &OperationError) -> TestResult {
    let problem = match &error.mend {
        Some(mend) => format!("{error}; {mend}"),
        None => error.to_string(),
    };
    without_run(case, vec![problem])
}

/// The same, by what is not so in the test.
pub(super) fn without_run(case: &TestCase, problems: Vec<String>) -> TestResult {
    TestResult {
        name: case.name().to_owned(),
        passed: false,
        problems,
        status: None,
        detail: String::new(),
        fallbacks: Vec::new(),
        recorded: false,
        took_ms: 0,
    }
}

/// The result of a run, at whose gates so many decisions of the test were said.
pub(super) async fn of(
    app: &App,
    case: &TestCase,
    run: &RunView,
    said: usize,
) -> Result<TestResult, OperationError> {
    let (stages, keys) = (
        runs::stages(app, &run.id).await?,
        runs::keys(app, &run.id).await?,
    );
    let mut problems = Vec::new();
    if run.status != case.expect.status {
        let (came, wanted) = (run.status, case.expect.status);
        problems.push(format!("the run is {came}, not {wanted}: {}", run.detail));
        if came == RunStatus::Blocked {
            let text = "a test has the defaults of settings and those under its own `[settings]`";
            problems.push(text.to_owned());
        }
    }
    let unsaid = case.decisions.iter().skip(said);
    let unsaid = unsaid.map(|it| it.gate.get_ref());
    problems.extend(unsaid.map(|gate| format!("gate `{gate}` did not ask for its decision")));
    for (id, wanted) in &case.expect.stages {
        let last = stages
            .iter()
            .rev()
            .find(|row| row.stage == *id && row.undone.is_none());
        let came = last.map_or(StageOutcome::Absent.word(), |row| row.outcome.name());
        let wanted = wanted.word();
        if came != wanted {
            let said = last
                .map(|row| format!(": {}", row.detail))
                .unwrap_or_default();
            problems.push(format!("stage `{id}` is {came}, not {wanted}{said}"));
        }
    }
    let fallbacks = stages.iter().flat_map(|row| {
        let said = row.outcome.fallbacks().iter();
        said.map(|it| format!("{}: {it}", row.stage))
    });
    let fallbacks: Vec<String> = fallbacks.collect();
    if fallbacks.len() != case.expect.fallbacks {
        let (count, wanted) = (fallbacks.len(), case.expect.fallbacks);
        problems.push(format!("{count} fallbacks, not {wanted}"));
    }
    if !case.unanswered {
        let asked = app.tape().map(|tape| tape.lacking()).unwrap_or_default();
        let mend = recorded_by(case);
        let told = |it: String| format!("nothing answers {it}; {mend}");
        problems.extend(asked.into_iter().map(told));
    }
    problems.extend(case.expect.keys.iter().flat_map(|key| key.unmet(&keys)));
    Ok(TestResult {
        name: case.name().to_owned(),
        passed: problems.is_empty(),
        problems,
        status: Some(run.status),
        detail: run.detail.clone(),
        fallbacks,
        recorded: false,
        took_ms: 0,
    })
}

/// How a test comes to the answers that it lacks.
fn recorded_by(case: &TestCase) -> String {
    let (name, mut first) = (case.name(), String::new());
    if case.cassette.is_none() {
        first = format!("add `cassette = \"{name}\"` to tests/{name}.toml, ");
    }
    format!("{first}callboard test --record {name}, or write `unanswered = true`")
}
