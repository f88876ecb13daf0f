//! Checks of runs: those that are stuck, and what must never be.

use std::time::Duration;

use super::Symptom;
use crate::app::{App, AppError};
use crate::engine::schedule;
use crate::span::Span;
use crate::store::health::{self, HealthCase, WaitingCount};
use crate::store::runs::RunStatus;
use crate::store::{Dialect, schedules, times, workers};

/// A living worker takes a lease back within its poll.
const LEASE_GRACE: Duration = Duration::from_secs(1);
/// Runs that are due longer than this find no worker.
const DUE_GRACE: Duration = Duration::from_secs(60);

/// A worker that was seen so lately runs.
const WORKER_SEEN: Duration = Duration::from_secs(180);
const START: &str = "start `callboard serve` or `callboard work`";

/// Ends the message of what must never be.
const DEFECT: &str = "it is a defect of callboard: keep a copy of the database and report it";

/// Who works on the database, in words, as far as it is known.
async fn who_works(app: &App) -> Result<Option<String>, AppError> {
    if let Some(occupant) = app.store().occupant()? {
        return Ok(Some(occupant.to_string()));
    }
    let last = workers::last_seen(app.store()).await?;
    // A file has no other worker than the one that holds its lock.
    let last =
        last.filter(|last| app.store().dialect() == Dialect::Postgres && last.age < WORKER_SEEN);
    Ok(last.map(|last| {
        let age = length(last.age);
        format!("worker {}, last seen {age} ago,", last.worker)
    }))
}

/// The process that has a SQLite file to itself, if it does nothing: no other process may.
async fn silent(app: &App) -> Result<Option<Symptom>, AppError> {
    let last = workers::last_seen(app.store()).await?;
    let last = last.filter(|last| last.age >= WORKER_SEEN);
    let (Some(occupant), Some(last)) = (app.store().occupant()?, last) else {
        return Ok(None);
    };
    let age = length(last.age);
    let problem = format!("has the database to itself and was last seen {age} ago");
    let named = occupant.named.as_ref();
    let process = named.map_or("PROCESS", |(process, _)| process);
    let mend = format!(
        "if it is frozen, let it go on with `kill -CONT {process}`; else end it and start it again"
    );
    Ok(Some(Symptom::problem(occupant.to_string(), problem, mend)))
}

/// Every row can be read.
pub(super) async fn unreadable(app: &App) -> Result<Vec<Symptom>, AppError> {
    let unread = health::unreadable(app.store()).await?;
    let problem = |case: &HealthCase| format!("cannot be read: {}", case.what);
    let open = unread.open.iter().map(|case| {
        let (subject, mend) = match case.run.as_str() {
            "" => (
                String::new(),
                format!("mend the row, or delete it; unless a plugin or somebody else wrote it, {DEFECT}"),
            ),
            run => (
                name(case),
                format!(
                    "mend the row, and `callboard runs resume {run}` if it is blocked; or \
                     `callboard runs cancel {run}`"
                ),
            ),
        };
        Symptom::problem(subject, problem(case), mend)
    });
    // Nothing waits for it any more.
    let ended = unread.ended.iter().map(|case| {
        let mend = format!("`callboard runs prune {}` removes it", case.run);
        let problem = format!("has ended, and {}", problem(case));
        Symptom::note(name(case), problem, mend)
    });
    Ok(open.chain(ended).collect())
}

/// Every run that has not ended belongs to a revision that is there.
pub(super) async fn revisions(app: &App) -> Result<Vec<Symptom>, AppError> {
    let cases = health::orphaned(app.store()).await?;
    let symptoms = cases.iter().map(|case| {
        let mend = format!(
            "put a backup back that has it, or remove the run with `callboard runs prune {}`",
            case.run
        );
        let problem = format!("its revision {} is not in the database", case.revision);
        Symptom::problem(name(case), problem, mend)
    });
    Ok(symptoms.collect())
}

/// No time lies where no rule allows it.
pub(super) async fn times(app: &App) -> Result<Vec<Symptom>, AppError> {
    let untrue = times::untrue(app.store()).await?;
    if untrue.is_empty() {
        return Ok(Vec::new());
    }
    let within = "see that the clock of the database is right; a worker sets the times right within \
        a minute";
    let mend = match who_works(app).await? {
        Some(worker) => format!("{within}: {worker} should have; look at its log"),
        None => format!("{within}: {START}"),
    };
    let symptoms = untrue
        .iter()
        .map(|one| Symptom::problem(&one.subject, one.problem(), &mend));
    Ok(symptoms.collect())
}

/// No run is under way whose lease ran out.
pub(super) async fn leases(app: &App) -> Result<Vec<Symptom>, AppError> {
    let cases = health::expired(app.store(), LEASE_GRACE).await?;
    if cases.is_empty() {
        return Ok(Vec::new());
    }
    let mend = match who_works(app).await? {
        Some(worker) => format!("{worker} should have taken it back: look at its log"),
        None => START.to_owned(),
    };
    let symptoms = cases.iter().map(|case| {
        let problem = format!(
            "its lease, held by {}, ran out {} ago, and no worker takes it back",
            case.what,
            length(case.age)
        );
        Symptom::problem(name(case), problem, &mend)
    });
    Ok(symptoms.collect())
}

