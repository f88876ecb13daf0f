//! What stands above a Markdown document, between lines of `---` as YAML or of `+++` as TOML: one reading of it
//! for all who meet such documents, and one writing, which it reads back.

use callboard_core::foreign_reader as foreign;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// The most bytes of it that are read.
const MOST: usize = 64 << 10;

/// What its keys say. Dates of TOML are texts, as those of YAML are.
pub type FrontMatterKeys = Map<String, Json>;

/// The languages, by the line that begins and ends the head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Between lines of `---`.
    #[default]
    Yaml,
    /// Between lines of `+++`.
    Toml,
}

/// A head that has no form in its language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its front matter has `{0}`, which is no text, list or table")]
pub struct Formless(String);

/// A head with the lines around it. Each key is on one line of its own, whatever its texts say, so that no reader
/// takes a part of one for the end of the head.
pub fn written(head: &FrontMatterKeys, language: Language) -> Result<String, Formless> {
    let mut text = String::new();
    match language {
        Language::Yaml => {
            for (key, value) in head {
                // JSON is YAML.
                text.push_str(&format!("{}: {}\n", bare(key)?, line(value, ":")));
            }
            Ok(format!("---\n{text}---\n"))
        }
        Language::Toml => {
            table(head, "", &mut text)?;
            Ok(format!("+++\n{text}+++\n"))
        }
    }
}

/// A table of TOML: its own keys, and then the tables in it.
fn table(head: &FrontMatterKeys, name: &str, text: &mut String) -> Result<(), Formless> {
    for (key, value) in head {
        match value {
            Json::Object(_) => {}
            // There is no such thing in TOML, inside a list neither.
            value if has_no_value(value) => return Err(Formless(key.clone())),
            value => text.push_str(&format!("{} = {}\n", bare(key)?, line(value, " ="))),
        }
    }
    for (key, value) in head {
        if let Json::Object(inner) = value {
            let name = format!("{name}{}", bare(key)?);
            text.push_str(&format!("\n[{name}]\n"));
            table(inner, &format!("{name}."), text)?;
        }
    }
    Ok(())
}

fn has_no_value(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Array(values) => values.iter().any(has_no_value),
        Json::Object(table) => table.values().any(has_no_value),
        _ => false,
    }
}

/// A key that needs no quotes.
fn bare(key: &str) -> Result<&str, Formless> {
    let plain = |mark: char| mark.is_ascii_alphanumeric() || mark == '_';
    let begins = key.starts_with(|mark: char| mark.is_ascii_alphabetic());
    let is_bare = begins && key.chars().all(plain);
    is_bare
        .then_some(key)
        .ok_or_else(|| Formless(key.to_owned()))
}

/// A value on one line; in a table within, `between` stands behind a key.
fn line(value: &Json, between: &str) -> String {
    match value {
        Json::String(text) => quoted(text),
        Json::Array(values) => {
            let values: Vec<_> = values.iter().map(|value| line(value, between)).collect();
            format!("[{}]", values.join(", "))
        }
        Json::Object(table) => {
            let keys = table
                .iter()
                .map(|(key, value)| format!("{}{between} {}", quoted(key), line(value, between)));
            format!("{{{}}}", keys.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A text in quotes, as JSON, YAML and TOML read it alike: what moves to another line in any of them, or is
/// allowed in one only, is escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for mark in text.chars() {
        match mark {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(mark)));
            }
            mark if mark.is_control() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(mark)));
            }
            mark => quoted.push(mark),
        }
    }
    quoted.push('"');
    quoted
}

/// A document as its head, if it has one, and its text. The error names the line, where the reader does.
pub fn parted(document: &str) -> Result<(Option<FrontMatterKeys>, &str), String> {
    let document = document.strip_prefix('\u{feff}').unwrap_or(document);
    let Some((language, head, text)) = split(document) else {
        return Ok((None, document));
    };
    if head.len() > MOST {
        return Err(format!("its front matter has more than {} KiB", MOST >> 10));
    }
    let read = match language {
        Language::Yaml => foreign::read("YAML", || yaml(head)),
        Language::Toml => foreign::read("TOML", || toml(head)),
    };
    let read = read.map_err(|broken| broken.to_string())?;
    let head = read.map_err(|cause| format!("its front matter: {cause}"))?;
    Ok((Some(head), text))
}

/// The text of a document, whatever its head says.
pub fn text(document: &str) -> &str {
    let document = document.strip_prefix('\u{feff}').unwrap_or(document);
    split(document).map_or(document, |(_, _, text)| text)
}

