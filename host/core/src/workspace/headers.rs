//! Headers of tables that say another thing than was meant: `[stage]` where there are several of
//! them, `[[input.day]]` where there is one, `[roles.url]` where the dot is part of the key. TOML
//! takes them, and what follows is a heap of mistakes that are none.

use std::collections::BTreeSet;

use super::SETTINGS;
use super::place::{Misread, Place};
use crate::config;

/// Each kind of wrong header, once.
pub(super) fn wrong(file: &str, text: &str) -> Vec<Misread> {
    let mut known = BTreeSet::new();
    let mut misreads = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let header = line.split('#').next().unwrap_or_default().trim();
        if let Some((message, mend)) = meant(file, header)
            && known.insert(header)
        {
            misreads.push(Misread::new(Place::of(file, text, offset), message, mend));
        }
        offset += line.len();
    }
    misreads
}

fn meant(file: &str, header: &str) -> Option<(String, String)> {
    let inside = header.strip_prefix('[')?.strip_suffix(']')?;
    if let Some(inside) = inside.strip_prefix('[') {
        let name = inside.strip_suffix(']')?;
        let one = match name.split('.').collect::<Vec<_>>().as_slice() {
            ["input", _] | ["config"] => true,
            [key] => file == config::FILE && config::is_key(key),
            _ => false,
        };
        let message = format!("`{header}` begins one of several, and there is one `{name}` only");
        return one.then(|| (message, format!("write `[{name}]`")));
    }
    if file == SETTINGS {
        let plain = |c: char| c.is_alphanumeric() || ['.', '_', '-'].contains(&c);
        let dotted = inside.contains('.') && inside.chars().all(plain);
        let message = format!("`{header}` is a table in a table, and a setting is one of its own");
        return dotted.then(|| (message, format!("write `[\"{inside}\"]`")));
    }
    let several = matches!(
        inside.split('.').collect::<Vec<_>>().as_slice(),
        ["stage" | "schedule"]
            | ["stage", "when"]
            | ["ask", "db" | "http" | "credentials"]
            | ["grants", _, "db" | "http" | "credentials"]
    );
    let message = format!("`{header}` is one table, and `{inside}` is a list of them");
    several.then(|| (message, format!("write `[[{inside}]]` for each")))
}
