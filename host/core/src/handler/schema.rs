//! Schemas of what handlers read, write and are configured with: the one place through which a
//! schema becomes a validator.
//!
//! What a schema costs is known before it is compiled (`schema/weight.rs`), and what a value costs
//! before it is held against one, so neither a plugin nor a file can make it take longer than
//! [`WORK`]. Patterns are matched in linear time.

mod fitting;
mod narrowing;
mod numbers;
mod part;
mod pointing;
mod unfit;
mod weight;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value as Json;

pub use self::fitting::{described, takes, unfit, unfit_but_null, unfit_by_word, values};
pub use self::numbers::{integer, whole, whole_keys};
pub use self::part::SchemaPart;
pub use self::pointing::stray;
pub use self::unfit::{UnfitPart, UnfitWhy};
use self::weight::{Weight, parts};
use crate::foreign_reader;
use crate::shown::cut;

/// The most characters of a value that a refusal quotes, and of a place.
const QUOTED: usize = 100;
/// The most characters of a refusal.
const LONGEST: usize = 1_000;
/// Refusals that are told of one value.
const TOLD: usize = 50;
/// Bytes of one compiled pattern, about.
const PATTERN: usize = 64 << 10;
/// What holding a value against a schema may cost: the weight of the one times the size of the
/// other. Far more than any that was seen (under a million), and seconds at the worst.
const WORK: u64 = 400_000_000;
/// The same for a value whose errors are all told: about 600 bytes each.
const ERRORS: u64 = 300_000;

/// A schema, ready to be used.
pub struct Schema {
    validator: Validator,
    weight: Weight,
    /// What it was compiled from.
    text: Json,
}

/// What of a value does not fit.
#[derive(Debug)]
pub struct SchemaMisfit {
    /// The place of it, as a pointer.
    pub pointer: String,
    pub problem: String,
    pub kind: MisfitKind,
}

/// What is wrong about it, as far as it matters to the roll call.
#[derive(Debug)]
pub enum MisfitKind {
    /// Keys that the schema does not allow.
    Unexpected(Vec<String>),
    /// A key that is missing.
    Missing(String),
    Other,
}

/// A schema, ready to be used; else why it is none that can be.
pub fn compiled(schema: &Json) -> Result<Schema, String> {
    let weight = Weight::of(schema)?;
    let text = numbers::with_bounds(schema);
    let build = || {
        let patterns = PatternOptions::regex().size_limit(PATTERN);
        let options = jsonschema::options().with_pattern_options(patterns);
        // A format is a remark: some would compile what the value says.
        let options = options.should_validate_formats(false).offline();
        options.build(&text).map_err(|error| problem(&error))
    };
    let built = foreign_reader::read("JSON Schemas", build);
    let validator = built.map_err(|broken| broken.to_string())??;
    Ok(Schema {
        validator,
        weight,
        text,
    })
}

impl Schema {
    /// What does not fit, the first of it if there is much; none if the value fits.
    pub fn misfits(&self, value: &Json) -> Vec<SchemaMisfit> {
        let size = self.weight.size_of(value);
        if self.weight.times(size) > WORK {
            let problem = format!(
                "it is too much to be held against its schema ({size} parts, and the schema has {}); \
                 make one of them smaller",
                self.weight
            );
            return vec![SchemaMisfit::other(problem)];
        }
        let misfits = foreign_reader::read("JSON Schemas", || {
            if self.validator.is_valid(value) {
                return Vec::new();
            }
            // All errors are made before the first is told, and those of each branch of a choice.
            if self.weight.times(parts(value)) > ERRORS {
                return narrowing::misfits(&self.text, value);
            }
            let errors = self.validator.iter_errors(value).take(TOLD);
            errors
                .map(|error| SchemaMisfit::of(&error, value))
                .collect()
        });
        misfits.unwrap_or_else(|broken| vec![SchemaMisfit::other(broken.to_string())])
    }

    /// The first thing that does not fit, and where.
    pub fn check(&self, value: &Json) -> Result<(), SchemaMisfit> {
        self.misfits(value).into_iter().next().map_or(Ok(()), Err)
    }
}

impl SchemaMisfit {
    /// The same of the value that it is in.
    fn below(self, pointer: &str) -> Self {
        let pointer = format!("{pointer}{}", self.pointer);
        Self { pointer, ..self }
    }

    fn other(problem: String) -> Self {
        let pointer = String::new();
        let kind = MisfitKind::Other;
        Self {
            pointer,
            problem,
            kind,
        }
    }

