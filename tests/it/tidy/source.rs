//! Reading the repository: its files, their code without comments and literals, their paths.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the repository.
pub(crate) struct Source {
    /// From the top of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(super) fn is(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|it| it == extension)
    }

    /// The package and the path inside it of a file of the host: `core` and `engine/worker.rs`.
    pub(super) fn inside(&self) -> Option<(&str, &str)> {
        self.path.strip_prefix("host/")?.split_once("/src/")
    }

    /// The layer a file of the host belongs to: `host/core/src/engine/worker.rs` is of `engine`.
    /// `lib.rs` is the map and belongs to none.
    pub(super) fn layer(&self) -> Option<&str> {
        let (_, inside) = self.inside()?;
        let first = inside.split('/').next()?;
        let layer = first.strip_suffix(".rs").unwrap_or(first);
        (layer != "lib").then_some(layer)
    }

    /// How many modules deep the file is: `engine.rs` 1, `engine/worker.rs` 2.
    pub(super) fn depth(&self) -> usize {
        self.inside()
            .map_or(0, |(_, inside)| inside.split('/').count())
    }
}

pub(super) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every text file that a person wrote, in order of their paths.
pub(crate) fn sources() -> Vec<Source> {
    let top = repository();
    let mut found = Vec::new();
    collect(&top, &top, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(
        found.len() > 10,
        "the repository was not found at {}",
        top.display()
    );
    found
}

fn collect(top: &Path, folder: &Path, found: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder entry").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            if !is_skipped(&path, &name) {
                collect(top, &path, found);
            }
        } else if is_written_by_hand(&path, &name) {
            let text = fs::read_to_string(&path).expect("a text file in UTF-8");
            let inside = path.strip_prefix(top).expect("a path below the top");
            let path = inside.to_string_lossy().replace('\\', "/");
            found.push(Source { path, text });
        }
    }
}

/// Hidden folders but our own two, and what was built: cargo marks its folders as a cache.
fn is_skipped(path: &Path, folder: &str) -> bool {
    let hidden = folder.starts_with('.') && folder != ".ci" && folder != ".config";
    hidden || ["target", "node_modules"].contains(&folder) || path.join("CACHEDIR.TAG").exists()
}

fn is_written_by_hand(path: &Path, name: &str) -> bool {
    let kinds = ["rs", "md", "toml", "wit", "sql", "html", "snap"];
    let by_kind = path
        .extension()
        .is_some_and(|it| kinds.iter().any(|kind| it == *kind));
    by_kind || ["just", "justfile", "run"].contains(&name)
}

/// The code with every comment blanked and every literal replaced by `~`. Lines keep their
/// numbers, and a brace or a word that is left is one of the program.
pub(super) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let (end, filler) = if let Some(end) = comment_end(&chars, at) {
            (end, ' ')
        } else if let Some(end) = literal_end(&chars, at) {
            (end, '~')
        } else {
            code.push(chars[at]);
            at += 1;
            continue;
        };
        code.extend(
            chars[at..end]
                .iter()
                .map(|&it| if it == '\n' { it } else { filler }),
        );
        at = end;
    }
    code
}

fn starts_with(chars: &[char], at: usize, expected: &str) -> bool {
    expected
        .chars()
        .enumerate()
        .all(|(offset, it)| chars.get(at + offset) == Some(&it))
}

