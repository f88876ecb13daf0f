//! Where a test is run: a copy of the workspace with a database of its own.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;
use std::time::Instant;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{TestResult, verdict};
use crate::app::{App, AppError};
use crate::engine::Unwatched;
use crate::grants::CredentialGrant;
use crate::operations::gates::{self, GateVerdict};
use crate::operations::runs::{self, CarriedOut, RunStatus, RunView, Start, millis};
use crate::operations::{ErrorKind, OperationError, settings};
use crate::rollcall::Referrer;
use crate::settings::{SettingType, SettingValueState, Snapshot};
use crate::store::granted::run_script;
use crate::workspace::{
    self, CASSETTES, Definitions, Files, STAND_IN, TABLES, TestCase, TestDecision, group,
    is_folder_name,
};

/// Who sets what a test needs.
const BY: &str = "callboard test";

/// Where the database of a test is, below its copy of the workspace.
const DATABASE: &str = "sqlite:callboard-test.db";

pub(super) struct Bench<'a> {
    /// The folder that is tested.
    pub(super) workspace: &'a Path,
    pub(super) files: &'a Files,
    /// What they define.
    pub(super) definitions: &'a Definitions,
    /// Whose secrets are sent where servers are asked.
    pub(super) records: Option<&'a App>,
    pub(super) stop: &'a CancellationToken,
}

/// How far a run came.
struct CaseProgress {
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
        self.tables(app).await?;
        // Before anything is applied: the roll asks for them.
        if let Err(error) = self.set(app, case).await {
            return Ok(verdict::not_run(case, &error));
        }
        if let Err(error) = app.apply_for_test(case.name()).await {
            return refused(case, error.into());
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
        // What a failed run heard takes the place of nothing.
        if let Some(tape) = tape.filter(|_| result.passed) {
            tape.keep()?;
            result.recorded = true;
        }
        Ok(result)
    }

    /// The workspace's own tables, on which plugins may have grants.
    async fn tables(&self, app: &App) -> Result<(), OperationError> {
        let Some(script) = self.files.get(TABLES) else {
            return Ok(());
        };
        let script = String::from_utf8_lossy(script).into_owned();
        let made = run_script(app.store(), script).await;
        made.map_err(|error| OperationError::usage(format!("{TABLES}: {error}")))
    }

