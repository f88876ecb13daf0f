//! What a part of a schema says of itself, as far as it is followed: its references, its choices, its keys.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::numbers;

/// References and choices that are followed to find what a part is.
const FOLLOWED: usize = 32;
/// Choices of one part that are looked at; more than that say nothing.
const CHOICES: usize = 256;
/// The types of numbers up to here are small: of 8 and 16 bits.
const SMALL: f64 = 65_536.0;
/// Words of which an object has keys that its `properties` do not name.
const MORE_KEYS: [&str; 10] = [
    "additionalProperties",
    "patternProperties",
    "unevaluatedProperties",
    "dependentSchemas",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "then",
    "else",
];

/// A part of a schema, and the whole in which its references lead somewhere.
#[derive(Debug, Clone, Copy)]
pub struct SchemaPart<'s> {
    whole: &'s Json,
    part: &'s Json,
}

/// One of the choices that a part leaves, at the end of its references. One that is silent about its type may be
/// of any.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice<'s> {
    whole: &'s Json,
    part: &'s Json,
    pub(super) kind: Option<&'s str>,
}

impl<'s> SchemaPart<'s> {
    /// All of a schema.
    pub fn of(whole: &'s Json) -> Self {
        Self { whole, part: whole }
    }

    /// What an object's schema says of a key.
    pub fn key(whole: &'s Json, key: &str) -> Option<Self> {
        let part = whole.get("properties")?.get(key)?;
        Some(Self { whole, part })
    }

    /// Whether its own key is there in whatever fits an object's schema.
    pub fn is_required(whole: &Json, key: &str) -> bool {
        let required = whole.get("required").and_then(Json::as_array);
        required.is_some_and(|it| it.iter().any(|name| name == key))
    }

    /// What it may be; `None` if that is not said, or not in a way that is followed.
    pub(super) fn choices(self) -> Option<Vec<Choice<'s>>> {
        let mut choices = Vec::new();
        self.choose(FOLLOWED, &mut choices)?;
        Some(choices)
    }

    fn choose(self, left: usize, choices: &mut Vec<Choice<'s>>) -> Option<()> {
        let left = left.checked_sub(1)?;
        let part = self.part.as_object()?;
        if let Some(target) = part.get("$ref").and_then(Json::as_str) {
            let part = self.whole.pointer(target.strip_prefix('#')?)?;
            return self.at(part).choose(left, choices);
        }
        let listed = ["anyOf", "oneOf"]
            .into_iter()
            .find_map(|it| part.get(it)?.as_array());
        if let (Some(listed), false) = (listed, part.contains_key("properties")) {
            for choice in listed {
                self.at(choice).choose(left, choices)?;
            }
            return Some(());
        }
        let kinds: Vec<Option<&str>> = match part.get("type") {
            Some(Json::String(kind)) => vec![Some(kind)],
            Some(Json::Array(kinds)) => kinds.iter().map(Json::as_str).collect(),
            _ if part.contains_key("properties") => vec![Some("object")],
            _ => vec![None],
        };
        let (whole, part) = (self.whole, self.part);
        choices.extend(kinds.into_iter().map(|kind| Choice { whole, part, kind }));
        (choices.len() <= CHOICES).then_some(())
    }

    fn at(self, part: &'s Json) -> Self {
        Self { part, ..self }
    }
}

impl<'s> Choice<'s> {
    fn inner(self, part: &'s Json) -> SchemaPart<'s> {
        let whole = self.whole;
        SchemaPart { whole, part }
    }

    /// The values that it names, if those are all: of its type.
    pub(super) fn values(self) -> Option<Vec<&'s Json>> {
        let named = match (self.part.get("const"), self.part.get("enum")) {
            (Some(value), _) => vec![value],
            (None, Some(Json::Array(values))) => values.iter().collect(),
            _ => return None,
        };
        let fits = |value: &&Json| self.kind.is_none_or(|kind| is_of(value, kind));
        Some(named.into_iter().filter(fits).collect())
    }

