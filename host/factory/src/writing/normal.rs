//! What a text is cleaned of, a model's or a person's: prompts that leaked into it, links that no source
//! has, a title that stands twice.

use super::links::{LinkFate, judged, outside_code, slug};
use super::{Article, ArticleBlock};
use crate::diary::text::bare;
use crate::markdown::pictures::KEPT;
use crate::markdown::{PartKind, Unshowable, links};

/// How a paragraph begins in which a model answers its prompt instead of telling the reader.
const SAID_TO_THE_ASKER: [&str; 17] = [
    "sure, here",
    "sure! here",
    "certainly! here",
    "certainly, here",
    "of course! here",
    "here is the ",
    "here's the ",
    "here is a draft",
    "here's a draft",
    "as an ai ",
    "as a language model",
    "i hope this helps",
    "let me know if you",
    "word count:",
    "note to editor",
    "[insert",
    "write the post",
];
/// What stands at the beginning of a line that is a mark of a chat.
const MARKS: [&str; 6] = ["<|", "<think", "</think", "[inst]", "system:", "assistant:"];
/// Headings that say nothing, without which the text under them stands as well.
const EMPTY_HEADINGS: [&str; 2] = ["title", "body"];

/// Which links a text may have.
#[derive(Debug, Clone, Copy)]
pub struct AllowedLinks<'k> {
    /// The addresses of its sources.
    pub cited: &'k [&'k str],
    /// Of links to posts those that may be there; any, where a later stage knows which posts there are.
    pub posts: Option<&'k [String]>,
}

impl AllowedLinks<'_> {
    fn has(&self, url: &str) -> bool {
        let mut cited = self.cited.iter().map(|source| source.trim_end_matches('/'));
        cited.any(|source| source == url.trim_end_matches('/'))
            || url.starts_with(KEPT)
            || match self.posts {
                Some(posts) => posts.iter().any(|known| known == url),
                None => slug(url).is_some(),
            }
    }
}

/// The addresses that a text leads to, by the one parser, and that are not known.
pub fn strangers(markdown: &str, known: AllowedLinks<'_>) -> Result<Vec<String>, Unshowable> {
    let found = links(markdown)?.into_iter().map(|link| link.url);
    Ok(found.filter(|url| !known.has(url)).collect())
}

/// The article without what does not belong in it, and what was left out.
pub fn cleaned(article: Article, title: &str, known: AllowedLinks<'_>) -> (Article, Vec<String>) {
    let mut notes = Vec::new();
    let mut blocks: Vec<ArticleBlock> = Vec::new();
    for mut block in article.blocks {
        if let PartKind::Heading(level) = block.kind {
            let text = bare(&block.text);
            if text == bare(title) || EMPTY_HEADINGS.contains(&text.as_str()) {
                notes.push(format!(
                    "the heading `{}` was left out: it is the title, or none",
                    block.text
                ));
                continue;
            }
            block.kind = PartKind::Heading(level.max(2));
        }
        if block.tells() && is_leaked(&block.text) {
            let text = callboard_core::shown::cut(&block.text, 120);
            notes.push(format!(
                "a paragraph was left out, `{text}`: it is said to whoever asked"
            ));
            continue;
        }
        if block.kind != PartKind::Other {
            block.text = straight(&block.text);
        }
        let fate = |url: &str| {
            if known.has(url) {
                LinkFate::Stays
            } else {
                LinkFate::Text
            }
        };
        let (text, gone) = judged(&block.text, fate);
        let strangers = gone
            .iter()
            .map(|url| format!("a link to `{url}` was left out: no source has it"));
        notes.extend(strangers);
        block.text = text;
        blocks.push(block);
    }
    (
        Article {
            blocks: headed(blocks),
        },
        notes,
    )
}

