//! What a person does with a post, and what is said of it then.

use callboard_core::app::App;
use callboard_core::operations::Actor;
use callboard_factory::operations::posts::{self, MovedPost, NewTitle, Post, PostStatus};
use jiff::{Timestamp, Zoned};

use super::{PostReason, stands};
use crate::cli::output::Answered;
use crate::cli::{Context, Failure};

/// What is done.
pub(super) enum Step {
    Publish,
    Schedule(Timestamp),
    Unpublish,
    Archive,
    Restore,
    Remove,
    Retitle(NewTitle),
}

impl Step {
    pub(super) async fn take(
        self,
        context: &Context,
        app: &App,
        wanted: &str,
        why: PostReason,
    ) -> Result<Answered, Failure> {
        let by = Actor {
            name: why.who.by,
            reason: why.reason,
        };
        let waits = matches!(self, Step::Schedule(_));
        let moved = match self {
            Step::Publish => posts::publish(app, wanted, &by).await,
            Step::Schedule(at) => posts::schedule(app, wanted, at, &by).await,
            Step::Unpublish => posts::unpublish(app, wanted, &by).await,
            Step::Archive => posts::archive(app, wanted, &by).await,
            Step::Restore => posts::restore(app, wanted, &by).await,
            Step::Remove => posts::remove(app, wanted, &by).await,
            Step::Retitle(new) => posts::retitle(app, wanted, new, &by).await,
        };
        let MovedPost { changed, post } = moved?;
        let output = context.output;
        output.say(if changed {
            told(&post)
        } else {
            format!("nothing to do: {}", told(&post))
        });
        if waits {
            output.say("a worker publishes it then: `callboard serve` or `callboard work`");
        }
        Ok(output.json(&MovedPost { changed, post }))
    }
}

/// Where it stands now, and at which address.
fn told(post: &Post) -> String {
    let what = stands(post);
    match post.status {
        PostStatus::Removed => format!("{what}: {}", post.slug),
        _ => format!("{what}: {} at /posts/{}", post.title, post.slug),
    }
}

/// A moment, in UTC, with an offset, or in a zone that is named.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let zoned = || text.parse::<Zoned>().map(|zoned| zoned.timestamp());
    let parsed = text.parse::<Timestamp>().or_else(|_| zoned());
    parsed.map_err(|_| {
        format!(
            "`{text}` is no moment: write 2026-12-01T09:00:00Z or 2026-12-01T09:00[Europe/Berlin]"
        )
    })
}
