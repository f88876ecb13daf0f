//! Texts that a guest hands to a call of the host, at the door: before anything is made of one, it
//! is cut to what can be meant by it, or refused. What a guest has in its memory is there once more
//! while it is handed over; escaped, and quoted by a message, it would be many times.

use crate::shown::cut;
use crate::store::storable::LONGEST_KEY;

/// The most bytes of an address.
const ADDRESS: usize = 16 << 10;
/// Bytes of a statement that are kept beside it, to tell of it.
const OPENING: usize = 4 << 10;

/// A name: of a setting, a credential, a method. One that is longer than any that is known is only
/// its beginning, with a note, so that it is the name of nothing.
pub fn name(text: String) -> String {
    if text.len() <= LONGEST_KEY {
        return text;
    }
    cut(text, LONGEST_KEY)
}

/// An address. A part of one would be another, so it is refused if it is too long.
pub fn address(text: String) -> Result<String, String> {
    if text.len() <= ADDRESS {
        return Ok(text);
    }
    Err(format!(
        "an address has {} bytes; {ADDRESS} are the most",
        text.len()
    ))
}

/// What is kept of a statement to tell whose error it is.
pub fn opening(sql: &str) -> String {
    sql[..sql.floor_char_boundary(OPENING)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_before_anything_is_made_of_it() {
        assert_eq!(name("probe.count".to_owned()), "probe.count");
        let long = name("é".repeat(5_000_000));
        assert!(long.len() < 3 * LONGEST_KEY && long.ends_with(" more characters)"));
        assert_eq!(address("http://a/".to_owned()).as_deref(), Ok("http://a/"));
        let refused = address("é".repeat(10_000)).expect_err("too long");
        assert!(refused.contains("20000 bytes"), "{refused}");
        assert_eq!(opening(&"é".repeat(5_000)).len(), OPENING);
    }
}
