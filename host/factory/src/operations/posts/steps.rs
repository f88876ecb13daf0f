//! What a person does with a post that is there: each is a row of the table of transitions, and asking for
//! what is so already changes nothing.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;

use callboard_core::app::App;
use callboard_core::operations::{Actor, ErrorKind, OperationError, runs};
use callboard_core::outcome::Patch;
use callboard_core::store::{microseconds, timestamp};
use callboard_core::value::Value;

use super::{MovedPost, PostMoveView, found};
use crate::media::{Media, PUT_BACK, absent, missing, names};
use crate::tables::posts::{self, POSTS, Post, PostEvent, PostStatus};
use crate::tables::transitions::{At, Happening, StoredWord};

/// The pipeline whose runs publish what is scheduled.
const PIPELINE: &str = "publish_scheduled";

/// All that happened to the post that `wanted` names, oldest first.
pub async fn history(app: &App, wanted: &str) -> Result<Vec<PostMoveView>, OperationError> {
    let post = found(app, wanted).await?;
    let moves = posts::history(app.store(), &post.id).await?;
    Ok(moves.into_iter().map(Into::into).collect())
}

/// What shows pictures that are not there is put before no reader.
async fn pictured(app: &App, wanted: &str) -> Result<(), OperationError> {
    let post = found(app, wanted).await?;
    let names = names(&post.markdown, post.featured.as_ref());
    let names: BTreeSet<_> = names.into_iter().collect();
    if names.is_empty() || post.status == PostStatus::Published {
        return Ok(());
    }
    let absent = absent(Media::of(app).await?.as_ref(), &names).await?;
    missing(&absent, names.len()).map_or(Ok(()), |problem| {
        let problem = format!("post `{}`: {problem}", post.slug);
        Err(OperationError::new(ErrorKind::Unavailable, problem).mend(PUT_BACK))
    })
}

/// Put a post on the site now, as a new one.
pub async fn publish(app: &App, wanted: &str, by: &Actor) -> Result<MovedPost, OperationError> {
    pictured(app, wanted).await?;
    let set = [("published_at", Value::from(now()))];
    step(app, wanted, PostEvent::Publish, by, &set).await
}

/// Take a post off the site for the time being: its address is not found until it is back.
pub async fn unpublish(app: &App, wanted: &str, by: &Actor) -> Result<MovedPost, OperationError> {
    step(app, wanted, PostEvent::Unpublish, by, &[]).await
}

/// Take a post out of all lists. Its address shows it as before.
pub async fn archive(app: &App, wanted: &str, by: &Actor) -> Result<MovedPost, OperationError> {
    step(app, wanted, PostEvent::Archive, by, &[]).await
}

/// Take a post off the site. Its address says "gone" from then on.
pub async fn remove(app: &App, wanted: &str, by: &Actor) -> Result<MovedPost, OperationError> {
    step(app, wanted, PostEvent::Remove, by, &[]).await
}

/// Put a post on the site again as it was, at its place among the others.
pub async fn restore(app: &App, wanted: &str, by: &Actor) -> Result<MovedPost, OperationError> {
    let post = found(app, wanted).await?;
    let never = post.status != PostStatus::Published && !was_published(app, &post).await?;
    if never {
        let (slug, status) = (&post.slug, post.status.word());
        let problem = format!("post `{slug}` is {status}, and was never published");
        let first = match post.status {
            PostStatus::Removed => format!("`callboard posts unpublish {slug}`, and then "),
            _ => String::new(),
        };
        let mend = format!("{first}`callboard posts publish {slug}` publishes it now");
        return Err(OperationError::usage(problem).mend(mend));
    }
    pictured(app, &post.slug).await?;
    step(app, &post.slug, PostEvent::Restore, by, &[]).await
}

async fn was_published(app: &App, post: &Post) -> Result<bool, OperationError> {
    let moves = posts::history(app.store(), &post.id).await?;
    let shown = |it: &posts::PostMove| it.to_status == PostStatus::Published;
    // What is older than the history was published when it was made.
    Ok(moves.is_empty() || moves.iter().any(shown))
}

/// Have a post published at a time, by a run that waits for it. Another time takes the place of the one
/// before.
pub async fn schedule(
    app: &App,
    wanted: &str,
    at: Timestamp,
    by: &Actor,
) -> Result<MovedPost, OperationError> {
    let at = timestamp(microseconds(at));
    let post = found(app, wanted).await?;
    allowed(&post, PostEvent::Schedule)?;
    let is_so = post.status == PostStatus::Scheduled && post.scheduled_at == Some(at);
    if is_so && runs::is_open(app, &post.run).await? {
        return Ok(MovedPost {
            changed: false,
            post,
        });
    }
    bounded(app, &post.slug, at).await?;
    let start = runs::Start {
        pipeline: PIPELINE,
        input: Patch::from_iter([("post".to_owned(), json!(post.id))]),
        folder: std::path::Path::new("."),
    };
    let detail = match by.reason.as_str() {
        "" => format!("for {at}"),
        reason => format!("for {at}: {reason}"),
    };
    let id = post.id.clone();
    let run = runs::start_with(app, start, move |run| {
        let set = [("scheduled_at", Value::from(at)), ("run", Value::from(run))];
        let happening = Happening {
            event: PostEvent::Schedule,
            who: &by.name,
            detail: &detail,
            at: At::Moment(now()),
        };
        posts::step(&id, &happening, &set).into()
    });
    let run = run.await?.id;
    let moved = again(app, &post).await?;
    if moved.run != run {
        return Err(raced(&post));
    }
    end_run(app, &post, by).await?;
    Ok(MovedPost {
        changed: true,
        post: moved,
    })
}

