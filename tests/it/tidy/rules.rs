//! The rules, each a function from a text to what is wrong with it. They know no file system,
//! so `bites.rs` can show that each of them bites.

use super::code::{functions, lines_of, paths, tokens, without_tests};
use super::source::Source;
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
pub(super) fn long_functions(source: &Source) -> Vec<String> {
    let functions = functions(&source.text).into_iter();
    let long = functions.filter(|it| it.body > MOST_LINES_OF_A_FUNCTION);
    let told = long.map(|it| {
        let (name, lines) = (it.name, it.body);
        let message = format!(
            "`{name}` has {lines} lines; at most {MOST_LINES_OF_A_FUNCTION}: name its parts"
        );
        finding(source, it.line, message)
    });
    told.collect()
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
    let (Some(own), Some(module)) = (source.layer(), source.module()) else {
        return Vec::new();
    };
    let Some(index) = table.iter().position(|row| row.holds(own)) else {
        let message = format!("`{own}` is in no row of the table of layers");
        return vec![finding(source, 1, message)];
    };
    let allowed = importable(table, index);
    let tokens = tokens(&without_tests(&source.text));
    let mut findings = Vec::new();
    for path in paths(&tokens) {
        let Some((path, line)) = path.told_from_root(&module) else {
            continue;
        };
        let Some(first) = path.first() else { continue };
        let owner = AT_THE_ROOT.iter().find(|(name, _)| name == first);
        let name = owner.map_or(*first, |(_, module)| module);
        if !table.iter().any(|row| row.holds(name)) {
            let message = format!("`crate::{name}` is in no row of the table of layers");
            findings.push(finding(source, line, message));
        } else if name != own && !allowed.contains(&name) {
            let may = if allowed.is_empty() {
                "nothing".to_owned()
            } else {
                allowed.join(", ")
            };
            let message = format!("`{own}` may not import `{name}`; it may import: {may}");
            findings.push(finding(source, line, message));
        }
    }
    findings
}