/// A heading without a text under it is left out, and so is one that stands twice in a row.
fn headed(blocks: Vec<ArticleBlock>) -> Vec<ArticleBlock> {
    let mut kept: Vec<ArticleBlock> = Vec::new();
    for block in blocks {
        let is_heading = |block: &ArticleBlock| matches!(block.kind, PartKind::Heading(_));
        let same = |last: &mut ArticleBlock| {
            is_heading(last) && is_heading(&block) && level(&block) <= level(last)
        };
        if kept.last_mut().is_some_and(same) {
            kept.pop();
        }
        kept.push(block);
    }
    while kept
        .last()
        .is_some_and(|block| matches!(block.kind, PartKind::Heading(_)))
    {
        kept.pop();
    }
    kept
}

fn level(block: &ArticleBlock) -> u8 {
    match block.kind {
        PartKind::Heading(level) => level,
        _ => 0,
    }
}

fn is_leaked(text: &str) -> bool {
    let lower = text
        .trim()
        .trim_start_matches(['*', '_', '>', ' ', '-'])
        .to_lowercase();
    let begins = |marks: &[&str]| marks.iter().any(|mark| lower.starts_with(mark));
    begins(&SAID_TO_THE_ASKER) || begins(&MARKS)
}

/// Straight quotes for curly ones, outside of code.
fn straight(text: &str) -> String {
    outside_code(text, |text| {
        let text = text.replace(['\u{201c}', '\u{201d}', '\u{201e}'], "\"");
        text.replace(['\u{2018}', '\u{2019}', '\u{201a}'], "'")
            .replace('\u{a0}', " ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;

    fn paragraph(text: &str) -> ArticleBlock {
        ArticleBlock {
            kind: PartKind::Paragraph,
            text: text.to_owned(),
            sources: Vec::new(),
        }
    }

    fn known<'k>(cited: &'k [&'k str]) -> AllowedLinks<'k> {
        AllowedLinks { cited, posts: None }
    }

    #[test]
    fn no_form_of_a_link_gets_past() {
        let text = "A [b][1] <https://made.up/> [c](/posts/none)\n[1]: https://made.up/x\n\n> [d](https://made.up/)";
        let blocks = crate::markdown::parts(text).expect("parts");
        let blocks = blocks.into_iter().map(|part| ArticleBlock {
            kind: part.kind,
            text: part.text,
            sources: Vec::new(),
        });
        let article = Article {
            blocks: blocks.collect(),
        };
        let posts = ["/posts/lamp".to_owned()];
        let known = AllowedLinks {
            cited: &[],
            posts: Some(&posts),
        };
        let before = article.clone().into_draft(Draft::default(), &[]).markdown;
        assert!(
            !strangers(&before, known).expect("links").is_empty(),
            "{before}"
        );
        let (article, notes) = cleaned(article, "T", known);
        let after = article.into_draft(Draft::default(), &[]).markdown;
        assert_eq!(strangers(&after, known), Ok(Vec::new()), "{after}");
        assert!(notes.len() >= 3, "{notes:?}");
    }

    #[test]
    fn what_does_not_belong_is_left_out_and_noted() {
        let blocks = vec![
            ArticleBlock::heading(1, "The lamp!"),
            paragraph("Sure, here is the post you asked for:"),
            paragraph(
                "A \u{201c}lamp\u{201d} is [lit](https://a.example/x), [seen](https://made.up/) and [told](/posts/lamp).",
            ),
            ArticleBlock::heading(2, "Nothing"),
            ArticleBlock::heading(2, "Here"),
            paragraph("Here is how it burns."),
            ArticleBlock::heading(2, "Last"),
        ];
        let (article, notes) = cleaned(
            Article { blocks },
            "The lamp",
            known(&["https://a.example/x/"]),
        );
        let texts: Vec<&str> = article
            .blocks
            .iter()
            .map(|block| block.text.as_str())
            .collect();
        assert_eq!(
            texts,
            [
                "A \"lamp\" is [lit](https://a.example/x), seen and [told](/posts/lamp).",
                "Here",
                "Here is how it burns."
            ]
        );
        assert_eq!(notes.len(), 3, "{notes:?}");
        let (same, none) = cleaned(article.clone(), "The lamp", known(&["https://a.example/x"]));
        assert_eq!((same, none.len()), (article, 0), "once is enough");
    }
}
