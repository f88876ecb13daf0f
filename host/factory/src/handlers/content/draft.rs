//! `content.draft`: the first text, by the role that writes, from what was read. The model answers with
//! paragraphs and the ids of their sources; the host writes the citations.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::asking::{Asking, RoleQuestion, ask};
use crate::draft::Draft;
use crate::research::Source;
use crate::tables::posts;
use crate::writing::answer::{self, ArticleAnswer, WrittenArticle};
use crate::writing::seo::shortened;
use crate::writing::{Brief, known, listed, material};

struct FirstDraft;

callboard_core::register!(FirstDraft);

const PROMPT: &str = "canonical_draft";
const SYSTEM: &str = "You write for a publication. You say only what your sources say, you name the sources of each paragraph by their ids, and you answer with one JSON object.";
/// Published posts that a text may lead to.
const POSTS: u32 = 30;
/// The most characters of an excerpt.
const EXCERPT: usize = 300;

#[derive(Deserialize, JsonSchema)]
struct Reads {
    brief: Brief,
    sources: Vec<Source>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The text, its writer, and what a person should know.
    draft: Draft,
}

impl Handler for FirstDraft {
    type Config = Asking;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str =
        "Writes the first text of a post, each paragraph with its sources";

    fn needs(&self) -> Needs {
        Needs::default()
            .prompt(PROMPT, &["brief", "sources"], &["posts"])
            .role_key("role")
            .by_schema()
            .table("posts", &["select"])
    }

    async fn handle(&self, call: &Call, asking: Asking, reads: Reads) -> Handled<Writes> {
        let Reads { brief, sources } = reads;
        let material = material(&brief, &sources, asking.material);
        let posts = call.read(posts::titled(POSTS)).await?;
        let variables =
            json!({ "brief": listed(&brief), "sources": material, "posts": titles(&posts) });
        let question = RoleQuestion {
            prompt: PROMPT,
            variables: &variables,
            system: SYSTEM,
        };
        let answered = ask::<ArticleAnswer>(call, &asking, &question).await?;
        let written = answer::read(answered.value, &known(&sources)).map_err(|reason| {
            let cause = format!("the answer of {} was refused: {reason}", answered.model);
            Stop::unavailable(format!("role {}", asking.role), cause)
        })?;
        let draft = draft(&brief, &sources, written, &answered.model);
        Ok(Done::new(Writes { draft }))
    }
}

fn titles(posts: &[(String, String)]) -> String {
    let lines = posts
        .iter()
        .map(|(slug, title)| format!("[posts/{slug}] {title}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn draft(brief: &Brief, sources: &[Source], written: WrittenArticle, model: &str) -> Draft {
    let WrittenArticle {
        title,
        summary,
        article,
        mut notes,
    } = written;
    let words = article.words();
    if words * 2 < usize::try_from(brief.words).unwrap_or_default() {
        notes.push(format!(
            "the text has {words} words, and {} were wanted",
            brief.words
        ));
    }
    let draft = Draft {
        title: if title.is_empty() {
            brief.topic.clone()
        } else {
            title
        },
        excerpt: shortened(&summary, EXCERPT),
        written_by: format!("model {model}"),
        notes,
        ..Draft::default()
    };
    article.into_draft(draft, sources)
}
