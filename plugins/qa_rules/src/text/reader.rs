//! Markdown into passages.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{CODE, Fence, Kind, Link, Passage, Piece, Text, Word};

pub(super) fn read<'t>(title: &'t str, raw: &'t str) -> Text<'t> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut reader = Reader::new(raw);
    for (event, range) in Parser::new_ext(raw, options).into_offset_iter() {
        reader.event(event, range);
    }
    reader.flush();
    Text {
        title,
        raw,
        prose: reader.prose(),
        passages: reader.passages,
        links: reader.links,
        spans: reader.spans,
        fences: reader.fences,
        ends_with: reader.ends_with,
    }
}

struct Reader<'t> {
    raw: &'t str,
    passages: Vec<Passage>,
    links: Vec<Link>,
    spans: Vec<Piece>,
    fences: Vec<Fence>,
    ends_with: Option<Kind>,
    /// Places in the Markdown that are code.
    blank: Vec<std::ops::Range<usize>>,
    kinds: Vec<Kind>,
    /// The passage so far, where each part of it stands, and whether it is linked.
    text: String,
    parts: Vec<(usize, usize, bool)>,
    /// The links and pictures that are open.
    open: Vec<Link>,
    emphases: u32,
    plain: bool,
    fence: Option<Fence>,
}

impl<'t> Reader<'t> {
    fn new(raw: &'t str) -> Self {
        Self {
            raw,
            passages: Vec::new(),
            links: Vec::new(),
            spans: Vec::new(),
            fences: Vec::new(),
            ends_with: None,
            blank: Vec::new(),
            kinds: Vec::new(),
            text: String::new(),
            parts: Vec::new(),
            open: Vec::new(),
            emphases: 0,
            plain: false,
            fence: None,
        }
    }

    fn event(&mut self, event: Event<'_>, range: std::ops::Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.push(&text, range.start),
            Event::Code(text) => {
                self.blank.push(range.clone());
                self.spans.push(Piece {
                    text: text.into_string(),
                    at: range.start,
                });
                self.push(CODE.encode_utf8(&mut [0; 4]), range.start);
            }
            Event::SoftBreak | Event::HardBreak => self.push(" ", range.start),
            Event::Rule => {
                self.flush();
                self.ends_with = Some(Kind::Rule);
            }
            Event::Html(_) => self.ends_with = Some(Kind::Html),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: std::ops::Range<usize>) {
        match tag {
            Tag::Link { dest_url, .. } => self.opened(&dest_url, range.start, false),
            Tag::Image { dest_url, .. } => self.opened(&dest_url, range.start, true),
            Tag::Emphasis | Tag::Strong => self.emphases += 1,
            Tag::Strikethrough => {}
            Tag::CodeBlock(kind) => {
                self.flush();
                let whole = &self.raw[range.clone()];
                self.fence = Some(Fence {
                    text: String::new(),
                    at: range.start,
                    closed: !matches!(kind, CodeBlockKind::Fenced(_)) || is_closed(whole),
                });
                self.blank.push(range);
            }
            block => {
                self.flush();
                self.kinds.push(kind(&block));
            }
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Link | TagEnd::Image => {
                let Some(link) = self.open.pop() else { return };
                self.links.push(link);
            }
            TagEnd::Emphasis | TagEnd::Strong => self.emphases = self.emphases.saturating_sub(1),
            TagEnd::Strikethrough => {}
            TagEnd::CodeBlock => {
                self.fences.extend(self.fence.take());
                self.ends_with = Some(Kind::Code);
            }
            _ => {
                self.flush();
                self.kinds.pop();
            }
        }
    }

    fn opened(&mut self, url: &str, at: usize, image: bool) {
        if image && self.text.trim().is_empty() {
            self.ends_with = Some(Kind::Image);
        }
        self.open.push(Link {
            url: url.to_owned(),
            text: String::new(),
            at,
            image,
        });
    }

