//! A model's answer: sections of paragraphs, each with the ids of its sources. Links, headings and
//! pictures within a paragraph are none of its business.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Article, ArticleBlock, links};
use crate::markdown::{PartKind, parts};
use crate::research::spaced;

/// The most sections, and paragraphs of one.
const SECTIONS: usize = 30;
const PARAGRAPHS: usize = 30;
/// The most sources of a paragraph: a small model that is held to a schema goes on counting them otherwise.
const SOURCES: usize = 30;
/// The most characters of a title, a heading, a summary and a paragraph.
pub const TITLE: usize = 120;
const HEADING: usize = 100;
const SUMMARY: usize = 600;
const PARAGRAPH: usize = 6000;

/// What a model is to answer.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ArticleAnswer {
    /// One line.
    pub title: String,
    /// One or two sentences for lists of posts.
    pub summary: String,
    #[schemars(length(max = SECTIONS))]
    pub sections: Vec<ArticleSection>,
}

/// Paragraphs about one thing.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ArticleSection {
    /// Two to eight words; empty for an introduction.
    pub heading: String,
    #[schemars(length(max = PARAGRAPHS))]
    pub paragraphs: Vec<Paragraph>,
}

/// One paragraph.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Paragraph {
    /// In Markdown without links, headings and pictures.
    pub text: String,
    /// The ids of the sources that it stands on, such as `s1`.
    #[schemars(length(max = SOURCES))]
    pub sources: Vec<String>,
}

/// What an answer comes to.
#[derive(Debug)]
pub struct WrittenArticle {
    pub title: String,
    pub summary: String,
    pub article: Article,
    /// What of the answer was left out, and why.
    pub notes: Vec<String>,
}

/// The article of an answer, or why it is none. `known` are the ids that there are.
pub fn read(answer: ArticleAnswer, known: &BTreeSet<&str>) -> Result<WrittenArticle, String> {
    if answer.sections.len() > SECTIONS {
        return Err(format!(
            "it has {} sections, more than {SECTIONS}",
            answer.sections.len()
        ));
    }
    let (mut blocks, mut notes) = (Vec::new(), Vec::new());
    let (mut said, mut again) = (BTreeSet::new(), 0);
    for section in answer.sections {
        let paragraphs = section.paragraphs;
        if paragraphs.len() > PARAGRAPHS {
            return Err(format!("a section has more than {PARAGRAPHS} paragraphs"));
        }
        let mut told: Vec<ArticleBlock> = paragraphs
            .into_iter()
            .map(|paragraph| told(paragraph, known, &mut notes))
            .collect::<Result<Vec<_>, _>>()?
            .concat();
        let all = told.len();
        // A small model goes in circles. Code, and a list of a few words, may be meant.
        told.retain(|block| block.kind != PartKind::Paragraph || said.insert(spaced(&block.text)));
        again += all - told.len();
        let heading = spaced(section.heading.trim().trim_start_matches('#'));
        if told.is_empty() {
            continue;
        }
        if !heading.is_empty() && heading.chars().count() <= HEADING {
            blocks.push(ArticleBlock::heading(2, heading));
        }
        blocks.extend(told);
    }
    if again > 0 {
        notes.push(format!(
            "what the model had said already, word for word, was left out: {again}"
        ));
    }
    notes.dedup();
    let article = Article { blocks };
    if !article.blocks.iter().any(ArticleBlock::tells) {
        return Err("it has no paragraph".to_owned());
    }
    let line = |text: &str, most: usize| -> String { spaced(text).chars().take(most).collect() };
    Ok(WrittenArticle {
        title: line(answer.title.trim().trim_start_matches('#'), TITLE),
        summary: line(&answer.summary, SUMMARY),
        article,
        notes,
    })
}

/// A paragraph as the blocks that it is in Markdown.
fn told(
    paragraph: Paragraph,
    known: &BTreeSet<&str>,
    notes: &mut Vec<String>,
) -> Result<Vec<ArticleBlock>, String> {
    if paragraph.text.chars().count() > PARAGRAPH {
        return Err(format!("a paragraph has more than {PARAGRAPH} characters"));
    }
    let (mut sources, mut strangers) = (Vec::new(), Vec::new());
    for id in paragraph.sources {
        let id = id.trim().trim_matches(['[', ']']).to_owned();
        match known.contains(id.as_str()) {
            true if sources.contains(&id) => {}
            true => sources.push(id),
            false => strangers.push(id),
        }
    }
    if !strangers.is_empty() {
        let strangers = strangers.join(", ");
        notes.push(format!(
            "the model cited `{strangers}`, which is no source; the citation was left out"
        ));
    }
    let read =
        parts(&paragraph.text).map_err(|error| format!("a paragraph cannot be read: {error}"))?;
    let blocks = read.into_iter().filter_map(|part| {
        let text = unnumbered(&links::without_pictures(&part.text), known);
        let kind = match part.kind {
            PartKind::Heading(_) => PartKind::Heading(3),
            // A picture that a model names is nowhere.
            PartKind::Other if part.text.starts_with("![") => return None,
            kind => kind,
        };
        Some(ArticleBlock {
            kind,
            text,
            sources: sources.clone(),
        })
    });
    Ok(blocks
        .filter(|block| !block.text.trim().is_empty())
        .collect())
}

