//! What both databases keep and give back: one check in front of them, so that neither takes a
//! value that the other refuses, or that nobody can read again.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{StoreError, StoreErrorKind};
use crate::outcome::{Outcome, Patch};
use crate::value::{self, Statement, Value};

/// Bytes of a document.
pub const LARGEST: usize = 64 * 1024 * 1024;
/// Bytes that a document may take in memory, however few its text has, and those that all
/// checkpoints of a run may together.
pub const TREE: u64 = 128 << 20;
pub const TREES: u64 = 512 << 20;
/// Bytes of a text that stands in an index.
pub const LONGEST_KEY: usize = 1024;

/// The text that a value is stored as, of which is known that it is read back. Refused as
/// [`Unstorable`](StoreErrorKind::Unstorable).
pub fn document<T: Serialize + DeserializeOwned>(value: &T) -> Result<String, StoreError> {
    let text = serde_json::to_string(value);
    let text = text.map_err(|error| unstorable(format!("is no JSON: {error}")))?;
    if text.len() > LARGEST {
        let problem = format!("has {} bytes; {LARGEST} are the most", text.len());
        return Err(unstorable(problem));
    }
    let tree = value::tree(text.as_bytes());
    if tree > TREE {
        return Err(unstorable(too_many_parts(tree, TREE)));
    }
    if escapes_nul(&text) {
        return Err(nul());
    }
    match serde_json::from_str::<T>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(unstorable(format!("could not be read back: {error}"))),
    }
}

/// That something takes too much in memory, by how much there is of it.
pub fn too_many_parts(tree: u64, most: u64) -> String {
    format!(
        "has so many parts that it takes {} MiB in memory, and {} are the most; write fewer and longer values",
        tree >> 20,
        most >> 20
    )
}

/// The text of keys and values; a refusal names the key.
pub fn patch(patch: &Patch) -> Result<String, StoreError> {
    document(patch).map_err(|error| named(patch, error))
}

/// Whether what a stage came to can be kept, its deferred writes apart. A refusal names the key.
pub fn outcome(outcome: &mut Outcome) -> Result<(), StoreError> {
    let Outcome::Done(done) = outcome else {
        let kept = document(outcome).map(drop);
        return kept.map_err(|error| match outcome.patch() {
            Some(patch) => named(patch, error),
            None => error,
        });
    };
    for statement in &done.writes {
        self::statement(statement)?;
    }
    let writes = std::mem::take(&mut done.writes);
    let kept = document(outcome);
    if let Outcome::Done(done) = outcome {
        done.writes = writes;
        kept.map_err(|error| named(&done.patch, error))?;
    }
    Ok(())
}

/// Whether the parameters of a statement are values that both databases take.
pub(super) fn statement(statement: &Statement) -> Result<(), StoreError> {
    statement.params.iter().try_for_each(|value| match value {
        Value::Text(text) | Value::Json(text) | Value::Other { text, .. }
            if text.contains('\0') =>
        {
            Err(nul())
        }
        Value::Real(number) if number.is_nan() => Err(unstorable("is no number (NaN)")),
        _ => Ok(()),
    })
}

/// Whether a text can stand in an index: PostgreSQL has no room for a long one.
pub(super) fn key(what: &str, text: &str) -> Result<(), StoreError> {
    if text.len() <= LONGEST_KEY {
        return Ok(());
    }
    let length = text.len();
    Err(unstorable(format!(
        "the {what} has {length} bytes; {LONGEST_KEY} are the most"
    )))
}

/// Whether a JSON text has the character U+0000, which PostgreSQL has in no text.
pub(super) fn escapes_nul(json: &str) -> bool {
    json.match_indices("\\u0000").any(|(at, _)| {
        let before = json[..at].bytes().rev();
        before.take_while(|byte| *byte == b'\\').count() % 2 == 0
    })
}

/// The same refusal with the key whose value it is about, if it is about one.
fn named(patch: &Patch, error: StoreError) -> StoreError {
    let alone = |key: &String, value: &serde_json::Value| {
        let outcome = Outcome::Done(crate::outcome::Done::new(Patch::from_iter([(
            key.clone(),
            value.clone(),
        )])));
        document(&outcome).is_err()
    };
    match patch.iter().find(|(key, value)| alone(key, value)) {
        Some((key, _)) => unstorable(format!("`{}`: {error}", key.replace('\0', "\u{fffd}"))),
        None => error,
    }
}

pub(super) fn nul() -> StoreError {
    unstorable("contains the character U+0000, which no database keeps; leave it out")
}

fn unstorable(problem: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Unstorable, problem)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::outcome::{Done, Stop};

    fn nested(levels: usize) -> Json {
        (0..levels).fold(json!(1), |inner, _| Json::Array(vec![inner]))
    }

    fn of(value: Json) -> Patch {
        Patch::from_iter([("sound".to_owned(), json!(1)), ("key".to_owned(), value)])
    }

    #[test]
    fn a_value_is_checked_in_the_shape_that_is_stored() {
        // 127 levels are the most that are read: the keys are one of them, and what a stage
        // came to is another.
        for (levels, input, patch) in [(125, true, true), (126, true, false), (127, false, false)] {
            assert_eq!(super::patch(&of(nested(levels))).is_ok(), input, "{levels}");
            let mut done = Outcome::Done(Done::new(of(nested(levels))));
            assert_eq!(outcome(&mut done).is_ok(), patch, "{levels}");
        }
        let error = super::patch(&of(nested(200))).expect_err("too deep");
        assert!(
            error.message.starts_with("`key`: could not be read"),
            "{error}"
        );
    }

    #[test]
    fn a_zero_is_found_wherever_it_stands_and_nothing_is_taken_for_it() {
        for (value, sound) in [
            (json!("a\0b"), false),
            (json!("\\\0"), false),
            (json!({ "a\0": 1 }), false),
            (json!("\\u0000"), true),
            (json!("\\\\u0000 \u{1}\u{fffd}\u{10ffff}"), true),
            (json!([u64::MAX, i64::MIN, 1e308, -0.0, 0.1]), true),
        ] {
            assert_eq!(super::patch(&of(value.clone())).is_ok(), sound, "{value}");
        }
        let mut stop = Outcome::Stopped(Stop::unavailable("x", "a\0b"));
        assert!(outcome(&mut stop).is_err());
        let found = Stop::rejected("x", "y").handing_on(&of(json!("a\0b")));
        let refused = outcome(&mut Outcome::Stopped(found)).expect_err("a zero");
        assert!(refused.message.starts_with("`key`: "), "{refused}");
        let number = Statement::new("SELECT $1");
        assert!(statement(&number.clone().bind(f64::NAN)).is_err());
        assert!(statement(&number.clone().bind(f64::INFINITY)).is_ok());
        assert!(statement(&number.bind("\0")).is_err());
    }

    #[test]
    fn deferred_writes_are_looked_at_and_left_where_they_are() {
        let write = Statement::new("DELETE FROM t WHERE a = $1");
        let mut done = Outcome::Done(Done::new(of(json!(1))).write(write.clone().bind("a")));
        assert!(outcome(&mut done).is_ok());
        let Outcome::Done(kept) = &done else {
            panic!("it was done")
        };
        assert_eq!(kept.writes.len(), 1);
        let mut done = Outcome::Done(Done::new(of(json!(1))).write(write.bind("\0")));
        assert!(outcome(&mut done).is_err());
    }
}
