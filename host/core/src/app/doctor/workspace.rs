//! Checks of what a workspace is made of, and of what was noticed in it.

use super::Symptom;
use crate::app::{App, AppError};
use crate::engine::ledger::{FALLBACK, KINDS, SILENCE};
use crate::secrets::SecretKey;
use crate::store::findings as noticed;
use crate::store::{StoreError, granted, poll, revisions};

/// The active revision loads, and every reference in it has an answer.
pub(super) async fn roll_call(app: &App) -> Result<Vec<Symptom>, AppError> {
    let loaded = app.active().await?;
    let damaged = revisions::damaged(app.store(), loaded.revision).await?;
    if !damaged.is_empty() {
        let mend = "restore a backup, or make another revision active: `callboard revisions list`";
        let symptom = |error: StoreError| Symptom::problem("revision", error.message, mend);
        return Ok(damaged.into_iter().map(symptom).collect());
    }
    let roll = match app.call_roll(&loaded).await {
        Ok((roll, _)) => roll,
        // That the key file cannot be used is said by the check of the secrets.
        Err(AppError::Secret(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let symptoms = roll
        .causes()
        .into_iter()
        .filter_map(|(reference, dependent)| {
            let miss = reference.miss.as_ref()?;
            let (key, target) = (&reference.key, &reference.target);
            let dependent: Vec<_> = dependent
                .iter()
                .map(|other| other.referrer.to_string())
                .collect();
            let dependent = match dependent.as_slice() {
                [] => String::new(),
                all => format!("; {} depends on it", all.join(", ")),
            };
            let problem = format!("{} ({key} -> {target}){dependent}", miss.problem);
            Some(Symptom::problem(
                reference.referrer.to_string(),
                problem,
                &miss.mend,
            ))
        });
    let warnings = roll.warnings().filter_map(|reference| {
        let miss = reference.miss.as_ref()?;
        let (who, problem) = (reference.referrer.to_string(), miss.problem.clone());
        Some(Symptom::note(who, problem, &miss.mend))
    });
    Ok(symptoms.chain(warnings).collect())
}

/// What runs with a plugin's rights on PostgreSQL is as it was made. A process that opens the database to
/// work on it removes what is not.
pub(super) async fn passages(app: &App) -> Result<Vec<Symptom>, AppError> {
    let strays = granted::stray_passages(app.store()).await?;
    let symptoms = strays.into_iter().map(|stray| {
        let mend = format!(
            "callboard apply; if it may not, let a superuser run `{}` in this database",
            stray.mend
        );
        Symptom::problem("", stray.problem, mend)
    });
    Ok(symptoms.collect())
}

/// The key file can be used. That it opens every secret is said by the roll call.
pub(super) fn secrets(app: &App) -> Result<Vec<Symptom>, AppError> {
    let path = app.key_file();
    SecretKey::load(&path)?;
    Ok(Vec::new())
}

/// What is its owner's alone can be reached by no other user: the database and the key file.
pub(super) fn files(app: &App) -> Vec<Symptom> {
    let symptoms = app.open_to_others().into_iter().map(|path| {
        let path = path.display().to_string();
        let mend = format!("chmod 600 {path}");
        Symptom::problem(path, "others may read the file", mend)
    });
    symptoms.collect()
}

/// Scheduled handlers succeed in time, and achieve something.
pub(super) async fn ledger(app: &App) -> Result<Vec<Symptom>, AppError> {
    let loaded = app.active().await?;
    let now = poll::ask(app.store(), "", 1).await?.now;
    let noticed = app.noticed(&loaded, now).await?;
    let symptoms = noticed.into_iter().map(|noticed| {
        if noticed.kind == SILENCE {
            let mend = "see that a worker runs, and how its runs end: `callboard runs list`";
            return Symptom::problem(noticed.pipeline, noticed.message, mend);
        }
        if noticed.kind == FALLBACK {
            let mend = "see that what it should have used answers, e.g. the model of its role: \
                `callboard settings list`";
            return Symptom::note(noticed.pipeline, noticed.message, mend);
        }
        let mend = "see whether there is anything for it to do";
        Symptom::note(noticed.pipeline, noticed.message, mend)
    });
    Ok(symptoms.collect())
}

/// What was noticed and is not resolved. What the ledger says is said there.
pub(super) async fn findings(app: &App) -> Result<Vec<Symptom>, AppError> {
    let open = noticed::open(app.store()).await?;
    let others = open
        .into_iter()
        .filter(|finding| !KINDS.contains(&finding.kind.as_str()));
    let symptoms = others.map(|finding| {
        let mend = format!("callboard findings resolve {}", finding.key);
        let problem = format!("{}: {}", finding.kind, finding.message);
        Symptom::note(finding.subject, problem, mend)
    });
    Ok(symptoms.collect())
}