/// A crate that one layer keeps to itself, named elsewhere. `sqlx_core` counts as `sqlx`.
pub(super) fn foreign_crates(source: &Source, table: &[Only]) -> Vec<String> {
    let Some(own) = source.layer() else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for token in tokens(&without_tests(&source.text)) {
        let names = |only: &&Only| {
            let rest = token.text.strip_prefix(only.krate);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        let Some(only) = table.iter().find(names) else {
            continue;
        };
        if !only.modules.split_whitespace().any(|it| it == own) {
            let (word, layers, reason) = (token.text, only.modules, only.reason);
            let message = format!("`{word}` is named by {layers} only: {reason}");
            findings.push(finding(source, token.start.line, message));
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
    let code = without_tests(&source.text);
    let tokens = tokens(&code);
    let mut findings = Vec::new();
    for path in paths(&tokens) {
        let mut names = path.names();
        let named = (names.next().unwrap_or(""), names.next().unwrap_or(""));
        if unnamed.contains(&named) {
            let message = format!("`{}::{}` is asked by `operations` only", named.0, named.1);
            findings.push(finding(source, path.line(1), message));
        }
    }
    for (refused, instead) in refused {
        findings.extend(refused_code(source, &code, &[refused], instead));
    }
    findings
}

/// `handlers` and `capabilities` are found by registration; a path to one of them is a list
/// that a person has to keep.
pub(super) fn providers_by_name(source: &Source) -> Vec<String> {
    let own = source.module().unwrap_or_default();
    let tokens = tokens(&source.text);
    let mut findings = Vec::new();
    for path in paths(&tokens) {
        let packages = ["callboard_core", "callboard_factory", "callboard"];
        let (names, line) = if packages.contains(&path.first()) {
            (path.names().skip(1).collect(), path.line(1))
        } else if let Some(from_root) = path.told_from_root(&own) {
            from_root
        } else {
            continue;
        };
        // What climbs stays among them, and generated bindings want the whole path of a type, also
        // of one in the same file.
        let climbs = path.first() == "super" && names.first() == own.first();
        let own = !own.is_empty() && names.starts_with(&own);
        if let Some(folder) = names.first()
            && ["handlers", "capabilities"].contains(folder)
            && !climbs
            && !own
        {
            let message = format!("names a file in {folder}/; it is found by registration");
            findings.push(finding(source, line, message));
        }
    }
    findings
}

pub(super) fn refused_type_names(source: &Source, refused: &[(&str, &str)]) -> Vec<String> {
    let mut findings = Vec::new();
    for pair in tokens(&source.text).windows(2) {
        let declares = ["struct", "enum", "trait", "type", "union"].contains(&&*pair[0].text);
        let (name, line) = (&pair[1].text, pair[1].start.line);
        let refused = refused.iter().find(|(it, _)| name.ends_with(it));
        if let Some((suffix, instead)) = refused.filter(|_| declares) {
            let message = format!("`{name}`: no type is called …{suffix}; {instead}");
            findings.push(finding(source, line, message));
        }
    }
    findings
}

pub(super) fn prints(source: &Source) -> Vec<String> {
    let calls = [
        "println !",
        "print !",
        "eprintln !",
        "eprint !",
        "dbg !",
        "stdout ( )",
        "stderr ( )",
    ];
    let instead = "prints; return it, and let `cli/output.rs` print";
    refused_code(source, &without_tests(&source.text), &calls, instead)
}

pub(super) fn unsafe_code(source: &Source) -> Vec<String> {
    let instead = "in a file that the list of `tidy.rs` does not name with a reason";
    refused_code(source, &source.text, &["unsafe"], instead)
}

pub(super) fn own_json(source: &Source) -> Vec<String> {
    let calls = [
        "serde_json : : from_str",
        "serde_json : : from_slice",
        "serde_json : : from_reader",
    ];
    let instead = "read it by `value::json_in`, which counts its parts before it makes them";
    refused_code(source, &without_tests(&source.text), &calls, instead)
}

/// What a file may not contain as code, its tokens with spaces between them, and what to write
/// instead.
fn refused_code(source: &Source, code: &str, refused: &[&str], instead: &str) -> Vec<String> {
    let tokens = tokens(code);
    let found = |refused: &&str| {
        let lines = lines_of(&tokens, refused).into_iter();
        let message = format!("`{}`: {instead}", refused.replace(' ', ""));
        lines
            .map(|line| finding(source, line, &message))
            .collect::<Vec<_>>()
    };
    refused.iter().flat_map(found).collect()
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
    let literals = tokens(&without_tests(&source.text));
    let literals = literals.iter().filter(|it| it.text.ends_with(['"', '#']));
    // `value` makes the text of those that have a type's columns.
    let elsewhere = !["store", "tables", "value"].contains(&source.layer().unwrap_or_default());
    let mut findings = Vec::new();
    for literal in literals {
        let text = literal
            .text
            .trim_start_matches(['r', '#', '"'])
            .trim_start();
        let mut tell = |problem: &str| findings.push(finding(source, literal.start.line, problem));
        if elsewhere && STATEMENTS.iter().any(|words| text.starts_with(words)) {
            tell("a statement is asked of `store`, or of `tables`");
        }
        if STARS.iter().any(|star| text.contains(star)) {
            tell("name the columns, or `select::<T>(…)`: a table may get another one");
        }
    }
    findings
}

/// Statements that write a status by themselves, which the table of transitions does, or its history.
pub(super) fn moves(source: &Source, machines: &[(&str, &str)]) -> Vec<String> {
    let tokens = tokens(&without_tests(&source.text));
    let mut findings = Vec::new();
    for (table, begins) in machines {
        let history = table.trim_end_matches('s').to_owned() + "_history";
        let mut words = vec![
            format!("\"UPDATE {table} "),
            format!("\"UPDATE {history} "),
            format!("\"INSERT INTO {history} "),
        ];
        if source.path != *begins {
            words.push(format!("\"INSERT INTO {table} "));
        }
        let instead = "a status is moved by `Machine::step` and begun where its table is";
        let told = tokens
            .iter()
            .filter(|it| words.iter().any(|words| it.text.starts_with(words)));
        findings.extend(told.map(|it| finding(source, it.start.line, instead)));
    }
    findings
}

pub(super) fn allows(source: &Source) -> Vec<String> {
    let instead = "write `expect` with a reason, which warns once it is no longer needed";
    let refused = ["# [ allow (", "# ! [ allow ("];
    refused_code(source, &source.text, &refused, instead)
}

pub(super) fn unwraps(source: &Source) -> Vec<String> {
    let instead = "give the error a name and return it, or `expect` what can't be otherwise";
    let code = without_tests(&source.text);
    refused_code(source, &code, &[". unwrap ( )"], instead)
}

/// Words that only tenants and programs know, in code, in literals and in comments. `except` are pieces
/// of lines in which they mean another thing.
pub(super) fn words_of_tenants(
    source: &Source,
    words: &[&str],
    except: &[(&str, &str, &str)],
) -> Vec<String> {
    let mut findings = Vec::new();
    for (index, line) in without_tests(&source.text).lines().enumerate() {
        let known = except
            .iter()
            .filter(|(path, ..)| source.path.starts_with(path));
        let text = known.fold(line.to_owned(), |text, (_, it, _)| text.replace(it, ""));
        let named = words_of(&text).into_iter().find(|word| {
            let one = word.strip_suffix('s').unwrap_or(word);
            words.contains(&one) || words.contains(&word.as_str())
        });
        if let Some(word) = named {
            let message = format!(
                "`{word}` is a word of a tenant or of the program: the host would carry others"
            );
            findings.push(finding(source, index + 1, message));
        }
    }
    findings
}

/// The words of a line, in lower case; a hump of `CamelCase` begins a new one.
fn words_of(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for it in line.chars() {
        if !it.is_alphabetic() || (it.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if it.is_alphabetic() {
            words
                .last_mut()
                .expect("there is one")
                .extend(it.to_lowercase());
        }
        before = it;
    }
    words
}

/// Paths that exist on one machine only. A part of an address is none of them.
pub(super) fn local_paths(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for folder in [concat!("/wo", "rk/"), concat!("/ro", "ot/")] {
        for (at, _) in source.text.match_indices(folder) {
            let inside = |it: char| it.is_alphanumeric() || "_./-~{}$*)".contains(it);
            if !source.text[..at].ends_with(inside) {
                let line = source.text[..at].matches('\n').count() + 1;
                let message = format!("names `{folder}`, a path of one machine");
                findings.push(finding(source, line, message));
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

/// Interfaces of which no file of the host is named: the guest could ask for what no host code
/// gives.
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
