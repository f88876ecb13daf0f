//! Mends that add something to a file: the lines as they have to be typed there. A table that is
//! there may not be there twice, so what goes into it is told apart from a table of its own.

use crate::workspace::Defined;

/// What to do for `key = value` to be in `[table]` of a file.
pub(super) fn of<T>(defined: &Defined<T>, table: &str, key: &str, value: &str) -> String {
    let line = format!("{key} = {value}");
    if has_header(defined.text.whole(), table) {
        return format!("write under [{table}] in {}:\n{line}", defined.file);
    }
    format!("add to {}:\n[{table}]\n{line}", defined.file)
}

/// What to do for a text to be among those of the list `key` in `[table]` of a file.
pub(super) fn element<T>(defined: &Defined<T>, table: &str, key: &str, text: &str) -> String {
    let path: Vec<&str> = table.split('.').chain([key]).collect();
    match defined.written(&path) {
        Some(place) => format!("add \"{text}\" to `{key}` at {place}"),
        None => of(defined, table, key, &format!("[\"{text}\"]")),
    }
}

/// Whether a file has a line that begins a table.
fn has_header(text: &str, table: &str) -> bool {
    let header = format!("[{table}]");
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix(header.as_str()))
        .any(|rest| rest.trim_start().is_empty() || rest.trim_start().starts_with('#'))
}