    /// The settings of the test; where servers are asked, the secrets of the workspace, too.
    async fn set(&self, app: &App, case: &TestCase) -> Result<(), OperationError> {
        match self.records {
            Some(workspace) => self.lend(workspace, app, case).await?,
            None => {
                for key in self.definitions.stand_ins(case) {
                    settings::set(app, key, STAND_IN.to_owned(), BY).await?;
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
        let place = self.workspace.join(CASSETTES).join(name);
        self.no_link(name)?;
        if self.records.is_some() {
            let recorded = Recorded::beside(place).map_err(unwritable)?;
            app.record(recorded.new.path()).map_err(unwritable)?;
            return Ok(Some(recorded));
        }
        app.replay(&place).map_err(|error| {
            let problem = format!("the cassette {CASSETTES}/{name}: {error}");
            let mend = format!("callboard test --record {}", case.name());
            OperationError::usage(problem).mend(mend)
        })?;
        Ok(None)
    }

    /// No folder on the way to a cassette is a link: it would lead to files that are no answers.
    fn no_link(&self, name: &str) -> Result<(), OperationError> {
        for path in ["tests", CASSETTES, &format!("{CASSETTES}/{name}")] {
            let found = self.workspace.join(path).symlink_metadata();
            if found.is_ok_and(|found| !found.is_dir()) {
                let problem = format!("{path} is no folder, and no link is followed");
                return Err(OperationError::usage(problem).mend("put the folder in its place"));
            }
        }
        Ok(())
    }

    /// Start the run, and say at its gates what the test says, as far as it goes.
    async fn carry_out(&self, app: &App, case: &TestCase) -> Result<CaseProgress, OperationError> {
        let start = Start {
            pipeline: case.pipeline.get_ref(),
            input: case.input.clone(),
            folder: &absolute(self.workspace.join("tests")).map_err(unwritable)?,
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
                return Ok(CaseProgress { run, said });
            };
            decide(app, &run.id, decision).await?;
            said += 1;
        }
    }

    /// The secrets of the workspace for a test that asks servers, each that goes where it was set to go. One that
    /// cannot be opened is an error: nothing would be asked with it.
    async fn lend(
        &self,
        workspace: &App,
        app: &App,
        case: &TestCase,
    ) -> Result<(), OperationError> {
        let own = workspace.settings().await?;
        let applied = match workspace.active().await {
            Ok(loaded) => Some(loaded),
            Err(AppError::NothingApplied) => None,
            Err(error) => return Err(error.into()),
        };
        let applied = applied.as_ref().map(|loaded| &*loaded.definitions);
        for key in secrets(&own) {
            let goes = goes_where_it_was_set(&own, key, case);
            let carried = are_carried_as_applied(applied, self.definitions, key);
            // Where nothing says where it goes, it goes nowhere.
            if goes == Some(false) || carried == Some(false) || goes.or(carried).is_none() {
                continue;
            }
            let secret = own.secret(key);
            let secret = secret.map_err(|error| OperationError::failed(error.to_string()))?;
            if let Some(secret) = secret {
                settings::set(app, key, secret.expose().to_owned(), BY).await?;
            }
        }
        Ok(())
    }
}

fn secrets(declared: &Snapshot) -> impl Iterator<Item = &str> {
    let declared = declared.declarations().iter();
    let secrets = declared.filter(|(_, declared)| declared.kind == SettingType::Secret);
    secrets.map(|(key, _)| key.as_str())
}

/// Whether the addresses beside a secret are in the test as somebody set them in the workspace: it goes nowhere
/// else, whatever a test, or a default that came with it, says. Nothing, if there are none.
fn goes_where_it_was_set(own: &Snapshot, secret: &str, case: &TestCase) -> Option<bool> {
    let declared = own.declarations().iter();
    let beside = declared.filter(|(key, declaration)| {
        declaration.kind == SettingType::Url && group(key) == group(secret)
    });
    let as_set = beside.map(|(key, declaration)| {
        let here = match own.state(key) {
            Ok(SettingValueState::Set(text)) => text,
            _ => String::new(),
        };
        let there = case.settings.get(key).or(declaration.default.as_ref());
        there.map_or("", String::as_str) == here
    });
    as_set.reduce(|all, one| all && one)
}

/// Whether the plugins of the folder send a secret only where those of the active revision may. Nothing, if neither
/// send it anywhere.
fn are_carried_as_applied(
    applied: Option<&Definitions>,
    here: &Definitions,
    secret: &str,
) -> Option<bool> {
    let asked = |definitions: &Definitions| -> Vec<CredentialGrant> {
        let asks = definitions.plugins.values();
        let asks = asks.flat_map(|plugin| &plugin.manifest.value.ask.credentials);
        asks.filter(|it| it.name == secret).cloned().collect()
    };
    let (applied, here) = (applied.map(asked).unwrap_or_default(), asked(here));
    let known = !(applied.is_empty() && here.is_empty());
    known.then(|| here.iter().all(|it| applied.contains(it)))
}

/// A test whose own references do not answer is one that was not run; what else does not answer keeps every test
/// from it.
fn refused(case: &TestCase, error: OperationError) -> Result<TestResult, OperationError> {
    let own = Referrer::TestCase(case.name().to_owned());
    let Some(roll) = &error.roll else {
        return Err(error);
    };
    if roll.misses().any(|miss| miss.referrer != own) {
        let mend = "mend the misses; tables of the workspace's own are made by tests/schema.sql";
        return Err(error.mend(mend));
    }
    let problems = roll.causes().into_iter().filter_map(|(reference, _)| {
        let (place, miss) = (reference.place.as_ref()?, reference.miss.as_ref()?);
        Some(format!("{place}: {}; {}", miss.problem, miss.mend))
    });
    Ok(verdict::without_run(case, problems.collect()))
}

async fn decide(app: &App, run: &str, decision: &TestDecision) -> Result<(), OperationError> {
    let verdict = GateVerdict {
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
    let kind = ErrorKind::of_write(error.kind(), ErrorKind::Failed);
    OperationError::new(kind, format!("what a test needs on the disk: {error}"))
}

/// The answers in the folder of a cassette: what a tape wrote, and nothing else that lies there.
fn answers(folder: &Path) -> std::io::Result<Vec<OsString>> {
    let is_answer = |name: &OsString| {
        let digest = name.to_str().and_then(|name| name.strip_suffix(".json"));
        digest.is_some_and(|it| it.len() == 32 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            found.push(entry?.file_name());
        }
    }
    found.retain(is_answer);
    Ok(found)
}

/// Take the answers out of a folder.
fn emptied(folder: &Path) -> std::io::Result<()> {
    for answer in answers(folder)? {
        fs::remove_file(folder.join(answer))?;
    }
    Ok(())
}

/// A cassette that takes the place of the one before once its run has passed. Until then it is in a folder of
/// its own, which whoever records beside it has not.
struct Recorded {
    place: PathBuf,
    new: TempDir,
}

impl Recorded {
    fn beside(place: PathBuf) -> std::io::Result<Self> {
        let cassettes = place.parent().unwrap_or(&place);
        fs::create_dir_all(cassettes)?;
        // Nothing reads what begins with a dot.
        let new = tempfile::Builder::new()
            .prefix(".record-")
            .tempdir_in(cassettes)?;
        Ok(Self { place, new })
    }

    fn keep(self) -> Result<(), OperationError> {
        let keep = || {
            emptied(&self.place)?;
            fs::create_dir_all(&self.place)?;
            for answer in answers(self.new.path())? {
                fs::rename(self.new.path().join(&answer), self.place.join(answer))?;
            }
            Ok(())
        };
        keep().map_err(unwritable)
    }
}
