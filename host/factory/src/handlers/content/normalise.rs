//! `content.normalise`: a text without what leaked into it: prompts, links that no source
//! has, a title that stands twice, curly quotes. Asks no model.

use callboard_core::handler::{Call, Handled, Handler};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::research::Source;
use crate::writing::normal::{AllowedLinks, cleaned, strangers};
use crate::writing::{Article, unreadable};

struct Normalise;

callboard_core::register!(Normalise);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    draft: Draft,
    sources: Vec<Source>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The cleaned text, with notes of what was left out.
    draft: Draft,
}

impl Handler for Normalise {
    type Config = ();
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str =
        "Cleans a text of leaked prompts, invented links and repeated titles";

    async fn handle(&self, _: &Call, _config: (), reads: Reads) -> Handled<Writes> {
        let Reads { mut draft, sources } = reads;
        let article = Article::of(&draft).map_err(unreadable)?;
        let cited: Vec<&str> = sources.iter().map(|source| source.url.as_str()).collect();
        let known = AllowedLinks {
            cited: &cited,
            posts: None,
        };
        let (article, notes) = cleaned(article, &draft.title, known);
        if article.words() == 0 {
            let message = "nothing is left of the text: all of it is said to whoever asked";
            return Err(Stop::failed(FailureKind::Input, message));
        }
        draft.notes.extend(notes);
        let draft = article.into_draft(draft, &sources);
        let left = strangers(&draft.markdown, known).map_err(unreadable)?;
        if let Some(left) = left.first() {
            let message = format!("a link to `{left}`, which no source has, cannot be taken out");
            return Err(Stop::failed(FailureKind::Input, message));
        }
        Ok(Done::new(Writes { draft }))
    }
}
