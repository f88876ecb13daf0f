//! Conditions of a stage: `when = [{ key = "score", at_least = 0.8 }]`.

use serde::Deserialize;
use serde_json::Value as Json;
use toml::Spanned;

use crate::outcome::Patch;

/// A test of one key. Whatever it says has to hold.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// A key of the run's input, or one that a stage before writes.
    pub key: Spanned<String>,
    /// Whether the key is there and not null.
    #[serde(default)]
    pub present: Option<bool>,
    #[serde(default)]
    pub is: Option<Json>,
    #[serde(default)]
    pub is_not: Option<Json>,
    /// The key is a number that is not smaller.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// The key is a number that is not greater.
    #[serde(default)]
    pub at_most: Option<f64>,
}

impl Condition {
    /// Whether it says anything.
    pub fn is_empty(&self) -> bool {
        self.present.is_none()
            && self.is.is_none()
            && self.is_not.is_none()
            && self.at_least.is_none()
            && self.at_most.is_none()
    }

    /// Why it does not hold for these keys, if it does not. A key that is absent is null.
    pub fn unmet(&self, keys: &Patch) -> Option<String> {
        let name = self.key.get_ref();
        let value = keys.get(name).unwrap_or(&Json::Null);
        if self.present.is_some_and(|wanted| wanted == value.is_null()) {
            let state = if value.is_null() { "absent" } else { "present" };
            return Some(format!("`{name}` is {state}"));
        }
        if self.is.as_ref().is_some_and(|wanted| !same(wanted, value)) {
            return Some(format!("`{name}` is {value}"));
        }
        if self.is_not.as_ref().is_some_and(|other| same(other, value)) {
            return Some(format!("`{name}` is {value}"));
        }
        let number = value.as_f64();
        let least = self.at_least;
        if least.is_some_and(|least| number.is_none_or(|number| number < least)) {
            return Some(format!("`{name}` is {value}, not at least {}", least?));
        }
        let most = self.at_most;
        if most.is_some_and(|most| number.is_none_or(|number| number > most)) {
            return Some(format!("`{name}` is {value}, not at most {}", most?));
        }
        None
    }
}

/// Equal, with 1 and 1.0 the same number.
pub(crate) fn same(a: &Json, b: &Json) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_says_why_it_does_not_hold() {
        let keys: Patch =
            serde_json::from_str(r#"{ "score": 0.7, "language": "de", "none": null }"#)
                .expect("an object");
        let table = [
            (r#"{ key = "score", at_least = 0.7 }"#, ""),
            (
                r#"{ key = "score", at_least = 0.8 }"#,
                "`score` is 0.7, not at least 0.8",
            ),
            (
                r#"{ key = "score", at_most = 0.5 }"#,
                "`score` is 0.7, not at most 0.5",
            ),
            (
                r#"{ key = "language", at_most = 1 }"#,
                "`language` is \"de\", not at most 1",
            ),
            (r#"{ key = "language", is = "de" }"#, ""),
            (
                r#"{ key = "language", is_not = "de" }"#,
                "`language` is \"de\"",
            ),
            (r#"{ key = "none", present = true }"#, "`none` is absent"),
            (r#"{ key = "absent", present = false }"#, ""),
            (
                r#"{ key = "score", present = false }"#,
                "`score` is present",
            ),
        ];
        for (text, expected) in table {
            let read: std::collections::BTreeMap<String, Condition> =
                toml::from_str(&format!("c = {text}")).expect(text);
            let why = read["c"].unmet(&keys).unwrap_or_default();
            assert_eq!(why, expected, "{text}");
        }
    }
}
