//! Whether what one schema lets a writer hand on can be read by another: both are followed together, as deep as
//! both say something. What either is silent about, or says in a way that is not followed, fits.
//!
//! A text or number of which the writer says no more than its type may be whatever the reader takes. Where the
//! reader's words are part of a contract, [`unfit_by_word`] has the writer name them, too.

use std::cell::Cell;

use serde_json::Value as Json;

use super::part::{Choice, SchemaPart, is_of};
use super::unfit::{UnfitPart, UnfitWhy};
use crate::near_name::nearest;
use crate::pipeline::same;
use crate::shown::cut;

/// Parts that are compared at most; what is behind them fits.
const STEPS: usize = 20_000;
/// The most characters of a value that is told, and of all of them.
const TOLD: usize = 200;

/// The first part of what is written that cannot be read.
pub fn unfit(written: SchemaPart<'_>, read: SchemaPart<'_>) -> Option<UnfitPart> {
    Fitting::new(false).part(written, read)
}

/// The same of what is written and not null.
pub fn unfit_but_null(written: SchemaPart<'_>, read: SchemaPart<'_>) -> Option<UnfitPart> {
    let (mut written, read) = (written.choices()?, read.choices()?);
    written.retain(|it| it.kind != Some("null"));
    Fitting::new(false).those(&written, &read, |value| !value.is_null())
}

/// The same, where a text of which the writer names no words fits no reader that names some.
pub fn unfit_by_word(written: SchemaPart<'_>, read: SchemaPart<'_>) -> Option<UnfitPart> {
    Fitting::new(true).part(written, read)
}

/// Whether a value may be one of a part.
pub fn takes(part: SchemaPart<'_>, value: &Json) -> bool {
    Fitting::new(false).takes(part, value)
}

/// What a part may be, for a person: its types, or the values that it names; `None` if it does not say.
pub fn described(part: SchemaPart<'_>) -> Option<String> {
    let choices = part.choices()?;
    let mut told: Vec<String> = Vec::new();
    for choice in choices {
        let said = said(choice)?;
        if !told.contains(&said) {
            told.push(said);
        }
    }
    (!told.is_empty()).then(|| cut(told.join(" or "), TOLD))
}

/// The values that a part names, if it names all that are not null.
pub fn values(part: SchemaPart<'_>) -> Option<Vec<&Json>> {
    let choices = part.choices()?.into_iter();
    let choices = choices.filter(|it| it.kind != Some("null"));
    let values: Option<Vec<Vec<&Json>>> = choices.map(Choice::values).collect();
    values.map(|values| values.into_iter().flatten().collect())
}

/// What one choice may be.
fn said(choice: Choice<'_>) -> Option<String> {
    match choice.values() {
        Some(values) if !values.is_empty() => {
            let values: Vec<String> = values.into_iter().map(Json::to_string).collect();
            Some(values.join(" or "))
        }
        _ => choice.kind.map(str::to_owned),
    }
}

/// A comparison under way.
struct Fitting {
    left: Cell<usize>,
    by_word: bool,
}

impl Fitting {
    fn new(by_word: bool) -> Self {
        let left = Cell::new(STEPS);
        Self { left, by_word }
    }

    /// Whether there are steps left, of which this is one.
    fn steps(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }

    /// Each choice of the writer, and each value that it names, has one of the reader that it fits.
    fn part(&self, written: SchemaPart<'_>, read: SchemaPart<'_>) -> Option<UnfitPart> {
        self.those(&written.choices()?, &read.choices()?, |_| true)
    }

