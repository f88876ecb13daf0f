//! `revisions`: what was applied, and the way back.

use callboard_core::operations::revisions::{self, Difference, RevisionDetails, RevisionView};
use clap::Subcommand;

use super::output::{Answered, time};
use super::{Context, Failure};

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
        let (app, output) = (context.app().await?, context.output);
        match self {
            Revisions::List => {
                let all = revisions::list(&app).await?;
                let header = ["revision", "digest", "", "applied", "note"];
                Ok(output.show(&header, all.iter().map(row).collect(), &all))
            }
            Revisions::Show {
                revision,
                file: Some(file),
            } => {
                let content = revisions::file(&app, revision.as_deref(), &file).await?;
                Ok(output.file(&file, &content))
            }
            Revisions::Show {
                revision,
                file: None,
            } => {
                let details = revisions::show(&app, revision.as_deref()).await?;
                Ok(show(context, &details))
            }
            Revisions::Diff { from, to } => {
                let difference = revisions::diff(&app, &from, to.as_deref()).await?;
                Ok(diff(context, &difference))
            }
            Revisions::Rollback { revision } => {
                let revision = revisions::rollback(&app, &revision).await?;
                output.say(format_args!("revision {} is active", revision.number));
                Ok(output.json(&revision))
            }
        }
    }
}

fn row(revision: &RevisionView) -> Vec<String> {
    let mark = if revision.active { "active" } else { "" };
    vec![
        revision.number.to_string(),
        revision.short.clone(),
        mark.to_owned(),
        time(revision.created_at),
        revision.note.clone(),
    ]
}

fn show(context: &Context, details: &RevisionDetails) -> Answered {
    let files = details.files.iter();
    let rows = files.map(|file| vec![file.path.clone(), file.bytes.to_string()]);
    let header = ["file", "bytes"];
    context.output.show(&header, rows.collect(), details)
}

fn diff(context: &Context, difference: &Difference) -> Answered {
    let kinds = [
        ("added", &difference.added),
        ("removed", &difference.removed),
        ("changed", &difference.changed),
    ];
    let rows = kinds.into_iter().flat_map(|(what, paths)| {
        let paths = paths.iter();
        paths.map(move |path| vec![what.to_owned(), path.clone()])
    });
    context
        .output
        .show(&["", "file"], rows.collect(), difference)
}
