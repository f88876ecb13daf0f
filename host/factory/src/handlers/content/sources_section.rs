//! `content.sources_section`: the list of what a post cites, before the rails judge it: they see the text
//! that readers see.

use callboard_core::handler::{Call, Handled, Handler};
use callboard_core::outcome::Done;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::research::Source;
use crate::writing::{Article, sources_section, unreadable};

struct SourcesSection;

callboard_core::register!(SourcesSection);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    draft: Draft,
    sources: Vec<Source>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The text with the list of its sources at its end.
    draft: Draft,
}

impl Handler for SourcesSection {
    type Config = ();
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Lists the sources that a post cites at its end";

    async fn handle(&self, _: &Call, _config: (), reads: Reads) -> Handled<Writes> {
        let Reads { draft, sources } = reads;
        let article = Article::of(&draft).map_err(unreadable)?;
        let section = sources_section(&article, &sources);
        let mut draft = article.into_draft(draft, &sources);
        match section {
            Some(section) => draft.markdown = format!("{}\n\n{section}", draft.markdown),
            None => draft
                .notes
                .push("it cites no source that can be read".to_owned()),
        }
        Ok(Done::new(Writes { draft }))
    }
}
