//! The rules, each a function from a text to what is wrong with it. They know no file system,
//! so `bites.rs` can show that each of them bites.

use super::source::{
    Source, closing_brace, code_only, is_word, line_of, root_paths, without_tests, words,
};
use super::{AT_THE_ROOT, BELOW, Layer, Only};

const MOST_LINES_OF_A_FILE: usize = 500;
const MOST_LINES_OF_A_FUNCTION: usize = 60;

/// Says what is wrong, and where.
fn finding(source: &Source, line: usize, message: impl AsRef<str>) -> String {
    format!("{}:{line}: {}", source.path, message.as_ref())
}

pub(super) fn missing_head(source: &Source) -> Vec<String> {
    let good = source.text.starts_with("//!");
    let message = "the first line is not a `//!` head that says what the file is for";
    if good {
        Vec::new()
    } else {
        vec![finding(source, 1, message)]
    }
}

pub(super) fn too_long(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines <= MOST_LINES_OF_A_FILE {
        return Vec::new();
    }
    let message = format!("{lines} lines; at most {MOST_LINES_OF_A_FILE}: split it by subject");
    vec![finding(source, lines, message)]
}

/// Counts as clippy does: the lines between the braces, without comments and blank lines.
/// A function is a line that begins, after its qualifiers, with `fn`.
pub(super) fn long_functions(source: &Source) -> Vec<String> {
    let code = code_only(&source.text);
    let mut findings = Vec::new();
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let Some(name) = function_name(line) else {
            continue;
        };
        let Some(open) = code[start..].find(['{', ';']).map(|offset| start + offset) else {
            continue;
        };
        if code[open..].starts_with(';') {
            continue;
        }
        let end = closing_brace(&code, open).unwrap_or(code.len());
        let body = code[open + 1..end]
            .lines()
            .filter(|line| !line.trim().is_empty())
            .count();
        if body > MOST_LINES_OF_A_FUNCTION {
            let message = format!(
                "`{name}` has {body} lines; at most {MOST_LINES_OF_A_FUNCTION}: name its parts"
            );
            findings.push(finding(source, line_of(&code, start), message));
        }
    }
    findings
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    loop {
        if let Some(name) = rest.strip_prefix("fn ") {
            return name.split(|it| !is_word(it)).next();
        }
        let word = rest.split_whitespace().next()?;
        let qualifier = ["async", "const", "unsafe", "extern", "default"].contains(&word)
            || word.starts_with("pub")
            || word.starts_with('~');
        // `pub(in crate::engine)` has a space in it.
        let length = if word == "pub(in" {
            rest.find(')')? + 1
        } else {
            word.len()
        };
        rest = rest[if qualifier { length } else { return None }..].trim_start();
    }
}

/// What the modules of the row at `index` may import, beside themselves.
pub(super) fn importable(table: &[Layer], index: usize) -> Vec<&'static str> {
    let row = &table[index];
    let mut names: Vec<_> = match row.imports {
        BELOW => table[index + 1..].iter().flat_map(Layer::modules).collect(),
        listed => listed.split_whitespace().collect(),
    };
    if row.each_other {
        names.extend(row.modules());
    }
    names
}

pub(super) fn imports_upwards(source: &Source, table: &[Layer]) -> Vec<String> {
    let Some(own) = source.layer() else {
        return Vec::new();
    };
    let Some(index) = table.iter().position(|row| row.holds(own)) else {
        let message = format!("`{own}` is in no row of the table of layers");
        return vec![finding(source, 1, message)];
    };
    let allowed = importable(table, index);
    let code = without_tests(&code_only(&source.text));
    let mut findings = Vec::new();
    for path in root_paths(&code, "crate::", source.depth()) {
        let owner = AT_THE_ROOT.iter().find(|(name, _)| *name == path.name);
        let name = owner.map_or(path.name, |(_, module)| module);
        if !table.iter().any(|row| row.holds(name)) {
            let message = format!("`crate::{name}` is in no row of the table of layers");
            findings.push(finding(source, path.line, message));
        } else if name != own && !allowed.contains(&name) {
            let may = if allowed.is_empty() {
                "nothing".to_owned()
            } else {
                allowed.join(", ")
            };
            let message = format!("`{own}` may not import `{name}`; it may import: {may}");
            findings.push(finding(source, path.line, message));
        }
    }
    findings
}

