//! The body of a commit, read for its reasons: prose and lists without trailers and code.

use super::subject;

/// The informative part of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason {
    /// Whole sentences.
    pub sentences: Vec<String>,
    /// Items of the first list.
    pub bullets: Vec<String>,
}

/// So long may the sentences be together; the first is kept up to twice of it.
const PROSE: usize = 420;
const BULLETS: usize = 5;
const BULLET: usize = 240;

/// Words before a colon that make a line a trailer. `…-by` always does.
const TRAILERS: [&str; 14] = [
    "fixes",
    "closes",
    "resolves",
    "refs",
    "references",
    "related",
    "see-also",
    "change-id",
    "reviewed-on",
    "bug",
    "issue",
    "link",
    "cc",
    "part-of",
];

impl Reason {
    /// The reasons that a body gives.
    pub fn of(body: &str) -> Self {
        let mut reason = Reason::default();
        for block in blocks(body) {
            match block {
                Block::Prose(text) if reason.is_empty() => reason.sentences = fitting(&text),
                Block::List(items) if reason.bullets.is_empty() => reason.bullets = short(items),
                Block::Prose(_) | Block::List(_) => {}
            }
        }
        reason.hanging()
    }

    /// Without a last sentence that announces a list which is not there.
    fn hanging(mut self) -> Self {
        let announces = |sentence: &String| sentence.ends_with(':');
        if self.bullets.is_empty() && self.sentences.last().is_some_and(announces) {
            self.sentences.pop();
        }
        self
    }

    /// Without list items that only repeat a title.
    #[must_use]
    pub fn beside(mut self, title: &str) -> Self {
        let repeats = |item: &String| {
            let (item, title) = (item.to_lowercase(), title.to_lowercase());
            title.starts_with(&item) || item.starts_with(&title)
        };
        self.bullets.retain(|item| !repeats(item));
        self.hanging()
    }

    pub fn is_empty(&self) -> bool {
        self.sentences.is_empty() && self.bullets.is_empty()
    }

    /// How many characters it says.
    pub fn len(&self) -> usize {
        let parts = self.sentences.iter().chain(&self.bullets);
        parts.map(String::len).sum()
    }
}

enum Block {
    Prose(String),
    List(Vec<String>),
}

/// Paragraphs and lists, each without line breaks.
fn blocks(body: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut fenced = false;
    let mut fresh = true;
    for line in body.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            fenced = !fenced;
            fresh = true;
        } else if fenced || trimmed.is_empty() || is_noise(trimmed) || (fresh && is_code(line)) {
            fresh = true;
        } else if let Some(item) = item(trimmed) {
            push_item(&mut blocks, item);
            fresh = false;
        } else {
            push_prose(&mut blocks, trimmed, fresh);
            fresh = false;
        }
    }
    blocks
}

fn push_item(blocks: &mut Vec<Block>, item: &str) {
    match blocks.last_mut() {
        Some(Block::List(items)) => items.push(item.to_owned()),
        _ => blocks.push(Block::List(vec![item.to_owned()])),
    }
}

fn push_prose(blocks: &mut Vec<Block>, line: &str, fresh: bool) {
    let open = match blocks.last_mut() {
        Some(Block::Prose(text)) if !fresh => Some(text),
        Some(Block::List(items)) if !fresh => items.last_mut(),
        _ => None,
    };
    match open {
        Some(text) => {
            text.push(' ');
            text.push_str(line);
        }
        None => blocks.push(Block::Prose(line.to_owned())),
    }
}

/// A list item without its marker and check box.
fn item(line: &str) -> Option<&str> {
    let numbered = || {
        let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let rest = digits
            .strip_prefix(". ")
            .or_else(|| digits.strip_prefix(") "))?;
        (digits.len() < line.len()).then_some(rest)
    };
    let rest = ["- ", "* ", "+ ", "• "]
        .iter()
        .find_map(|marker| line.strip_prefix(marker));
    let rest = rest.or_else(numbered)?;
    let boxes = ["[ ] ", "[x] ", "[X] "];
    let unboxed = boxes.iter().find_map(|mark| rest.strip_prefix(mark));
    Some(unboxed.unwrap_or(rest).trim())
}

/// Code by indentation.
fn is_code(line: &str) -> bool {
    (line.starts_with("    ") || line.starts_with('\t')) && item(line.trim()).is_none()
}

/// Headings, quotes, tables, markup, rules and trailers.
fn is_noise(trimmed: &str) -> bool {
    ["# ", "## ", "### ", "#### ", ">", "|", "<", "![", "[!["]
        .iter()
        .any(|mark| trimmed.starts_with(mark))
        || trimmed.chars().all(|c| "-=_*".contains(c))
        || is_trailer(trimmed)
}

