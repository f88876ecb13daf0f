//! Posts from one installation to another: all of them in one document, with the addresses that they had, and
//! such a document, or a folder of documents, held against what is here before any of it is kept.

use std::collections::BTreeSet;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use callboard_core::app::App;
use callboard_core::blocking;
use callboard_core::operations::{Actor, ListEntry, OperationError, given};
use callboard_core::store::{StoreError, StoreErrorKind, Transaction};
use callboard_core::value::{JsonProblem, json_in};

use super::carried::{CarriedPost, CarriedPosts, FORM, ImportOrigin, NOTHING, TOLD, told};
use super::steps::{bounded, now, schedule};
use super::{beside, folder};
use crate::tables::media;
use crate::tables::post_slugs::{self, PostSlug};
use crate::tables::posts::{self, PostStatus};

/// The longest document, in bytes.
const LONGEST: u64 = 256 << 20;
/// The most memory that a document takes.
const MOST: u64 = 512 << 20;

/// A document that was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DumpedPosts {
    /// How many posts it has.
    pub posts: usize,
}

/// What an import came to, or would.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ImportedPosts {
    /// Whether it counts; without `--yes` nothing was kept.
    pub kept: bool,
    /// The slugs of posts that are new here.
    pub added: Vec<String>,
    /// The slugs of posts that are here as they are in the document.
    pub unchanged: Vec<String>,
    /// What is said in the documents of a folder that no post has, with the file of each.
    pub left_out: Vec<String>,
}

/// All posts that are here; one that can't be read is an error, so that none is lost in silence.
pub async fn dump(app: &App) -> Result<CarriedPosts, OperationError> {
    let mut all = Vec::new();
    for entry in posts::every(app.store()).await? {
        match entry {
            ListEntry::Known(post) => {
                let former = app.store().read(post_slugs::of_post(&post.id)).await?;
                all.push(CarriedPost::of(post, former));
            }
            ListEntry::Broken(broken) => {
                let problem = format!("post {} cannot be read: {}", broken.id, broken.detail);
                return Err(OperationError::failed(problem).mend("`callboard doctor` says more"));
            }
        }
    }
    all.sort_by(|a, b| (a.published_at, &a.slug).cmp(&(b.published_at, &b.slug)));
    Ok(CarriedPosts {
        form: FORM,
        posts: all,
    })
}

/// The text of a document, which [`read`] takes: what nobody could import is not exported.
pub fn written(document: &CarriedPosts) -> Result<String, OperationError> {
    let text = serde_json::to_string_pretty(document);
    let text = text.map_err(|error| OperationError::failed(error.to_string()))?;
    if text.len() as u64 > LONGEST {
        let (long, most) = (text.len() >> 20, LONGEST >> 20);
        let problem = format!(
            "the posts have {long} MiB as one document, and an import takes {most} MiB: nothing is written"
        );
        return Err(OperationError::failed(problem)
            .mend("`callboard backup FILE` keeps all of it, whatever its size"));
    }
    parse(&text, "what is exported")?;
    Ok(text)
}

/// The posts of a document, or of a folder of Markdown documents. The error names file, line and column.
pub async fn read(path: &Path) -> Result<(CarriedPosts, ImportOrigin), OperationError> {
    if path.is_dir() {
        let folder = path.to_owned();
        let read = blocking::wait(move || folder::read(&folder)).await;
        return read.unwrap_or_else(|lost| Err(OperationError::failed(lost.to_string())));
    }
    let name = path.display().to_string();
    let text = given::text(path, LONGEST).await?;
    Ok((parse(&text, &name)?, ImportOrigin::new(&name)))
}

/// What a document says.
fn parse(text: &str, name: &str) -> Result<CarriedPosts, OperationError> {
    let mend = "`callboard posts export FILE --as json` writes the form";
    let parsed: CarriedPosts = json_in(text, MOST).map_err(|problem| {
        let problem = match problem {
            JsonProblem::Broken(error) => {
                format!("{name}:{}:{}: {error}", error.line(), error.column())
            }
            problem @ JsonProblem::TooLarge(_) => format!("{name} {problem}"),
        };
        OperationError::usage(problem).mend(mend)
    })?;
    if parsed.form != FORM {
        let problem = format!("{name} is of form {}, and {FORM} is read here", parsed.form);
        return Err(OperationError::usage(problem).mend(mend));
    }
    Ok(parsed)
}

