//! `content.internal_links`: links to posts that are published; those to others become their words. What is known of
//! the posts that are linked is handed on, for the rail that judges the links.

use std::collections::BTreeSet;

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::markdown::{self, PartKind};
use crate::research::Source;
use crate::tables::posts;
use crate::writing::links::{Posts, resolved, slug};
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

/// A published post, for whoever judges the links to it.
#[derive(Serialize, JsonSchema)]
struct LinkedPost {
    /// The last part of its address.
    slug: String,
    title: String,
    tags: Vec<String>,
    /// How many other published posts link to it.
    linked_by: u32,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The text, whose links to posts all lead to one.
    draft: Draft,
    /// The published posts that it links to.
    posts: Vec<LinkedPost>,
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
        let posts = linked(call, &draft, &posts).await?;
        Ok(Done::new(Writes { draft, posts }))
    }
}

/// What is known of the posts that a draft links to.
async fn linked(call: &Call, draft: &Draft, posts: &Posts) -> Result<Vec<LinkedPost>, Stop> {
    let links = markdown::links(&draft.markdown);
    let links = links.map_err(|error| Stop::failed(FailureKind::Input, error))?;
    let slugs: BTreeSet<&str> = links.iter().filter_map(|link| slug(&link.url)).collect();
    let mut linked = Vec::new();
    for (slug, title) in slugs
        .into_iter()
        .filter_map(|slug| posts.get_key_value(slug))
    {
        let known = call
            .read_first(posts::linked(slug, &format!("/posts/{slug})")))
            .await?;
        let Some((tags, links)) = known else { continue };
        let tags = tags.split(',').filter(|tag| !tag.is_empty());
        linked.push(LinkedPost {
            slug: slug.clone(),
            title: title.clone(),
            tags: tags.map(str::to_owned).collect(),
            linked_by: u32::try_from(links).unwrap_or(u32::MAX),
        });
    }
    Ok(linked)
}