/// A crate that one layer keeps to itself, named elsewhere. `sqlx_core` counts as `sqlx`.
pub(super) fn foreign_crates(source: &Source, table: &[Only]) -> Vec<String> {
    let Some(own) = source.layer() else {
        return Vec::new();
    };
    let code = without_tests(&code_only(&source.text));
    let mut findings = Vec::new();
    for (line, word) in words(&code) {
        let names = |only: &&Only| {
            let rest = word.strip_prefix(only.krate);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        let Some(only) = table.iter().find(names) else {
            continue;
        };
        if !only.modules.split_whitespace().any(|it| it == own) {
            let message = format!(
                "`{word}` is named by {} only: {}",
                only.modules, only.reason
            );
            findings.push(finding(source, line, message));
        }
    }
    findings
}

/// What is asked past the operations: a module of another package that is below them, or what leads
/// there.
pub(super) fn ways_around(
    source: &Source,
    unnamed: &[(&str, &str)],
    refused: &[(&str, &str)],
) -> Vec<String> {
    let code = without_tests(&code_only(&source.text));
    let mut findings = Vec::new();
    for (package, module) in unnamed {
        let paths = root_paths(&code, package, 0);
        let named = paths.iter().filter(|path| path.name == *module);
        findings.extend(named.map(|path| {
            let message = format!("`{package}{module}` is asked by `operations` only");
            finding(source, path.line, message)
        }));
    }
    for (text, instead) in refused {
        findings.extend(refused_code(source, &code, &[text], instead));
    }
    findings
}

/// `handlers` and `capabilities` are found by registration; a path to one of them is a list
/// that somebody has to keep.
pub(super) fn providers_by_name(source: &Source) -> Vec<String> {
    let code = code_only(&source.text);
    let mut paths = root_paths(&code, "crate::", source.depth());
    for package in ["callboard_core::", "callboard_factory::", "callboard::"] {
        paths.extend(root_paths(&code, package, 0));
    }
    paths
        .iter()
        .filter(|path| ["handlers", "capabilities"].contains(&path.name))
        .filter(|path| !names_itself(source, path.line))
        .map(|path| {
            let message = format!(
                "names a file in {}/; it is found by registration",
                path.name
            );
            finding(source, path.line, message)
        })
        .collect()
}

/// Generated bindings want the whole path of a type, also of one in the same file.
fn names_itself(source: &Source, line: usize) -> bool {
    let own = source.inside();
    let own = own.and_then(|(_, path)| path.strip_suffix(".rs"));
    let own = own.map(|path| format!("crate::{}::", path.replace('/', "::")));
    let text = source.text.lines().nth(line.saturating_sub(1));
    own.zip(text).is_some_and(|(own, text)| text.contains(&own))
}

pub(super) fn refused_type_names(source: &Source, refused: &[(&str, &str)]) -> Vec<String> {
    let code = code_only(&source.text);
    let mut findings = Vec::new();
    let mut before = "";
    for (line, word) in words(&code) {
        let declares = ["struct", "enum", "trait", "type", "union"].contains(&before);
        before = word;
        let Some((suffix, instead)) = refused.iter().find(|(it, _)| word.ends_with(it)) else {
            continue;
        };
        if declares {
            let message = format!("`{word}`: no type is called …{suffix}; {instead}");
            findings.push(finding(source, line, message));
        }
    }
    findings
}

pub(super) fn prints(source: &Source) -> Vec<String> {
    let code = without_tests(&code_only(&source.text));
    let calls = [
        "println!",
        "print!",
        "eprintln!",
        "eprint!",
        "dbg!",
        "stdout()",
        "stderr()",
    ];
    let message = "prints; return it, and let `cli/output.rs` print";
    calls
        .iter()
        .flat_map(|call| code.match_indices(call))
        .filter(|(at, _)| !code[..*at].ends_with(is_word))
        .map(|(at, call)| finding(source, line_of(&code, at), format!("`{call}` {message}")))
        .collect()
}

pub(super) fn unsafe_code(source: &Source) -> Vec<String> {
    let code = code_only(&source.text);
    let lines = words(&code)
        .filter(|(_, word)| *word == "unsafe")
        .map(|(line, _)| line);
    let message = "`unsafe` in a file that the list of `tidy.rs` does not name with a reason";
    lines.map(|line| finding(source, line, message)).collect()
}

/// What a file may not contain as code, and what to write instead.
fn refused_code(source: &Source, code: &str, refused: &[&str], instead: &str) -> Vec<String> {
    refused
        .iter()
        .flat_map(|it| code.match_indices(it))
        .map(|(at, it)| finding(source, line_of(code, at), format!("`{it}`: {instead}")))
        .collect()
}

/// What a text that is a statement begins with.
const STATEMENTS: [&str; 6] = [
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "WITH ",
    "LOCK TABLE ",
];
/// How a statement leaves its columns to the database.
const STARS: [&str; 4] = ["SELECT *", ".* FROM", ".*, ", "RETURNING *"];

/// Statements outside of the store and the tables of a tenant, and such as name no columns.
pub(super) fn statements(source: &Source) -> Vec<String> {
    // What tests and guests ask is theirs.
    if source.path.ends_with("tests.rs")
        || ["/tests/", "/granted/"]
            .iter()
            .any(|folder| source.path.contains(folder))
    {
        return Vec::new();
    }
    let text = without_tests(&source.text);
    let mut findings = Vec::new();
    // `value` makes the text of those that have a type's columns.
    if !["store", "tables", "value"].contains(&source.layer().unwrap_or_default()) {
        let quoted = STATEMENTS.map(|words| format!("\"{words}"));
        let quoted: Vec<_> = quoted.iter().map(String::as_str).collect();
        let instead = "a statement is asked of `store`, or of `tables`";
        findings.extend(refused_code(source, &text, &quoted, instead));
    }
    let instead = "name the columns, or `select::<T>(…)`: a table may get another one";
    findings.extend(refused_code(source, &text, &STARS, instead));
    findings
}

pub(super) fn allows(source: &Source) -> Vec<String> {
    let code = code_only(&source.text);
    let instead = "write `expect` with a reason, which warns once it is no longer needed";
    refused_code(source, &code, &["#[allow(", "#![allow("], instead)
}

pub(super) fn unwraps(source: &Source) -> Vec<String> {
    let code = without_tests(&code_only(&source.text));
    let instead = "give the error a name and return it, or `expect` what can't be otherwise";
    refused_code(source, &code, &[".unwrap()"], instead)
}

/// Paths that exist on one machine only. A part of an address is none of them.
pub(super) fn local_paths(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for folder in [concat!("/wo", "rk/"), concat!("/ro", "ot/")] {
        for (at, _) in source.text.match_indices(folder) {
            let inside = |it: char| is_word(it) || "./-~{}$*)".contains(it);
            if !source.text[..at].ends_with(inside) {
                let message = format!("names `{folder}`, a path of one machine");
                findings.push(finding(source, line_of(&source.text, at), message));
            }
        }
    }
    findings
}

/// The interfaces that a world imports, without `types`, which gives nothing.
pub(super) fn imported_interfaces(wit: &str) -> Vec<String> {
    let lines = wit
        .lines()
        .filter_map(|line| line.trim().strip_prefix("import "));
    lines
        .filter_map(|rest| rest.split([';', '@']).next())
        .map(|name| {
            name.rsplit(['/', ':'])
                .next()
                .unwrap_or(name)
                .trim()
                .to_owned()
        })
        .filter(|name| name != "types")
        .collect()
}

/// Interfaces of which no file of the host is named: the guest could ask for what nobody gives.
pub(super) fn interfaces_without_a_file(wit: &Source, host_files: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for interface in imported_interfaces(&wit.text) {
        let file = format!("/{}.rs", interface.replace('-', "_"));
        let given = host_files.iter().any(|path| {
            path.starts_with("host/core/src/capabilities/") && path.ends_with(file.as_str())
        });
        if !given {
            let message = format!("`{interface}` has no file host/core/src/capabilities{file}");
            findings.push(finding(wit, 1, message));
        }
    }
    findings
}
