//! What is wrong with a workspace and the mend: one small question after another, none of
//! which writes.

mod runs;
mod workspace;

use std::path::Path;

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;

use super::{App, AppError, found};
use crate::store::{self, StoreError, StoreErrorKind, rights};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[schemars(rename = "SymptomLevel")]
#[serde(rename_all = "lowercase")]
pub enum SymptomLevel {
    /// It has to be mended.
    Problem,
    /// It is worth knowing.
    Note,
}

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Symptom {
    /// The check that found it.
    pub check: &'static str,
    /// How grave it is.
    pub level: SymptomLevel,
    /// Whom it is about: a run, a reference, a handler. Empty if it is the whole.
    pub subject: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it; empty if there is nothing to do.
    pub mend: String,
}

/// What all the checks found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// The names of what was asked.
    pub checks: Vec<&'static str>,
    /// What was found.
    pub symptoms: Vec<Symptom>,
}

impl Diagnosis {
    pub fn count(&self, level: SymptomLevel) -> usize {
        let symptoms = self.symptoms.iter();
        symptoms.filter(|symptom| symptom.level == level).count()
    }

    /// The database is not as it has to be. A right that is missing on its tables was told before.
    fn of_the_database(&mut self, problem: String, error: &StoreError) {
        if error.kind == StoreErrorKind::Denied && self.has(DATABASE) {
            return;
        }
        let symptom = Symptom::problem("", problem, mend_of(error));
        self.symptoms.push(symptom.of(DATABASE));
    }

    fn has(&self, check: &str) -> bool {
        self.symptoms.iter().any(|symptom| symptom.check == check)
    }
}

/// A check: what it found, without its name.
pub type Check = for<'a> fn(&'a App) -> BoxFuture<'a, Result<Vec<Symptom>, AppError>>;

/// A check, and what it is called.
pub type Probe = (&'static str, Check);

/// The checks of a tenant.
pub struct Probes(pub &'static [Probe]);

inventory::collect!(Probes);

const DATABASE: &str = "database";

const CHECKS: [Probe; 19] = [
    ("roll call", |app| Box::pin(workspace::roll_call(app))),
    ("secrets", |app| {
        Box::pin(std::future::ready(workspace::secrets(app)))
    }),
    ("files", |app| {
        Box::pin(std::future::ready(Ok(workspace::files(app))))
    }),
    ("passages", |app| Box::pin(workspace::passages(app))),
    ("unreadable", |app| Box::pin(runs::unreadable(app))),
    ("revisions", |app| Box::pin(runs::revisions(app))),
    ("times", |app| Box::pin(runs::times(app))),
    ("leases", |app| Box::pin(runs::leases(app))),
    ("blocked", |app| Box::pin(runs::blocked(app))),
    ("waiting", |app| Box::pin(runs::waiting(app))),
    ("due", |app| Box::pin(runs::due(app))),
    ("gates", |app| Box::pin(runs::gates(app))),
    ("one place", |app| Box::pin(runs::one_place(app))),
    ("fences", |app| Box::pin(runs::fences(app))),
    ("strays", |app| Box::pin(runs::strays(app))),
    ("ends", |app| Box::pin(runs::ends(app))),
    ("schedules", |app| Box::pin(runs::schedules(app))),
    ("ledger", |app| Box::pin(workspace::ledger(app))),
    ("findings", |app| Box::pin(workspace::findings(app))),
];

/// Look at the workspace in `folder`. A database that is not as it has to be is the only
/// symptom then; what else is an error has nothing to look at.
pub async fn examine(folder: &Path, database: Option<&str>) -> Result<Diagnosis, AppError> {
    let (_, url) = found(folder, database)?;
    let mut diagnosis = Diagnosis {
        checks: vec![DATABASE],
        symptoms: Vec::new(),
    };
    let inspected = store::inspect(&url).await;
    let answers = |error: &StoreError| error.kind == StoreErrorKind::Denied;
    if inspected.as_ref().err().is_none_or(answers) {
        for lacking in rights::lacking(&url).await.unwrap_or_default() {
            let symptom = Symptom::problem("", lacking.problem(), lacking.mend());
            diagnosis.symptoms.push(symptom.of(DATABASE));
        }
    }
    if let Err(error) = inspected {
        diagnosis.of_the_database(error.to_string(), &error);
        return Ok(diagnosis);
    }
    let app = App::open_as_it_is(folder, database).await?;
    if let Err(error) = app.store().examine().await {
        diagnosis.of_the_database(error.to_string(), &error);
    } else {
        if let Err(error) = app.store().probe().await {
            diagnosis.of_the_database(format!("nothing can be written to it: {error}"), &error);
        }
        ask_all(&app, &mut diagnosis).await;
    }
    app.store().close().await;
    // What has to be mended stands before what is worth knowing.
    diagnosis.symptoms.sort_by_key(|symptom| symptom.level);
    Ok(diagnosis)
}

/// Ask everything else of a database that can be read.
async fn ask_all(app: &App, diagnosis: &mut Diagnosis) {
    let tenants = inventory::iter::<Probes>()
        .flat_map(|probes| probes.0)
        .copied();
    for (name, check) in CHECKS.into_iter().chain(tenants) {
        let found = check(app).await;
        if let Err(AppError::Store(error)) = &found
            && (error.is_about_the_database() || error.kind == StoreErrorKind::Denied)
        {
            if !diagnosis.has(DATABASE) {
                diagnosis.of_the_database(error.to_string(), error);
            }
            if error.kind == StoreErrorKind::Denied {
                continue;
            }
            // One cause, which every other check would wait for, too.
            break;
        }
        let found = found.unwrap_or_else(|error| match error {
            // The roll call says so.
            AppError::NothingApplied if name != CHECKS[0].0 => Vec::new(),
            AppError::NothingApplied => {
                vec![Symptom::problem("", error.to_string(), "callboard apply")]
            }
            error => {
                let mend = "mend what the check stumbles over, and run `callboard doctor` again";
                vec![Symptom::problem("", error.to_string(), mend)]
            }
        });
        diagnosis.checks.push(name);
        let found = found.into_iter().map(|symptom| symptom.of(name));
        diagnosis.symptoms.extend(found);
    }
}

/// What to do about a database that is not as it has to be.
fn mend_of(error: &StoreError) -> &'static str {
    match error.kind {
        StoreErrorKind::Address => "write its address in callboard.toml, as `database`",
        StoreErrorKind::Absent => "callboard apply",
        StoreErrorKind::Schema => "use the callboard that belongs to it, or another database",
        StoreErrorKind::Corrupt => "stop what works on it, and put a backup in its place",
        StoreErrorKind::Full => "free space on the disk of the database",
        StoreErrorKind::Denied => "give callboard's user the right, as the owner of the table",
        StoreErrorKind::Busy => "end what holds it, and run `callboard doctor` again",
        _ => {
            "see that it runs, can be reached and has room; `database` in callboard.toml, or \
             CALLBOARD_DATABASE, says where"
        }
    }
}

impl Symptom {
    pub fn problem(
        subject: impl Into<String>,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            check: "",
            level: SymptomLevel::Problem,
            subject: subject.into(),
            problem: problem.into(),
            mend: mend.into(),
        }
    }

    pub fn note(
        subject: impl Into<String>,
        problem: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self {
            level: SymptomLevel::Note,
            ..Self::problem(subject, problem, mend)
        }
    }

    fn of(self, check: &'static str) -> Self {
        Self { check, ..self }
    }
}
