//! What is kept of fallbacks and flags: so many, and so much of each.

use super::{Fallback, LONGEST_WORD};
use crate::shown::cut;

/// The most fallbacks and the most flags that are kept of one call, and the most characters of each reason.
pub(super) const MOST_FALLBACKS: usize = 20;
const LONGEST_REASON: usize = 1_000;

/// What is kept of fallbacks: the first of them, each cut with a note, and how many more there were.
pub(super) fn fallbacks(mut fallbacks: Vec<Fallback>) -> Vec<Fallback> {
    let more = fallbacks.len().saturating_sub(MOST_FALLBACKS);
    fallbacks.truncate(MOST_FALLBACKS);
    if let Some(last) = fallbacks.last_mut().filter(|_| more > 0) {
        *last = Fallback {
            what: format!("{} more", more + 1),
            why: "they are not kept; count what is alike as one".to_owned(),
        };
    }
    let fallbacks = fallbacks.into_iter().map(|said| Fallback {
        what: cut(said.what, LONGEST_WORD),
        why: cut(said.why, LONGEST_REASON),
    });
    fallbacks.collect()
}

/// What is kept of flags: the first of them, each cut with a note, and how many more there were.
pub(super) fn flags(mut flags: Vec<String>) -> Vec<String> {
    let more = flags.len().saturating_sub(MOST_FALLBACKS);
    flags.truncate(MOST_FALLBACKS);
    if let Some(last) = flags.last_mut().filter(|_| more > 0) {
        *last = format!("{} more", more + 1);
    }
    flags
        .into_iter()
        .map(|why| cut(why, LONGEST_REASON))
        .collect()
}