fn comment_end(chars: &[char], start: usize) -> Option<usize> {
    if starts_with(chars, start, "//") {
        let line = chars[start..].iter().position(|&it| it == '\n');
        return Some(line.map_or(chars.len(), |length| start + length));
    }
    if !starts_with(chars, start, "/*") {
        return None;
    }
    let (mut depth, mut at) = (0, start);
    while at < chars.len() {
        if starts_with(chars, at, "/*") {
            depth += 1;
            at += 2;
        } else if starts_with(chars, at, "*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    Some(at.min(chars.len()))
}

fn literal_end(chars: &[char], start: usize) -> Option<usize> {
    if start > 0 && is_word(chars[start - 1]) {
        return None;
    }
    let mut at = start;
    if ['b', 'c'].contains(&chars[at]) {
        at += 1;
    }
    let raw = chars.get(at) == Some(&'r');
    if raw {
        at += 1;
    }
    let hashes = chars[at..]
        .iter()
        .take_while(|&&it| raw && it == '#')
        .count();
    at += hashes;
    match chars.get(at)? {
        '"' if raw => Some(raw_string_end(chars, at + 1, hashes)),
        '"' => Some(quoted_end(chars, at + 1, '"')),
        '\'' if !raw && is_char_literal(chars, at) => Some(quoted_end(chars, at + 1, '\'')),
        _ => None,
    }
}

/// `'a'` and `'\n'` are literals, `'a` is a lifetime.
fn is_char_literal(chars: &[char], quote: usize) -> bool {
    chars.get(quote + 1) == Some(&'\\') || chars.get(quote + 2) == Some(&'\'')
}

fn raw_string_end(chars: &[char], start: usize, hashes: usize) -> usize {
    let closing = format!("\"{}", "#".repeat(hashes));
    let end = (start..chars.len()).find(|&at| starts_with(chars, at, &closing));
    end.map_or(chars.len(), |at| at + closing.len())
}

fn quoted_end(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// The code with what stands under `#[cfg(test)]` blanked. Takes what [`code_only`] gives.
pub(super) fn without_tests(code: &str) -> String {
    let mark = "#[cfg(test)]";
    let mut rest = code;
    let mut kept = String::with_capacity(code.len());
    while let Some(start) = rest.find(mark) {
        kept.push_str(&rest[..start]);
        let end = item_end(rest, start + mark.len());
        kept.extend(rest[start..end].chars().filter(|&it| it == '\n'));
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept
}

/// Where the item that begins at `start` ends: after its `;` or its closing brace.
fn item_end(code: &str, start: usize) -> usize {
    match code[start..].find(['{', ';']).map(|offset| start + offset) {
        None => code.len(),
        Some(at) if code[at..].starts_with(';') => at + 1,
        Some(at) => closing_brace(code, at).map_or(code.len(), |end| end + 1),
    }
}

/// The brace that closes the one at `open`.
pub(super) fn closing_brace(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    for (offset, it) in code[open..].char_indices() {
        match it {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return Some(open + offset);
        }
    }
    None
}

pub(super) fn is_word(it: char) -> bool {
    it.is_alphanumeric() || it == '_'
}

/// The line that the byte at `offset` is in, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// Every word of the code, with its line.
pub(super) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().flat_map(|(index, line)| {
        let words = line
            .split(|it| !is_word(it))
            .filter(|word| !word.is_empty());
        words.map(move |word| (index + 1, word))
    })
}

/// A path that begins at the root of the crate: its first name, and its line.
#[derive(Debug, PartialEq)]
pub(super) struct RootPath<'a> {
    pub(super) line: usize,
    pub(super) name: &'a str,
}

/// With `crate::` as the root: every `crate::name`, the names of `crate::{one, two::three}`,
/// and every `use super::…` at the left margin that climbs from a file `depth` modules deep
/// to the root. A longer climb from an inner module is not seen.
pub(super) fn root_paths<'a>(code: &'a str, root: &str, depth: usize) -> Vec<RootPath<'a>> {
    let climb = format!("use {}", "super::".repeat(depth));
    let mut found = Vec::new();
    for (start, root) in code.match_indices(root) {
        if !code[..start].ends_with(is_word) {
            names_after(code, start + root.len(), &mut found);
        }
    }
    for (start, root) in code.match_indices(&climb) {
        if depth > 0 && (start == 0 || code[..start].ends_with('\n')) {
            names_after(code, start + root.len(), &mut found);
        }
    }
    found
}

/// The names that a path goes on with at `start`: one, or those of a group in braces.
fn names_after<'a>(code: &'a str, start: usize, found: &mut Vec<RootPath<'a>>) {
    let mut push = |at: usize| {
        let rest = &code[at..];
        let at = at + (rest.len() - rest.trim_start().len());
        let rest = &code[at..];
        let name = &rest[..rest.find(|it| !is_word(it)).unwrap_or(rest.len())];
        if !["", "self", "super"].contains(&name) {
            found.push(RootPath {
                line: line_of(code, at),
                name,
            });
        }
    };
    if !code[start..].starts_with('{') {
        return push(start);
    }
    let end = closing_brace(code, start).unwrap_or(code.len());
    push(start + 1);
    let mut depth = 0;
    for (offset, it) in code[start..end].char_indices() {
        match it {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => push(start + offset + 1),
            _ => {}
        }
    }
}
