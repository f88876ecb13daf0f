//! What search engines and lists show of a post: taken from a model if it does, else from the text.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Article, Brief};
use crate::draft::Draft;
use crate::markdown::PartKind;
use crate::research::spaced;

/// The most characters of a title and of a description, and the most keywords.
pub const TITLE: usize = 60;
pub const DESCRIPTION: usize = 160;
pub const KEYWORDS: usize = 8;
/// The fewest characters of a description that says something.
const LEAST: usize = 40;

/// What is shown of a post where it is found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seo {
    /// At most 60 characters.
    pub title: String,
    /// At most 160 characters.
    pub description: String,
    /// At most 8, in small letters.
    pub keywords: Vec<String>,
}

impl Seo {
    /// Have a draft say these of itself where it is found. Its own title and its text stay.
    pub fn put_on(&self, draft: &mut Draft) {
        draft.seo_title.clone_from(&self.title);
        draft.excerpt.clone_from(&self.description);
        draft.tags.clone_from(&self.keywords);
    }
}

/// The fields of an answer that do, with the built-in ones for the others, and which those are.
pub fn filled(answer: &Seo, built_in: Seo) -> (Seo, Vec<(&'static str, String)>) {
    let mut instead = Vec::new();
    let title = line(&answer.title, 4, TITLE).unwrap_or_else(|why| {
        instead.push(("title", why));
        built_in.title
    });
    let description = line(&answer.description, LEAST, DESCRIPTION).unwrap_or_else(|why| {
        instead.push(("description", why));
        built_in.description
    });
    let mut keywords = listed(&answer.keywords);
    if keywords.is_empty() {
        instead.push(("keywords", "there are none".to_owned()));
        keywords = built_in.keywords;
    }
    (
        Seo {
            title,
            description,
            keywords,
        },
        instead,
    )
}

fn line(text: &str, least: usize, most: usize) -> Result<String, String> {
    let text = spaced(text).trim_matches('"').to_owned();
    match text.chars().count() {
        count if count < least => Err(format!("it has {count} characters, fewer than {least}")),
        count if count > most => Err(format!("it has {count} characters, more than {most}")),
        _ => Ok(text),
    }
}

/// Keywords in small letters, each once, none with a comma.
pub fn listed(keywords: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for keyword in keywords.iter().flat_map(|keyword| keyword.split(',')) {
        let keyword = spaced(&keyword.to_lowercase());
        let fits = (2..=40).contains(&keyword.chars().count());
        if fits && !kept.contains(&keyword) && kept.len() < KEYWORDS {
            kept.push(keyword);
        }
    }
    kept
}

/// The fields by the text alone.
pub fn built_in(title: &str, excerpt: &str, brief: &Brief, article: &Article) -> Seo {
    let first = article
        .blocks
        .iter()
        .find(|block| block.kind == PartKind::Paragraph);
    let first = first.map(|block| block.text.as_str()).unwrap_or_default();
    let description = if excerpt.chars().count() < LEAST {
        first
    } else {
        excerpt
    };
    let mut keywords = listed(&brief.keywords);
    if keywords.is_empty() {
        keywords = frequent(article);
    }
    Seo {
        title: shortened(title, TITLE),
        description: shortened(&plain(description), DESCRIPTION),
        keywords,
    }
}

/// Without the marks of Markdown.
fn plain(text: &str) -> String {
    let (text, _) = super::links::judged(text, |_| super::links::LinkFate::Text);
    text.replace(['*', '`', '\\'], "")
}

/// The first whole words of a text that fit.
pub fn shortened(text: &str, most: usize) -> String {
    let text = spaced(text);
    if text.chars().count() <= most {
        return text;
    }
    let mut kept = String::new();
    for word in text.split(' ') {
        let length = kept.chars().count() + word.chars().count() + 2;
        if length > most {
            break;
        }
        if !kept.is_empty() {
            kept.push(' ');
        }
        kept.push_str(word);
    }
    if kept.is_empty() {
        kept = text.chars().take(most - 1).collect();
    }
    let kept = kept.trim_end_matches([',', ';', ':', '.', ' ', '-']);
    format!("{kept}\u{2026}")
}

/// The words that an article says most, of those that are long enough to mean something.
fn frequent(article: &Article) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for block in &article.blocks {
        for word in block.text.split(|c: char| !c.is_alphanumeric() && c != '-') {
            let word = word.to_lowercase();
            if word.chars().count() >= 6 && word.chars().all(|c| c.is_alphabetic() || c == '-') {
                *counts.entry(word).or_default() += 1;
            }
        }
    }
    let mut words: Vec<(String, usize)> = counts.into_iter().collect();
    words.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    words.into_iter().take(5).map(|(word, _)| word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writing::ArticleBlock;

    #[test]
    fn each_field_falls_back_by_itself() {
        let article = Article {
            blocks: vec![ArticleBlock {
                kind: PartKind::Paragraph,
                text: "A **keeper** lights the [lantern](https://a.example/), and the lantern burns all night in the lantern room.".to_owned(),
                sources: Vec::new(),
            }],
        };
        let long = "What the keepers of the lighthouses of the north wrote down in the evenings";
        let built_in = built_in(long, "", &Brief::default(), &article);
        assert_eq!(
            built_in.title,
            "What the keepers of the lighthouses of the north wrote down\u{2026}"
        );
        assert!(
            built_in
                .description
                .starts_with("A keeper lights the lantern, and"),
            "{built_in:?}"
        );
        assert_eq!(built_in.keywords[0], "lantern");
        let answer = Seo {
            title: "Keepers".to_owned(),
            description: "x".repeat(161),
            keywords: vec!["Light, House".to_owned(), "light".to_owned()],
        };
        let (seo, instead) = filled(&answer, built_in.clone());
        assert_eq!((seo.title.as_str(), seo.keywords.len()), ("Keepers", 2));
        assert_eq!(seo.description, built_in.description);
        assert_eq!(instead.len(), 1, "{instead:?}");
        assert_eq!(filled(&Seo::default(), built_in).1.len(), 3);
    }
}