    fn of(error: &ValidationError<'_>, whole: &Json) -> Self {
        let text = |key: &Json| key.as_str().unwrap_or_default().to_owned();
        let kind = match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                MisfitKind::Unexpected(unexpected.iter().take(TOLD).cloned().collect())
            }
            ValidationErrorKind::Required { property } => MisfitKind::Missing(text(property)),
            _ => MisfitKind::Other,
        };
        let pointer = error.instance_path().to_string();
        // Where no key is allowed, each is told as a value that is not, at its own place or at its parent's.
        if let ValidationErrorKind::FalseSchema = error.kind() {
            let parent = whole.pointer(&pointer).and_then(Json::as_object);
            let (pointer, keys) = match (parent, pointer.rsplit_once('/')) {
                (Some(parent), _) if !parent.is_empty() => {
                    (pointer.clone(), parent.keys().take(TOLD).cloned().collect())
                }
                (_, Some((above, key))) => {
                    let key = key.replace("~1", "/").replace("~0", "~");
                    (above.to_owned(), vec![key])
                }
                _ => (pointer.clone(), Vec::new()),
            };
            if !keys.is_empty() {
                return Self {
                    pointer,
                    problem: problem(error),
                    kind: MisfitKind::Unexpected(keys),
                };
            }
        }
        Self {
            pointer,
            problem: problem(error),
            kind,
        }
    }

    /// The place of it, cut for showing.
    pub fn place(&self) -> String {
        cut(&self.pointer, QUOTED)
    }
}

/// Why a schema is none of the keys of a handler: it describes no object, or names its keys elsewhere. What is called with an
/// object cannot take `null`, which is what `()` of Rust would be.
pub fn keys_problem(schema: &Json) -> Option<String> {
    let object = schema.as_object();
    let described =
        object.is_some_and(|schema| schema.get("type").is_none_or(|kind| kind == "object"));
    let keys = object.and_then(|schema| schema.get("properties"));
    let named = keys.is_none_or(Json::is_object);
    let elsewhere = object.is_some_and(|schema| schema.contains_key("$ref"));
    (!described || !named || elsewhere).then(|| {
        "the keys of a handler are those of an object: write `{ \"type\": \"object\", \
         \"properties\": { … } }`; in Rust a type with named fields, or `Nothing` for none"
            .to_owned()
    })
}

/// What does not fit. The value is quoted in part: it may be of many megabytes.
fn problem(error: &ValidationError<'_>) -> String {
    let value = cut(error.instance(), QUOTED);
    let named = named(error.kind());
    if !named.is_empty() {
        return cut(
            format_args!("{value} is none of {}", named.join(", ")),
            LONGEST,
        );
    }
    cut(error.masked_with(value), LONGEST)
}

/// The values of which one was wanted, where each of several schemas names its own.
fn named(kind: &ValidationErrorKind) -> Vec<String> {
    let (ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) =
        kind
    else {
        return Vec::new();
    };
    let mut named = Vec::new();
    for error in context.iter().flatten() {
        match error.kind() {
            ValidationErrorKind::Constant { expected_value } => {
                named.push(expected_value.to_string());
            }
            ValidationErrorKind::Enum { options } => {
                named.extend(
                    options
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(Json::to_string),
                );
            }
            kind => named.extend(self::named(kind)),
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An absent value is `null`, which a schema of an `Option` names apart.
    #[test]
    fn a_refusal_names_what_may_be_written() {
        let one = json!({ "oneOf": [{ "const": "github" }, { "enum": ["gitlab", "gitea"] }] });
        let schema = json!({ "properties": { "forge": { "anyOf": [one, { "type": "null" }] } } });
        let validator = compiled(&schema).expect("a schema");
        let misfit = validator.check(&json!({ "forge": "gitlap" }));
        assert_eq!(
            misfit.expect_err("it does not fit").problem,
            r#""gitlap" is none of "github", "gitlab", "gitea""#
        );
    }

    #[test]
    fn a_refusal_quotes_the_beginning_of_a_value() {
        let schema = json!({ "properties": { "n": { "type": "integer" } } });
        let validator = compiled(&schema).expect("a schema");
        let told = |value: Json| {
            let value = json!({ "n": value });
            let misfit = validator.check(&value).expect_err("no integer");
            format!("{} at {}", misfit.problem, misfit.place())
        };
        assert_eq!(told(json!("a")), "\"a\" is not of type \"integer\" at /n");
        let long = told(json!("x".repeat(1_000_000)));
        assert!(long.len() < 400, "{}", long.len());
        assert!(
            long.ends_with("(999,902 more characters) is not of type \"integer\" at /n"),
            "{long}"
        );
    }

    #[test]
    fn keys_are_those_of_an_object() {
        for fits in [
            json!({ "type": "object", "properties": { "a": {} } }),
            json!({ "properties": {} }),
            json!({}),
        ] {
            assert_eq!(keys_problem(&fits), None, "{fits}");
        }
        for none in [
            json!(true),
            json!({ "type": "null" }),
            json!({ "type": "array" }),
            json!({ "type": ["object", "null"] }),
            json!({ "type": "null", "properties": {} }),
            json!({ "properties": [] }),
            json!({ "$ref": "#/$defs/a", "$defs": { "a": { "properties": { "a": {} } } } }),
        ] {
            assert!(keys_problem(&none).is_some(), "{none}");
        }
    }
}
