//! The first line of a commit, read: type, scope, title, and the numbers in it.

use super::forge::Forge;
use super::prose::{Prose, capital};

/// Signs that stand for a type, as many projects use them.
const SIGNS: &[(&str, &[&str], &[&str])] = &[
    (
        "feat",
        &["✨", "🎉", "🚀", "➕"],
        &["sparkles", "tada", "rocket"],
    ),
    (
        "fix",
        &["🐛", "🚑", "🩹", "🚨", "🥅"],
        &["bug", "ambulance", "adhesive_bandage"],
    ),
    ("perf", &["⚡", "🐎"], &["zap", "racehorse"]),
    ("security", &["🔒", "🛂"], &["lock", "closed_lock_with_key"]),
    (
        "refactor",
        &["♻", "🎨", "🚚", "🏗"],
        &["recycle", "art", "truck", "building_construction"],
    ),
    (
        "docs",
        &["📝", "📚", "💡"],
        &["memo", "books", "bulb", "pencil"],
    ),
    ("test", &["✅", "🧪"], &["white_check_mark", "test_tube"]),
    (
        "build",
        &["👷", "💚", "📦", "⬆", "⬇", "📌"],
        &[
            "construction_worker",
            "green_heart",
            "package",
            "arrow_up",
            "arrow_down",
            "pushpin",
        ],
    ),
    (
        "chore",
        &["🔧", "🔖", "🔥", "🚧", "🙈"],
        &["wrench", "bookmark", "construction", "see_no_evil"],
    ),
    ("revert", &["⏪"], &["rewind"]),
];

/// What a change takes back, or brings back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// Whether it brings back what was taken back.
    pub restores: bool,
    /// The headline of the other change.
    pub of: String,
}

/// A headline in its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headline {
    /// The conventional type, in its usual spelling.
    pub kind: Option<String>,
    pub scope: Option<String>,
    pub breaking: bool,
    /// The pull request that it ends with.
    pub request: Option<u64>,
    /// The issues that it names.
    pub issues: Vec<u64>,
    pub undo: Option<Undo>,
    /// What is left, with the scope.
    pub title: String,
}

impl Headline {
    /// Read a headline of a repository on a forge.
    pub fn read(line: &str, forge: Forge) -> Self {
        let mut headline = Self::default();
        let rest = headline.numbers(line.trim(), forge);
        let rest = headline.signs(unmarked(rest));
        let rest = headline.ticket(unmarked(rest));
        if let Some(undo) = undo(rest) {
            let verb = if undo.restores { "Reapply" } else { "Revert" };
            headline.title = format!("{verb} \"{}\"", Self::read(&undo.of, forge).title);
            headline.kind = Some("revert".to_owned());
            headline.undo = Some(undo);
            return headline;
        }
        let rest = headline.bracketed(rest);
        let rest = headline.prefix(rest).unwrap_or(rest);
        let rest = headline.signs(unmarked(rest));
        let rest = rest.trim().trim_end_matches(':');
        let rest = rest
            .strip_suffix('.')
            .filter(|rest| !rest.ends_with('.'))
            .unwrap_or(rest);
        headline.title = match &headline.scope {
            Some(scope) if !scope.is_empty() => format!("{scope}: {}", rest.trim()),
            _ => capital(rest.trim()),
        };
        headline
    }

