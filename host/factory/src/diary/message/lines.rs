//! Lines of a message before they are Markdown: what tools and trackers are told is taken out, and
//! a line that only happens to begin with a mark of Markdown goes on with the one before it.

use super::super::prose::Prose;

/// The body as it is read.
pub(super) fn told(body: &str) -> String {
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let body = unnoted(&body);
    let lines: Vec<&str> = body.lines().collect();
    let mut out = String::with_capacity(body.len());
    let mut before = Before::Nothing;
    let mut fence = None;
    for (index, line) in lines.iter().enumerate() {
        let trimmed = line.trim();
        if let Some(mark) = fence {
            if trimmed.starts_with(mark) {
                fence = None;
                before = Before::Nothing;
            }
        } else if let Some(mark) = ["```", "~~~"]
            .iter()
            .find(|mark| trimmed.starts_with(**mark))
        {
            fence = Some(*mark);
        } else {
            let next = lines.get(index + 1).copied().unwrap_or_default();
            let last = index.checked_sub(1).map_or("", |last| lines[last]);
            let is_in_sentence = before == Before::Open && goes_on(last, trimmed, next);
            if is_rule(trimmed) || (is_for_tools(trimmed) && !is_in_sentence) {
                out.push('\n');
                before = Before::Nothing;
                continue;
            }
            before = text(line, next, before, &mut out);
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// The body without notes at its foot, `[1]: https://…`, and the marks that lead to them.
fn unnoted(body: &str) -> String {
    pattern!(NOTE, r"^\s*\[(\d{1,2})\]:?(?:\s+-)?\s+<?https?://\S+$");
    pattern!(MARK, r"\s?\[(\d{1,2})\]");
    let number = |line: &str| NOTE.captures(line).map(|found| found[1].to_owned());
    let notes: Vec<String> = body.lines().filter_map(number).collect();
    if notes.is_empty() {
        return body.to_owned();
    }
    let mut out = String::with_capacity(body.len());
    for line in body.lines() {
        if !NOTE.is_match(line) {
            out.push_str(&MARK.replace_all(line, |found: &regex::Captures<'_>| {
                let all = found.get(0).map_or(0..0, |all| all.range());
                // What stands in code, such as `list[1]`, leads nowhere.
                let is_code = line[..all.start].matches('`').count() % 2 == 1;
                if is_code || !notes.contains(&found[1].to_owned()) {
                    line[all].to_owned()
                } else {
                    String::new()
                }
            }));
        }
        out.push('\n');
    }
    out
}

/// Whether a text stops in the middle of a sentence.
pub fn is_open(text: &str) -> bool {
    let word = text.split_whitespace().next_back().unwrap_or_default();
    let word = word.trim_start_matches(['(', '"']).to_lowercase();
    OPEN.contains(&word.as_str())
}

/// Words after which a sentence goes on.
const OPEN: [&str; 36] = [
    "a", "an", "and", "as", "at", "also", "because", "but", "by", "commit", "for", "from", "in",
    "into", "is", "issue", "it", "of", "on", "or", "per", "pr", "see", "since", "than", "that",
    "the", "this", "to", "under", "until", "via", "was", "which", "with", "while",
];

/// Whether a line that looks as if it was for tools is in the middle of a sentence.
fn goes_on(last: &str, line: &str, next: &str) -> bool {
    let follows = next.trim_start().starts_with(char::is_lowercase);
    let is_begun = line.starts_with(char::is_uppercase);
    (is_open(last) && !is_begun) || (line.starts_with(['h', '<', '#']) && follows)
}

/// What the line before was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// A line in the middle of a sentence.
    Open,
    /// The end of a sentence, or of what announces a list.
    Ended,
    Item,
}

/// Whatever has to be written before a line, and what it is for the next one.
fn text(line: &str, next: &str, before: Before, out: &mut String) -> Before {
    let trimmed = line.trim();
    if trimmed.is_empty() {
        return Before::Nothing;
    }
    if breaking(trimmed).is_some() && before != Before::Nothing {
        out.push('\n');
    }
    let ended = |line: &str| {
        if line.ends_with(['.', ':', ';', '!', '?', '\u{3002}', '\u{ff1a}']) {
            Before::Ended
        } else {
            Before::Open
        }
    };
    let Some(mark) = mark(trimmed) else {
        // What is below an item belongs to it.
        return if before == Before::Item {
            Before::Item
        } else {
            ended(trimmed)
        };
    };
    let is_list = !"#<>".contains(mark);
    let follows = is_list && self::mark(next.trim()) == Some(mark);
    match before {
        Before::Open if !follows => {
            let start = line.len() - line.trim_start().len();
            out.push_str(&line[..start]);
            escape(trimmed, out);
            ended(trimmed)
        }
        _ if is_list => Before::Item,
        _ => ended(trimmed),
    }
}

/// Written before a mark it is none. The line itself follows, so of a number nothing is left to
/// escape: only `1.` goes between, and an invisible joiner keeps it from being one.
fn escape(trimmed: &str, out: &mut String) {
    out.push_str(if trimmed.starts_with(|c: char| c.is_ascii_digit()) {
        "\u{2060}"
    } else {
        "\\"
    });
}

/// The mark that a line begins with, if Markdown could take it for one; a digit for all numbers.
fn mark(line: &str) -> Option<char> {
    let first = line.chars().next()?;
    match first {
        '-' | '*' | '+' => line[1..].starts_with(' ').then_some(first),
        '#' => line
            .trim_start_matches('#')
            .starts_with(' ')
            .then_some(first),
        '<' | '>' => Some(first),
        '0'..='9' => {
            let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
            (rest.starts_with(". ") || rest.starts_with(") ")).then_some('1')
        }
        _ => None,
    }
}

/// A line that only parts what is above from what is below.
fn is_rule(trimmed: &str) -> bool {
    trimmed.len() >= 3
        && trimmed.chars().all(|c| "-=_*~".contains(c))
        && !trimmed.starts_with("~~~")
}

/// A line that is for trackers, mail programs and other tools.
pub fn is_for_tools(trimmed: &str) -> bool {
    pattern!(
        TOOLS,
        r"(?ix)^(?:
            [a-z-]+-by:\s.*
            | \(cherry\ picked\ from\ commit.*
            | see\ merge\ request\ .*
            | git-svn-id:.*
            | committed\ via\ \S+
            | (?:🤖\s*)?generated\ (?:with|by)\b.*
            | this\ (?:reverts|reapplies)\ (?:merge\ )?(?:commit|merge\ request|pull\ request)s?\s+\S+(?:\s+reversing)?
            | changes\ made\ to\ [0-9a-f]{7,64}\.?
            | reverts\ [\w./-]*[\#!]\d+\.?
            | (?:\#\s*)?conflicts?:
            | (?:[(\[]?(?:(?:and|also|this|should|partially|mostly|hopefully)\s+)*
                (?:fix(?:es|ed)?|close[sd]?|resolve[sd]?|refs?|see|related(?:\ to)?|part\ of|issue|bug|ticket|task|jira|link|pull[ -]request|merges?)
                :?\s+(?:(?:[\w./-]*[\#!]\d+|[A-Z][A-Z0-9]+-\d+|https?://\S+)[\s,.;)\]]*(?:and(?:\s+|$))?)+)+
            | (?:[\w./-]*[\#!]\d+[\s,.;]*(?:and(?:\s+|$))?)+
            | [\w\ -]{2,30}:\s+<?https?://\S+
            | [\w-]{2,30}:\s+[0-9a-f]{7,64}\.?
            | <?https?://\S+
        )$"
    );
    TOOLS.is_match(trimmed)
}

/// Whether a sentence says little but the id of a commit: `Done in 0a2919f3`.
pub fn is_reference(text: &str) -> bool {
    pattern!(ID, r"\b[0-9a-f]{7,64}\b");
    let is_id = |word: &&str| word.contains(|c: char| c.is_ascii_digit());
    let ids = ID.find_iter(text).map(|found| found.as_str());
    let ids = ids.filter(is_id).count();
    let words = text
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric));
    ids > 0 && words.count() < ids + LITTLE
}

/// So many words beside an id say something.
const LITTLE: usize = 6;

/// How many bytes of a paragraph say that it is about what breaks.
pub(super) fn breaking(head: &str) -> Option<usize> {
    let heads = ["BREAKING CHANGE:", "BREAKING CHANGES:", "BREAKING-CHANGE:"];
    let head = heads.iter().find(|it| head.starts_with(**it));
    head.map(|head| head.len())
}

/// Whether a paragraph says anything.
pub(super) fn is_told(paragraph: &Prose) -> bool {
    let text = paragraph.plain();
    let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
    letters >= 3 && !is_for_tools(&text) && !is_reference(&text)
}

/// Whether a sentence may be told: it names no account, no address of mail and no password.
pub fn is_private(text: &str) -> bool {
    pattern!(
        PRIVATE,
        r"(?i)\b[\w.+-]+@[\w-]+\.[\w.]+|(?:^|[\s(])@[\w-]+|\b(?:password|passwd|secret|token|api[ _-]?key)\s*[:=]\s*\S|://[^\s/@]+:[^\s/@]+@"
    );
    PRIVATE.is_match(text)
}

/// The issues that a text says it closes.
pub(super) fn closed(text: &str) -> Vec<u64> {
    pattern!(
        CLOSED,
        r"(?im)(?:^|[.,;(:]|\b(?:this|it|that|which|and|also|will|should|to|hopefully|partially))\s*\b((?:(?:fix(?:es|ed)?|close[sd]?|resolve[sd]?):?\s+(?:[\w./-]*#\d{1,9}(?:\s*,\s*|\s+and\s+)?)+)+)"
    );
    pattern!(NUMBER, r"#(\d{1,9})");
    let lists = CLOSED.captures_iter(text).map(|found| found[1].to_owned());
    let mut numbers = Vec::new();
    for list in lists {
        let found = NUMBER.captures_iter(&list);
        numbers.extend(found.filter_map(|number| number[1].parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Whether a text says that it fixes an issue.
pub(super) fn fixes(text: &str) -> bool {
    pattern!(
        FIXES,
        r"(?im)(?:^|[.,;(]|\b(?:this|it|that|which|and|also))\s*\bfix(?:es|ed)?:?\s+[\w./-]*#\d"
    );
    FIXES.is_match(text)
}

/// What a text says it takes back: ids of commits, and `#12`.
pub fn undone(text: &str) -> Vec<String> {
    pattern!(
        COMMIT,
        r"(?i)\bth(?:is|e following)\s+(?:reverts|reapplies)\s+(?:merge\s+)?commits?\s+([0-9a-f]{7,64})"
    );
    pattern!(ID, r"(?i)^\s*reverts?:?\s+(?:commit\s+)?([0-9a-f]{7,64})\b");
    pattern!(REQUEST, r"(?im)^reverts\s+[\w./-]*[#!](\d{1,9})\.?\s*$");
    let commits = ID
        .captures_iter(text)
        .chain(COMMIT.captures_iter(text))
        .map(|found| found[1].to_lowercase());
    let requests = REQUEST
        .captures_iter(text)
        .map(|found| format!("#{}", &found[1]));
    commits.chain(requests).collect()
}
