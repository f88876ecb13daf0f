//! Where a pointer into a value leads, by what its schema says.

use super::part::SchemaPart;

/// The first part of a pointer that a schema does not have, with those that it has there; `None` if it has it, or
/// does not say.
pub fn stray<'s>(part: SchemaPart<'s>, pointer: &str) -> Option<(String, Vec<&'s str>)> {
    let mut segments = pointer.split('/').skip(1);
    let segment = segments.next()?;
    let rest = &pointer[1 + segment.len()..];
    let key = segment.replace("~1", "/").replace("~0", "~");
    let strays = part.choices()?.into_iter().map(|choice| {
        let inner = match choice.kind? {
            "object" => match choice.key(&key).or_else(|| choice.more()) {
                None if choice.names_all() => return Some((key.clone(), choice.names())),
                inner => inner?,
            },
            "array" if is_index(&key) => choice.items()?,
            _ => return Some((key.clone(), Vec::new())),
        };
        stray(inner, rest)
    });
    // One choice that has the part is enough.
    let strays: Option<Vec<_>> = strays.collect();
    strays?.into_iter().max_by_key(|(_, known)| known.len())
}

/// Whether a part of a pointer is a number of a list.
fn is_index(segment: &str) -> bool {
    let digits = !segment.is_empty() && segment.bytes().all(|it| it.is_ascii_digit());
    digits && (segment == "0" || !segment.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pointer_is_followed_to_where_no_part_is() {
        let text = json!({ "type": "string" });
        let parts = json!({ "title": text, "tags": { "type": "array", "items": text }, "odd": {} });
        let draft = json!({ "type": "object", "properties": parts });
        let part = SchemaPart::of(&draft);
        for fits in ["", "/title", "/tags/0", "/tags/12", "/odd/x/y"] {
            assert_eq!(stray(part, fits), None, "{fits}");
        }
        for (at, segment, known) in [
            ("/titel", "titel", 3),
            ("/title/x", "x", 0),
            ("/tags/foo", "foo", 0),
            ("/tags/01", "01", 0),
            ("/tags/0/x", "x", 0),
        ] {
            let (stray, parts) = stray(part, at).expect(at);
            assert_eq!((stray.as_str(), parts.len()), (segment, known), "{at}");
        }
    }
}