    /// Take `(#12)`, `(closes #12)` and the like from the end.
    fn numbers<'l>(&mut self, line: &'l str, forge: Forge) -> &'l str {
        pattern!(
            LAST,
            r"(?i)\s*[(\[](?<word>[a-z ]*?)[\s:]*(?<all>(?:(?:gh-|pr\s*)?[#!]\d{1,9}[\s,&]*(?:and )?)+)[)\]]\.?$"
        );
        pattern!(
            OPEN,
            r"(?i)[\s,;]+(?:(?:this|that|which|it|and|also|should|will|hopefully|partially|to|commit|patch|change|pr)\s+)*(?<word>fix(?:es|ed)?|close[sd]?|resolve[sd]?|refs?)[\s:]+(?<all>#\d{1,9})\.?$"
        );
        let mut rest = line;
        while let Some(found) = LAST.captures(rest).or_else(|| OPEN.captures(rest)) {
            let before = &rest[..found.get(0).map_or(0, |all| all.start())];
            // `It was slow. The new reader fixes #12`: it is the verb of a sentence.
            if Prose::line(before)
                .sentences()
                .split_last()
                .is_some_and(|(last, others)| !others.is_empty() && !last.is_ended())
            {
                let numbers = numbers(&found["all"]).into_iter();
                self.issues.extend(numbers.map(|(_, value)| value));
                return line_or(rest, line);
            }
            let word = found["word"].trim().to_lowercase();
            let asked = before.rsplit(' ').next().unwrap_or_default().to_lowercase();
            let is_request = matches!(
                word.as_str(),
                "" | "pr" | "mr" | "pull request" | "merge request"
            );
            let names_issue = matches!(asked.as_str(), "issue" | "issues" | "bug" | "ticket");
            for (mark, value) in numbers(&found["all"]) {
                let request = is_request && !names_issue && forge.marks_request(mark);
                if request && self.request.is_none() {
                    self.request = Some(value);
                } else if !request {
                    self.issues.push(value);
                }
            }
            rest = before;
        }
        line_or(rest, line)
    }

    /// Take pictures and their codes from the beginning; the first that stands for a type counts.
    fn signs<'l>(&mut self, line: &'l str) -> &'l str {
        pattern!(CODE, r"^:([a-z0-9_+-]{2,40}):\s*");
        let mut rest = line.trim_start();
        loop {
            let named = |code: &str| SIGNS.iter().find(|(.., codes)| codes.contains(&code));
            if let Some(found) = CODE.captures(rest) {
                let kind = named(&found[1]).map(|(kind, ..)| (*kind).to_owned());
                self.kind = self.kind.take().or(kind);
                rest = &rest[found[0].len()..];
                continue;
            }
            let Some(first) = rest.chars().next().filter(|c| is_picture(*c)) else {
                return rest;
            };
            let sign = SIGNS
                .iter()
                .find(|(_, signs, _)| signs.iter().any(|it| it.starts_with(first)));
            let kind = sign.map(|(kind, ..)| (*kind).to_owned());
            self.kind = self.kind.take().or(kind);
            rest = rest[first.len_utf8()..].trim_start();
        }
    }

    /// Take `Fixed #12 --` from the beginning.
    fn ticket<'l>(&mut self, line: &'l str) -> &'l str {
        pattern!(
            TICKET,
            r"(?i)^(fix(?:es|ed)?|close[sd]?|resolve[sd]?|refs?)\s+#(\d{1,9})\s*(?:--|-|:|,)?\s+"
        );
        let Some(found) = TICKET.captures(line) else {
            return line;
        };
        self.issues.extend(found[2].parse::<u64>());
        if found[1].to_lowercase().starts_with("fix") {
            self.kind = Some("fix".to_owned());
        }
        &line[found[0].len()..]
    }

    /// Take `[fix]` from the beginning.
    fn bracketed<'l>(&mut self, line: &'l str) -> &'l str {
        let parts = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let typed = parts.and_then(|(word, rest)| Some((usual(word.trim())?, rest)));
        let Some((kind, rest)) = typed.filter(|(_, rest)| !rest.trim().is_empty()) else {
            return line;
        };
        self.kind = Some(kind.to_owned());
        rest.trim_start_matches(':').trim_start()
    }

    /// Take `type(scope)!:`, `type:` or `scope:` from the beginning.
    fn prefix<'l>(&mut self, line: &'l str) -> Option<&'l str> {
        let (head, title) = line.split_once(':')?;
        if !title.starts_with(char::is_whitespace) || title.trim().is_empty() {
            return None;
        }
        let bare = head.strip_suffix('!').unwrap_or(head);
        let (word, scope) = match bare.split_once('(') {
            Some((word, scope)) => (word, Some(scope.strip_suffix(')')?.trim())),
            None => (bare, None),
        };
        let kind = usual(word.trim());
        if kind.is_none() && (scope.is_some() || !is_scope(word)) {
            return None;
        }
        let scope = scope.or_else(|| kind.is_none().then_some(word));
        self.scope = scope.filter(|scope| !scope.is_empty()).map(str::to_owned);
        self.breaking = bare.len() < head.len();
        self.kind = kind.map(str::to_owned).or(self.kind.take());
        Some(title.trim())
    }
}

/// What is left of a line, or all of it if that is nothing.
fn line_or<'l>(rest: &'l str, line: &'l str) -> &'l str {
    if rest.trim().is_empty() { line } else { rest }
}

/// The numbers in a text, each with the mark before it.
fn numbers(text: &str) -> Vec<(char, u64)> {
    pattern!(NUMBER, r"([#!])(\d{1,9})");
    let found = NUMBER.captures_iter(text);
    let number = found.filter_map(|it| Some((it[1].chars().next()?, it[2].parse().ok()?)));
    number.collect()
}

/// Without what is said to machines, and keys of other trackers, before the title.
fn unmarked(line: &str) -> &str {
    pattern!(SKIP, r"(?i)^\[(?:skip[ -]ci|ci[ -]skip|no[ -]ci|wip)\]\s+");
    pattern!(
        KEY,
        r"^(?:\[([A-Z][A-Z0-9]+)-\d+\]:?|([A-Z][A-Z0-9]+)-\d+(?::|\s+-))\s+"
    );
    let mut rest = line.trim_start();
    loop {
        let key = KEY.captures(rest).filter(|found| {
            let project = found.get(1).or(found.get(2)).map_or("", |it| it.as_str());
            !STANDARDS.contains(&project)
        });
        let key = key.and_then(|found| found.get(0));
        match SKIP.find(rest).or(key) {
            Some(found) => rest = &rest[found.end()..],
            None => return rest,
        }
    }
}

