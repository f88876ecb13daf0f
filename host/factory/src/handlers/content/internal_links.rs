//! `content.internal_links`: links to posts that are published; those to others become their words.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::Done;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::markdown::PartKind;
use crate::research::Source;
use crate::tables::posts;
use crate::writing::links::{Posts, resolved};
use crate::writing::{Article, unreadable};

struct InternalLinks;

callboard_core::register!(InternalLinks);

/// The published posts that are known, the newest.
const KNOWN: u32 = 5000;

#[derive(Deserialize, JsonSchema)]
struct Reads {
    draft: Draft,
    sources: Vec<Source>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The text, whose links to posts all lead to one.
    draft: Draft,
}

impl Handler for InternalLinks {
    type Config = ();
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Links published posts, and leaves out links to others";

    fn needs(&self) -> Needs {
        Needs::default().table("posts", &["select"])
    }

    async fn handle(&self, call: &Call, _config: (), reads: Reads) -> Handled<Writes> {
        let Reads { mut draft, sources } = reads;
        let posts: Posts = call.read(posts::titled(KNOWN)).await?.into_iter().collect();
        let mut article = Article::of(&draft).map_err(unreadable)?;
        for block in &mut article.blocks {
            if block.kind == PartKind::Other {
                continue;
            }
            let (text, gone) = resolved(&block.text, &posts);
            block.text = text;
            let gone = gone
                .iter()
                .map(|slug| format!("a link to the post `{slug}` was left out: there is none"));
            draft.notes.extend(gone);
        }
        let draft = article.into_draft(draft, &sources);
        Ok(Done::new(Writes { draft }))
    }
}