/// Without ids that a model writes into its text: `[s1]`, `[s1, s2]`.
fn unnumbered(text: &str, known: &BTreeSet<&str>) -> String {
    pattern!(
        IDS,
        r" ?\[([a-z]+\d*(?:, ?[a-z]+\d*)*)\](?:\(https?:[^)\s]*\))?"
    );
    let replaced = |found: &regex::Captures<'_>| {
        let all = found[1].split(',').all(|id| known.contains(id.trim()));
        if all {
            String::new()
        } else {
            found[0].to_owned()
        }
    };
    links::outside_code(text, |text| IDS.replace_all(text, replaced).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_json(text: &str) -> Result<WrittenArticle, String> {
        let answer: ArticleAnswer = serde_json::from_str(text).expect("an answer");
        read(answer, &BTreeSet::from(["s1", "s2"]))
    }

    #[test]
    fn what_is_no_source_is_left_out_and_noted() {
        let written = read_json(
            r##"{"title":"# A  title","summary":"S.","sections":[{"heading":"# One","paragraphs":[
                {"text":"A lamp [s1]. ![p](http://x/y.png)\n\n- a\n- b","sources":["[s1]","s9","s1"]}]},
                {"heading":"Empty","paragraphs":[]}]}"##,
        )
        .expect("an article");
        assert_eq!(written.title, "A title");
        let blocks = &written.article.blocks;
        assert_eq!(blocks[0], ArticleBlock::heading(2, "One"));
        assert_eq!(
            (blocks[1].text.trim(), blocks[1].sources.len()),
            ("A lamp.", 1)
        );
        assert_eq!((blocks[2].kind, blocks.len()), (PartKind::List, 3));
        assert!(written.notes[0].contains("`s9`"), "{:?}", written.notes);
    }

    #[test]
    fn what_is_said_again_word_for_word_is_left_out_once_it_is_told() {
        let written = read_json(
            r#"{"title":"t","summary":"s","sections":[
                {"heading":"One","paragraphs":[{"text":"The lamp  was lit.","sources":["s9"]},{"text":"The lamp was lit.","sources":["s9"]}]},
                {"heading":"Two","paragraphs":[{"text":"The lamp was lit.","sources":["s9"]}]},
                {"heading":"Three","paragraphs":[{"text":"By hand.","sources":["s1"]}]}]}"#,
        )
        .expect("an article");
        let texts: Vec<_> = written
            .article
            .blocks
            .iter()
            .map(|it| spaced(&it.text))
            .collect();
        assert_eq!(texts, ["One", "The lamp was lit.", "Three", "By hand."]);
        assert_eq!(written.notes.len(), 2, "{:?}", written.notes);
        assert!(
            written.notes[1].ends_with("left out: 2"),
            "{:?}",
            written.notes
        );
    }

    #[test]
    fn only_an_id_and_its_address_are_taken_out() {
        let known = BTreeSet::from(["s1"]);
        for (text, wanted) in [
            (
                "The lamp was lit [s1] (in 1904) by hand",
                "The lamp was lit (in 1904) by hand",
            ),
            ("Lit [s1](https://a.example/).", "Lit."),
            (
                "`rows[s1]` and\n```\nrows[s1]\n```",
                "`rows[s1]` and\n```\nrows[s1]\n```",
            ),
        ] {
            assert_eq!(unnumbered(text, &known), wanted);
        }
    }

    #[test]
    fn an_answer_without_a_paragraph_is_none() {
        assert!(read_json(r#"{"title":"t","summary":"","sections":[]}"#).is_err());
        let blank = r#"{"title":"t","summary":"","sections":[{"heading":"h","paragraphs":[{"text":" ","sources":[]}]}]}"#;
        assert!(read_json(blank).is_err());
    }
}
