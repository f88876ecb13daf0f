//! A claim of the diary, from words that it read.

use super::prose::Prose;
use crate::draft::{Claim, ClaimKind};

/// What these words say, on these changes and releases.
pub fn claim(kind: ClaimKind, words: &Prose, on: &[String]) -> Claim {
    Claim {
        kind,
        text: words.markdown(),
        plain: words.plain(),
        on: on.to_vec(),
    }
}
