//! `test`: the workspace's own tests.

use callboard_core::operations::OperationError;
use callboard_core::operations::test_cases::{self, TestResult, TestSelection};
use callboard_core::shown::Shown;
use clap::Args;

use super::exit::Exit;
use super::interrupt::{self, Signal};
use super::output::Answered;
use super::{Context, Failure, check};

#[derive(Debug, Args)]
pub(super) struct Test {
    /// Names of tests; all of `tests/*.toml` if there are none.
    #[arg(value_name = "NAME")]
    names: Vec<String>,

    /// Ask models and servers, and keep what they answer as the cassettes of the tests. Secrets are
    /// those that are set in this workspace.
    #[arg(long)]
    record: bool,

    /// List the tests, and run none.
    #[arg(long, conflicts_with_all = ["names", "record"])]
    list: bool,
}

impl Test {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let workspace = context.workspace.as_path();
        if self.list {
            let all = test_cases::list(workspace)?;
            let header = ["test", "pipeline", "cassette", "description"];
            let rows = all.iter().map(|case| {
                let cassette = case.cassette.as_deref().unwrap_or("-");
                [
                    case.name.as_str(),
                    &case.pipeline,
                    cassette,
                    &case.description,
                ]
                .map(Shown::line)
                .to_vec()
            });
            return Ok(context.output.show(&header, rows.collect(), &all));
        }
        let signals = interrupt::Listener::start();
        // Only who records needs what is set in the database.
        let mut app = None;
        if self.record {
            app = Some(context.app().await?);
        }
        let asked = TestSelection {
            names: &self.names,
            records: app.as_ref(),
            stop: &signals.stop,
        };
        let told = |result: &TestResult| tell(context, result);
        let results = Box::pin(test_cases::run(workspace, asked, &told)).await;
        let results = results.map_err(|error| failed(context, error, signals.heard()))?;
        let failed = results.iter().filter(|result| !result.passed).count();
        let all = results.len();
        context.output.say(match failed {
            0 => format!("all {all} passed"),
            failed => format!("{failed} of {all} failed"),
        });
        let answered = context.output.json(&results);
        Ok(if failed == 0 {
            answered
        } else {
            answered.with(Exit::Failed)
        })
    }
}

/// Why no test was run to its end.
fn failed(context: &Context, error: OperationError, signal: Option<Signal>) -> Failure {
    if let Some(signal) = signal {
        let message = "interrupted; nothing is left of the test that was run";
        return Failure::new(signal.exit(), message);
    }
    if let Some(roll) = &error.roll {
        check::tell(context.output, roll, false);
    }
    error.into()
}

fn tell(context: &Context, result: &TestResult) {
    let mark = if result.passed { "✓" } else { "✗" };
    let recorded = if result.recorded {
        ", recorded anew"
    } else {
        ""
    };
    let seconds = result.took_ms / 1000;
    let tenths = result.took_ms % 1000 / 100;
    let output = context.output;
    output.say(format_args!(
        "{mark} {}  {seconds}.{tenths} s{recorded}",
        result.name
    ));
    for fallback in &result.fallbacks {
        output.whole("    fallback: ", &Shown::line(fallback).to_string());
    }
    for problem in &result.problems {
        output.whole("    ", &Shown::line(problem).to_string());
    }
}
