//! `publish.refresh`: what is shown of a published post where it is found, its excerpt and its tags, anew.
//! Its text, its title and its address stay.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::tables::posts;

struct Refresh;

callboard_core::register!(Refresh);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    subject: String,
    draft: Draft,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The last part of its address.
    slug: String,
}

impl Handler for Refresh {
    type Config = ();
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Changes the excerpt and the tags of a published post";

    fn needs(&self) -> Needs {
        Needs::default()
            .acts_on("subject")
            .table("posts", &["select", "update"])
    }

    async fn handle(&self, call: &Call, _config: (), reads: Reads) -> Handled<Writes> {
        let Reads { subject, draft } = reads;
        let post = call.read_first(posts::about(&subject)).await?;
        let Some(post) = post.filter(|post| !post.removed) else {
            let reason = format!("{subject} is published no more");
            return Err(Stop::nothing_to_do(reason));
        };
        if post.excerpt == draft.excerpt && post.tags == draft.tags {
            let reason = format!("excerpt and tags of `{}` are as they were", post.slug);
            return Err(Stop::nothing_to_do(reason));
        }
        let write = posts::refresh(&post.slug, (&draft.excerpt, &draft.tags), call.now);
        let done = Done::new(Writes { slug: post.slug });
        Ok(done.write(write).effect("posts_refreshed", 1))
    }
}