/// What is written like the key of a tracker and is none.
const STANDARDS: [&str; 9] = [
    "UTF", "ISO", "RFC", "PEP", "SHA", "CVE", "AES", "HTTP", "UTC",
];

/// `Revert "x"`, `Reapply "x"` and their likes in one another, `revert: x`.
fn undo(line: &str) -> Option<Undo> {
    let quoted = |line: &str, verb: &str| {
        let rest = line.strip_prefix(verb)?.trim_start();
        let inner = rest.strip_prefix(['"', '\u{201c}'])?;
        Some(inner.trim_end_matches(['"', '\u{201d}', '.']).to_owned())
    };
    let (restores, of) = if let Some(of) = quoted(line, "Revert") {
        (false, of)
    } else if let Some(of) = quoted(line, "Reapply").or_else(|| quoted(line, "Reland")) {
        (true, of)
    } else {
        let of = line
            .strip_prefix("revert: ")
            .or_else(|| line.strip_prefix("Revert: "));
        (false, of?.trim().to_owned())
    };
    match undo(&of) {
        Some(inner) => Some(Undo {
            restores: restores == inner.restores,
            of: inner.of,
        }),
        None => Some(Undo { restores, of }),
    }
}

/// The usual spelling of a conventional type.
fn usual(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "feat" | "feature" => "feat",
        "fix" | "bugfix" | "hotfix" => "fix",
        "perf" => "perf",
        "sec" | "security" => "security",
        "refactor" => "refactor",
        "doc" | "docs" => "docs",
        "test" | "tests" => "test",
        "build" => "build",
        "ci" => "ci",
        "chore" => "chore",
        "style" => "style",
        "revert" => "revert",
        _ => return None,
    })
}

/// A scope in the manner of kernels and compilers: one short word in lower case.
fn is_scope(word: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-/.,".contains(c);
    (2..=40).contains(&word.len())
        && word.starts_with(|first: char| first.is_ascii_lowercase())
        && word.chars().all(fits)
}

/// Whether a character is a picture, or changes how one looks.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' | '\u{fe0f}' | '\u{200d}'
        | '\u{20e3}')
}

/// The pull request that a merge brought in, and what its headline is if the first line says
/// nothing but that it is a merge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merge {
    pub request: Option<u64>,
    /// The title that the first line or the forge gives.
    pub title: Option<String>,
    /// The branch that was merged.
    pub branch: Option<String>,
}

impl Merge {
    /// Read the first line of a merge; `None` if it is a headline like any other.
    pub fn read(line: &str) -> Option<Self> {
        pattern!(
            REQUEST,
            r"^Merge (?:pull request|PR) [#!](\d{1,9})(?:[ :]+(?:from (\S+))?(.*))?$"
        );
        pattern!(NAMED, r"^Merge pull request '(.+)' \([#!](\d{1,9})\)");
        pattern!(AZURE, r"^Merged PR (\d{1,9}):?\s*(.*)$");
        pattern!(STASH, r"^Merged in (\S+) \(pull request #(\d{1,9})\)");
        pattern!(TITLED, r"^Merge(?: [^\s:]+)?:\s+(\S.*)$");
        pattern!(
            PLAIN,
            r"^Merge(?:d)? (?:remote-tracking )?(?:branch(?:es)?|tag|commit)?\s*'?([^' ]+)'?(?:[, ].*)?$"
        );
        let title = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(found) = REQUEST.captures(line) {
            return Some(Self {
                request: found[1].parse().ok(),
                branch: found.get(2).map(|it| branch(it.as_str())),
                title: found.get(3).and_then(|it| title(it.as_str())),
            });
        }
        if let Some(found) = NAMED.captures(line) {
            return Some(Self {
                request: found[2].parse().ok(),
                title: title(&found[1]),
                branch: None,
            });
        }
        if let Some(found) = AZURE.captures(line) {
            return Some(Self {
                request: found[1].parse().ok(),
                title: title(&found[2]),
                branch: None,
            });
        }
        if let Some(found) = STASH.captures(line) {
            return Some(Self {
                request: found[2].parse().ok(),
                title: None,
                branch: Some(branch(&found[1])),
            });
        }
        if let Some(found) = TITLED.captures(line) {
            return Some(Self {
                title: title(&found[1]),
                ..Self::default()
            });
        }
        let plain = PLAIN.captures(line).filter(|_| is_plain(line))?;
        Some(Self {
            branch: Some(plain[1].to_owned()),
            ..Self::default()
        })
    }
}

/// Whether a merge was titled by git.
fn is_plain(line: &str) -> bool {
    [
        "Merge branch ",
        "Merge branches ",
        "Merge remote-tracking branch ",
        "Merge tag ",
        "Merge commit ",
    ]
    .iter()
    .any(|head| line.starts_with(head))
        || line.split_whitespace().count() == 2
        || line.split_whitespace().count() <= 4 && line.contains(" into ")
}

/// `fix-x` of `owner/fix-x`.
fn branch(name: &str) -> String {
    name.split_once('/')
        .map_or(name, |(_, branch)| branch)
        .to_owned()
}

#[cfg(test)]
mod tests;
