//! `truncated_content`: a text that ends in the middle.

use crate::review::Severity;
use crate::rule::{Found, Rule, Seen};
use crate::text::{Kind, Text};

pub(crate) const RULE: Rule = Rule {
    name: "truncated_content",
    severity: Severity::Error,
    pattern: "a code block that is not closed; an end on a heading, inside a link or a tag; a last paragraph without an end of a sentence, where it has more than 200 characters",
    threshold: Some(200),
    find,
};

fn find(seen: &Seen<'_>) -> Vec<Found> {
    let text = seen.text;
    if let Some(fence) = text.fences.iter().find(|fence| !fence.closed) {
        return vec![Found::new("the code block is never closed").at(fence.at, fence.text.lines().next().unwrap_or_default())];
    }
    let prose = without_definitions(without_sources(&text.prose));
    if text.raw.chars().count() <= usize::try_from(seen.threshold).unwrap_or(200) {
        return Vec::new();
    }
    let last = prose.lines().next_back().unwrap_or_default();
    let at = prose.len() - last.len();
    let cut = |why: &str| vec![Found::new(format!("the text {why}; it was cut off")).at(at, last)];
    let cited = without_sources(&text.prose).len() < text.prose.len();
    let in_code = text.ends_with == Some(Kind::Code) && !cited;
    if !in_code && last.trim_start().starts_with('#') && last.trim_start().trim_start_matches('#').starts_with(' ') {
        return cut("ends on a heading");
    }
    if open(last, "](", ')') || (last.matches('[').count() > last.matches(']').count()) {
        return cut("ends inside a link");
    }
    if last.rfind('<').is_some_and(|from| last[from + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') && !last[from..].contains('>')) {
        return cut("ends inside a tag");
    }
    let unpunctuated = match text.ends_with.filter(|_| !cited) {
        Some(Kind::Paragraph | Kind::Quote) | None => true,
        Some(Kind::Item) => items_end_with_a_stop(text),
        Some(_) => false,
    };
    if unpunctuated && !ends(last) && !is_block(last) {
        return cut("ends in the middle of a sentence");
    }
    Vec::new()
}

/// What stands before a last section of sources.
fn without_sources(prose: &str) -> &str {
    let headings = ["\n## Sources", "\n## References", "\n# Sources", "\n### Sources", "\n**Sources"];
    let from = headings.iter().filter_map(|heading| prose.rfind(heading)).max();
    from.map_or(prose, |from| prose[..from].trim_end().trim_end_matches("---"))
}

/// What stands before definitions of links, which nobody sees.
fn without_definitions(prose: &str) -> &str {
    let mut prose = prose.trim_end();
    loop {
        let last = prose.lines().next_back().unwrap_or_default();
        let defines = last.trim_start().starts_with('[') && last.contains("]:");
        if !defines {
            return prose;
        }
        prose = prose[..prose.len() - last.len()].trim_end();
    }
}

fn open(line: &str, mark: &str, close: char) -> bool {
    line.rfind(mark).is_some_and(|from| !line[from..].contains(close))
}

fn ends(line: &str) -> bool {
    let line = line.trim_end().trim_end_matches(['*', '_', '`', ' ', '\\']);
    let address = line.split_whitespace().next_back().is_some_and(|word| word.trim_matches(['<', '>']).starts_with("http"));
    address || line.ends_with(['.', '!', '?', '"', '”', ')', '’', '…', ':', '。', '！', '？', '」', '»'])
}

fn is_block(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('|') || line.starts_with("---") || line.starts_with("***") || line.starts_with("![")
}

/// Whether the other items of the last list end with a full stop, so that the last should.
fn items_end_with_a_stop(text: &Text<'_>) -> bool {
    let items = text.passages.iter().rev().take_while(|passage| passage.kind == Kind::Item).skip(1);
    let (all, stopped) = items.fold((0, 0), |(all, stopped), item| (all + 1, stopped + usize::from(ends(&item.text))));
    all > 0 && all == stopped
}
