//! What a test expects of a key of a run, and why it is not so.

use serde::Deserialize;
use serde_json::Value as Json;
use toml::Spanned;

use crate::outcome::Patch;
use crate::pipeline::same;
use crate::shown::cut;

/// Characters of a value that are shown.
const SHOWN: usize = 200;

/// What a key of the run holds at its end. Whatever is said has to hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// A key of the run's input, or one that a stage writes.
    pub key: Spanned<String>,
    /// A part of its value, as a JSON pointer such as `/title` or `/findings/0/rule`.
    #[serde(default)]
    pub at: String,
    /// Whether it is there and not null.
    #[serde(default)]
    pub present: Option<bool>,
    #[serde(default)]
    pub is: Option<Json>,
    #[serde(default)]
    pub is_not: Option<Json>,
    /// A number that is not smaller; a text, list or object of so many characters, entries or keys.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// The same, that is not greater.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// A text with these in it, or a list with them among its entries.
    #[serde(default)]
    pub contains: Vec<String>,
    /// One without any of these.
    #[serde(default)]
    pub lacks: Vec<String>,
}

impl Expectation {
    /// Whether it says anything.
    pub fn is_empty(&self) -> bool {
        let states = [
            self.present.is_some(),
            self.is.is_some(),
            self.is_not.is_some(),
        ];
        let bounds = [self.at_least.is_some(), self.at_most.is_some()];
        let texts = [&self.contains, &self.lacks];
        !states.contains(&true) && !bounds.contains(&true) && texts.iter().all(|it| it.is_empty())
    }

    /// Everything that is not as it is said, one sentence each. A key that is absent is null.
    pub fn unmet(&self, keys: &Patch) -> Vec<String> {
        let whole = keys.get(self.key.get_ref()).unwrap_or(&Json::Null);
        let value = whole.pointer(&self.at).unwrap_or(&Json::Null);
        let name = format!("`{}{}`", self.key.get_ref(), self.at);
        let shown = || cut(value.to_string(), SHOWN);
        let mut unmet = Vec::new();
        if value.is_null() && self.is_of_something() {
            return vec![format!("{name} is absent")];
        }
        if self.present.is_some_and(|wanted| wanted == value.is_null()) {
            let state = if value.is_null() { "absent" } else { "present" };
            unmet.push(format!("{name} is {state}"));
        }
        if let Some(wanted) = self.is.as_ref().filter(|wanted| !same(wanted, value)) {
            unmet.push(format!("{name} is {}, not {wanted}", shown()));
        }
        if self.is_not.as_ref().is_some_and(|other| same(other, value)) {
            unmet.push(format!("{name} is {}", shown()));
        }
        unmet.extend(self.out_of_bounds(&name, value));
        if (!self.contains.is_empty() || !self.lacks.is_empty())
            && !matches!(value, Json::String(_) | Json::Array(_))
        {
            let kind = kind(value);
            unmet.push(format!(
                "{name} is {kind}, in which nothing is looked for; say which part with `at`"
            ));
            return unmet;
        }
        let lost = self.contains.iter().filter(|text| !holds(value, text));
        unmet.extend(
            lost.map(|text| format!("{name} does not contain {text:?}; it is {}", shown())),
        );
        let there = self.lacks.iter().filter(|text| holds(value, text));
        unmet.extend(there.map(|text| format!("{name} contains {text:?}")));
        unmet
    }

    /// Whether it says anything of a value that has to be there to be so.
    fn is_of_something(&self) -> bool {
        let null = |value: &Option<Json>| value.as_ref().is_some_and(Json::is_null);
        let bounds = self.at_least.is_some() || self.at_most.is_some();
        let texts = !self.contains.is_empty() || !self.lacks.is_empty();
        let states =
            self.is.is_some() && !null(&self.is) || self.is_not.is_some() && !null(&self.is_not);
        bounds || texts || states
    }

    fn out_of_bounds(&self, name: &str, value: &Json) -> Option<String> {
        if self.at_least.is_none() && self.at_most.is_none() {
            return None;
        }
        let Some(size) = size(value) else {
            return Some(format!("{name} is {value}, which has no size"));
        };
        if let Some(least) = self.at_least.filter(|least| size < *least) {
            return Some(format!("{name} has or is {size}, not at least {least}"));
        }
        let most = self.at_most.filter(|most| size > *most)?;
        Some(format!("{name} has or is {size}, not at most {most}"))
    }
}

/// A number itself; of a text its characters, of a list its entries, of an object its keys.
fn size(value: &Json) -> Option<f64> {
    let count = match value {
        Json::Number(number) => return number.as_f64(),
        Json::String(text) => text.chars().count(),
        Json::Array(entries) => entries.len(),
        Json::Object(keys) => keys.len(),
        Json::Null | Json::Bool(_) => return None,
    };
    u32::try_from(count).ok().map(f64::from)
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Object(_) => "an object",
        Json::Number(_) => "a number",
        Json::Bool(_) => "true or false",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Null => "nothing",
    }
}

fn holds(value: &Json, text: &str) -> bool {
    match value {
        Json::String(whole) => whole.contains(text),
        Json::Array(entries) => entries.iter().any(|entry| entry == text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_says_what_is_not_so() {
        let keys =
            r#"{ "draft": { "title": "A day", "tags": ["x", "y"] }, "score": 7, "none": null }"#;
        let keys: Patch = serde_json::from_str(keys).expect("an object");
        let table = [
            (
                r#"key = "draft", at = "/title", is = "A day", contains = ["day"], lacks = ["night"]"#,
                "",
            ),
            (
                r#"key = "draft", at = "/title", is = "x""#,
                r#"`draft/title` is "A day", not "x""#,
            ),
            (
                r#"key = "draft", at = "/title", contains = ["night"]"#,
                r#"`draft/title` does not contain "night"; it is "A day""#,
            ),
            (
                r#"key = "draft", at = "/tags", contains = ["x"], at_least = 2, at_most = 2"#,
                "",
            ),
            (
                r#"key = "draft", at = "/tags", at_most = 1"#,
                "`draft/tags` has or is 2, not at most 1",
            ),
            (
                r#"key = "draft", at = "/tags/5", present = true"#,
                "`draft/tags/5` is absent",
            ),
            (
                r#"key = "score", at_least = 8"#,
                "`score` has or is 7, not at least 8",
            ),
            (r#"key = "score", is = 7.0, is_not = 8"#, ""),
            (r#"key = "score", is_not = 7"#, "`score` is 7"),
            (r#"key = "none", present = true"#, "`none` is absent"),
            (r#"key = "gone", at_least = 1"#, "`gone` is absent"),
            (r#"key = "gone", lacks = ["x"]"#, "`gone` is absent"),
            (
                r#"key = "draft", lacks = ["x"]"#,
                "`draft` is an object, in which nothing is looked for; say which part with `at`",
            ),
            (
                r#"key = "draft", at = "/titel", is_not = "x""#,
                "`draft/titel` is absent",
            ),
            (r#"key = "draft", at = "/titel", present = false"#, ""),
        ];
        for (text, expected) in table {
            let read: std::collections::BTreeMap<String, Expectation> =
                toml::from_str(&format!("e = {{ {text} }}")).expect(text);
            assert_eq!(read["e"].unmet(&keys).join("; "), expected, "{text}");
            assert!(!read["e"].is_empty());
        }
    }
}
