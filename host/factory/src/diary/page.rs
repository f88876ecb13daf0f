//! The text of a post: a template of the workspace, `templates/diary.md`, filled in with claims and
//! their citations. Its words and language are the operator's; it has three blocks, `title`,
//! `excerpt` and `text`.

use std::collections::BTreeMap;

use callboard_core::template::{self, Given, Stranger, ValueShape};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind};
use serde::Serialize;

use super::bundle::Dropped;
use super::theme::Theme;
use crate::draft::Claim;

/// The folder of a workspace that holds it.
pub const FOLDER: &str = "templates";
/// The template, by its path in a workspace.
pub const TEMPLATE: &str = "templates/diary.md";
pub(super) const BLOCKS: [&str; 3] = ["title", "excerpt", "text"];

/// All that a template is given.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Page {
    /// The title of the leading change; empty if no title says anything.
    pub title: String,
    /// The release of the day that leads, with its name; empty if there is none.
    pub release: String,
    /// Titles of the weightiest changes, as many as an excerpt has room for.
    pub summary: Vec<String>,
    pub day: PageDay,
    pub repository: NamedLink,
    pub counts: Counts,
    /// How many changes there are of each theme, in the order of the themes.
    pub themes: Vec<ThemeCount>,
    pub releases: Vec<Cited>,
    pub sections: Vec<PageSection>,
    /// Changes that are only named, by their themes.
    pub rest: Vec<PageSection>,
    pub left_out: LeftOut,
    pub writer: PageWriter,
}

/// What of a day is not even named.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct LeftOut {
    #[serde(flatten)]
    pub dropped: Dropped,
    /// Changes whose title says nothing.
    pub untitled: u64,
    /// Changes that there was no room for.
    pub no_room: u64,
}

/// A day in its parts, for any language.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PageDay {
    /// `YYYY-MM-DD`.
    pub iso: String,
    pub year: i16,
    pub month: i8,
    pub day: i8,
    pub is_over: bool,
}

/// What has a name, and perhaps a page.
#[derive(Debug, Clone, Default, Serialize)]
pub struct NamedLink {
    /// In Markdown.
    pub name: String,
    pub plain: String,
    pub link: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Counts {
    pub changes: u64,
    pub people: u64,
    /// Pull requests among the changes.
    pub requests: u64,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct ThemeCount {
    pub theme: Theme,
    pub count: u64,
}

/// A text with what it stands on.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Cited {
    /// In Markdown.
    pub text: String,
    /// Its citation in Markdown, without brackets.
    pub cite: String,
    pub sources: Vec<CitedSource>,
}

/// What is cited.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CitedSource {
    /// `PR #12`, `MR !12`, `#12`, or the short id of a commit.
    pub name: String,
    /// Whether it is an id, which is code.
    pub code: bool,
    pub link: Option<String>,
}

/// Changes of one theme, or what a model has put below a heading.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PageSection {
    pub theme: Option<Theme>,
    /// A model's own heading, in Markdown.
    pub heading: Option<String>,
    pub items: Vec<PageItem>,
    /// A model's sentences.
    pub sentences: Vec<Cited>,
}

/// A change as it is told.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PageItem {
    #[serde(flatten)]
    pub title: Cited,
    pub theme: Theme,
    /// Whether the title of the post is its title.
    pub leads: bool,
    pub breaking: bool,
    /// What breaks.
    pub note: String,
    /// Why, and how it was mended.
    pub reason: String,
    pub points: Vec<String>,
    /// Whether the points have an order.
    pub numbered: bool,
    /// How many more points there are.
    pub more: u64,
    pub undoes: Option<PageUndone>,
}

/// What a change takes back.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PageUndone {
    /// The text is empty where the change names it.
    #[serde(flatten)]
    pub title: Cited,
    pub day: PageDay,
}

/// Who wrote the text.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PageWriter {
    /// The name of the model in Markdown; none if no model did.
    pub model: Option<String>,
    /// Whether a model's text could not be used.
    pub instead: bool,
}

impl CitedSource {
    /// In Markdown, with its link.
    pub fn markdown(&self) -> String {
        let name = if self.code {
            format!("`{}`", self.name)
        } else {
            self.name.clone()
        };
        match &self.link {
            Some(link) => format!("[{name}]({link})"),
            None => name,
        }
    }
}

impl Cited {
    pub fn new(text: String, sources: Vec<CitedSource>) -> Self {
        let cite: Vec<String> = sources.iter().map(CitedSource::markdown).collect();
        Self {
            text,
            cite: cite.join(", "),
            sources,
        }
    }
}

/// A page with the claims that are on it.
#[derive(Debug, Clone, Default)]
pub struct Composed {
    pub page: Page,
    pub claims: Vec<Claim>,
}

/// A page as texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    pub title: String,
    pub excerpt: String,
    pub text: String,
}

/// Why a template gives no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{TEMPLATE}, line {line}: {cause}")]
pub struct Unrendered {
    pub line: usize,
    pub kind: ErrorKind,
    pub cause: String,
}

impl From<minijinja::Error> for Unrendered {
    fn from(error: minijinja::Error) -> Self {
        Self {
            line: error.line().unwrap_or(1),
            kind: error.kind(),
            cause: template::reason(&error),
        }
    }
}

/// A page in the words of a template.
pub fn render(text: &str, page: &Page) -> Result<Rendered, Unrendered> {
    let text = template::bounded(text)?;
    let [title, excerpt, text] = template::on_deep_stack(|| blocks(&text, page))?;
    let line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Rendered {
        title: line(title),
        excerpt: line(excerpt),
        text: paragraphs(&text),
    })
}

/// The names of a template that no page has: what `pages` have together, every page may have.
pub fn strangers(text: &str, pages: &[Page]) -> Vec<Stranger> {
    let pages = pages
        .iter()
        .filter_map(|page| serde_json::to_value(page).ok());
    let given = Given::of("a page", ValueShape::of(pages));
    let texts = BTreeMap::from([(TEMPLATE, text)]);
    let found = template::bounded(text).and_then(|_| {
        template::on_deep_stack(|| template::strangers(&environment()?, &texts, (TEMPLATE, &given)))
    });
    // One that does not compile is told by its rendering.
    found.unwrap_or_default()
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = template::environment();
    // A line of tags alone is no line of the text.
    let mut syntax = SyntaxConfig::builder();
    environment.set_syntax(syntax.trim_blocks(true).lstrip_blocks(true).build()?);
    Ok(environment)
}

fn blocks(text: &str, page: &Page) -> Result<[String; 3], minijinja::Error> {
    let environment = environment()?;
    let template = environment.template_from_named_str(TEMPLATE, text)?;
    let mut captured = template.render_captured(Serde(page))?;
    captured.with_state_mut(|state| {
        let mut rendered = [const { String::new() }; 3];
        for (rendered, name) in rendered.iter_mut().zip(BLOCKS) {
            *rendered = state.render_block(name)?;
        }
        Ok(rendered)
    })
}

/// Without empty lines beyond one, and without spaces at the ends of lines.
fn paragraphs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.trim().lines().map(str::trim_end) {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
