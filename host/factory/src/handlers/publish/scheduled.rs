//! `publish.scheduled`: a post that was scheduled is published when its time comes, by the run that was begun with
//! its schedule. The run waits for it as runs wait, in the database, whichever worker is there then; the post
//! moves in the transaction of the checkpoint, if it is still this run that is to publish it.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tables::posts::{self, PostStatus};

struct Scheduled;

callboard_core::register!(Scheduled);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The id of the post.
    post: String,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The last part of its address.
    slug: String,
}

impl Handler for Scheduled {
    type Config = ();
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Publishes a post when the time comes for which it is scheduled";

    fn needs(&self) -> Needs {
        Needs::default()
            .acts_on("post")
            .table("posts", &["select", "update"])
            .table("post_history", &["select", "insert"])
    }

    async fn handle(&self, call: &Call, _config: (), reads: Reads) -> Handled<Writes> {
        let post = call.read_first(posts::one(&reads.post)).await?;
        let Some(post) = post else {
            let problem = format!("there is no post {}", reads.post);
            return Err(Stop::failed(FailureKind::Input, problem));
        };
        let slug = post.slug;
        let at = post.scheduled_at;
        let Some(at) = at.filter(|_| post.status == PostStatus::Scheduled && post.run == call.run)
        else {
            let reason = format!("post `{slug}` is not scheduled by this run any more");
            return Err(Stop::nothing_to_do(reason));
        };
        if at > call.now {
            let reason = format!("post `{slug}` is published at {at}");
            return Err(Stop::Deferred { until: at, reason });
        }
        let mut done = Done::new(Writes { slug }).effect("posts_published", 1);
        done.writes.extend(posts::publish_due(&call.run, call.now));
        Ok(done)
    }
}