/// `Signed-off-by: …`, `Fixes: #12`, `Closes #12`, and what tools append.
pub fn is_trailer(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    if [
        "(cherry picked from",
        "generated with",
        "🤖 generated",
        "see merge request",
        "pull-request:",
    ]
    .iter()
    .any(|head| lower.starts_with(head))
    {
        return true;
    }
    let word = lower.split([':', ' ']).next().unwrap_or_default();
    let has_colon = lower[word.len()..].starts_with(':');
    if has_colon && (word.ends_with("-by") || TRAILERS.contains(&word)) {
        return true;
    }
    let rest = lower[word.len()..].trim_start();
    TRAILERS.contains(&word) && (rest.starts_with('#') || rest.starts_with("http"))
}

/// The first sentences, as many as fit, never a part of one.
fn fitting(text: &str) -> Vec<String> {
    let mut kept = Vec::new();
    let mut length = 0;
    for sentence in sentences(text) {
        length += sentence.len();
        if length > if kept.is_empty() { PROSE * 2 } else { PROSE } {
            break;
        }
        kept.push(sentence.to_owned());
    }
    kept
}

/// A text cut after each full stop that a capital follows.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, mark) in text.char_indices().filter(|(_, c)| ".!?".contains(*c)) {
        let rest = &text[at + mark.len_utf8()..];
        if rest.starts_with(' ') && begins_sentence(rest) && !is_abbreviation(&text[start..at]) {
            found.push(text[start..=at].trim());
            start = at + 1;
        }
    }
    found.push(text[start..].trim());
    found.retain(|sentence| !sentence.is_empty());
    found
}

fn begins_sentence(rest: &str) -> bool {
    let next = rest.trim_start().chars().next();
    next.is_some_and(|c| c.is_uppercase() || c == '`' || !c.is_ascii())
}

fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit([' ', '(']).next().unwrap_or_default();
    matches!(
        word,
        "e.g" | "i.e" | "cf" | "vs" | "etc" | "No" | "Mr" | "Dr" | "St"
    ) || (word.len() == 1 && word.starts_with(char::is_uppercase))
}

fn short(items: Vec<String>) -> Vec<String> {
    let fits = |item: &String| !item.is_empty() && item.len() <= BULLET && !is_trailer(item);
    let items = items.into_iter().filter(fits).map(|item| untyped(&item));
    items.take(BULLETS).collect()
}

/// An item that is the subject of a commit, without its type.
fn untyped(item: &str) -> String {
    let parsed = subject::parse(item);
    if parsed.kind.is_some() {
        parsed.title
    } else {
        item.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_without_trailers_code_and_headings() {
        let body = "## Why\n\nThe socket was stale, e.g. after\nsix seconds. Retrying once\nmends it.\n\n```\ncode();\n```\n\n- one retry\n  on a fresh connection\n- [x] a test\n\nFixes #12\nSigned-off-by: A <a@x>\nCo-authored-by: B <b@x>\n";
        let reason = Reason::of(body);
        assert_eq!(
            reason.sentences,
            [
                "The socket was stale, e.g. after six seconds.",
                "Retrying once mends it."
            ]
        );
        assert_eq!(
            reason.bullets,
            ["one retry on a fresh connection", "a test"]
        );
    }

    #[test]
    fn a_body_of_trailers_gives_no_reason() {
        assert!(Reason::of("Signed-off-by: A <a@x>\nChange-Id: I12\nCloses #3").is_empty());
        assert!(Reason::of("").is_empty());
        assert!(!is_trailer("Fixes the clock of the store"));
    }

    #[test]
    fn items_that_repeat_the_title_and_hanging_colons_go() {
        let reason = Reason::of("Two gaps:\n\n* fix(http): retry once (#3)\n* log it");
        assert_eq!(reason.bullets, ["Retry once", "log it"]);
        assert_eq!(reason.clone().beside("Retry once").bullets, ["log it"]);
        let alone = Reason::of("It is mended. Two gaps:\n\n* fix: retry once");
        assert_eq!(alone.beside("retry once").sentences, ["It is mended."]);
    }

    #[test]
    fn no_sentence_is_cut() {
        let long = format!("Short one. Then {}", "word ".repeat(200));
        assert_eq!(Reason::of(&long).sentences, ["Short one."]);
        assert_eq!(
            sentences("Use v1.2. Then 3 things. Done"),
            ["Use v1.2.", "Then 3 things.", "Done"]
        );
    }
}
