//! A text that a model writes again: taken if it is no worse than the one that there is.

use callboard_core::handler::Call;
use callboard_core::outcome::Stop;
use serde_json::json;

use crate::asking::{Asking, RoleQuestion, ask};
use crate::draft::Draft;
use crate::markdown::{Unshowable, links};
use crate::research::Source;
use crate::writing::answer::{self, ArticleAnswer};
use crate::writing::claims::{Corpus, unborne};
use crate::writing::links::slug;
use crate::writing::normal::{AllowedLinks, cleaned, strangers};
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
    let text = old.for_model();
    let mut variables = json!({ "brief": listed(brief), "text": text, "sources": material });
    if let Some(findings) = findings {
        variables["findings"] = findings.into();
    }
    let question = RoleQuestion {
        prompt,
        variables: &variables,
        system: SYSTEM,
    };
    let answered = ask::<ArticleAnswer>(call, asking, &question).await?;
    let refused = |why: String| format!("the answer of {} was not taken: {why}", answered.model);
    let written = match answer::read(answered.value, &known(sources)) {
        Ok(written) => written,
        Err(why) => return Ok(Err(refused(why))),
    };
    let (written, known) = (written, posts_of(&old));
    let cited: Vec<&str> = sources.iter().map(|source| source.url.as_str()).collect();
    let known = AllowedLinks {
        cited: &cited,
        posts: Some(&known.map_err(unreadable)?),
    };
    let (article, left_out) = cleaned(written.article, &draft.title, known);
    if let Some(why) = worse(&old, &article, &Corpus::new(brief, sources)) {
        return Ok(Err(refused(why)));
    }
    let mut draft = draft.clone().also_by(&answered.model);
    draft.notes.extend(written.notes);
    draft.notes.extend(left_out);
    let draft = article.into_draft(draft, sources);
    // By the whole text: what one paragraph defines may be a link in another.
    if let Some(url) = strangers(&draft.markdown, known)
        .map_err(unreadable)?
        .first()
    {
        return Ok(Err(refused(format!("no source has its link to `{url}`"))));
    }
    let article = Article::of(&draft).map_err(unreadable)?;
    let article = article.with_pictures_of(&old);
    Ok(Ok(article.into_draft(draft, sources)))
}

/// The links to posts that a text has; what is written anew has no others.
fn posts_of(old: &Article) -> Result<Vec<String>, Unshowable> {
    let found = old.blocks.iter().map(|block| links(&block.text));
    let found = found.collect::<Result<Vec<_>, _>>()?.concat();
    let urls = found.into_iter().map(|link| link.url);
    Ok(urls.filter(|url| slug(url).is_some()).collect())
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
