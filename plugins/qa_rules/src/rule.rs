//! A rule: what it is called, what it looks for, how grave it is, and how it finds it.

use std::collections::BTreeMap;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::phrase::Phrase;
use crate::review::{Finding, Severity};
use crate::text::{Passage, Text};

/// A rule. One file below `rules/` each.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
    /// What it looks for, in words.
    pub(crate) pattern: &'static str,
    /// A number that it goes by, if it goes by one.
    pub(crate) threshold: Option<u32>,
    pub(crate) find: fn(&Seen<'_>) -> Vec<Found>,
}

/// What a rule sees.
pub(crate) struct Seen<'t> {
    pub(crate) text: &'t Text<'t>,
    pub(crate) lists: &'t Lists,
    /// The number that the rule goes by.
    pub(crate) threshold: u32,
}

/// Something that a rule found.
pub(crate) struct Found {
    /// The place in the Markdown; none if it is about the whole or the title.
    at: Option<usize>,
    message: String,
    excerpt: String,
    /// Graver or less grave than the rule is.
    severity: Option<Severity>,
}

/// What an operator may change about a rule.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Chosen {
    enabled: Option<bool>,
    severity: Option<Severity>,
    threshold: Option<u32>,
    promote_after: Option<u32>,
}

/// What the rules are given besides the draft.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Lists {
    /// Names of whoever publishes, besides `we` and `our`.
    pub(crate) own_names: Vec<String>,
    /// How many years there is something to tell of.
    pub(crate) years: u32,
    /// Libraries, tools and models that exist, besides those that are known.
    pub(crate) known: Vec<String>,
    /// First parts of paths that are nobody's business.
    pub(crate) private_paths: Vec<String>,
    /// Vendors that the publisher says it does not pay.
    pub(crate) vendors: Vec<String>,
    /// Others in the publisher's trade, whom it does not name.
    pub(crate) competitors: Vec<String>,
    /// What is often said and is wrong.
    pub(crate) facts: Vec<Fact>,
    /// Whether readers expect code.
    pub(crate) technical: bool,
}

/// Something that is often said and is wrong.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact {
    /// The words, as they would be said.
    pub(crate) says: String,
    /// What is right.
    pub(crate) correct: String,
    #[serde(default)]
    pub(crate) severity: Option<Severity>,
}

impl Default for Lists {
    fn default() -> Self {
        let private = ["memory", "brain", "audit_log", "app_settings", "internal"];
        Self {
            own_names: Vec::new(),
            years: 1,
            known: Vec::new(),
            private_paths: private.map(str::to_owned).to_vec(),
            vendors: Vec::new(),
            competitors: Vec::new(),
            facts: Vec::new(),
            technical: false,
        }
    }
}

/// What an operator chose, by rule.
pub(crate) type Choices = BTreeMap<String, Chosen>;

/// Warnings of one rule beyond which they are errors. 0 is never.
const PROMOTE_AFTER: u32 = 3;
/// The most characters of an excerpt.
const EXCERPT: usize = 120;

impl Found {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            at: None,
            message: message.into(),
            excerpt: String::new(),
            severity: None,
        }
    }

    pub(crate) fn at(mut self, at: usize, excerpt: &str) -> Self {
        self.at = Some(at);
        self.excerpt = cut(excerpt);
        self
    }

    pub(crate) fn about(mut self, excerpt: &str) -> Self {
        self.excerpt = cut(excerpt);
        self
    }

    pub(crate) fn severe(mut self, severity: Option<Severity>) -> Self {
        self.severity = severity;
        self
    }

    pub(crate) fn words(
        passage: &Passage,
        words: &Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let at = passage
            .words
            .get(words.start)
            .map_or(passage.at, |word| word.at);
        Self::new(message).at(at, passage.span(words))
    }
}

fn cut(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Where phrases stand in the body.
pub(crate) fn phrases<'t>(
    text: &'t Text<'_>,
    written: &[&str],
) -> Vec<(&'t Passage, Range<usize>)> {
    let phrases: Vec<Phrase> = written.iter().map(|it| Phrase::new(it)).collect();
    places(text, &phrases)
}

