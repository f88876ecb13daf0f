//! TOML with every mistake reported, not only the first.
//!
//! What does not read is taken out, an unknown key or a whole `[[stage]]`, and the rest is
//! tried again, until it reads or nothing can be taken out.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer, Error};

use super::place::{Misread, Place};
use super::{headers, misplaced};
use crate::foreign_reader;
use crate::registry::nearest;

/// More mistakes than anybody mends in one go.
const LIMIT: usize = 50;
/// Bytes that are looked through for them: each mistake has the whole text tried again.
const WORK: usize = 4 << 20;

/// What a text says, as far as it reads, and the mistakes in it.
pub(super) fn parse<T: DeserializeOwned>(file: &str, text: &str) -> (Option<T>, Vec<Misread>) {
    parse_with(file, text, |table| {
        T::deserialize(Deserializer::from(table))
    })
}

/// The same, if a table is read by `take`.
pub(super) fn parse_with<T>(
    file: &str,
    text: &str,
    take: impl Fn(Spanned<DeTable<'_>>) -> Result<T, Error>,
) -> (Option<T>, Vec<Misread>) {
    foreign_reader::read("TOML", || read(file, text, take)).unwrap_or_else(|broken| {
        let misread = Misread {
            place: Place::start(file),
            message: broken.to_string(),
            mend: "correct the file".into(),
        };
        (None, vec![misread])
    })
}

fn read<T>(
    file: &str,
    text: &str,
    take: impl Fn(Spanned<DeTable<'_>>) -> Result<T, Error>,
) -> (Option<T>, Vec<Misread>) {
    let headers = headers::wrong(file, text);
    if !headers.is_empty() {
        return (None, headers);
    }
    let (mut table, errors) = DeTable::parse_recoverable(text);
    let limit = LIMIT.min(WORK / text.len().max(1)).max(1);
    // After the first error the parser is out of step, and the others are made by that.
    let first = errors
        .iter()
        .min_by_key(|error| error.span().map(|span| span.start));
    if let Some(error) = first {
        return (None, vec![malformed(file, text, error)]);
    }
    let mut misreads = Vec::new();
    let mut removed: Vec<String> = Vec::new();
    // What was taken out may be missing elsewhere, which is not told and takes a turn, too.
    for _ in 0..2 * limit {
        if misreads.len() == limit {
            break;
        }
        let error = match take(table.clone()) {
            Ok(value) => return (Some(value), misreads),
            Err(error) => error,
        };
        // What is missing now may be what was taken out.
        let missing = removed.iter().any(|key| {
            error
                .message()
                .starts_with(&format!("missing field `{key}`"))
        });
        let at = error.span().unwrap_or(0..0);
        if !missing {
            let key = error.span().and_then(|span| key_at(table.get_ref(), &span));
            let mut misread = wrong(file, text, &error, key);
            let elsewhere = known(&error).and_then(|known| {
                let mut rest = table.get_ref().clone();
                remove(&mut rest, &at, None)?;
                misplaced::mend((table.get_ref(), &rest), &at, &known, &take)
            });
            misread.mend = elsewhere.unwrap_or(misread.mend);
            misreads.push(misread);
        }
        match remove(table.get_mut(), &at, meant(&error)) {
            Some(key) => removed.push(key),
            None => return (None, misreads),
        }
    }
    let end = misreads.last().map(|misread| misread.place.clone());
    let end = end.unwrap_or_else(|| Place::start(file));
    misreads.push(unread_beyond(end, "perhaps more mistakes"));
    (None, misreads)
}

/// Mistakes that are not told one by one.
fn unread_beyond(place: Place, what: &str) -> Misread {
    Misread {
        place,
        message: format!("{what} in the file"),
        mend: "mend the others first".into(),
    }
}

/// The keys that are known where one is not.
fn known(error: &Error) -> Option<Vec<&str>> {
    let message = error.message().strip_prefix("unknown field")?;
    Some(message.split('`').skip(3).step_by(2).collect())
}

/// The known key that an unknown one was to be. It is read as that, so that it is not missing,
/// too, and its value is looked at.
fn meant(error: &Error) -> Option<String> {
    let message = error.message().strip_prefix("unknown field")?;
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    nearest(unknown, quoted).map(str::to_owned)
}

fn malformed(file: &str, text: &str, error: &Error) -> Misread {
    let place = place(file, text, error);
    let line = text.lines().nth(place.line - 1).unwrap_or_default().trim();
    if error.message().contains("duplicate key") {
        return Misread {
            place,
            message: format!("`{line}` is there twice"),
            mend: "remove one of the two".into(),
        };
    }
    if let Some((number, open)) = unclosed(text, place.line) {
        let closing = if open.contains('[') { "]" } else { "}" };
        return Misread {
            place: Place {
                line: number,
                column: 1,
                ..place
            },
            message: format!("`{open}` is not closed"),
            mend: format!("add `{closing}`"),
        };
    }
    let bare = line
        .split_once('=')
        .map(|(key, value)| (key.trim(), value.trim()));
    let bare = bare.filter(|(_, value)| value.starts_with(char::is_alphabetic));
    let mend = match bare {
        Some((key, value)) => format!("write `{key} = \"{value}\"`: a text is in quotes"),
        None => "write `key = value` or `[table]`".to_owned(),
    };
    let what = error.message().replace('\n', ", ");
    Misread {
        place,
        message: format!("`{line}` is not TOML: {what}"),
        mend,
    }
}

/// The line at or before `line` that opens a list or a table in a line and does not close it, with
/// its number.
fn unclosed(text: &str, line: usize) -> Option<(usize, &str)> {
    let lines = text.lines().enumerate().take(line);
    let before: Vec<_> = lines.filter(|(_, line)| !line.trim().is_empty()).collect();
    let last = before.iter().rev().take(2);
    last.map(|(index, line)| (index + 1, line.trim()))
        .find(|(_, line)| {
            let count = |mark: char| line.matches(mark).count();
            let value = line.split_once('=').map(|(_, value)| value.trim_start());
            value.is_some_and(|value| value.starts_with(['[', '{']))
                && (count('[') > count(']') || count('{') > count('}'))
        })
}

/// A mistake in a text that is TOML.
fn wrong(file: &str, text: &str, error: &Error, key: Option<String>) -> Misread {
    let place = place(file, text, error);
    let message = error.message().trim().replace('\n', ", ");
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field") {
        let (unknown, known) = quoted.split_first().unwrap_or((&"", &[]));
        return Misread {
            place,
            message: format!("`{unknown}` is no key here"),
            mend: instead(unknown, known),
        };
    }
    if message.starts_with("missing field") {
        let missing = quoted.first().copied().unwrap_or_default();
        return Misread {
            place,
            message: format!("`{missing}` is missing"),
            mend: format!("add `{missing} = …`"),
        };
    }
    // What this program says of a value ends with the mend.
    let (message, mend) = match message.split_once("; ") {
        Some((message, mend)) => (message.to_owned(), mend.to_owned()),
        None => match message.split_once("expected ") {
            Some((_, expected)) => (message.clone(), format!("write {}", plainly(expected))),
            None if message.contains("relative URL without a base") => {
                let value = error.span().and_then(|span| text.get(span));
                let value = value.unwrap_or_default().trim_matches(['"', '\'']);
                let mend = format!("write the whole address, `\"https://{value}/\"`");
                (message, mend)
            }
            None => (message, "correct the value".into()),
        },
    };
    let message = match key {
        Some(key) => format!("`{key}`: {message}"),
        None => message,
    };
    Misread {
        place,
        message,
        mend,
    }
}

/// What is expected, in the words of the file and not of the program.
fn plainly(expected: &str) -> String {
    let number = |most: u64| format!("a whole number from 0 to {most}");
    match expected {
        "u16" => number(u16::MAX.into()),
        "u32" => number(u32::MAX.into()),
        "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "a nonzero u16" => "a whole number from 1 to 65535".to_owned(),
        "f64" | "f32" => "a number, such as 0.5".to_owned(),
        "a string" | "a borrowed string" => "a text in quotes".to_owned(),
        "a sequence" => "a list, `[…]`".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a map" => "a table, `{ key = value }`".to_owned(),
        other if other.starts_with("struct ") => "a table, `{ key = value }`".to_owned(),
        other => other.to_owned(),
    }
}

/// The mend of a name that is not known, given those that are.
pub(crate) fn instead(unknown: &str, known: &[&str]) -> String {
    if let Some((owner, rest)) = unknown.split_once('_')
        && known.contains(&owner)
    {
        return format!("write `{owner}.{}`, or remove it", rest.replace('_', "-"));
    }
    match (nearest(unknown, known.iter().copied()), known) {
        (_, []) => "remove it".into(),
        (Some(near), _) => format!("write `{near}`, or remove it"),
        (None, known) => format!("remove it; the keys are {}", known.join(", ")),
    }
}

fn place(file: &str, text: &str, error: &Error) -> Place {
    let span = error.span().unwrap_or(0..0);
    Place::of(file, text, span.start)
}

/// The dotted key whose value is at `at`.
fn key_at(table: &DeTable<'_>, at: &Range<usize>) -> Option<String> {
    let mut keys = Vec::new();
    let (_, value) = table.iter().find(|(key, value)| {
        let found = holds(value, at);
        if found {
            keys.push(key.get_ref().to_string());
        }
        found
    })?;
    descend(value.get_ref(), at, &mut keys);
    Some(keys.join("."))
}

fn descend(value: &DeValue<'_>, at: &Range<usize>, keys: &mut Vec<String>) {
    let children: Vec<(Option<String>, &Spanned<DeValue<'_>>)> = match value {
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| (Some(key.get_ref().to_string()), value))
            .collect(),
        DeValue::Array(array) => array.iter().map(|element| (None, element)).collect(),
        _ => return,
    };
    for (key, child) in children {
        if holds(child, at) {
            keys.extend(key);
            return descend(child.get_ref(), at, keys);
        }
    }
}

