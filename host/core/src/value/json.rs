//! JSON of others, by one door: what a document takes as a tree is known before one is made.

use serde::de::DeserializeOwned;

use super::tree;

/// Bytes in memory that the answer of a server may take as a tree.
pub const ANSWER: u64 = 256 << 20;
/// The same of a document that is short where it is honest: an answer in an answer, a list of hits.
pub const SHORT: u64 = 64 << 20;

/// Why a text of another is not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    #[error("it has so many parts that it takes more than {} MiB in memory", .0 >> 20)]
    TooMuch(u64),
    #[error("it is no JSON: {0}")]
    Not(#[from] serde_json::Error),
}

/// The document that a text is, if it takes at most `most` bytes as a tree.
pub fn read<T: DeserializeOwned>(text: impl AsRef<[u8]>, most: u64) -> Result<T, Unread> {
    let text = text.as_ref();
    if tree(text) > most {
        return Err(Unread::TooMuch(most));
    }
    Ok(serde_json::from_slice(text)?)
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    #[test]
    fn what_takes_too_much_is_not_made() {
        let parts = format!("[{}0]", "{\"\":0},".repeat(200_000));
        let refused = read::<Json>(&parts, SHORT).expect_err("140 MB");
        assert!(
            refused.to_string().contains("more than 64 MiB"),
            "{refused}"
        );
        assert!(read::<Json>(&parts, ANSWER).is_ok());
        // It is refused before it is known whether it is JSON.
        let broken = format!("]{parts}");
        assert!(matches!(
            read::<Json>(&broken, SHORT),
            Err(Unread::TooMuch(_))
        ));
        assert!(matches!(read::<Json>(b"{", SHORT), Err(Unread::Not(_))));
    }
}
