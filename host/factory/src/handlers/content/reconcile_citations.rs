//! `content.reconcile_citations`: each sentence held against the sources of its paragraph. What names or
//! counts what they do not is dropped, or noted for the person who approves. No model is asked.

use callboard_core::handler::{Call, Handled, Handler};
use callboard_core::outcome::{Done, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::research::Source;
use crate::writing::claims::{Corpus, Unborne, reconciled};
use crate::writing::{Article, Brief, unreadable};

struct ReconcileCitations;

callboard_core::register!(ReconcileCitations);

/// Sentences that are noted one by one.
const NOTED: usize = 20;

/// What becomes of a sentence that its sources do not bear out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Failing {
    /// It is left out.
    Drop,
    /// It stays, and the person who approves is told.
    Note,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// `drop` or `note`.
    failing: Failing,
    /// The share of the words that may be dropped; beyond it the text is rejected.
    #[schemars(range(min = 0.0, max = 1.0))]
    most_dropped: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            failing: Failing::Drop,
            most_dropped: 0.5,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    brief: Brief,
    draft: Draft,
    sources: Vec<Source>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The text that its sources bear out.
    draft: Draft,
    /// How many sentences were dropped or noted.
    unborne: usize,
}

impl Handler for ReconcileCitations {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str =
        "Holds each sentence against its sources: names and numbers have to stand there";

    async fn handle(&self, _: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let Reads {
            brief,
            mut draft,
            sources,
        } = reads;
        let corpus = Corpus::new(&brief, &sources);
        let article = Article::of(&draft).map_err(unreadable)?;
        let (kept, unborne) = reconciled(&article, &corpus);
        let dropping = config.failing == Failing::Drop;
        let (before, after) = (article.words(), kept.words());
        #[expect(clippy::cast_precision_loss, reason = "counts of words are small")]
        let dropped = 1.0 - after as f64 / before.max(1) as f64;
        if dropping && (after == 0 || dropped > config.most_dropped) {
            let first = unborne.iter().take(5).map(|it| told(it, "fails"));
            let first: Vec<String> = first.collect();
            let detail = format!(
                "{} of {before} words are not borne out by their sources: {}",
                before - after,
                first.join("; ")
            );
            return Err(Stop::rejected("sources", detail));
        }
        let what = if dropping {
            "was left out"
        } else {
            "is not borne out"
        };
        draft
            .notes
            .extend(unborne.iter().take(NOTED).map(|it| told(it, what)));
        if unborne.len() > NOTED {
            draft.notes.push(format!(
                "and {} more sentences: {what}",
                unborne.len() - NOTED
            ));
        }
        let article = if dropping { kept } else { article };
        let draft = article.into_draft(draft, &sources);
        Ok(Done::new(Writes {
            draft,
            unborne: unborne.len(),
        }))
    }
}

fn told(unborne: &Unborne, what: &str) -> String {
    let sentence = callboard_core::shown::cut(&unborne.sentence, 160);
    format!(
        "a sentence {what}, `{sentence}`: no source of it has `{}`",
        unborne.lacks.join("`, `")
    )
}
