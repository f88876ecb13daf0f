//! The message of a commit below its headline, read by its own grammars: trailers by git, the
//! rest as Markdown.

mod lines;

pub use self::lines::{is_for_tools, is_open, is_private, is_reference, undone};
use super::forge::Forge;
use super::headline::Headline;
use super::prose::Prose;
use crate::markdown::{Block, blocks};

/// What a message says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Why, and how: paragraphs without what is said to machines and to reviewers.
    pub paragraphs: Vec<Prose>,
    /// The lists between them.
    pub lists: Vec<List>,
    /// The commits that were squashed into one.
    pub parts: Vec<SquashedCommit>,
    /// What breaks, if a footer says that something does.
    pub breaking: Option<Prose>,
    /// Issues that it closes.
    pub closes: Vec<u64>,
    /// Whether it says that it fixes one.
    pub fixes: bool,
    /// The id, or its beginning, of the commit that it takes back, or `#12`.
    pub undoes: Vec<String>,
}

/// A list of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// How many paragraphs stand above it: the last of them may announce it.
    pub after: usize,
    pub is_numbered: bool,
    pub items: Vec<Prose>,
}

/// A commit that is an item of the message of a squashed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SquashedCommit {
    pub headline: Headline,
    pub paragraphs: Vec<Prose>,
}

/// Headings below which reviewers, and no readers, find something.
const FOR_REVIEWERS: [&str; 22] = [
    "test",
    "tests",
    "testing",
    "test plan",
    "testing plan",
    "how to test",
    "how has this been tested",
    "how was this tested",
    "verification",
    "validation",
    "checklist",
    "screenshots",
    "screenshot",
    "type of change",
    "types of changes",
    "related",
    "related issues",
    "links",
    "references",
    "reviewer notes",
    "notes for reviewers",
    "release notes",
];

impl Message {
    /// Read a body without its trailers. `squashed` says that a forge may have made one commit of
    /// several.
    pub fn read(body: &str, trailers: &[(String, String)], forge: Forge, squashed: bool) -> Self {
        let mut reader = MessageReader {
            message: Self::default(),
            forge,
            squashed: false,
            skipped: false,
            breaks: false,
        };
        let text = lines::told(body);
        // What cannot be read says nothing.
        let blocks = blocks(&text).unwrap_or_default();
        let first = blocks.first();
        reader.squashed = squashed && matches!(first, Some(Block::Item { mark: '*', .. }));
        for block in blocks {
            reader.take(block);
        }
        let mut message = reader.message;
        message.footers(body, trailers);
        message
    }

    /// The items of all lists.
    pub fn items(&self) -> impl Iterator<Item = &Prose> {
        self.lists.iter().flat_map(|list| &list.items)
    }

    /// Take the first paragraph out, which is a title.
    pub fn take_first(&mut self) -> Prose {
        for list in &mut self.lists {
            list.after = list.after.saturating_sub(1);
        }
        self.paragraphs.remove(0)
    }

    /// Put an item to the list that it belongs to.
    fn add(&mut self, item: Prose, is_numbered: bool) {
        let after = self.paragraphs.len();
        match self.lists.last_mut() {
            Some(list) if (list.after, list.is_numbered) == (after, is_numbered) => {
                list.items.push(item);
            }
            _ => self.lists.push(List {
                after,
                is_numbered,
                items: vec![item],
            }),
        }
    }

    fn footers(&mut self, body: &str, trailers: &[(String, String)]) {
        for (key, value) in trailers {
            if matches!(key.as_str(), "BREAKING-CHANGE" | "BREAKING-CHANGES") {
                self.breaking = self.breaking.take().or_else(|| Some(Prose::line(value)));
            }
        }
        let footers = trailers
            .iter()
            .map(|(key, value)| format!("{key}: {value}"));
        let text = footers.fold(body.to_owned(), |text, footer| text + "\n" + &footer);
        self.closes = lines::closed(&text);
        self.fixes = lines::fixes(&text);
        self.undoes = lines::undone(&text);
    }
}

struct MessageReader {
    message: Message,
    forge: Forge,
    squashed: bool,
    /// Whether what comes is for reviewers.
    skipped: bool,
    /// Whether the next paragraph says what breaks.
    breaks: bool,
}

impl MessageReader {
    fn take(&mut self, block: Block) {
        match block {
            Block::Heading(pieces) => {
                let heading = Prose::new(pieces).plain().to_lowercase();
                let heading = heading.trim_matches(|c: char| !c.is_alphanumeric());
                self.skipped = FOR_REVIEWERS.contains(&heading);
            }
            Block::Paragraph(pieces) => self.paragraph(Prose::new(pieces)),
            Block::Item {
                mark: '*',
                paragraphs,
            } if self.squashed => self.part(paragraphs),
            Block::Item { mark, paragraphs } => {
                let item = paragraphs.into_iter().next().map(Prose::new);
                let told = item.filter(|item| !self.skipped && lines::is_told(item));
                match (told, self.message.parts.last_mut()) {
                    (Some(item), Some(part)) => part.paragraphs.push(item),
                    (Some(item), None) => self.message.add(item, mark == '1'),
                    (None, _) => {}
                }
            }
        }
    }

    fn paragraph(&mut self, paragraph: Prose) {
        if std::mem::take(&mut self.breaks) {
            self.message.breaking = Some(paragraph);
            return;
        }
        if let Some(head) = lines::breaking(paragraph.head()) {
            let note = paragraph.after(head);
            self.breaks = note.is_empty();
            self.message.breaking = Some(note);
            return;
        }
        if self.skipped || !lines::is_told(&paragraph) {
            return;
        }
        match self.message.parts.last_mut() {
            Some(part) => part.paragraphs.push(paragraph),
            None => self.message.paragraphs.push(paragraph),
        }
    }

    fn part(&mut self, paragraphs: Vec<Vec<crate::markdown::Piece>>) {
        let mut paragraphs = paragraphs.into_iter().map(Prose::new);
        let Some(first) = paragraphs.next() else {
            return;
        };
        let headline = Headline::read(&first.source(), self.forge);
        let paragraphs = paragraphs.filter(lines::is_told).collect();
        self.message.parts.push(SquashedCommit {
            headline,
            paragraphs,
        });
    }
}

#[cfg(test)]
mod tests;
