//! A text that a model writes again: taken if it is no worse than the one that there is.

use callboard_core::handler::Call;
use callboard_core::outcome::Stop;
use serde_json::json;

use crate::asking::{Asking, Question, ask};
use crate::draft::Draft;
use crate::research::Source;
use crate::writing::answer::{self, Answer};
use crate::writing::claims::{Corpus, unborne};
use crate::writing::{Article, Brief, known, listed, material, unreadable};

const SYSTEM: &str = "You edit texts for a publication. You say only what the sources say, you name the sources of each paragraph by their ids, and you answer with one JSON object.";

/// What a model is to do with a text.
#[derive(Debug, Clone, Copy)]
pub struct Rewrite<'a> {
    pub prompt: &'a str,
    pub brief: &'a Brief,
    pub sources: &'a [Source],
    /// What was found, if it is to mend that.
    pub findings: Option<&'a str>,
}

/// The new text, or why the old one stays; an error if the role gave none.
pub async fn rewritten(
    call: &Call,
    asking: &Asking,
    rewrite: &Rewrite<'_>,
    draft: &Draft,
) -> Result<Result<Draft, String>, Stop> {
    let Rewrite {
        prompt,
        brief,
        sources,
        findings,
    } = *rewrite;
    let old = Article::of(draft).map_err(unreadable)?;
    let material = material(brief, sources, asking.material);
    let text = old.shown();
    let mut variables = json!({ "brief": listed(brief), "text": text, "sources": material });
    if let Some(findings) = findings {
        variables["findings"] = findings.into();
    }
    let shown = format!("{material}\n{text}");
    let question = Question {
        prompt,
        variables: &variables,
        material: &shown,
        system: SYSTEM,
    };
    let answered = ask::<Answer>(call, asking, &question).await?;
    let refused = |why: String| format!("the answer of {} was not taken: {why}", answered.model);
    let written = match answer::read(answered.value, &known(sources)) {
        Ok(written) => written,
        Err(why) => return Ok(Err(refused(why))),
    };
    if let Some(why) = worse(&old, &written.article, &Corpus::new(brief, sources)) {
        return Ok(Err(refused(why)));
    }
    let mut draft = draft.clone();
    draft.notes.extend(written.notes);
    let writer = format!("model {}", answered.model);
    if !draft.written_by.contains(&writer) {
        draft.written_by = format!("{}, {writer}", draft.written_by);
    }
    Ok(Ok(written
        .article
        .with_pictures_of(&old)
        .into_draft(draft, sources)))
}

/// Why a new text is worse than the old one: less of it, fewer of its sources, more that no source
/// bears out.
fn worse(old: &Article, new: &Article, corpus: &Corpus) -> Option<String> {
    let (before, after) = (old.words(), new.words());
    if after * 10 < before * 6 {
        return Some(format!("it has {after} words, and the old text {before}"));
    }
    let (before, after) = (unborne(old, corpus), unborne(new, corpus));
    if after > before {
        return Some(format!(
            "{after} of its sentences are not borne out by their sources, of the old text {before}"
        ));
    }
    let (before, after) = (old.cited().len(), new.cited().len());
    if after * 2 < before {
        return Some(format!(
            "it cites {after} sources, and the old text {before}"
        ));
    }
    None
}