/// Whether `at` is inside a value. Tables with headers may go on elsewhere in the file, so
/// they are asked for what is in them.
fn holds(value: &Spanned<DeValue<'_>>, at: &Range<usize>) -> bool {
    let span = value.span();
    if span.start <= at.start && at.end <= span.end {
        return true;
    }
    match value.get_ref() {
        DeValue::Table(table) => table
            .iter()
            .any(|(key, value)| key.span() == *at || holds(value, at)),
        DeValue::Array(array) => array.iter().any(|element| holds(element, at)),
        _ => false,
    }
}

/// Take out what is at `at`: a key, or an element of an array of tables. Gives the key that
/// is gone. A key is put back as what was meant, unless that is there.
fn remove(table: &mut DeTable<'_>, at: &Range<usize>, meant: Option<String>) -> Option<String> {
    let key = table
        .iter()
        .find(|(key, value)| key.span() == *at || holds(value, at))
        .map(|(key, _)| key.clone())?;
    if key.span() != *at {
        let inner = remove_inside(table.get_mut(&key)?.get_mut(), at, meant);
        if inner.is_some() {
            return inner;
        }
        return table.remove(&key).map(|_| key.into_inner().into_owned());
    }
    let value = table.remove(&key)?;
    let vacant = meant.filter(|meant| !table.keys().any(|known| known.get_ref() == meant));
    if let Some(meant) = vacant {
        table.insert(Spanned::new(at.clone(), meant.into()), value);
    }
    Some(key.into_inner().into_owned())
}