    /// The same of some choices, and of the values of them that count.
    fn those(
        &self,
        written: &[Choice<'_>],
        read: &[Choice<'_>],
        counts: fn(&Json) -> bool,
    ) -> Option<UnfitPart> {
        let may = written.len() > 1;
        written.iter().find_map(|one| match one.values() {
            Some(values) => {
                let may = may || values.len() > 1;
                let mut values = values.into_iter().filter(|value| counts(value));
                let refused = |value: &&Json| !read.iter().any(|it| self.value(*it, value));
                let refused = values.find(refused);
                refused.map(|value| other(value.to_string(), read, may))
            }
            None => self.one_of(*one, read, may),
        })
    }

    /// Why a choice of the writer fits none of the reader: by the nearest of them.
    fn one_of(&self, one: Choice<'_>, read: &[Choice<'_>], may: bool) -> Option<UnfitPart> {
        let unfit: Option<Vec<UnfitPart>> = read.iter().map(|it| self.choice(one, *it)).collect();
        let near = |it: &UnfitPart| (it.at.len(), !it.is_of_type(), it.is_of_some());
        let nearest = unfit?.into_iter().max_by_key(near)?;
        match nearest.why {
            UnfitWhy::Other {
                written, may: own, ..
            } if nearest.at.is_empty() => Some(other(written, read, may || own)),
            why => Some(UnfitPart { why, ..nearest }),
        }
    }

    /// What one choice of the writer has that one of the reader does not take.
    fn choice(&self, written: Choice<'_>, read: Choice<'_>) -> Option<UnfitPart> {
        if !self.steps() {
            return None;
        }
        let (Some(own), Some(wanted)) = (written.kind, read.kind) else {
            return None;
        };
        let unnamed = self.by_word && read.values().is_some();
        if own != wanted && !(own == "integer" && wanted == "number") || unnamed {
            return Some(other(own.to_owned(), &[read], false));
        }
        match own {
            "object" => self.object(written, read),
            "array" => {
                let items = written.items().zip(read.items());
                let unfit = items.and_then(|(written, read)| self.part(written, read));
                unfit.map(|it| it.below("*"))
            }
            "integer" | "number" => {
                let (mine, theirs) = written.bounds().beyond(read.bounds())?;
                let beyond = if mine < theirs { "smaller" } else { "greater" };
                Some(other(
                    format!("{own} {beyond} than {theirs}"),
                    &[read],
                    true,
                ))
            }
            _ => None,
        }
    }

    fn object(&self, written: Choice<'_>, read: Choice<'_>) -> Option<UnfitPart> {
        let certain = written.required();
        let lacking = read
            .required()
            .into_iter()
            .find_map(|key| match written.key(key) {
                Some(_) if certain.contains(key) => None,
                Some(_) => Some(UnfitWhy::LeavesOut {
                    key: key.to_owned(),
                }),
                None if written.names_all() => {
                    let near = nearest(key, written.names().into_iter()).map(str::to_owned);
                    Some(UnfitWhy::Lacks {
                        key: key.to_owned(),
                        near,
                    })
                }
                None => None,
            });
        if let Some(why) = lacking {
            return Some(UnfitPart::new(why));
        }
        let names = written.names().into_iter();
        let mut keys = names.filter_map(|key| Some((key, written.key(key)?)));
        let unfit = keys.find_map(|(key, part)| match read.key(key).or_else(|| read.more()) {
            Some(wanted) => self.part(part, wanted).map(|it| it.below(key)),
            None if read.is_closed() => {
                let near = nearest(key, read.names().into_iter()).map(str::to_owned);
                Some(UnfitPart::new(UnfitWhy::Refused {
                    key: key.to_owned(),
                    near,
                }))
            }
            None => None,
        });
        let more = || {
            let more = written.more()?;
            let needed = read
                .required()
                .into_iter()
                .filter(|key| written.key(key).is_none());
            let mut needed = needed.filter_map(|key| Some((key, read.key(key)?)));
            let unfit = needed.find_map(|(key, it)| Some(self.part(more, it)?.below(key)));
            unfit.or_else(|| Some(self.part(more, read.more()?)?.below("*")))
        };
        unfit.or_else(more)
    }

    fn takes(&self, part: SchemaPart<'_>, value: &Json) -> bool {
        let choices = part.choices();
        choices.is_none_or(|choices| choices.into_iter().any(|it| self.value(it, value)))
    }

    /// Whether a value may be one of a choice.
    fn value(&self, choice: Choice<'_>, value: &Json) -> bool {
        if !self.steps() {
            return true;
        }
        if choice.kind.is_some_and(|kind| !is_of(value, kind)) {
            return false;
        }
        if choice
            .values()
            .is_some_and(|named| !named.iter().any(|it| same(it, value)))
        {
            return false;
        }
        match value {
            Json::Number(number) => number.as_f64().is_none_or(|it| choice.bounds().has(it)),
            Json::Array(items) => choice
                .items()
                .is_none_or(|part| items.iter().all(|it| self.takes(part, it))),
            Json::Object(keys) => {
                let all = choice
                    .required()
                    .into_iter()
                    .all(|key| keys.contains_key(key));
                all && keys.iter().all(|(key, value)| {
                    match choice.key(key).or_else(|| choice.more()) {
                        Some(part) => self.takes(part, value),
                        None => !choice.is_closed(),
                    }
                })
            }
            _ => true,
        }
    }
}

fn other(written: String, read: &[Choice<'_>], may: bool) -> UnfitPart {
    let wanted: Vec<String> = read.iter().filter_map(|it| said(*it)).collect();
    let written = cut(written, TOLD);
    let read = cut(wanted.join(" or "), TOLD);
    UnfitPart::new(UnfitWhy::Other { written, read, may })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(written: &Json, read: &Json) -> Option<String> {
        unfit(SchemaPart::of(written), SchemaPart::of(read)).map(|it| it.told("k", "qa.r"))
    }

    fn object(properties: Json, required: &[&str]) -> Json {
        json!({ "type": "object", "properties": properties, "required": required })
    }

    #[test]
    fn a_part_that_the_reader_needs_is_one_that_the_writer_has() {
        let draft = object(
            json!({ "title": { "type": "string" }, "markdown": { "type": "string" } }),
            &["title", "markdown"],
        );
        let reads = |key: &str| object(json!({ key: { "type": "string" } }), &[key]);
        assert_eq!(told(&draft, &reads("markdown")), None);
        assert_eq!(
            told(&draft, &reads("markdwon")).expect("a miss"),
            "writes `k` without `markdwon`, and `qa.r` cannot do without that"
        );
        let unfit =
            unfit(SchemaPart::of(&draft), SchemaPart::of(&reads("markdwon"))).expect("a miss");
        assert_eq!(unfit.meant(), Some(("markdown", "markdwon")));
        // In a list, through references, and behind a choice with null.
        let whole = json!({ "$defs": { "d": draft }, "anyOf": [{ "type": "array", "items": { "$ref": "#/$defs/d" } }, { "type": "null" }] });
        let list =
            json!({ "anyOf": [{ "type": "array", "items": reads("titel") }, { "type": "null" }] });
        assert_eq!(
            told(&whole, &list).expect("a miss"),
            "writes `/*` of `k` without `titel`, and `qa.r` cannot do without that"
        );
        // Whoever does not name all that it has may have it.
        for open in [
            json!({ "type": "object" }),
            json!({}),
            json!({ "type": "object", "additionalProperties": true, "properties": { "a": {} } }),
            json!({ "properties": { "a": {} }, "allOf": [{ "$ref": "#/x" }] }),
        ] {
            assert_eq!(told(&open, &reads("title")), None, "{open}");
        }
    }

    #[test]
    fn what_a_writer_may_leave_out_or_write_as_null_is_not_there() {
        let optional = object(json!({ "y": { "type": "string" } }), &[]);
        let needs = object(json!({ "y": { "type": "string" } }), &["y"]);
        assert_eq!(
            told(&optional, &needs).expect("a miss"),
            "may leave `y` out of `k`, and `qa.r` cannot do without that"
        );
        assert_eq!(told(&optional, &optional), None);
        let null = object(json!({ "y": { "type": ["string", "null"] } }), &["y"]);
        assert_eq!(
            told(&null, &needs).expect("a miss"),
            "may write `/y` of `k` as null, and it is read as string"
        );
        assert_eq!(told(&null, &null), None);
        assert_eq!(told(&needs, &null), None);
    }

    #[track_caller]
    fn all_told(pairs: impl IntoIterator<Item = (Json, Json, &'static str)>) {
        for (written, read, said) in pairs {
            assert_eq!(
                told(&written, &read).unwrap_or_default(),
                said,
                "{written} {read}"
            );
        }
    }

    fn of(kind: &str) -> Json {
        json!({ "type": kind })
    }

    #[test]
    fn types_words_and_items_are_compared() {
        let list = |items: Json| json!({ "type": "array", "items": items });
        let words = |words: &[&str]| json!({ "type": "string", "enum": words });
        let consts = json!({ "oneOf": [{ "const": "lo", "type": "string" }, { "const": "high", "type": "string" }] });
        all_told([
            (of("integer"), of("number"), ""),
            (
                of("number"),
                of("integer"),
                "writes `k` as number, and it is read as integer",
            ),
            (
                of("string"),
                of("object"),
                "writes `k` as string, and it is read as object",
            ),
            (
                list(of("integer")),
                list(of("string")),
                "writes `/*` of `k` as integer, and it is read as string",
            ),
            (
                words(&["lo", "hi"]),
                consts.clone(),
                "may write `k` as \"hi\", and it is read as \"lo\" or \"high\"",
            ),
            (consts.clone(), words(&["lo", "high", "more"]), ""),
            (words(&["lo", "high"]), consts.clone(), ""),
            (of("string"), consts.clone(), ""),
            (
                json!({ "type": "object", "additionalProperties": of("string") }),
                json!({ "type": "object", "additionalProperties": of("integer") }),
                "writes `/*` of `k` as string, and it is read as integer",
            ),
            (
                object(json!({ "titel": {} }), &[]),
                json!({ "type": "object", "properties": { "title": {} }, "additionalProperties": false }),
                "writes `titel` in `k`, and `qa.r` takes no such key there",
            ),
        ]);
        let unnamed =
            unfit_by_word(SchemaPart::of(&of("string")), SchemaPart::of(&consts)).expect("a miss");
        assert_eq!(
            unnamed.told("k", "qa.r"),
            "writes `k` as string, and it is read as \"lo\" or \"high\""
        );
    }

    #[test]
    fn ranges_of_numbers_are_compared() {
        let format = |format: &str| json!({ "type": "integer", "format": format });
        all_told([
            (
                format("int64"),
                format("uint8"),
                "may write `k` as integer smaller than 0, and it is read as integer",
            ),
            (
                format("uint16"),
                format("uint8"),
                "may write `k` as integer greater than 255, and it is read as integer",
            ),
            (format("int64"), format("uint32"), ""),
            (format("uint8"), format("uint16"), ""),
            (of("integer"), format("uint8"), ""),
            (
                format("uint32"),
                json!({ "type": "integer", "format": "uint32", "maximum": 100 }),
                "",
            ),
            (
                json!({ "type": "integer", "maximum": 200 }),
                json!({ "type": "integer", "maximum": 100 }),
                "may write `k` as integer greater than 100, and it is read as integer",
            ),
        ]);
    }

    /// What is chosen by a word is held against the choice of that word.
    #[test]
    fn a_choice_that_is_tagged_fits_the_one_of_its_word() {
        let tagged = |word: &str, key: &str| {
            object(
                json!({ "kind": { "const": word }, key: { "type": "integer" } }),
                &["kind", key],
            )
        };
        let read = json!({ "oneOf": [tagged("a", "x"), tagged("b", "y")] });
        assert_eq!(told(&tagged("b", "y"), &read), None);
        assert_eq!(
            told(
                &json!({ "anyOf": [tagged("b", "y"), tagged("a", "x")] }),
                &read
            ),
            None
        );
        assert!(told(&tagged("c", "y"), &read).is_some());
    }

    #[test]
    fn what_unfolds_without_end_is_left_at_some_point() {
        let level = |next: &str| {
            let next = json!({ "$ref": format!("#/$defs/{next}") });
            object(json!({ "a": next, "b": next }), &["a", "b"])
        };
        let defs: serde_json::Map<String, Json> = (0..60)
            .map(|it| (format!("l{it}"), level(&format!("l{}", it + 1))))
            .chain([("l60".to_owned(), json!({ "type": "string" }))])
            .collect();
        let deep = json!({ "$defs": defs, "$ref": "#/$defs/l0" });
        assert_eq!(told(&deep, &deep), None);
    }

    #[test]
    fn a_value_is_one_of_a_part_or_not() {
        let draft = object(
            json!({ "title": { "type": "string" }, "n": { "type": "integer", "minimum": 1 } }),
            &["title"],
        );
        for (value, taken) in [
            (json!({ "title": "a" }), true),
            (json!({ "titel": "a" }), false),
            (json!({ "title": 1 }), false),
            (json!({ "title": "a", "n": 0 }), false),
            (json!({ "title": "a", "n": 2.0 }), true),
            (json!("a"), false),
        ] {
            assert_eq!(takes(SchemaPart::of(&draft), &value), taken, "{value}");
        }
    }
}