/// The head between its lines, and what follows; `None` if it has none that ends.
fn split(document: &str) -> Option<(Language, &str, &str)> {
    let (first, rest) = document.split_once('\n')?;
    let (fence, language) = match first.trim_end() {
        "---" => ("---", Language::Yaml),
        "+++" => ("+++", Language::Toml),
        _ => return None,
    };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == fence {
            let text = rest[at + line.len()..].trim_start_matches(['\r', '\n']);
            return Some((language, &rest[..at], text));
        }
        at += line.len();
    }
    None
}

fn yaml(head: &str) -> Result<FrontMatterKeys, String> {
    if head.trim().is_empty() {
        return Ok(FrontMatterKeys::new());
    }
    // The line of the fence, so that lines are those of the document.
    serde_saphyr::from_str::<FrontMatterKeys>(&format!("\n{head}")).map_err(|error| {
        let told = error.without_snippet().to_string();
        first_line(told.strip_prefix("error: ").unwrap_or(&told))
    })
}

fn toml(head: &str) -> Result<FrontMatterKeys, String> {
    let table = head.parse::<toml::Table>();
    let table = table.map_err(|error| {
        let line = error.span().map(|span| {
            let before = head.get(..span.start).unwrap_or_default();
            before.matches('\n').count() + 2
        });
        let place = line
            .map(|line| format!("line {line}: "))
            .unwrap_or_default();
        format!("{place}{}", error.message())
    })?;
    Ok(table
        .into_iter()
        .map(|(key, value)| (key, plain(value)))
        .collect())
}

/// A value of TOML as one of JSON.
fn plain(value: toml::Value) -> Json {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(at) => at.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(plain).collect(),
        toml::Value::Table(table) => {
            let keys = table.into_iter().map(|(key, value)| (key, plain(value)));
            Json::Object(keys.collect())
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_and_toml_say_the_same() {
        let yaml = "---\ntitle: \"A: b\"\ndate: 2026-03-02T08:00:00Z\ntags:\n  - one\n  - two\ndraft: false\nparams: {a: 1}\n---\n\nText.\n---\nMore.\n";
        let toml = "+++\r\ntitle = \"A: b\"\r\ndate = 2026-03-02T08:00:00Z\r\ntags = ['one', 'two']\r\ndraft = false\r\n[params]\r\na = 1\r\n+++\r\nText.\n---\nMore.\n";
        let wanted = json!({
            "title": "A: b", "date": "2026-03-02T08:00:00Z", "tags": ["one", "two"],
            "draft": false, "params": { "a": 1 },
        });
        for document in [yaml, toml] {
            let (head, text) = parted(document).expect(document);
            assert_eq!(head.map(Json::Object), Some(wanted.clone()), "{document}");
            assert_eq!(text, "Text.\n---\nMore.\n", "{document}");
        }
    }

    #[test]
    fn a_document_without_a_head_is_all_text() {
        for document in [
            "# A\n\n---\n\nb\n",
            "---\nno end\n",
            "--- a\nb\n---\n",
            "",
            "---",
        ] {
            assert_eq!(parted(document), Ok((None, document)), "{document}");
        }
        let (head, text) = parted("\u{feff}---\n---\n\na").expect("an empty head");
        assert_eq!((head, text), (Some(FrontMatterKeys::new()), "a"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (document, place) in [
            ("---\ntitle: a\n  b: c: d\n---\n", "line 3"),
            ("---\n- a\n---\n", "front matter"),
            ("+++\ntitle = \"a\"\nb\n+++\n", "line 3: "),
        ] {
            let told = parted(document).expect_err(document);
            assert!(told.contains(place), "{document}: {told}");
            assert!(!text(document).contains("title"), "{document}");
        }
        // What is nested deeper than any reader goes.
        for head in [
            format!("---\na: {}\n---\n", "[".repeat(60_000)),
            format!("---\n{}\n---\n", "- ".repeat(30_000)),
            format!("+++\na = {}\n+++\n", "[".repeat(60_000)),
            format!("+++\n{}a = 1\n+++\n", "a.".repeat(30_000)),
            format!("+++\n[{}a]\n+++\n", "a.".repeat(30_000)),
        ] {
            assert!(parted(&head).is_err(), "{}", &head[..20]);
        }
        // A few bytes that would be many: refused, or small.
        let laughs: String = (1..30)
            .map(|n| format!("a{n}: &a{n} [*a{m}, *a{m}, *a{m}, *a{m}]\n", m = n - 1))
            .collect();
        let document = format!("---\na0: &a0 x\n{laughs}---\n");
        assert!(parted(&document).is_err());
    }
}
