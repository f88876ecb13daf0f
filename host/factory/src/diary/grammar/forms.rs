//! The forms of citations in one word.

use super::words::TextWord;
use super::{CitationReading, Token, TokenKind};

/// Endings of file names that are read as a path without a folder.
const ENDINGS: [&str; 44] = [
    "rs", "toml", "md", "py", "js", "mjs", "ts", "tsx", "jsx", "go", "java", "kt", "c", "h", "cc",
    "cpp", "hpp", "cs", "rb", "php", "sh", "sql", "json", "yaml", "yml", "lock", "wit", "wasm",
    "html", "css", "txt", "xml", "ini", "cfg", "conf", "env", "swift", "scala", "lua", "ex", "zig",
    "proto", "csv", "svg",
];

/// A number in a word, and whether `#` stands before it.
pub(super) struct WordNumber {
    pub digits: String,
    pub marked: bool,
}

/// Every citation in a word but pull requests.
pub(super) fn of(
    word: &TextWord,
    before: Option<&TextWord>,
    after: &[TextWord],
) -> Vec<(TokenKind, String)> {
    let text = word.text.as_str();
    if is_address(text) {
        return vec![(TokenKind::Address, text.to_owned())];
    }
    let mut found = Vec::new();
    found.extend(day(text).map(|day| (TokenKind::Day, day)));
    found.extend(path(word).map(|path| (TokenKind::Path, path)));
    found.extend(commits(word).map(|id| (TokenKind::Commit, id)));
    found.extend(
        versions(text, before)
            .into_iter()
            .map(|version| (TokenKind::Version, version)),
    );
    found.extend(count(text, after).map(|count| (TokenKind::Count, count)));
    found
}

fn is_address(text: &str) -> bool {
    text.contains("://") || text.to_lowercase().starts_with("www.")
}

/// Whether a word announces pull requests by itself, and the numbers in it.
pub(super) fn keyword(word: &str) -> (bool, Vec<WordNumber>) {
    let head = word.trim_end_matches(|c: char| c.is_ascii_digit() || "#-/".contains(c));
    let keyword = matches!(head, "pr" | "prs" | "mr" | "mrs" | "request" | "requests");
    let numbers = if head.is_empty() && !word.contains('#') {
        whole(word)
    } else if keyword && head.len() < word.len() && !word.contains('#') {
        whole(word[head.len()..].trim_start_matches(['-', '/']))
    } else {
        marked(word)
    };
    (keyword && head.len() < word.len(), numbers)
}

fn whole(word: &str) -> Vec<WordNumber> {
    let parts: Vec<&str> = word.split('-').collect();
    let digits = |part: &&str| {
        !part.is_empty() && part.len() < 10 && part.bytes().all(|b| b.is_ascii_digit())
    };
    if parts.len() > 2 || !parts.iter().all(digits) {
        return Vec::new();
    }
    let number = |part: &str| WordNumber {
        digits: plain_number(part),
        marked: false,
    };
    parts.into_iter().map(number).collect()
}

/// Each `#12` in a word, and the ends of ranges such as `#12-15`.
fn marked(word: &str) -> Vec<WordNumber> {
    let mut numbers = Vec::new();
    for (at, _) in word.match_indices('#') {
        let rest = &word[at + 1..];
        let digits = leading_digits(rest);
        let after = &rest[digits.len()..];
        if digits.is_empty() || after.starts_with(|c: char| c.is_alphabetic()) {
            continue;
        }
        numbers.push(digits);
        let end = after.strip_prefix(['-', '/']).map_or("", leading_digits);
        numbers.extend((!end.is_empty()).then_some(end));
    }
    let number = |digits: &str| WordNumber {
        digits: plain_number(digits),
        marked: true,
    };
    numbers.into_iter().map(number).collect()
}

fn leading_digits(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    &text[..end]
}

/// Without leading zeros.
fn plain_number(digits: &str) -> String {
    let plain = digits.trim_start_matches('0');
    if plain.is_empty() {
        "0".to_owned()
    } else {
        plain.to_owned()
    }
}

fn day(text: &str) -> Option<String> {
    let shape = text.get(..10)?;
    let fits = shape.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let ends = !text[10..].starts_with(|c: char| c.is_ascii_digit());
    (fits && ends).then(|| shape.to_owned())
}

