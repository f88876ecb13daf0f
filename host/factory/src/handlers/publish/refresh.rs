//! `publish.refresh`: what is shown of a published post where it is found, anew: its excerpt, its tags and the
//! title that search engines show.
//! Its text, its title and its address stay. The post is the one that the run was asked to refresh, or
//! that it published itself, whatever the key says.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::changing;
use crate::draft::Draft;
use crate::tables::posts::{self, PostEvent};
use crate::tables::transitions::{At, Happening};

struct Refresh;

callboard_core::register!(Refresh);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    subject: String,
    /// As it is to be shown where it is found; its text stays as it is published.
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

    const SUMMARY: &'static str = "Changes what search engines and lists show of a published post";

    fn needs(&self) -> Needs {
        Needs::default()
            .acts_on("subject")
            .table("posts", &["select", "update"])
            .table("tasks", &["select"])
            .table("post_slugs", &["select"])
            .table("post_history", &["select", "insert"])
    }

    async fn handle(&self, call: &Call, _config: (), reads: Reads) -> Handled<Writes> {
        let Reads { subject, draft } = reads;
        let Some(post) = changing::post(call, &subject).await? else {
            let reason = format!("{subject} is published no more");
            return Err(Stop::nothing_to_do(reason));
        };
        let new = posts::Post {
            seo_title: draft.seo_title,
            excerpt: draft.excerpt,
            tags: draft.tags,
            ..post.clone()
        };
        if new == post {
            let slug = post.slug;
            let reason = format!("what is shown of `{slug}` where it is found is as it was");
            return Err(Stop::nothing_to_do(reason));
        }
        let happening = Happening {
            event: PostEvent::Edit,
            who: "",
            detail: &format!("what is shown where it is found, by run {}", call.run),
            at: At::Moment(call.now),
        };
        let mut done = Done::new(Writes { slug: post.slug }).effect("posts_refreshed", 1);
        done.writes.extend(posts::refresh(&new, &happening));
        Ok(done)
    }
}
