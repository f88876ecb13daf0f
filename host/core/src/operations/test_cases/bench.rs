//! Where a test is run: a copy of the workspace with a database of its own.

use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::{TestResult, is_folder_name, verdict};
use crate::app::{App, AppError};
use crate::engine::Unwatched;
use crate::operations::gates::{self, Verdict};
use crate::operations::runs::{self, CarriedOut, RunStatus, RunView, Start, millis};
use crate::operations::{OperationError, settings};
use crate::workspace::{self, CASSETTES, Files, TestCase, TestDecision};

/// Who sets what a test needs.
const BY: &str = "callboard test";

/// Where the database of a test is, below its copy of the workspace.
const DATABASE: &str = "sqlite:callboard-test.db";

pub(super) struct Bench<'a> {
    /// The workspace that is tested.
    pub(super) app: &'a App,
    pub(super) files: &'a Files,
    pub(super) records: bool,
    pub(super) stop: &'a CancellationToken,
}

/// How far a run came.
struct Came {
    run: RunView,
    /// Decisions that were said.
    said: usize,
}

impl Bench<'_> {
    /// Run a test. What keeps it from being run is a problem of it; what keeps every test from it,
    /// such as a reference without an answer, is an error.
    pub(super) async fn result(&self, case: &TestCase) -> Result<TestResult, OperationError> {
        let (began, copy) = (Instant::now(), tempfile::tempdir().map_err(unwritable)?);
        let folder = copy.path().join("workspace");
        workspace::write(&folder, self.files).map_err(AppError::from)?;
        let app = App::open(&folder, Some(DATABASE)).await?;
        let result = self.tried(&app, case, copy.path()).await;
        app.close().await;
        let mut result = result?;
        result.took_ms = millis(began.elapsed());
        Ok(result)
    }

    async fn tried(
        &self,
        app: &App,
        case: &TestCase,
        scratch: &Path,
    ) -> Result<TestResult, OperationError> {
        let applied = app.apply("a test").await;
        if let Err(AppError::Misses(..)) = applied {
            let problem = "references of the workspace have no answer, so no test says anything";
            return Err(OperationError::failed(problem).mend("`callboard check` names them"));
        }
        applied?;
        if let Err(error) = self.set(app, case).await {
            return Ok(verdict::not_run(case, &error));
        }
        let tape = match self.put(app, case, scratch) {
            Ok(tape) => tape,
            Err(error) => return Ok(verdict::not_run(case, &error)),
        };
        let came = match self.carry_out(app, case).await {
            Ok(came) => came,
            Err(error) if self.stop.is_cancelled() => return Err(error),
            Err(error) => return Ok(verdict::not_run(case, &error)),
        };
        let mut result = verdict::of(app, case, &came.run, came.said).await?;
        if let Some(tape) = tape {
            tape.keep()?;
            result.recorded = true;
        }
        Ok(result)
    }

    /// The settings of the test; where servers are asked, the secrets of the workspace, too.
    async fn set(&self, app: &App, case: &TestCase) -> Result<(), OperationError> {
        if self.records {
            let own = self.app.settings().await?;
            for key in own.declarations().keys() {
                if let Ok(Some(secret)) = own.secret(key) {
                    settings::set(app, key, secret.expose().to_owned(), BY).await?;
                }
            }
        }
        for (key, value) in &case.settings {
            settings::set(app, key, value.clone(), BY).await?;
        }
        Ok(())
    }

    /// Put the cassette in. Without one nothing is answered.
    fn put(
        &self,
        app: &App,
        case: &TestCase,
        scratch: &Path,
    ) -> Result<Option<Recorded>, OperationError> {
        let Some(name) = case.cassette.as_ref().map(toml::Spanned::get_ref) else {
            let none = scratch.join("no-answers");
            fs::create_dir(&none).map_err(unwritable)?;
            app.replay(&none).map_err(unwritable)?;
            return Ok(None);
        };
        if !is_folder_name(name) {
            let problem = format!("`cassette = \"{name}\"` is no name of a folder");
            return Err(OperationError::usage(problem).mend("write one word, such as its test's"));
        }
        let place = self.app.folder().join(CASSETTES).join(name);
        if self.records {
            let recorded = Recorded::beside(place).map_err(unwritable)?;
            app.record(&recorded.new).map_err(unwritable)?;
            return Ok(Some(recorded));
        }
        app.replay(&place).map_err(|error| {
            let problem = format!("the cassette {CASSETTES}/{name}: {error}");
            let mend = format!("callboard test --record {}", case.name());
            OperationError::usage(problem).mend(mend)
        })?;
        Ok(None)
    }

    /// Start the run, and say at its gates what the test says, as far as it goes.
    async fn carry_out(&self, app: &App, case: &TestCase) -> Result<Came, OperationError> {
        let start = Start {
            pipeline: case.pipeline.get_ref(),
            input: case.input.clone(),
            folder: &absolute(self.app.folder().join("tests")).map_err(unwritable)?,
        };
        let mut run = runs::start(app, start).await?;
        let mut decisions = case.decisions.iter();
        let mut said = 0;
        loop {
            let came = runs::carry_out(app, &run.id, Arc::new(Unwatched), self.stop).await?;
            run = match came {
                CarriedOut::Settled(run) => *run,
                CarriedOut::GivenBack | CarriedOut::Left => {
                    return Err(OperationError::failed(
                        "interrupted; no test was left behind",
                    ));
                }
            };
            let Some(decision) = decisions.next().filter(|_| run.status == RunStatus::Gated) else {
                return Ok(Came { run, said });
            };
            decide(app, &run.id, decision).await?;
            said += 1;
        }
    }
}

async fn decide(app: &App, run: &str, decision: &TestDecision) -> Result<(), OperationError> {
    let verdict = Verdict {
        decision: decision.said.into(),
        part: decision.part.as_ref().map(|part| part.get_ref().clone()),
        feedback: decision.feedback.clone(),
        by: decision.by.clone(),
        seen: None,
    };
    gates::decide(app, run, Some(decision.gate.get_ref()), verdict).await?;
    Ok(())
}

fn unwritable(error: std::io::Error) -> OperationError {
    OperationError::failed(format!("what a test needs on the disk: {error}"))
}

/// A cassette that takes the place of the one before once its run has ended.
struct Recorded {
    place: PathBuf,
    new: PathBuf,
}

impl Recorded {
    fn beside(place: PathBuf) -> std::io::Result<Self> {
        let mut new = place.clone().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);
        if new.exists() {
            fs::remove_dir_all(&new)?;
        }
        fs::create_dir_all(&new)?;
        Ok(Self { place, new })
    }

    fn keep(self) -> Result<(), OperationError> {
        let keep = || {
            if self.place.exists() {
                fs::remove_dir_all(&self.place)?;
            }
            fs::rename(&self.new, &self.place)
        };
        keep().map_err(unwritable)
    }
}