fn commits(word: &TextWord) -> impl Iterator<Item = String> {
    let pieces = word
        .text
        .split("..")
        .flat_map(|part| part.split(['@', ':', '=', '^', '/', '#', '.']));
    let ids = pieces.filter(move |piece| is_id(piece, word.code));
    ids.map(str::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .into_iter()
}

fn is_id(piece: &str, code: bool) -> bool {
    let hexadecimal =
        (7..=40).contains(&piece.len()) && piece.bytes().all(|b| b.is_ascii_hexdigit());
    let digit = piece.bytes().any(|b| b.is_ascii_digit());
    let letter = piece.bytes().any(|b| b.is_ascii_alphabetic());
    hexadecimal && (code || (digit && letter) || piece.len() == 40)
}

/// Runs such as `v2`, `1.2.3-rc.1`; `1.2` only after `version` or `release`.
fn versions(text: &str, before: Option<&TextWord>) -> Vec<String> {
    let announced = before.is_some_and(|word| {
        matches!(
            word.text.to_lowercase().as_str(),
            "version" | "versions" | "release" | "tag"
        )
    });
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(offset) = text[rest..].find(|c: char| c.is_ascii_digit()) {
        let start = rest + offset;
        let end = start + run(&text[start..]);
        rest = end;
        let marked = is_marked(&text[..start]);
        let core = core(&text[start..end]);
        let parts = core.split('.').count();
        let enough = parts >= 3 || marked || (announced && parts == 2);
        if enough && (marked || !ends_in_word(&text[..start])) {
            found.push(text[start..end].to_lowercase());
        }
    }
    found
}

/// The length of digits, dots and a suffix such as `-rc.1+build`.
fn run(text: &str) -> usize {
    let core = core(text).len();
    let suffix = &text[core..];
    let begins = suffix.starts_with(['-', '+'])
        && suffix[1..].starts_with(|c: char| c.is_ascii_alphanumeric());
    if !begins {
        return core;
    }
    let ends = |c: char| !(c.is_ascii_alphanumeric() || ".-+".contains(c));
    core + suffix.find(ends).unwrap_or(suffix.len())
}

/// Digits with single dots between them.
fn core(text: &str) -> &str {
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let core = &text[..end];
    let core = core.split("..").next().unwrap_or_default();
    core.trim_end_matches('.')
}

/// Whether a `v` of its own stands before.
fn is_marked(before: &str) -> bool {
    let head = before.strip_suffix(['v', 'V']);
    head.is_some_and(|head| !ends_in_word(head))
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn path(word: &TextWord) -> Option<String> {
    let text = word.text.split(':').next().unwrap_or_default();
    let text = text.strip_prefix("./").unwrap_or(text);
    let usual = text
        .chars()
        .all(|c| c.is_alphanumeric() || "_.@+-/#=%&".contains(c));
    let lettered = text.chars().any(char::is_alphabetic);
    if !usual || !lettered || text.starts_with('#') || text.contains('#') {
        return None;
    }
    let name = text.rsplit('/').next().unwrap_or_default();
    let ending = name
        .rsplit_once('.')
        .filter(|(stem, _)| !stem.is_empty())
        .map(|(_, ending)| ending);
    let known = ending.is_some_and(|ending| ENDINGS.contains(&ending.to_lowercase().as_str()));
    let in_folder = text.contains('/')
        && (ending.is_some() || word.code || text.ends_with('/') || text.starts_with(['/', '.']));
    (in_folder || known).then(|| text.trim_end_matches('/').to_owned())
}

/// `12 commits`, in the usual spelling `12 commit`. A number that ends a title and stands
/// before a citation, as in `speak HTTP 2 (PR #12)`, counts nothing: the noun is in the
/// singular, or what it names follows.
fn count(text: &str, after: &[TextWord]) -> Option<String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut next = after.iter().map(|word| word.text.to_lowercase());
    let first = next.next()?;
    let noun_ends = 1 + usize::from(matches!(first.as_str(), "pull" | "merge"));
    let last = after.get(noun_ends - 1)?.text.to_lowercase();
    let plural = last.ends_with('s') || last == "people";
    let named = after
        .get(noun_ends)
        .is_some_and(|word| word.text.starts_with('#'));
    if named || plain_number(text) != "1" && !plural {
        return None;
    }
    let noun = match (digits, first.as_str()) {
        (true, "commit" | "commits") => "commit",
        (true, "pr" | "prs") => "pull request",
        (true, "pull" | "merge") if next.next()?.starts_with("request") => "pull request",
        (true, "author" | "authors" | "people" | "person" | "contributor" | "contributors") => {
            "author"
        }
        _ => return None,
    };
    Some(format!("{} {noun}", plain_number(text)))
}

/// Whether a bare number counts something rather than naming it.
pub(super) fn is_count(words: &[TextWord], index: usize) -> bool {
    count(
        &words[index].text,
        words.get(index + 1..).unwrap_or_default(),
    )
    .is_some()
}

/// Targets of links that are no web addresses, and raw HTML, outside of code.
pub(super) fn links(text: &str, reading: CitationReading) -> Vec<Token> {
    if reading == CitationReading::Source {
        return Vec::new();
    }
    let lines = text.lines().enumerate();
    lines
        .flat_map(|(index, line)| in_line(line, index + 1))
        .collect()
}

fn in_line(line: &str, number: usize) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut code = false;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        let rest = &line[at..];
        let open = !code && !escaped;
        if open && c == ']' {
            let target = rest.strip_prefix("](").or_else(|| rest.strip_prefix("]:"));
            let target = target.map(|rest| {
                rest.trim_start()
                    .split([')', ' '])
                    .next()
                    .unwrap_or_default()
            });
            let local = target
                .filter(|target| !target.starts_with("http://") && !target.starts_with("https://"));
            tokens.extend(local.map(|target| token(TokenKind::Address, target, number)));
        }
        if open
            && c == '<'
            && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c))
        {
            let end = rest.find('>').map_or(rest.len(), |end| end + 1);
            tokens.push(token(TokenKind::Markup, &rest[..end], number));
        }
        code ^= c == '`' && !escaped;
        escaped = c == '\\' && !escaped && !code;
    }
    tokens
}

fn token(kind: TokenKind, text: &str, line: usize) -> Token {
    Token {
        kind,
        text: text.to_owned(),
        line,
    }
}