/// Keep the posts of a document that are not here, all of them or none; without `keep` it is only said which
/// those are. What is scheduled is so here, too, by a run of its own.
pub async fn import(
    app: &App,
    document: CarriedPosts,
    (origin, keep): (&ImportOrigin, bool),
    by: &Actor,
) -> Result<ImportedPosts, OperationError> {
    sound(&document, origin)?;
    in_time(app, &document, origin).await?;
    if keep {
        beside::keep(app, origin).await?;
    }
    let detail = format!("imported at {} from {}", now(), origin.name);
    let (posts, who, file) = (document.posts.clone(), by.name.clone(), origin.clone());
    let work = app.store().write(move |transaction| {
        Box::pin(async move {
            let (added, unchanged) = sorted(transaction, &posts, &file).await?;
            for post in added.iter().filter(|_| keep) {
                take(transaction, post, (&who, &detail), &file).await?;
            }
            let slugs =
                |all: Vec<&CarriedPost>| all.into_iter().map(|it| it.slug.clone()).collect();
            Ok((slugs(added), slugs(unchanged)))
        })
    });
    let (added, unchanged): (Vec<String>, Vec<String>) =
        work.await.map_err(|error| match error.kind {
            StoreErrorKind::Constraint => OperationError::usage(error.message),
            _ => error.into(),
        })?;
    let waits = document.posts.iter();
    let waits = waits.filter(|it| keep && it.status == PostStatus::Scheduled);
    for post in waits.filter(|it| added.contains(&it.slug)) {
        let Some(at) = post.scheduled_at else {
            continue;
        };
        schedule(app, &post.slug, at, by).await?;
    }
    Ok(ImportedPosts {
        kept: keep,
        added,
        unchanged,
        left_out: origin.left_out.clone(),
    })
}

/// Each post that waits for a time has one that is to come, and that a run may wait for.
async fn in_time(
    app: &App,
    document: &CarriedPosts,
    origin: &ImportOrigin,
) -> Result<(), OperationError> {
    for (number, post) in document.posts.iter().enumerate() {
        if post.status != PostStatus::Scheduled || is_here(app, post).await? {
            continue;
        }
        let place = format!("{NOTHING}: {}", origin.place(number, post));
        let Some(at) = post.scheduled_at else {
            let problem = format!("{place}: it is `scheduled`, and has no `scheduled_at`");
            let mend = "write one, or `\"status\": \"unpublished\"`";
            return Err(OperationError::usage(problem).mend(mend));
        };
        bounded(app, &post.slug, at).await.map_err(|error| {
            let problem = format!("{place}: {error}");
            OperationError::new(error.kind, problem)
                .mend("write another `scheduled_at`, or `\"status\": \"unpublished\"`")
        })?;
    }
    Ok(())
}

async fn is_here(app: &App, post: &CarriedPost) -> Result<bool, OperationError> {
    let here = app.store().read_first(posts::about(&post.subject)).await?;
    Ok(here.is_some())
}

/// Each post by itself, and no two of one name.
fn sound(document: &CarriedPosts, origin: &ImportOrigin) -> Result<(), OperationError> {
    let (mut problems, mut seen) = (Vec::new(), BTreeSet::new());
    for (number, post) in document.posts.iter().enumerate() {
        let place = origin.place(number, post);
        problems.extend(post.problem().map(|problem| format!("{place}: {problem}")));
        let names = post.slugs().map(|slug| format!("address `{slug}`"));
        for said in names.chain([format!("subject `{}`", post.subject)]) {
            if !seen.insert(said.clone()) {
                problems.push(format!("{place}: {said} is there twice"));
            }
        }
    }
    told(problems)
}

/// Which posts are new, and which are here as they are; any other refuses them all.
async fn sorted<'p>(
    transaction: &mut Transaction<'_>,
    posts: &'p [CarriedPost],
    origin: &ImportOrigin,
) -> Result<(Vec<&'p CarriedPost>, Vec<&'p CarriedPost>), StoreError> {
    let (mut added, mut unchanged, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for (number, post) in posts.iter().enumerate() {
        let place = origin.place(number, post);
        let here = transaction.read_first(posts::about(&post.subject)).await?;
        if let Some(here) = here {
            let former = transaction.read(post_slugs::of_post(&here.id)).await?;
            let here = CarriedPost::of(here, former);
            // A move here, such as the schedule of an import, changed nothing that a document says.
            let same = CarriedPost {
                updated_at: post.updated_at,
                ..here.clone()
            };
            if same == *post {
                unchanged.push(post);
            } else {
                let slug = &here.slug;
                problems.push(format!("{place}: it is here as `{slug}`, and is another"));
            }
            continue;
        }
        for slug in post.slugs() {
            if transaction
                .read_first(post_slugs::owner(slug))
                .await?
                .is_some()
            {
                problems.push(format!(
                    "{place}: another post has the address `{slug}`, or had it"
                ));
            }
        }
        added.push(post);
    }
    if problems.is_empty() {
        return Ok((added, unchanged));
    }
    problems.truncate(TOLD);
    let problem = format!("{NOTHING}: {}", problems.join("; "));
    Err(StoreError::new(StoreErrorKind::Constraint, problem))
}

/// Begin a post as it was, with the addresses that it had.
async fn take(
    transaction: &mut Transaction<'_>,
    carried: &CarriedPost,
    (who, detail): (&str, &str),
    origin: &ImportOrigin,
) -> Result<(), StoreError> {
    let post = carried.post();
    for row in beside::rows(carried, &post.id, origin) {
        transaction.execute(media::insert(&row)).await?;
    }
    for statement in posts::insert(&post, who, detail) {
        transaction.execute(statement).await?;
    }
    for slug in &carried.former {
        let own = PostSlug {
            slug: slug.clone(),
            post: post.id.clone(),
            since: carried.published_at,
        };
        transaction.execute(post_slugs::take(&own)).await?;
    }
    Ok(())
}