/// The same of phrases with an operator's names in the place of `@`.
pub(crate) fn naming<'t>(
    text: &'t Text<'_>,
    written: &[&str],
    names: &[String],
) -> Vec<(&'t Passage, Range<usize>)> {
    let phrases = written.iter().map(|it| Phrase::naming(it, names));
    places(text, &phrases.collect::<Vec<_>>())
}

/// Where one of these stands in the body; of two in one place the first.
pub(crate) fn places<'t>(
    text: &'t Text<'_>,
    phrases: &[Phrase],
) -> Vec<(&'t Passage, Range<usize>)> {
    let mut found: Vec<(&Passage, Range<usize>)> = Vec::new();
    for passage in text.body() {
        for range in phrases.iter().flat_map(|phrase| phrase.find(passage)) {
            let known = found.iter().any(|(other, it)| {
                std::ptr::eq(*other, passage) && it.start < range.end && range.start < it.end
            });
            if !known {
                found.push((passage, range));
            }
        }
    }
    found
}

impl Rule {
    /// What it finds, as an operator chose it.
    pub(crate) fn findings(
        &self,
        text: &Text<'_>,
        lists: &Lists,
        choices: &Choices,
    ) -> Vec<Finding> {
        let chosen = choices.get(self.name).copied().unwrap_or_default();
        if chosen.enabled == Some(false) {
            return Vec::new();
        }
        let threshold = self.number(choices);
        let found = (self.find)(&Seen {
            text,
            lists,
            threshold,
        });
        self.weighed(found, text, choices)
    }

    /// The number that it goes by, as an operator chose it.
    pub(crate) fn number(&self, choices: &Choices) -> u32 {
        let chosen = choices.get(self.name).copied().unwrap_or_default();
        chosen.threshold.or(self.threshold).unwrap_or_default()
    }

    /// What was found, as grave as an operator has it.
    pub(crate) fn weighed(
        &self,
        found: Vec<Found>,
        text: &Text<'_>,
        choices: &Choices,
    ) -> Vec<Finding> {
        let chosen = choices.get(self.name).copied().unwrap_or_default();
        if chosen.enabled == Some(false) {
            return Vec::new();
        }
        let severity = chosen.severity.unwrap_or(self.severity);
        let most = chosen.promote_after.unwrap_or(PROMOTE_AFTER);
        let many = most > 0 && found.len() > usize::try_from(most).unwrap_or(usize::MAX);
        let promoted = many
            && severity == Severity::Warning
            && (chosen.promote_after.is_some() || !self.never_promoted());
        found
            .into_iter()
            .map(|found| Finding {
                rule: self.name.to_owned(),
                severity: match found.severity.unwrap_or(severity) {
                    Severity::Warning if promoted => Severity::Error,
                    other => other,
                },
                message: found.message,
                line: found.at.map(|at| text.line(at)),
                excerpt: found.excerpt,
            })
            .collect()
    }

    /// Rules that find much that is right: theirs stay warnings, unless an operator says otherwise.
    fn never_promoted(&self) -> bool {
        matches!(
            self.name,
            "unlinked_citation" | "hallucinated_reference" | "off_topic_library"
        )
    }
}

/// The schema of choices among rules: a key each, so that a rule of another name is a miss.
pub(crate) fn choices(rules: &[&Rule], _: &mut SchemaGenerator) -> Schema {
    let mut properties = serde_json::Map::new();
    for rule in rules {
        let severity = serde_json::to_value(rule.severity).unwrap_or_default();
        let mut keys = serde_json::json!({
            "enabled": { "type": "boolean", "default": true },
            "severity": { "enum": ["info", "warning", "error"], "default": severity },
            "promote_after": { "type": "integer", "minimum": 0, "description": "Warnings beyond which they are errors; 0 is never." },
        });
        if let Some(threshold) = rule.threshold {
            keys["threshold"] =
                serde_json::json!({ "type": "integer", "minimum": 0, "default": threshold });
        }
        let schema = serde_json::json!({
            "type": "object", "additionalProperties": false,
            "description": rule.pattern, "properties": keys,
        });
        properties.insert(rule.name.to_owned(), schema);
    }
    json_schema!({
        "type": "object", "additionalProperties": false,
        "description": "By rule: whether it is looked for, how grave it is, and the number that it goes by.",
        "properties": properties,
    })
}
