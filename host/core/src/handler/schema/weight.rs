//! What a schema costs, told from its text: its parts are counted as a validator meets them, with
//! references followed. A part that is referred to on two ways counts twice, so that a small text
//! that unfolds without end is seen for what it is.

use std::collections::BTreeMap;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

use super::QUOTED;
use crate::shown::cut;

/// The most parts of a schema, references followed.
const PARTS: u64 = 20_000;
/// How deep a schema may nest, references followed.
const DEPTH: usize = 100;
/// A pattern is a machine of its own, which looks at each letter.
const PATTERN: u64 = 100;
/// Letters that cost as much as a part.
const LETTERS: usize = 4;
/// Keywords that have everything beside them evaluated once more.
const AGAIN: [&str; 2] = ["unevaluatedItems", "unevaluatedProperties"];
/// Keywords for which a validator looks at the letters of a text. For all others a text is one part,
/// however long.
const LOOKS_AT_LETTERS: [&str; 6] = [
    "maxLength",
    "minLength",
    "pattern",
    "patternProperties",
    "propertyNames",
    "uniqueItems",
];
/// Ways to refer to a part that nothing but a validator can follow.
const OTHER_WAYS: [&str; 2] = ["$dynamicRef", "$recursiveRef"];
/// What gives a part another address than its place.
const ADDRESSES: [&str; 2] = ["$id", "id"];

/// How many parts a schema has, references followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weight {
    parts: u64,
    /// Whether it matters how long the texts of a value are.
    letters: bool,
}

impl Weight {
    /// The weight of a schema; else why it has none, or too much.
    pub(super) fn of(schema: &Json) -> Result<Self, String> {
        let mut scale = Scale {
            whole: schema,
            known: BTreeMap::new(),
            refers: false,
            addressed: false,
            letters: false,
        };
        // The whole is a part that can be referred to, too.
        scale.known.insert("#", None);
        let (parts, _) = scale.weigh(schema, 0)?;
        if scale.refers && scale.addressed {
            return Err(
                "it refers to parts by `$ref`, and a part inside has an `$id`, which \
                        changes what a reference means; remove the `$id`"
                    .to_owned(),
            );
        }
        if parts > PARTS {
            return Err(format!(
                "it has more than {PARTS} parts, each counted as often as it is referred to; refer less"
            ));
        }
        let letters = scale.letters;
        Ok(Self { parts, letters })
    }

    /// How much there is of a value to be held against it.
    pub(super) fn size_of(self, value: &Json) -> u64 {
        size(value, self.letters)
    }

    /// What it costs at most to hold a value of a size against it.
    pub(super) fn times(self, size: u64) -> u64 {
        self.parts.saturating_mul(size)
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.parts)
    }
}

struct Scale<'s> {
    whole: &'s Json,
    /// Parts that were referred to: what they weigh and how deep they nest, or that they are
    /// being weighed now.
    known: BTreeMap<&'s str, Option<(u64, usize)>>,
    refers: bool,
    addressed: bool,
    letters: bool,
}

/// The weight of a part, and how deep it nests.
type WeightResult = Result<(u64, usize), String>;

impl<'s> Scale<'s> {
    fn weigh(&mut self, part: &'s Json, depth: usize) -> WeightResult {
        if depth > DEPTH {
            return Err(too_deep());
        }
        match part {
            Json::Array(items) => self.all(items.iter(), depth),
            Json::Object(fields) => {
                let (mut weight, mut height) = self.all(fields.values(), depth)?;
                for (key, value) in fields {
                    let (more, deep) = self.keyword(key, value, depth)?;
                    weight = weight.saturating_add(more);
                    height = height.max(deep);
                }
                if AGAIN.iter().any(|key| fields.contains_key(*key)) {
                    weight = weight.saturating_mul(2);
                }
                Ok((weight, height))
            }
            scalar => Ok((size(scalar, true), 0)),
        }
    }

    fn all(&mut self, parts: impl Iterator<Item = &'s Json>, depth: usize) -> WeightResult {
        let (mut weight, mut height) = (1_u64, 0);
        for part in parts {
            let (more, deep) = self.weigh(part, depth + 1)?;
            weight = weight.saturating_add(more);
            height = height.max(deep + 1);
        }
        Ok((weight, height))
    }

    /// What a keyword costs beyond what stands below it.
    fn keyword(&mut self, key: &'s str, value: &'s Json, depth: usize) -> WeightResult {
        self.letters |= LOOKS_AT_LETTERS.contains(&key);
        match (key, value) {
            ("$ref", Json::String(target)) => {
                self.refers = true;
                let (weight, height) = self.follow(target, depth + 1)?;
                return Ok((weight, height + 1));
            }
            (key, Json::String(_)) if OTHER_WAYS.contains(&key) => {
                return Err(format!("`{key}` is not followed here; write `$ref`"));
            }
            (key, Json::String(_)) if ADDRESSES.contains(&key) && depth > 0 => {
                self.addressed = true;
            }
            ("pattern", Json::String(_)) => return Ok((PATTERN, 0)),
            ("patternProperties", Json::Object(patterns)) => {
                let count = u64::try_from(patterns.len()).unwrap_or(u64::MAX);
                return Ok((count.saturating_mul(PATTERN), 0));
            }
            _ => {}
        }
        Ok((0, 0))
    }

