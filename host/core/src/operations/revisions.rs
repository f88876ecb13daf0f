//! Revisions: the roll call over the workspace, applying it, what was applied, and the way back.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::settings::SettingChangeView;
use super::{ErrorKind, OperationError, named};
use crate::app::App;
use crate::rollcall::{Reference, RollReport};
use crate::store::named::{self as names, LATEST};
use crate::store::revisions::{self, Revision};
use crate::store::{Store, StoreErrorKind};

pub use crate::store::revisions::Difference;

/// What lists show of a digest.
const SHORT: usize = 12;

/// A snapshot of a workspace.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Revision")]
pub struct RevisionView {
    /// Its number, from 1 on.
    pub number: i64,
    /// What is in it; two revisions never have the same.
    pub digest: String,
    /// What lists show of the digest.
    pub short: String,
    /// Whether new runs start on it.
    pub active: bool,
    /// Why it was applied.
    pub note: String,
    /// When it was applied.
    pub created_at: Timestamp,
    /// When it last became the active one, if it ever did.
    pub activated_at: Option<Timestamp>,
}

/// A revision with the files in it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RevisionDetails {
    /// The revision itself.
    pub revision: RevisionView,
    /// By path.
    pub files: Vec<FileView>,
}

/// A file of a revision.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "File")]
pub struct FileView {
    /// From the folder of the workspace on.
    pub path: String,
    /// Its length.
    pub bytes: usize,
}

/// What an apply came to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Applied")]
pub struct AppliedView {
    /// The number of the revision that is active now.
    pub revision: i64,
    /// What is in it.
    pub digest: String,
    /// What lists show of the digest.
    pub short: String,
    /// Whether it was active before.
    pub unchanged: bool,
    /// How many references of it answer.
    pub references: usize,
    /// Values of settings that were the defaults of the revision before, or none, and went with it.
    pub settings: Vec<SettingChangeView>,
}

/// The digests that are the same in every process and mode.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Digests {
    /// Of the active revision.
    pub revision: String,
    /// Of the settings as they stand.
    pub settings: String,
    /// Of the handlers that are registered.
    pub registry: String,
}

/// Call the roll over the workspace as it stands. Keeps nothing.
pub async fn check(app: &App) -> Result<RollReport, OperationError> {
    Ok(app.check().await?.roll)
}

/// Make the workspace as it stands the active revision, if every reference answers.
pub async fn apply(app: &App, note: &str) -> Result<AppliedView, OperationError> {
    let applied = app.apply(note).await?;
    Ok(AppliedView {
        revision: applied.revision,
        short: short(&applied.digest),
        digest: applied.digest,
        unchanged: applied.unchanged,
        references: applied.roll.asked(),
        settings: applied.settings.into_iter().map(Into::into).collect(),
    })
}

/// Every revision, newest first.
pub async fn list(app: &App) -> Result<Vec<RevisionView>, OperationError> {
    let active = active(app).await?;
    let all = revisions::list(app.store()).await?;
    let view = |revision| RevisionView::of(revision, active);
    Ok(all.into_iter().map(view).collect())
}

/// The revision that `wanted` names, with its files; the active one without a name.
pub async fn show(app: &App, wanted: Option<&str>) -> Result<RevisionDetails, OperationError> {
    let revision = found(app.store(), wanted).await?;
    let files = revisions::files(app.store(), revision.number).await?;
    let view = |(path, content): (String, Vec<u8>)| FileView {
        path,
        bytes: content.len(),
    };
    Ok(RevisionDetails {
        files: files.into_iter().map(view).collect(),
        revision: RevisionView::of(revision, active(app).await?),
    })
}

/// The content of one file of the revision that `wanted` names.
pub async fn file(app: &App, wanted: Option<&str>, path: &str) -> Result<Vec<u8>, OperationError> {
    let number = found(app.store(), wanted).await?.number;
    let mut files = revisions::files(app.store(), number).await?;
    files.remove(path).ok_or_else(|| {
        let known = files.keys().map(String::as_str);
        let what = format!("file in revision {number}");
        let list = format!("callboard revisions show {number}");
        named::unknown(&what, path, known, &list)
    })
}

/// What differs between two revisions; `to` is the active one without a name.
pub async fn diff(app: &App, from: &str, to: Option<&str>) -> Result<Difference, OperationError> {
    let from = found(app.store(), Some(from)).await?;
    let to = found(app.store(), to).await?;
    Ok(revisions::diff(app.store(), from.number, to.number).await?)
}

/// Make an older revision the active one again. Runs in flight stay on theirs.
pub async fn rollback(app: &App, wanted: &str) -> Result<RevisionView, OperationError> {
    let number = found(app.store(), Some(wanted)).await?.number;
    // It goes back to what was: nothing that a person set is taken away.
    revisions::rollback(app.store(), number, Timestamp::now()).await?;
    let now = found(app.store(), Some(&number.to_string())).await?;
    Ok(RevisionView::of(now, active(app).await?))
}

/// The number of the revision that `wanted` names; of the active one without a name.
pub async fn number(app: &App, wanted: Option<&str>) -> Result<i64, OperationError> {
    Ok(found(app.store(), wanted).await?.number)
}

/// The digests of the active revision, of the settings and of the registry.
pub async fn digests(app: &App) -> Result<Digests, OperationError> {
    let [revision, settings, registry] = app.digests().await?.map(|(_, digest)| digest);
    Ok(Digests {
        revision,
        settings,
        registry,
    })
}

/// The revision of a number, the beginning of a digest, or `latest`; else the active one.
async fn found(store: &Store, wanted: Option<&str>) -> Result<Revision, OperationError> {
    let latest = match wanted {
        Some(LATEST) => Some(named::key(store, &names::REVISION, LATEST).await?),
        _ => None,
    };
    if let Some(wanted) = latest.as_deref().or(wanted) {
        let found = revisions::find(store, wanted).await;
        return found.map_err(|error| match error.kind {
            StoreErrorKind::Statement => OperationError::new(ErrorKind::Unknown, error.message),
            _ => error.into(),
        });
    }
    let active = revisions::active(store).await?;
    active.ok_or_else(|| {
        OperationError::usage("nothing is applied yet").mend("run `callboard apply`")
    })
}

async fn active(app: &App) -> Result<Option<i64>, OperationError> {
    let active = revisions::active(app.store()).await?;
    Ok(active.map(|revision| revision.number))
}

fn short(digest: &str) -> String {
    digest.chars().take(SHORT).collect()
}

impl RevisionView {
    pub(super) fn of(revision: Revision, active: Option<i64>) -> Self {
        Self {
            active: active == Some(revision.number),
            short: short(&revision.digest),
            number: revision.number,
            digest: revision.digest,
            note: revision.note,
            created_at: revision.created_at,
            activated_at: revision.activated_at,
        }
    }
}

/// What the roll call found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RollReport")]
pub struct RollReportView<'r> {
    /// Each reference, those that answer too.
    pub references: &'r [Reference],
    /// Those that do not answer, as where they are why a command fails.
    pub misses: Vec<&'r Reference>,
}

impl<'r> From<&'r RollReport> for RollReportView<'r> {
    fn from(roll: &'r RollReport) -> Self {
        Self {
            references: &roll.references,
            misses: roll.misses().collect(),
        }
    }
}