fn remove_inside(
    value: &mut DeValue<'_>,
    at: &Range<usize>,
    meant: Option<String>,
) -> Option<String> {
    match value {
        DeValue::Table(table) => remove(table, at, meant),
        DeValue::Array(array) => {
            let index = array.iter().position(|element| holds(element, at))?;
            let is_key =
                matches!(array[index].get_ref(), DeValue::Table(table) if has_key(table, at));
            if is_key {
                return remove_inside(array.get_mut(index)?.get_mut(), at, meant);
            }
            let others = array
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index);
            *array = others.map(|(_, element)| element.clone()).collect();
            Some(String::new())
        }
        _ => None,
    }
}

/// Whether `at` is a key, here or below: an unknown one, which goes alone.
fn has_key(table: &DeTable<'_>, at: &Range<usize>) -> bool {
    table.iter().any(|(key, value)| {
        key.span() == *at || matches!(value.get_ref(), DeValue::Table(inner) if has_key(inner, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Pipeline;

    fn misreads(text: &str) -> Vec<String> {
        let (_, misreads) = parse::<Pipeline>("p.toml", text);
        misreads.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_unknown_key_is_reported_with_the_known_one() {
        let text = "name = \"p\"\nbudget = \"1m\"\nbugdet = 1\n[[stage]]\nid = \"a\"\nhandlr = \"x.a\"\n[[stage]]\nid = \"b\"\ntimout = \"1s\"\n";
        assert_eq!(
            misreads(text),
            [
                "p.toml:3:1: `bugdet` is no key here; write `budget`, or remove it",
                "p.toml:6:1: `handlr` is no key here; write `handler`, or remove it",
                "p.toml:9:1: `timout` is no key here; write `timeout`, or remove it",
            ]
        );
    }

    #[test]
    fn a_misspelt_key_is_not_missing_too() {
        let text = "name = \"p\"\nbugdet = \"1m\"\n[[stage]]\nid = \"a\"\nhandler = \"x.a\"\n";
        let one = "p.toml:2:1: `bugdet` is no key here; write `budget`, or remove it";
        assert_eq!(misreads(text), [one]);
        let also = misreads(&text.replace("\"1m\"", "\"soon\""));
        assert_eq!(also.len(), 2, "its value is looked at: {also:#?}");
        assert!(also[1].contains("`soon` is not"), "{also:#?}");
    }

    #[test]
    fn a_stage_that_does_not_read_does_not_hide_the_next() {
        let text = "name = \"p\"\nbudget = \"soon\"\n[[stage]]\nid = 5\n[[stage]]\nid = \"b\"\non.rejected = \"explode\"\n";
        let misreads = misreads(text);
        assert!(
            misreads
                .iter()
                .any(|m| m.starts_with("p.toml:2:10: `budget`: `soon` is not")),
            "{misreads:#?}"
        );
        assert!(
            misreads
                .iter()
                .any(|m| m.starts_with("p.toml:4:6: `stage.id`: invalid type")),
            "{misreads:#?}"
        );
        assert!(
            misreads
                .iter()
                .any(|m| m.starts_with("p.toml:7:15: `stage.on.rejected`: `explode` does not")),
            "{misreads:#?}"
        );
    }

    #[test]
    fn one_cause_is_one_mistake_with_a_mend_that_works() {
        let good = "name = \"p\"\nbudget = \"1m\"\n[input.day]\n[[stage]]\nid = \"a\"\nhandler = \"x.a\"\n\
            [[stage]]\nid = \"b\"\nhandler = \"x.b\"\nneeds = [\"a\"]\n[[schedule]]\nevery = \"1h\"\n";
        assert_eq!(misreads(good), [""; 0]);
        for (right, wrong, told) in [
            (
                "[\"a\"]",
                "[\"a\"",
                "p.toml:10:1: `needs = [\"a\"` is not closed; add `]`",
            ),
            (
                "[[stage]]",
                "[stage]",
                "p.toml:4:1: `[stage]` is one table, and `stage` is a list of them; write `[[stage]]` for each",
            ),
            (
                "[[schedule]]",
                "[schedule]",
                "p.toml:11:1: `[schedule]` is one table, and `schedule` is a list of them; write `[[schedule]]` for each",
            ),
            (
                "[input.day]",
                "[[input.day]]",
                "p.toml:3:1: `[[input.day]]` begins one of several, and there is one `input.day` only; write `[input.day]`",
            ),
            ("\"p\"", "Factory", "p.toml:1:"),
            (
                "handler = \"x.a\"\n",
                "handler = \"x.a\"\non_rejected = \"hold\"\n",
                "write `on.rejected`",
            ),
            (
                "handler = \"x.a\"\n",
                "handler = \"x.a\"\nmax_visits = \"many\"\n",
                "write a whole number from 0 to 4294967295",
            ),
            (
                "handler = \"x.a\"\n",
                "handler = \"x.a\"\nneeds = \"many\"\n",
                "write a list, `[…]`",
            ),
            (
                "handler = \"x.a\"\n",
                "handler = \"x.a\"\nretry = 5\n",
                "write a table",
            ),
        ] {
            let misreads = misreads(&good.replace(right, wrong));
            assert_eq!(misreads.len(), 1, "{wrong}: {misreads:#?}");
            assert!(misreads[0].contains(told), "{wrong}: {misreads:#?}");
        }
        let bare = misreads("name = Factory\n");
        assert!(bare[0].contains("write `name = \"Factory\"`"), "{bare:#?}");
        let dotted = "[site.title]\ntype = \"string\"\n[site.more]\ntype = \"string\"\n";
        let (_, told) =
            parse::<std::collections::BTreeMap<String, toml::Value>>("settings.toml", dotted);
        assert_eq!(told.len(), 2, "{told:#?}");
        assert_eq!(told[0].mend, "write `[\"site.title\"]`");
    }

    #[test]
    fn what_is_not_toml_is_shown() {
        let misreads = misreads("name = \"p\"\nbudget 5\n");
        assert!(misreads[0].starts_with("p.toml:2:"), "{misreads:#?}");
        assert!(
            misreads[0].contains("`budget 5` is not TOML"),
            "{misreads:#?}"
        );
    }
}
