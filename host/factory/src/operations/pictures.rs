//! Pictures that are kept and that nothing shows: which they are, and their removal.

use std::collections::BTreeSet;

use callboard_core::app::App;
use callboard_core::operations::OperationError;
use callboard_core::span::Span;
use callboard_core::store::{runs, stage_runs};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::markdown::pictures::KEPT;
use crate::media::{Media, StoredPicture, Unstored};
use crate::tables::{drafts, media as rows, posts};

/// The most open runs whose checkpoints are looked through.
const RUNS: u32 = 10_000;
/// Seconds that a stage may have kept a picture before it says so.
const YOUNGEST: u64 = 3600;

/// A picture that nothing shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UnusedPicture {
    /// Its name, in the store and below `/media/`.
    pub name: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// Since when it is there.
    pub since: Timestamp,
}

/// Pictures that nothing shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UnusedPictures {
    /// Whether they are removed; without `--yes` nothing is.
    pub removed: bool,
    /// Which, by their names.
    pub pictures: Vec<UnusedPicture>,
    /// How many bytes they have together.
    pub bytes: u64,
}

/// The pictures that have been there for `age` at least and that no draft, no post and no run under way refers to;
/// with `remove`, they are removed.
pub async fn unused(app: &App, age: Span, remove: bool) -> Result<UnusedPictures, OperationError> {
    if age.0.as_secs() < YOUNGEST {
        let problem =
            "a picture that is younger than an hour may be one that a stage has just made";
        return Err(OperationError::usage(problem).mend("write `--older-than 1h`, or more"));
    }
    let media = Media::of(app).await.map_err(|error| unstored(&error))?;
    let mut pictures = Vec::new();
    if let Some(media) = &media {
        let until = Timestamp::now()
            .checked_sub(age.0)
            .unwrap_or(Timestamp::MIN);
        let stored = media.list().await.map_err(|error| unstored(&error))?;
        // Who refers to them is asked afterwards: what is kept meanwhile is younger.
        let used = used(app).await?;
        let old = stored.into_iter().filter(|it| it.since <= until);
        let unused = old.filter(|it| !used.contains(&it.name));
        pictures = unused
            .map(|StoredPicture { name, bytes, since }| UnusedPicture { name, bytes, since })
            .collect();
        pictures.sort_by(|a, b| a.name.cmp(&b.name));
        for picture in pictures.iter().filter(|_| remove) {
            media
                .remove(&picture.name)
                .await
                .map_err(|error| unstored(&error))?;
            app.store().execute(rows::forget(&picture.name)).await?;
        }
    }
    Ok(UnusedPictures {
        removed: remove,
        bytes: pictures.iter().map(|it| it.bytes).sum(),
        pictures,
    })
}

fn unstored(error: &Unstored) -> OperationError {
    OperationError::failed(format!("the store of pictures: {error}"))
        .mend("see to setting `media.store`; `callboard doctor` says more")
}

/// The names of pictures that something refers to.
async fn used(app: &App) -> Result<BTreeSet<String>, OperationError> {
    let (store, mut used) = (app.store(), BTreeSet::new());
    for page in [drafts::showing as fn(&str) -> _, posts::showing] {
        let mut after = String::new();
        loop {
            let rows: Vec<(String, String)> = store.read(page(&after)).await?;
            let Some((last, _)) = rows.last() else { break };
            after.clone_from(last);
            for (_, text) in &rows {
                named(text, &mut used);
            }
        }
    }
    let open = runs::open(store, RUNS).await?;
    if open.len() >= RUNS as usize {
        let problem = format!("more than {RUNS} runs are under way, and each may use pictures");
        return Err(OperationError::failed(problem).mend("try again when fewer are"));
    }
    for listed in open {
        let id = listed.id().to_owned();
        used.extend(store.read(rows::names_of_run(&id)).await?);
        // One that cannot be read is an error: what it uses is not known.
        for row in stage_runs::of_run(store, &id).await? {
            let text = serde_json::to_string(&row.outcome).map_err(|error| {
                OperationError::failed(format!("a checkpoint of run {id}: {error}"))
            })?;
            named(&text, &mut used);
        }
    }
    Ok(used)
}

/// The names in a text, in Markdown or JSON.
fn named(text: &str, names: &mut BTreeSet<String>) {
    for (at, _) in text.match_indices(KEPT) {
        let rest = &text[at + KEPT.len()..];
        let is_of_name = |sign: char| sign.is_ascii_alphanumeric() || "._-".contains(sign);
        let end = rest.find(|sign| !is_of_name(sign)).unwrap_or(rest.len());
        // A point may end a sentence behind it.
        names.insert(rest[..end].trim_end_matches('.').to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_markdown_and_in_json() {
        let mut names = BTreeSet::new();
        named(
            "![A](/media/a1.png) and /media/b.jpg. {\"src\":\"/media/c.webp\"} /media/",
            &mut names,
        );
        let wanted = ["", "a1.png", "b.jpg", "c.webp"].map(str::to_owned);
        assert_eq!(names, BTreeSet::from(wanted));
    }
}
