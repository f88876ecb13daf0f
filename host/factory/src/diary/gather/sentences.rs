//! Sentences of a message, as many as fit, cut where a sentence ends, by characters.

use super::super::message::{is_for_tools, is_private, is_reference};
use super::super::prose::Prose;
use super::super::text::bare;

/// Characters, those of a script without spaces twice, of the first paragraph, of all of them, and
/// of a first sentence that is longer than that.
const FIRST: usize = 340;
const ALL: usize = 620;
const LONGEST: usize = 700;

/// The first sentences of each paragraph below a title, as many as fit: of the first one why, of
/// those behind it how. What only announces something stays if that is told.
pub(super) fn fitting(paragraphs: &[Prose], title: &str, announced: bool) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let mut length = 0;
    for (index, paragraph) in paragraphs.iter().enumerate() {
        let last = index + 1 == paragraphs.len();
        let limit = if index == 0 && !last { FIRST } else { ALL };
        for sentence in paragraph.sentences() {
            let plain = sentence.plain();
            if is_for_tools(&plain) || is_reference(&plain) || bare(&plain) == bare(title) {
                continue;
            }
            if is_private(&plain) || (sentence.announces() && !(announced && last)) {
                break;
            }
            length += sentence.width();
            if told.is_empty() && length > LONGEST {
                let (beginning, _) = sentence.cut(limit);
                return vec![beginning.source() + "\u{2026}"];
            }
            if length > limit && !told.is_empty() {
                break;
            }
            told.push(sentence.source());
        }
        if length > ALL {
            break;
        }
    }
    told
}