/// No run is blocked.
pub(super) async fn blocked(app: &App) -> Result<Vec<Symptom>, AppError> {
    let cases = health::blocked(app.store()).await?;
    let symptoms = cases.iter().map(|case| {
        let mend = format!("mend that; then `callboard runs resume {}`", case.run);
        Symptom::problem(name(case), format!("is blocked: {}", case.what), mend)
    });
    Ok(symptoms.collect())
}

/// No stage waits longer than its run may take.
pub(super) async fn waiting(app: &App) -> Result<Vec<Symptom>, AppError> {
    let mut symptoms = Vec::new();
    for case in health::held(app.store()).await? {
        let loaded = match app.loaded_revision(case.revision).await {
            // It is said of the revisions.
            Err(AppError::NoRevision) => continue,
            loaded => loaded?,
        };
        let Some(budget) = loaded.budget(&case.pipeline) else {
            continue;
        };
        if case.age > budget {
            let problem = format!(
                "stage {} waits for {}, and the run may take {}",
                case.what,
                length(case.age),
                length(budget)
            );
            let mend = format!("callboard runs show {}", case.run);
            symptoms.push(Symptom::problem(name(&case), problem, mend));
        }
    }
    Ok(symptoms)
}

/// A worker claims what is due.
pub(super) async fn due(app: &App) -> Result<Vec<Symptom>, AppError> {
    let WaitingCount { number, longest } = health::overdue(app.store(), DUE_GRACE).await?;
    let age = length(longest);
    let problem = match number {
        0 => return Ok(Vec::new()),
        1 => format!("1 run is due for {age}, and nobody has claimed it"),
        _ => format!("{number} runs are due, the first for {age}, and nobody has claimed them"),
    };
    if let Some(silent) = silent(app).await? {
        return Ok(vec![silent]);
    }
    let mend = "see that a worker runs and has free slots, and that limits do not hold them: \
        `callboard runs list`";
    Ok(vec![Symptom::note("", problem, mend)])
}

/// Gates that wait for a person.
pub(super) async fn gates(app: &App) -> Result<Vec<Symptom>, AppError> {
    let WaitingCount { number, longest } = health::gates(app.store()).await?;
    let age = length(longest);
    let problem = match number {
        0 => return Ok(Vec::new()),
        1 => format!("1 gate is open, for {age}"),
        _ => format!("{number} gates are open, the first for {age}"),
    };
    Ok(vec![Symptom::note("", problem, "callboard gates list")])
}

/// Schedules whose next runs wait for a person.
pub(super) async fn schedules(app: &App) -> Result<Vec<Symptom>, AppError> {
    let revision = match app.active().await {
        Ok(active) => active.revision,
        Err(AppError::NothingApplied) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let stops = app.stops(&*app.plan(revision).await?).await?;
    let kept = schedules::all(app.store()).await?;
    let symptoms = stops.iter().map(|(name, gate)| {
        let kept = kept.get(name);
        let waits = kept.is_some_and(|kept| kept.last_status == Some(RunStatus::Gated));
        let problem = if waits {
            let skipped = kept.map_or(0, |kept| kept.skipped);
            format!(
                "starts no run: its last one waits at gate `{gate}`; {skipped} were skipped so far"
            )
        } else {
            format!("starts no run while one waits at gate `{gate}`")
        };
        let subject = format!("schedule {name}");
        Symptom::note(subject, problem, schedule::goes_on(gate))
    });
    Ok(symptoms.collect())
}

/// No run is open and ended at once.
pub(super) async fn one_place(app: &App) -> Result<Vec<Symptom>, AppError> {
    let cases = health::in_both_tables(app.store()).await?;
    Ok(defects(&cases, |case| {
        format!("is open, and in the history as {}", case.what)
    }))
}

/// Fences grow along the checkpoints of a run.
pub(super) async fn fences(app: &App) -> Result<Vec<Symptom>, AppError> {
    let cases = health::receding_fences(app.store()).await?;
    Ok(defects(&cases, |case| {
        let stage = &case.what;
        format!("the checkpoint of {stage} has a lower fence than the one before it")
    }))
}

/// Checkpoints and open gates belong to runs.
pub(super) async fn strays(app: &App) -> Result<Vec<Symptom>, AppError> {
    let checkpoints = health::stray_checkpoints(app.store()).await?;
    let gates = health::stray_gates(app.store()).await?;
    let mut symptoms = defects(&checkpoints, |case| {
        format!(
            "stage {} has a checkpoint, and there is no such run",
            case.what
        )
    });
    symptoms.extend(defects(&gates, |case| {
        format!(
            "gate {} is open, and the run has ended or is gone",
            case.what
        )
    }));
    Ok(symptoms)
}

/// Runs that ended as done did.
pub(super) async fn ends(app: &App) -> Result<Vec<Symptom>, AppError> {
    let cases = health::untrue_ends(app.store()).await?;
    Ok(defects(&cases, |case| {
        format!(
            "ended as done, and a stage ended it otherwise ({})",
            case.what
        )
    }))
}

fn defects(cases: &[HealthCase], problem: impl Fn(&HealthCase) -> String) -> Vec<Symptom> {
    let cases = cases.iter();
    cases
        .map(|case| Symptom::problem(name(case), problem(case), DEFECT))
        .collect()
}

fn name(case: &HealthCase) -> String {
    match case.pipeline.as_str() {
        "" => format!("run {}", case.run),
        pipeline => format!("run {} of {pipeline}", case.run),
    }
}

/// Whole seconds are enough for a person.
fn length(age: Duration) -> Span {
    Span::from_secs(age.as_secs())
}
