//! Writing: an article in blocks, each with the sources that it stands on, and what stages do to it.
//! The host writes the citations, so that none leads nowhere. No IO.

pub mod answer;
pub mod claims;
pub mod links;
pub mod normal;
pub mod seo;
pub mod titles;

use std::collections::{BTreeMap, BTreeSet};

use callboard_core::outcome::{FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::{Claim, ClaimKind, Draft};
use crate::markdown::{PartKind, TextPart, Unshowable, parts};
use crate::research::{Source, host};

/// What a post is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Brief {
    pub topic: String,
    /// What the person who asks for it knows; a source like the others.
    pub notes: String,
    pub style: String,
    pub tone: String,
    pub audience: String,
    pub keywords: Vec<String>,
    /// How many words are wanted, about.
    pub words: u32,
}

/// The heading under which the host lists what a post stands on.
pub const SOURCES: &str = "Sources";

/// One part of an article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArticleBlock {
    pub kind: PartKind,
    /// In Markdown, without its citation.
    pub text: String,
    /// The ids of the sources that it stands on.
    pub sources: Vec<String>,
}

/// The text of a draft in blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Article {
    pub blocks: Vec<ArticleBlock>,
}

impl ArticleBlock {
    pub fn heading(level: u8, text: impl Into<String>) -> Self {
        Self {
            kind: PartKind::Heading(level),
            text: text.into(),
            sources: Vec::new(),
        }
    }

    /// Whether it says something that sources bear out.
    pub fn tells(&self) -> bool {
        matches!(self.kind, PartKind::Paragraph | PartKind::List)
    }

    /// In Markdown, with its citation.
    fn markdown(&self, sources: &[Source]) -> String {
        let text = self.text.trim_end();
        if let PartKind::Heading(level) = self.kind {
            return format!("{} {text}", "#".repeat(usize::from(level.clamp(2, 6))));
        }
        let cite = if self.tells() {
            cite(&self.sources, sources)
        } else {
            String::new()
        };
        if cite.is_empty() {
            return text.to_owned();
        }
        match text.strip_suffix('.') {
            Some(text) => format!("{text} ({cite})."),
            None => format!("{text} ({cite})"),
        }
    }
}

/// Links to sources, by the names of their sites. The notes of the task are nowhere to be read.
fn cite(ids: &[String], sources: &[Source]) -> String {
    let cited = ids
        .iter()
        .filter_map(|id| sources.iter().find(|source| source.id == *id));
    let links = cited
        .filter(|source| !source.url.is_empty())
        .map(|source| format!("[{}]({})", escaped(&name(source)), target(&source.url)));
    links.collect::<Vec<_>>().join(", ")
}

/// What a source is cited by.
fn name(source: &Source) -> String {
    if source.site.is_empty() {
        host(&source.url)
    } else {
        source.site.clone()
    }
}

/// A text that means nothing in Markdown.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_[]<>#|!()".contains(c) {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

/// An address within the parentheses of a link.
fn target(url: &str) -> String {
    url.replace('(', "%28")
        .replace(')', "%29")
        .replace(' ', "%20")
}

impl Article {
    /// The blocks of a draft. What it lists as its sources is the host's, and left out.
    pub fn of(draft: &Draft) -> Result<Self, Unshowable> {
        let claims = draft
            .claims
            .iter()
            .map(|claim| (claim.text.as_str(), claim));
        let claims: BTreeMap<&str, &Claim> = claims.collect();
        let mut blocks = Vec::new();
        let mut parts = parts(&draft.markdown)?;
        if let Some(listed) = sources_listed(&parts) {
            parts.truncate(listed);
        }
        for part in parts {
            let claim = claims.get(part.text.as_str());
            blocks.push(ArticleBlock {
                kind: part.kind,
                text: claim.map_or(part.text.clone(), |claim| claim.plain.clone()),
                sources: claim.map(|claim| claim.on.clone()).unwrap_or_default(),
            });
        }
        Ok(Self { blocks })
    }

    /// The draft with this text, its citations and its claims.
    pub fn into_draft(self, draft: Draft, sources: &[Source]) -> Draft {
        let blocks = self
            .blocks
            .into_iter()
            .filter(|block| !block.text.trim().is_empty());
        let (mut told, mut claims) = (Vec::new(), Vec::new());
        for block in blocks {
            let text = block.markdown(sources);
            if block.tells() {
                claims.push(Claim {
                    kind: ClaimKind::Told,
                    text: text.trim().to_owned(),
                    plain: block.text,
                    on: block.sources,
                });
            }
            told.push(text);
        }
        Draft {
            markdown: told.join("\n\n"),
            claims,
            ..draft
        }
    }

    /// How many words it has.
    pub fn words(&self) -> usize {
        self.blocks
            .iter()
            .map(|block| block.text.split_whitespace().count())
            .sum()
    }

    /// The ids of the sources that it cites, in the order in which it does.
    pub fn cited(&self) -> Vec<String> {
        let mut cited: Vec<String> = Vec::new();
        for id in self.blocks.iter().flat_map(|block| &block.sources) {
            if !cited.contains(id) {
                cited.push(id.clone());
            }
        }
        cited
    }

