//! A question as the text that is sent. A server that holds a model to a schema has it write the properties in the
//! order in which they stand there, and maps of this program have them by the alphabet: a model would name its
//! sources before it wrote a word. So they are written in the order in which the schema requires them, which is that of
//! the fields of its type.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value as Json};

/// A document as JSON, with the properties of each schema in it in the order of its `required`.
pub(super) fn text(document: &Json) -> Vec<u8> {
    // Keys are texts, and numbers are finite: it can always be written.
    serde_json::to_vec(&Ordered(document)).unwrap_or_default()
}

struct Ordered<'a>(&'a Json);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Object(object) => {
                let required = object.get("required").and_then(Json::as_array);
                let mut map = to.serialize_map(Some(object.len()))?;
                for (key, value) in object {
                    match (key.as_str(), value, required) {
                        ("properties", Json::Object(properties), Some(required)) => {
                            map.serialize_entry(key, &Properties(properties, required))?;
                        }
                        _ => map.serialize_entry(key, &Ordered(value))?,
                    }
                }
                map.end()
            }
            Json::Array(values) => to.collect_seq(values.iter().map(Ordered)),
            plain => plain.serialize(to),
        }
    }
}

/// Properties, and the names of those that are required.
struct Properties<'a>(&'a Map<String, Json>, &'a [Json]);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(properties, required) = self;
        let place = |name: &str| required.iter().position(|it| it == name);
        let mut all: Vec<_> = properties.iter().collect();
        // What is not required keeps its order, behind the others.
        all.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
        to.collect_map(all.into_iter().map(|(name, it)| (name, Ordered(it))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn properties_stand_in_the_order_in_which_they_are_required() {
        let inner = json!({ "properties": { "a": {}, "b": {} }, "required": ["b", "a"] });
        let schema = json!({
            "properties": { "all": { "items": inner }, "more": 1.5, "text": "x" },
            "required": ["text", "gone", "all", "text"],
        });
        let document = json!({ "schema": schema, "properties": { "z": 1, "a": [null, true] } });
        let written = String::from_utf8(text(&document)).expect("UTF-8");
        let wanted = r#"{"properties":{"a":[null,true],"z":1},"schema":{"properties":{"text":"x","all":{"items":{"properties":{"b":{},"a":{}},"required":["b","a"]}},"more":1.5},"required":["text","gone","all","text"]}}"#;
        assert_eq!(written, wanted);
        assert_eq!(
            serde_json::from_str::<Json>(&written).expect("JSON"),
            document
        );
    }
}
