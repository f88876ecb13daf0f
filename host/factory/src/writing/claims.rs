//! Claims of a text, sentence by sentence: the sources that they cite exist, and say the names and the
//! numbers that they say.

use std::borrow::Cow;
use std::collections::BTreeMap;

use unicode_segmentation::UnicodeSegmentation as _;

use super::{Article, ArticleBlock, Brief, NOTES};
use crate::diary::words::SaidWords;
use crate::markdown::{PartKind, items};
use crate::research::Source;

/// A sentence that its sources do not bear out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unborne {
    pub sentence: String,
    /// The names and numbers that no source has.
    pub lacks: Vec<String>,
}

/// What was read, ready to be asked.
pub struct Corpus {
    /// What each source says, with its title and its site.
    sources: BTreeMap<String, SaidWords>,
    /// All of them, and what the editor says.
    all: SaidWords,
}

impl Corpus {
    pub fn new(brief: &Brief, sources: &[Source]) -> Self {
        let editor = [
            brief.topic.as_str(),
            &brief.notes,
            &brief.audience,
            &brief.keywords.join(", "),
        ]
        .join("\n");
        let with_editor = |source: &Source| {
            let published = source.published.as_deref().unwrap_or_default();
            [
                source.title.as_str(),
                &source.site,
                published,
                &source.text,
                &editor,
            ]
            .join("\n")
        };
        let mut own: BTreeMap<String, SaidWords> = sources
            .iter()
            .map(|source| (source.id.clone(), SaidWords::new(with_editor(source))))
            .collect();
        own.insert(NOTES.to_owned(), SaidWords::new(editor.clone()));
        let all: Vec<String> = sources
            .iter()
            .map(with_editor)
            .chain([editor.clone()])
            .collect();
        Self {
            sources: own,
            all: SaidWords::new(all.join("\n")),
        }
    }

    /// What a sentence says that none of these sources does; without any, that nothing does.
    fn lacks(&self, sentence: &str, ids: &[String]) -> Vec<String> {
        let own = ids.iter().filter_map(|id| self.sources.get(id));
        let mut lacking: Option<Vec<String>> = None;
        for said in own {
            let missing = said.lacks(sentence);
            lacking = Some(match lacking {
                Some(before) => before
                    .into_iter()
                    .filter(|it| missing.contains(it))
                    .collect(),
                None => missing,
            });
        }
        lacking.unwrap_or_else(|| self.all.lacks(sentence))
    }

    /// The ids of a block that are sources.
    fn known(&self, ids: &[String]) -> Vec<String> {
        let known = ids.iter().filter(|id| self.sources.contains_key(*id));
        known.cloned().collect()
    }
}

/// The article without the sentences that are not borne out, and those. A block that loses all of its
/// sentences is gone, with the heading that has nothing else under it.
pub fn reconciled(article: &Article, corpus: &Corpus) -> (Article, Vec<Unborne>) {
    let mut unborne = Vec::new();
    let mut blocks: Vec<ArticleBlock> = Vec::new();
    for block in &article.blocks {
        if !block.tells() {
            blocks.push(block.clone());
            continue;
        }
        let sources = corpus.known(&block.sources);
        let mut kept = String::new();
        for sentence in pieces(block) {
            let lacks = corpus.lacks(sentence.trim(), &sources);
            if lacks.is_empty() {
                kept.push_str(&sentence);
            } else {
                let sentence = sentence.trim().to_owned();
                unborne.push(Unborne { sentence, lacks });
            }
        }
        if !kept.trim().is_empty() {
            let text = kept.trim_end().to_owned();
            blocks.push(ArticleBlock {
                text,
                sources,
                kind: block.kind,
            });
        }
    }
    (
        Article {
            blocks: filled(blocks),
        },
        unborne,
    )
}

/// How many sentences of an article are not borne out.
pub fn unborne(article: &Article, corpus: &Corpus) -> usize {
    reconciled(article, corpus).1.len()
}

/// The sentences of a paragraph with the spaces behind them, or the items of a list, each with what is
/// below it: without its item it would be of the one before.
fn pieces(block: &ArticleBlock) -> Vec<Cow<'_, str>> {
    if block.kind == PartKind::List {
        let items = items(&block.text).unwrap_or_else(|_| vec![block.text.clone()]);
        return items
            .into_iter()
            .map(|item| Cow::Owned(item + "\n"))
            .collect();
    }
    sentences(&block.text)
        .into_iter()
        .map(Cow::Borrowed)
        .collect()
}