    pub(super) fn keys(self) -> Option<&'s Map<String, Json>> {
        self.part.get("properties")?.as_object()
    }

    pub(super) fn key(self, key: &str) -> Option<SchemaPart<'s>> {
        Some(self.inner(self.keys()?.get(key)?))
    }

    pub(super) fn names(self) -> Vec<&'s str> {
        let keys = self.keys().into_iter().flat_map(Map::keys);
        keys.map(String::as_str).collect()
    }

    pub(super) fn required(self) -> BTreeSet<&'s str> {
        let required = self.part.get("required").and_then(Json::as_array);
        let required = required.into_iter().flatten();
        required.filter_map(Json::as_str).collect()
    }

    /// Whether it names all the keys that it has.
    pub(super) fn names_all(self) -> bool {
        let says = |word: &&str| {
            self.part
                .get(*word)
                .is_some_and(|it| it != &Json::Bool(false))
        };
        self.keys().is_some_and(|keys| !keys.is_empty()) && !MORE_KEYS.iter().any(says)
    }

    /// Whether it refuses keys that it does not name.
    pub(super) fn is_closed(self) -> bool {
        let closed = self.part.get("additionalProperties") == Some(&Json::Bool(false));
        closed && self.part.get("patternProperties").is_none()
    }

    /// What the keys hold that it does not name.
    pub(super) fn more(self) -> Option<SchemaPart<'s>> {
        let more = self.part.get("additionalProperties")?;
        let said = more.is_object() && self.part.get("patternProperties").is_none();
        said.then(|| self.inner(more))
    }

    pub(super) fn items(self) -> Option<SchemaPart<'s>> {
        let items = self.part.get("items")?;
        let plain = self.part.get("prefixItems").is_none();
        plain.then(|| self.inner(items))
    }

    /// The numbers between which it is, as far as it says so: by the type it was made from, and beyond that.
    pub(super) fn bounds(self) -> NumberBounds {
        let number = |key: &str| self.part.get(key).and_then(Json::as_f64);
        let (least, most) = numbers::of_format(self.part);
        let beyond = |written: Option<f64>, of_type: Option<f64>| {
            written.filter(|it| of_type.is_none_or(|bound| bound.total_cmp(it).is_ne()))
        };
        NumberBounds {
            of_type: (least, most),
            written: (
                beyond(number("minimum"), least),
                beyond(number("maximum"), most),
            ),
        }
    }
}

/// The least and the most.
type Range = (Option<f64>, Option<f64>);

/// The bounds of a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct NumberBounds {
    of_type: Range,
    written: Range,
}

impl NumberBounds {
    /// The bound that a written number may be beyond, below or above. What is written is held against all that the
    /// reader says; what follows from the type of the writer only against a small type: nobody counts so far.
    pub(super) fn beyond(self, read: NumberBounds) -> Option<(f64, f64)> {
        let below =
            |mine: Option<f64>, theirs: Option<f64>| mine.zip(theirs).filter(|(a, b)| a < b);
        let above =
            |mine: Option<f64>, theirs: Option<f64>| mine.zip(theirs).filter(|(a, b)| a > b);
        let is_small = read.of_type.1.is_some_and(|most| most < SMALL);
        let of_type = if is_small { self.of_type } else { (None, None) };
        below(self.written.0, read.written.0)
            .or_else(|| below(self.written.0.or(of_type.0), read.of_type.0))
            .or_else(|| above(self.written.1, read.written.1))
            .or_else(|| above(self.written.1.or(of_type.1), read.of_type.1))
    }

    /// Whether a number is within them.
    pub(super) fn has(self, number: f64) -> bool {
        let lows = [self.of_type.0, self.written.0];
        let highs = [self.of_type.1, self.written.1];
        lows.into_iter().flatten().all(|low| low <= number)
            && highs.into_iter().flatten().all(|high| number <= high)
    }
}

/// The type of a value, as a schema names it.
pub(super) fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.as_f64().is_some_and(|it| it.fract() == 0.0) => "integer",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

/// Whether a value is of a type.
pub(super) fn is_of(value: &Json, kind: &str) -> bool {
    let own = self::kind(value);
    own == kind || own == "integer" && kind == "number"
}
