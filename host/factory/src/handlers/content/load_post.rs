//! `content.load_post`: a published post as a draft, for a pipeline that changes what is shown of it.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::changing;
use crate::draft::Draft;
use crate::tables::posts::{self, PostStatus};

struct LoadPost;

callboard_core::register!(LoadPost);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The last part of the post's address.
    slug: String,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// What it is about.
    subject: String,
    draft: Draft,
}

impl Handler for LoadPost {
    type Config = ();
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Loads a published post as a draft";

    fn needs(&self) -> Needs {
        Needs::default().acts_on("slug").table("posts", &["select"])
    }

    async fn handle(&self, call: &Call, _config: (), reads: Reads) -> Handled<Writes> {
        let slug = changing::slug(&reads.slug);
        let post = call.read_first(posts::named(slug)).await?;
        let Some(post) = post.filter(|post| post.status == PostStatus::Published) else {
            let message = format!("no published post is `{slug}`: `callboard posts list`");
            return Err(Stop::failed(FailureKind::Input, message));
        };
        let draft = Draft {
            title: post.title,
            seo_title: post.seo_title,
            excerpt: post.excerpt,
            markdown: post.markdown,
            tags: post.tags,
            written_by: post.written_by,
            covers: post.covers,
            ..Draft::default()
        };
        let subject = post.subject;
        Ok(Done::new(Writes { subject, draft }))
    }
}
