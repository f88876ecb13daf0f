//! `revisions`: what was applied, and the way back.

use callboard_core::store::named::{self, LATEST};
use callboard_core::store::revisions::{self, Revision};
use callboard_core::store::{Store, StoreErrorKind};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;

use super::output::{Answered, time};
use super::{Context, Failure, find};

#[derive(Debug, Subcommand)]
pub(super) enum Revisions {
    /// Every revision, newest first.
    List,
    /// The files of a revision.
    Show {
        /// Its number, the beginning of its digest, or `latest`; the active one if absent.
        revision: Option<String>,
        /// Print this file instead.
        #[arg(long)]
        file: Option<String>,
    },
    /// What differs between two revisions.
    Diff {
        /// The number, the beginning of the digest, or `latest`.
        from: String,
        /// The same; the active one if absent.
        to: Option<String>,
    },
    /// Make an older revision the active one again. Runs in flight stay on theirs.
    Rollback {
        /// Its number, the beginning of its digest, or `latest`.
        revision: String,
    },
}

impl Revisions {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let store = app.store();
        match self {
            Revisions::List => list(context, store).await,
            Revisions::Show { revision, file } => {
                let found = named(store, revision.as_deref()).await?;
                show(context, store, &found, file.as_deref()).await
            }
            Revisions::Diff { from, to } => {
                let from = named(store, Some(&from)).await?;
                let to = named(store, to.as_deref()).await?;
                diff(context, store, &from, &to).await
            }
            Revisions::Rollback { revision } => {
                let found = named(store, Some(&revision)).await?;
                revisions::rollback(store, found.number, Timestamp::now()).await?;
                context
                    .output
                    .say(format_args!("revision {} is active", found.number));
                Ok(context.output.json(&found))
            }
        }
    }
}

async fn list(context: &Context, store: &Store) -> Result<Answered, Failure> {
    let active = revisions::active(store)
        .await?
        .map(|revision| revision.number);
    let all = revisions::list(store).await?;
    let rows = all.iter().map(|revision| {
        let mark = if Some(revision.number) == active {
            "active"
        } else {
            ""
        };
        vec![
            revision.number.to_string(),
            revision.digest[..12].to_owned(),
            mark.to_owned(),
            time(revision.created_at),
            revision.note.clone(),
        ]
    });
    let header = ["revision", "digest", "", "applied", "note"];
    Ok(context.output.show(&header, rows.collect(), &all))
}

/// The revision of a number, the beginning of a digest, or `latest`; else the active one.
pub(super) async fn named(store: &Store, wanted: Option<&str>) -> Result<Revision, Failure> {
    let latest = match wanted {
        Some(LATEST) => Some(find::key(store, &named::REVISION, LATEST).await?),
        _ => None,
    };
    if let Some(wanted) = latest.as_deref().or(wanted) {
        return revisions::find(store, wanted)
            .await
            .map_err(|error| match error.kind {
                StoreErrorKind::Statement => Failure::usage(error.to_string()),
                _ => error.into(),
            });
    }
    let active = revisions::active(store).await?;
    active.ok_or_else(|| Failure::usage("nothing is applied yet").help("run `callboard apply`"))
}

async fn show(
    context: &Context,
    store: &Store,
    revision: &Revision,
    file: Option<&str>,
) -> Result<Answered, Failure> {
    let files = revisions::files(store, revision.number).await?;
    if let Some(file) = file {
        let content = files.get(file).ok_or_else(|| {
            let known = files.keys().map(String::as_str);
            let what = format!("file in revision {}", revision.number);
            let list = format!("callboard revisions show {}", revision.number);
            find::unknown(&what, file, known, &list)
        })?;
        return Ok(context.output.file(file, content));
    }
    let sizes = || {
        files
            .iter()
            .map(|(path, content)| (path.clone(), content.len()))
    };
    let rows = sizes()
        .map(|(path, size)| vec![path, size.to_string()])
        .collect();
    let json = json!({
        "revision": revision,
        "files": sizes().collect::<std::collections::BTreeMap<_, _>>(),
    });
    Ok(context.output.show(&["file", "bytes"], rows, &json))
}

async fn diff(
    context: &Context,
    store: &Store,
    from: &Revision,
    to: &Revision,
) -> Result<Answered, Failure> {
    let diff = revisions::diff(store, from.number, to.number).await?;
    let rows = [
        ("added", &diff.added),
        ("removed", &diff.removed),
        ("changed", &diff.changed),
    ]
    .into_iter()
    .flat_map(|(what, paths)| {
        paths
            .iter()
            .map(move |path| vec![what.to_owned(), path.clone()])
    });
    Ok(context.output.show(&["", "file"], rows.collect(), &diff))
}