fn sentences(text: &str) -> Vec<&str> {
    let mut sentences: Vec<&str> = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for piece in text.split_sentence_bounds() {
        end += piece.len();
        let so_far = &text[start..end];
        if !abbreviated(so_far) {
            sentences.push(so_far);
            start = end;
        }
    }
    if start < end {
        sentences.push(&text[start..end]);
    }
    sentences
}

/// Whether a piece ends with an abbreviation rather than a sentence, or within code.
fn abbreviated(piece: &str) -> bool {
    const SHORT: [&str; 10] = [
        "e.g.", "i.e.", "etc.", "dr.", "mr.", "mrs.", "ms.", "vs.", "no.", "st.",
    ];
    let lower = piece.trim_end().to_lowercase();
    let last = lower.rsplit([' ', '(']).next().unwrap_or_default();
    SHORT.contains(&last) || piece.matches('`').count() % 2 == 1
}

/// Without headings that nothing is under.
fn filled(blocks: Vec<ArticleBlock>) -> Vec<ArticleBlock> {
    let mut kept: Vec<ArticleBlock> = Vec::new();
    for block in blocks.into_iter().rev() {
        let below = kept.last().map(|next| next.kind);
        let empty = matches!((block.kind, below), (PartKind::Heading(_), None))
            || matches!((block.kind, below), (PartKind::Heading(own), Some(PartKind::Heading(next))) if next <= own);
        if !empty {
            kept.push(block);
        }
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(id: &str, text: &str) -> Source {
        Source {
            id: id.to_owned(),
            url: format!("https://{id}.example/"),
            text: text.to_owned(),
            ..Source::default()
        }
    }

    fn paragraph(text: &str, ids: &[&str]) -> ArticleBlock {
        ArticleBlock {
            kind: PartKind::Paragraph,
            text: text.to_owned(),
            sources: ids.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    #[test]
    fn a_list_falls_item_by_item_with_all_of_its_lines() {
        let sources = [source(
            "s1",
            "The Fastnet was lit in 1904, and Roches Point in 1817.",
        )];
        let corpus = Corpus::new(&Brief::default(), &sources);
        let list = "- The Fastnet was lit\n  in 1904.\n- Grace Hopper lit it,\n  as is told.\n  - in the rain\n\
            - Roches Point was lit in 1817.";
        let article = Article {
            blocks: vec![ArticleBlock {
                kind: PartKind::List,
                ..paragraph(list, &["s1"])
            }],
        };
        let (kept, unborne) = reconciled(&article, &corpus);
        let wanted = "- The Fastnet was lit\n  in 1904.\n- Roches Point was lit in 1817.";
        assert_eq!(kept.blocks[0].text, wanted);
        assert_eq!(unborne.len(), 1, "{unborne:?}");
    }

    #[test]
    fn a_sentence_stays_if_its_own_source_says_its_names_and_numbers() {
        let sources = [
            source(
                "s1",
                "The Fastnet lighthouse was lit in 1904, and stands 54 metres high.",
            ),
            source("s2", "Ada Lovelace wrote about engines."),
        ];
        let brief = Brief {
            topic: "Lighthouses of Ireland".to_owned(),
            ..Brief::default()
        };
        let corpus = Corpus::new(&brief, &sources);
        let article = Article {
            blocks: vec![
                ArticleBlock::heading(2, "One"),
                paragraph(
                    "Keeping a light is work. The Fastnet was lit in 1904. It cost 900 pounds. Grace Hopper saw it.",
                    &["s1", "s9"],
                ),
                paragraph("Ada Lovelace lit it.", &["s1"]),
                paragraph(
                    "Ireland has Ada Lovelace and the Fastnet, e.g. Nothing else.",
                    &[],
                ),
                ArticleBlock::heading(2, "Two"),
                paragraph("It is 77 years old.", &["s2"]),
            ],
        };
        let (kept, unborne) = reconciled(&article, &corpus);
        let texts: Vec<&str> = kept
            .blocks
            .iter()
            .map(|block| block.text.as_str())
            .collect();
        assert_eq!(
            texts,
            [
                "One",
                "Keeping a light is work. The Fastnet was lit in 1904.",
                "Ireland has Ada Lovelace and the Fastnet, e.g. Nothing else.",
            ]
        );
        assert_eq!(kept.blocks[1].sources, ["s1"], "s9 is no source");
        let lacks: Vec<String> = unborne.into_iter().flat_map(|it| it.lacks).collect();
        assert!(
            lacks.contains(&"900 pounds".to_owned()) && lacks.contains(&"Grace".to_owned()),
            "{lacks:?}"
        );
        assert!(
            lacks.contains(&"Lovelace".to_owned()) && lacks.contains(&"77 years".to_owned()),
            "{lacks:?}"
        );
    }
}