/// A time that is to come, within what a run may wait.
pub(super) async fn bounded(app: &App, slug: &str, at: Timestamp) -> Result<(), OperationError> {
    let now = now();
    if at <= now {
        let problem = format!("{at} is over: a post is scheduled for a time that is to come");
        let mend = format!("`callboard posts publish {slug}` publishes it now");
        return Err(OperationError::usage(problem).mend(mend));
    }
    let runnable = app.runnable().await?;
    let Some(pipeline) = runnable.pipelines.get(PIPELINE) else {
        let problem = format!(
            "the workspace has no pipeline `{PIPELINE}`, whose runs publish what is scheduled"
        );
        let mend = format!("write pipelines/{PIPELINE}.toml as `callboard init` does, and apply");
        return Err(OperationError::usage(problem).mend(mend));
    };
    let most = pipeline.budget;
    let waits = at.duration_since(now).unsigned_abs();
    if waits > most.0 {
        let problem = format!("{at} is farther ahead than a run of `{PIPELINE}` may wait, {most}");
        let mend = format!("raise `budget` in pipelines/{PIPELINE}.toml, and apply");
        return Err(OperationError::usage(problem).mend(mend));
    }
    Ok(())
}

/// Move a post, if the event is allowed where it is.
async fn step(
    app: &App,
    wanted: &str,
    event: PostEvent,
    by: &Actor,
    set: &[(&'static str, Value)],
) -> Result<MovedPost, OperationError> {
    let post = found(app, wanted).await?;
    let leads_to = |from: &PostStatus| POSTS.to(Some(*from), event);
    let is_so = PostStatus::ALL
        .iter()
        .any(|from| leads_to(from) == Some(post.status));
    if is_so && leads_to(&post.status).is_none() {
        return Ok(MovedPost {
            changed: false,
            post,
        });
    }
    allowed(&post, event)?;
    let happening = Happening {
        event,
        who: &by.name,
        detail: &by.reason,
        at: At::Moment(now()),
    };
    let [moved, note] = posts::step(&post.id, &happening, set);
    let moved = app.store().write(move |transaction| {
        Box::pin(async move {
            let moved = transaction.execute(moved).await? == 1;
            transaction.execute(note).await?;
            Ok(moved)
        })
    });
    if !moved.await? {
        return Err(raced(&post));
    }
    end_run(app, &post, by).await?;
    Ok(MovedPost {
        changed: true,
        post: again(app, &post).await?,
    })
}

/// End the run that was to publish a post until now. It would find nothing to do.
async fn end_run(app: &App, before: &Post, by: &Actor) -> Result<(), OperationError> {
    if before.status == PostStatus::Scheduled && runs::is_open(app, &before.run).await? {
        runs::cancel(app, &before.run, by).await?;
    }
    Ok(())
}

/// Whether something may happen to a post where it is.
pub(super) fn allowed(post: &Post, event: PostEvent) -> Result<(), OperationError> {
    if POSTS.to(Some(post.status), event).is_some() {
        return Ok(());
    }
    let (slug, status) = (&post.slug, post.status.word());
    let may: Vec<_> = POSTS.allowed(event).map(|(from, _)| from.word()).collect();
    let problem = format!(
        "post `{slug}` is {status}; `{}` is for one that is {}",
        event.word(),
        may.join(" or ")
    );
    let mend = match (post.status, event) {
        (PostStatus::Removed, _) => format!("`callboard posts restore {slug}` brings it back"),
        (PostStatus::Archived, PostEvent::Publish) => {
            format!("`callboard posts restore {slug}` puts it into the lists again")
        }
        (PostStatus::Published | PostStatus::Archived, _) => {
            format!("`callboard posts unpublish {slug}` takes it off the site")
        }
        _ => format!("`callboard posts publish {slug}` publishes it now"),
    };
    Err(OperationError::usage(problem).mend(mend))
}

/// The post as it is now.
pub(super) async fn again(app: &App, post: &Post) -> Result<Post, OperationError> {
    let now = app.store().read_first(posts::one(&post.id)).await?;
    now.ok_or_else(|| callboard_core::operations::named::gone("post", &post.slug))
}

/// Somebody else was faster.
pub(super) fn raced(post: &Post) -> OperationError {
    let problem = format!("post `{}` changed in this very moment", post.slug);
    OperationError::failed(problem).mend(format!(
        "look at it: `callboard posts history {}`",
        post.slug
    ))
}

/// As the database keeps it.
pub(super) fn now() -> Timestamp {
    timestamp(microseconds(Timestamp::now()))
}