    /// The same text with the pictures of another one, each in the section of its number.
    #[must_use]
    pub fn with_pictures_of(mut self, other: &Article) -> Self {
        let mut section = 0;
        let mut pictures: Vec<(usize, ArticleBlock)> = Vec::new();
        for block in &other.blocks {
            match block.kind {
                PartKind::Heading(_) => section += 1,
                PartKind::Other if block.text.starts_with("![") => {
                    pictures.push((section, block.clone()));
                }
                _ => {}
            }
        }
        for (wanted, picture) in pictures {
            if self.blocks.iter().any(|block| block.text == picture.text) {
                continue;
            }
            let at = self.place(wanted);
            self.blocks.insert(at, picture);
        }
        self
    }

    /// Behind the first paragraph of a section, or at the end.
    fn place(&self, wanted: usize) -> usize {
        let mut section = 0;
        for (index, block) in self.blocks.iter().enumerate() {
            match block.kind {
                PartKind::Heading(_) => section += 1,
                PartKind::Paragraph if section >= wanted => return index + 1,
                _ => {}
            }
        }
        self.blocks.len()
    }

    /// As a model is shown it: each paragraph with the ids of its sources.
    pub fn for_model(&self) -> String {
        let shown = self.blocks.iter().map(|block| match block.kind {
            PartKind::Heading(_) => format!("## {}", block.text),
            _ if block.sources.is_empty() => block.text.clone(),
            _ => format!("{} [{}]", block.text, block.sources.join(", ")),
        });
        shown.collect::<Vec<_>>().join("\n\n")
    }
}

/// The ids that sentences may cite.
pub fn known(sources: &[Source]) -> BTreeSet<&str> {
    let ids = sources.iter().map(|source| source.id.as_str());
    ids.chain([NOTES]).collect()
}

/// A brief as a model is shown it.
pub fn listed(brief: &Brief) -> String {
    let Brief {
        topic,
        style,
        tone,
        audience,
        keywords,
        words,
        ..
    } = brief;
    let keywords = keywords.join(", ");
    let lines = [
        ("Topic", topic.as_str()),
        ("Form", style),
        ("Tone", tone),
        ("Readers", audience),
        ("Keywords", &keywords),
    ];
    let lines = lines.iter().filter(|(_, text)| !text.is_empty());
    let lines = lines.map(|(name, text)| format!("{name}: {text}"));
    lines
        .chain([format!("Length: about {words} words")])
        .collect::<Vec<_>>()
        .join("\n")
}

/// Where the host's list of sources begins: the last section of its name, if there is nothing in it but links
/// and the pictures that were put there. Any other section of that name is the writer's.
fn sources_listed(parts: &[TextPart]) -> Option<usize> {
    let is_ours = |part: &TextPart| part.kind == PartKind::Heading(2) && part.text == SOURCES;
    let at = parts.iter().rposition(is_ours)?;
    let listed = parts[at + 1..].iter().all(|part| match part.kind {
        PartKind::List => part.text.lines().all(|line| line.starts_with("- [")),
        PartKind::Other => part.text.starts_with("!["),
        PartKind::Heading(_) | PartKind::Paragraph => false,
    });
    listed.then_some(at)
}

/// A text that is no Markdown that can be read.
pub fn unreadable(cause: Unshowable) -> Stop {
    Stop::failed(
        FailureKind::Input,
        format!("the text of the draft cannot be read: {cause}"),
    )
}

/// The id by which the notes of a task are cited.
pub const NOTES: &str = "notes";

/// The sources as a model is shown them, in `room` characters.
pub fn material(brief: &Brief, sources: &[Source], room: usize) -> String {
    let each = room / (sources.len() + 1);
    let mut shown = Vec::new();
    if !brief.notes.trim().is_empty() {
        let notes: String = brief.notes.chars().take(each.max(1000)).collect();
        shown.push(format!("[{NOTES}] What the editor knows\n{notes}"));
    }
    for source in sources.iter().filter(|source| source.id != NOTES) {
        let when = source.published.as_deref().unwrap_or("no date");
        let text: String = source.text.chars().take(each).collect();
        shown.push(format!(
            "[{}] {} ({}, {when})\n{text}",
            source.id,
            source.title,
            name(source)
        ));
    }
    shown.join("\n\n")
}

/// The list of what a post cites, in Markdown; nothing if it cites nothing.
pub fn sources_section(article: &Article, sources: &[Source]) -> Option<String> {
    let cited = article.cited();
    let cited = cited
        .iter()
        .filter_map(|id| sources.iter().find(|source| source.id == *id));
    let lines = cited.filter(|source| !source.url.is_empty()).map(|source| {
        let title = if source.title.is_empty() {
            host(&source.url)
        } else {
            source.title.clone()
        };
        let day = source.published.as_deref().and_then(|at| at.get(..10));
        let when = day.map(|day| format!(", {day}")).unwrap_or_default();
        let site = escaped(&name(source));
        format!(
            "- [{}]({}), {site}{when}",
            escaped(&title),
            target(&source.url)
        )
    });
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| format!("## {SOURCES}\n\n{}", lines.join("\n")))
}

#[cfg(test)]
mod tests;
