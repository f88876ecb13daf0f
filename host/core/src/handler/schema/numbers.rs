//! Numbers, read once: what a schema takes is what a type takes.

use serde_json::{Map, Number, Value as Json};

/// Schemas in schemas, so deep.
const DEPTH: usize = 64;

/// The bounds of the integer types, which a schema that was made from a type names as a format.
const INTEGERS: [(&str, i128, i128); 8] = [
    ("int8", i8::MIN as i128, i8::MAX as i128),
    ("int16", i16::MIN as i128, i16::MAX as i128),
    ("int32", i32::MIN as i128, i32::MAX as i128),
    ("int64", i64::MIN as i128, i64::MAX as i128),
    ("uint8", 0, u8::MAX as i128),
    ("uint16", 0, u16::MAX as i128),
    ("uint32", 0, u32::MAX as i128),
    ("uint64", 0, u64::MAX as i128),
];

/// A schema in which each integer of a known format has the bounds of that format, too.
pub(super) fn with_bounds(schema: &Json) -> Json {
    let mut schema = schema.clone();
    bind(&mut schema, DEPTH);
    schema
}

fn bind(schema: &mut Json, left: usize) {
    let Some(left) = left.checked_sub(1) else {
        return;
    };
    match schema {
        Json::Object(parts) => {
            bounds(parts);
            parts.values_mut().for_each(|part| bind(part, left));
        }
        Json::Array(parts) => parts.iter_mut().for_each(|part| bind(part, left)),
        _ => {}
    }
}

/// The bounds of the type that a schema was made from, as far as it names one.
#[expect(
    clippy::cast_precision_loss,
    reason = "bounds are compared, and a type's are far apart"
)]
pub(super) fn of_format(schema: &Json) -> (Option<f64>, Option<f64>) {
    let format = schema.get("format").and_then(Json::as_str);
    let known = INTEGERS.iter().find(|(name, ..)| Some(*name) == format);
    match (known, format) {
        (Some((_, least, most)), _) => (Some(*least as f64), Some(*most as f64)),
        (None, Some("uint")) => (Some(0.0), None),
        _ => (None, None),
    }
}

fn bounds(schema: &mut Map<String, Json>) {
    let format = schema.get("format").and_then(Json::as_str);
    let Some((_, least, most)) = INTEGERS.iter().find(|(name, ..)| Some(*name) == format) else {
        return;
    };
    for (key, bound) in [("minimum", least), ("maximum", most)] {
        if let Some(bound) = Number::from_i128(*bound) {
            schema.entry(key).or_insert(Json::Number(bound));
        }
    }
}

/// Keys in which a whole number is one.
pub fn whole_keys(keys: Map<String, Json>) -> Map<String, Json> {
    let keys = keys.into_iter().map(|(key, value)| (key, whole(value)));
    keys.collect()
}

/// A value in which a whole number is one, however it is written: `3.0` is an integer for a schema,
/// and has to be one for a type.
pub fn whole(value: Json) -> Json {
    match value {
        Json::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => Json::Number(integer(float).unwrap_or(number)),
            None => Json::Number(number),
        },
        Json::Array(parts) => parts.into_iter().map(whole).collect(),
        Json::Object(parts) => Json::Object(whole_keys(parts)),
        other => other,
    }
}

/// The integer that a float is, within what a type can have: a schema takes those as integers, and none beyond.
pub fn integer(float: f64) -> Option<Number> {
    // A whole number is printed without a fraction.
    let printed = (float.fract() == 0.0).then(|| format!("{float:.0}"))?;
    let signed = printed.parse::<i64>().map(Number::from);
    signed
        .or_else(|_| printed.parse::<u64>().map(Number::from))
        .ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::compiled;
    use super::*;

    #[test]
    fn an_integer_of_a_format_has_the_bounds_of_its_type() {
        let schema = json!({"type": "object", "properties": {
            "keep": {"type": "integer", "format": "uint32", "minimum": 1},
            "more": {"type": ["integer", "null"], "format": "int8"},
        }});
        let schema = compiled(&schema).expect("a schema");
        for (value, fits) in [
            (json!({"keep": u32::MAX}), true),
            (json!({"keep": 4_294_967_296_u64}), false),
            (json!({"keep": 9_223_372_036_854_775_807_u64}), false),
            (json!({"keep": 0}), false),
            (json!({"more": 127}), true),
            (json!({"more": 128}), false),
            (json!({"more": null}), true),
        ] {
            assert_eq!(schema.check(&value).is_ok(), fits, "{value}");
        }
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let read = whole(json!({"keep": 20_000.0, "share": 0.5, "all": [-3.0, 1e300, "3.0"]}));
        let expected = json!({"keep": 20_000, "share": 0.5, "all": [-3, 1e300, "3.0"]});
        assert_eq!(read, expected);
        // What a schema takes as an integer of a type is one that the type reads.
        let schema = json!({"properties": {"score": {"type": "integer", "format": "uint64"}}});
        let schema = compiled(&schema).expect("a schema");
        for (score, fits) in [
            (1e16, true),
            (1e19, true),
            (18_446_744_073_709_551_616.0, false),
        ] {
            let value = json!({ "score": score });
            assert_eq!(schema.check(&value).is_ok(), fits, "{value}");
            assert_eq!(whole(value)["score"].is_u64(), fits, "{score}");
        }
    }
}