    fn push(&mut self, text: &str, at: usize) {
        if let Some(fence) = &mut self.fence {
            fence.text.push_str(text);
            return;
        }
        if let Some(link) = self.open.last_mut() {
            link.text.push_str(text);
            if link.image {
                return;
            }
        }
        self.plain |= self.emphases == 0 && !text.trim().is_empty();
        self.parts
            .push((self.text.len(), at, !self.open.is_empty()));
        self.text.push_str(text);
    }

    /// The passage ends.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let parts = std::mem::take(&mut self.parts);
        let emphasised = !std::mem::take(&mut self.plain);
        let Some((_, at, _)) = parts.first().copied().filter(|_| !text.trim().is_empty()) else {
            return;
        };
        let kind = self.kinds.iter().rev().find(|it| **it != Kind::Paragraph);
        let kind = kind.copied().unwrap_or(Kind::Paragraph);
        self.ends_with = Some(kind);
        let words = words(&text).map(|range| {
            let part = parts.iter().rfind(|(from, _, _)| *from <= range.start);
            let (from, at, linked) = part.copied().unwrap_or((0, at, false));
            Word {
                lower: lower(&text[range.clone()]),
                at: at + (range.start - from),
                range,
                linked,
            }
        });
        let words = words.collect();
        self.passages.push(Passage {
            kind,
            text,
            words,
            emphasised,
            at,
        });
    }

    /// The Markdown with code made blank, byte for byte.
    fn prose(&self) -> String {
        let mut bytes = self.raw.as_bytes().to_vec();
        for range in &self.blank {
            let blank = bytes[range.clone()]
                .iter_mut()
                .filter(|byte| **byte != b'\n');
            blank.for_each(|byte| *byte = b' ');
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn kind(tag: &Tag<'_>) -> Kind {
    match tag {
        Tag::Heading { level, .. } => Kind::Heading(match level {
            HeadingLevel::H1 => 1,
            HeadingLevel::H2 => 2,
            HeadingLevel::H3 => 3,
            HeadingLevel::H4 => 4,
            HeadingLevel::H5 => 5,
            HeadingLevel::H6 => 6,
        }),
        Tag::Item => Kind::Item,
        Tag::BlockQuote(_) => Kind::Quote,
        Tag::TableCell => Kind::Cell,
        _ => Kind::Paragraph,
    }
}

/// Whether the last line of a fenced block closes it.
fn is_closed(block: &str) -> bool {
    let mut lines = block.trim_end().lines();
    let open = lines.next().unwrap_or_default().trim_start();
    let mark = if open.starts_with('~') { '~' } else { '`' };
    let marks = open.chars().take_while(|c| *c == mark).count();
    let last = lines.next_back().unwrap_or_default();
    let last = last.trim_start_matches(['>', ' ']).trim_end();
    last.chars().count() >= marks && last.chars().all(|c| c == mark) && !last.is_empty()
}

/// Words of a text: letters and digits, with what joins them.
/// A word as words are compared.
pub(crate) fn lower(word: &str) -> String {
    word.to_lowercase().replace('’', "'")
}

pub(crate) fn words(text: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut words = Vec::new();
    let mut from = None;
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    for (index, (at, c)) in chars.iter().copied().enumerate() {
        let before = index.checked_sub(1).map(|it| chars[it].1);
        let after = chars.get(index + 1).map(|it| it.1);
        if is_word(c) || joins(c, before, after) {
            from.get_or_insert(at);
        } else if let Some(from) = from.take() {
            words.push(from..at);
        }
    }
    words.extend(from.map(|from| from..text.len()));
    words.into_iter()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == CODE || c == '_'
}

/// Whether a character stands inside of a word.
fn joins(c: char, before: Option<char>, after: Option<char>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    match c {
        '\'' | '’' | '-' => before.is_alphanumeric() && after.is_alphanumeric(),
        '.' => before.is_alphanumeric() && after.is_alphanumeric() && !after.is_uppercase(),
        ',' => before.is_ascii_digit() && after.is_ascii_digit(),
        _ => false,
    }
}