    fn follow(&mut self, target: &'s str, depth: usize) -> WeightResult {
        match self.known.get(target) {
            Some(None) => Err(format!(
                "`{}` refers to itself; say how deep its values go by writing each level",
                cut(target, QUOTED)
            )),
            Some(Some((_, height))) if depth + height > DEPTH => Err(too_deep()),
            Some(Some(known)) => Ok(*known),
            None => {
                let part = self.part(target)?;
                self.known.insert(target, None);
                let weighed = self.weigh(part, depth)?;
                self.known.insert(target, Some(weighed));
                Ok(weighed)
            }
        }
    }

    /// The part that a reference means: the whole, or what a pointer leads to.
    fn part(&self, target: &str) -> Result<&'s Json, String> {
        let pointer = target.strip_prefix('#');
        let pointer = pointer.filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        let nowhere = || {
            let target = cut(target, QUOTED);
            format!(
                "`$ref` names `{target}`; it has to be `#`, or `#/…` with a place in the schema"
            )
        };
        let pointer = percent_decode_str(pointer.ok_or_else(nowhere)?);
        let pointer = pointer.decode_utf8().map_err(|_| nowhere())?;
        self.whole.pointer(&pointer).ok_or_else(nowhere)
    }
}

fn too_deep() -> String {
    format!("it nests more than {DEPTH} levels deep once its references are followed")
}

/// How many parts a value has, however long.
pub(super) fn parts(value: &Json) -> u64 {
    match value {
        Json::Array(items) => items.iter().map(parts).sum::<u64>().saturating_add(1),
        Json::Object(fields) => fields.values().map(parts).sum::<u64>().saturating_add(1),
        _ => 1,
    }
}

/// How much there is of a value: its parts, the names of keys and, with `letters`, its texts.
fn size(value: &Json, letters: bool) -> u64 {
    let text = |text: &str| 1 + u64::try_from(text.len() / LETTERS).unwrap_or(u64::MAX);
    match value {
        Json::String(it) if letters => text(it),
        Json::Array(items) => {
            let sizes = items.iter().map(|item| size(item, letters));
            sizes.sum::<u64>().saturating_add(1)
        }
        Json::Object(fields) => {
            let fields = fields.iter();
            let sizes = fields.map(|(key, value)| text(key).saturating_add(size(value, letters)));
            sizes.sum::<u64>().saturating_add(1)
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn weight(schema: Json) -> Result<u64, String> {
        Weight::of(&schema).map(|weight| weight.parts)
    }

    /// `levels` parts, of which each refers to the next twice.
    fn doubling(levels: usize) -> Json {
        let parts = (0..levels).map(|level| {
            let next = json!({ "$ref": format!("#/$defs/a{}", level + 1) });
            (
                format!("a{level}"),
                json!({ "anyOf": [next.clone(), next] }),
            )
        });
        let mut parts: serde_json::Map<_, _> = parts.collect();
        parts.insert(format!("a{levels}"), json!({ "type": "null" }));
        json!({ "$ref": "#/$defs/a0", "$defs": parts })
    }

    #[test]
    fn a_part_weighs_as_often_as_it_is_referred_to() {
        let one = weight(doubling(1)).expect("a weight");
        let ten = weight(doubling(9)).expect("a weight");
        assert!(one < 100 && ten > 1_000, "{one}, {ten}");
        let refused = weight(doubling(20)).expect_err("too much");
        assert!(refused.contains("more than 20000 parts"), "{refused}");
        let refused = weight(doubling(90)).expect_err("too deep");
        assert!(refused.contains("more than 100 levels"), "{refused}");
    }

    #[test]
    fn the_length_of_a_text_matters_to_whoever_looks_at_it() {
        let value = json!({ "a": ["x".repeat(4_000), "y".repeat(4_000)] });
        let size = |schema: Json| Weight::of(&schema).expect("a weight").size_of(&value);
        let plain = json!({ "properties": { "a": { "items": { "type": "string" } } } });
        assert_eq!(size(plain), 5);
        let items = json!({ "items": { "maxLength": 9 } });
        let looks =
            json!({ "$ref": "#/$defs/a", "$defs": { "a": { "properties": { "a": items } } } });
        assert!(size(looks) > 2_000);
    }

    #[test]
    fn a_circle_is_refused_however_it_is_closed() {
        for schema in [
            json!({ "$ref": "#" }),
            json!({ "properties": { "a": { "items": { "$ref": "#" } } } }),
            json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/%24defs/a" } } }),
        ] {
            let refused = weight(schema).expect_err("a circle");
            assert!(refused.contains("refers to itself"), "{refused}");
        }
        for (key, value) in [
            ("$dynamicRef", "#a"),
            ("$ref", "#a"),
            ("$ref", "other.json"),
        ] {
            weight(json!({ key: value })).expect_err("not followed");
        }
        let inside = json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$id": "x:/y" } } });
        assert!(weight(inside).expect_err("an address").contains("`$id`"));
    }

    #[test]
    fn what_is_evaluated_again_and_again_weighs_more() {
        let again = |inner, _| json!({ "allOf": [inner], "unevaluatedProperties": false });
        let refused = weight((0..20).fold(json!({}), again)).expect_err("too much");
        assert!(refused.contains("parts"), "{refused}");
    }
}
