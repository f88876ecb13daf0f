//! Sentences of a message, as many as fit, cut where a sentence ends, by characters.

use super::super::message::{is_for_tools, is_open, is_private, is_reference};
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
    // That something breaks is what a reader has to know before all else.
    let mut told = broken(paragraphs);
    let mut length = 0;
    for (index, paragraph) in paragraphs.iter().enumerate() {
        let last = index + 1 == paragraphs.len();
        let limit = if index == 0 && !last { FIRST } else { ALL };
        for sentence in paragraph.sentences() {
            let plain = sentence.plain();
            let source = sentence.source();
            if is_untold(&sentence) || bare(&plain) == bare(title) || told.contains(&source) {
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
            told.push(source);
        }
        if length > ALL {
            break;
        }
    }
    told
}

/// The first sentence that says that something breaks.
fn broken(paragraphs: &[Prose]) -> Vec<String> {
    pattern!(
        BREAKS,
        r"(?i)\b(?:is|are|be|as|technically|another)\s+(?:an?\s+|the\s+)?(?:\w+\s+)?breaking(?:\s+api)?\s+changes?\b"
    );
    pattern!(
        NONE,
        r"(?i)\b(?:not|no|never|isn't|avoid\w*)\s+(?:an?\s+|be\s+|really\s+)*breaking\b"
    );
    let sentences = paragraphs.iter().flat_map(Prose::sentences);
    let mut broken = sentences.filter(|sentence| {
        let plain = sentence.plain();
        let says = BREAKS.is_match(&plain) && !NONE.is_match(&plain);
        says && !is_untold(sentence)
            && !is_private(&plain)
            && !sentence.announces()
            && sentence.width() <= FIRST
    });
    broken
        .next()
        .map(|sentence| sentence.source())
        .into_iter()
        .collect()
}

/// Whether a sentence is for tools, lacks its end, or is an author's to those who look at the work: a
/// reader does not know who `I` is.
pub(super) fn is_untold(sentence: &Prose) -> bool {
    pattern!(
        I,
        r#"(?:^|[\s("'\u2018\u201c])I(?:['\u2019](?:m|ve|d|ll))?(?:[\s,.;:!?)]|$)"#
    );
    pattern!(
        WORK,
        r"(?i)^(?:\.\.\.|\u2026)|^rebased?\b|\b(?:my|myself|not\s+sure|wip|work\s+in\s+progress|(?:in|from|after|during|by|the)\s+rebas(?:e|ing)|rebased\s+on(?:to)?)\b|\B:[PD)(](?:\W|$)"
    );
    let (plain, words) = (sentence.plain(), sentence.words());
    let is_author = I.is_match(&words) || WORK.is_match(&words);
    is_author || is_open(&plain) || is_for_tools(&plain) || is_reference(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        fitting(&[Prose::line(text)], "The title", false)
    }

    #[test]
    fn what_authors_say_to_those_who_look_at_the_work_is_not_told() {
        let reader = "The reader was slow.";
        for line in [
            "I wasn't sure how we can best hint at that.",
            "Then I've just spent 10 minutes on it.",
            "Not sure what else there is to say :P.",
            "Work in progress: three tests meet the cache.",
            "Missed in rebase.",
            "Also fix some artifacts from rebase.",
            "... and add a comment explaining an optimization.",
            "This is my first change.",
            "The title.",
            "This uses a width as requested in",
        ] {
            let paragraphs = [Prose::line(line), Prose::line(reader)];
            let told = fitting(&paragraphs, "The title", false);
            assert_eq!(told, [reader], "{line}");
        }
        for line in [
            "It waits for I/O of the disk.",
            "It reads `my.cnf` at last.",
            "CI is faster.",
        ] {
            assert_eq!(told(line), [line]);
        }
    }

    #[test]
    fn that_something_breaks_is_told_first() {
        let breaks = "This is a breaking change for `grep-printer`.";
        let long = "The printer was responsible for the limit, and asked for each line. ".repeat(6);
        let paragraphs = [
            Prose::line(&long),
            Prose::line(&format!("Now it is not. {breaks}")),
        ];
        let told = fitting(&paragraphs, "", false);
        assert_eq!(told[0], breaks);
        assert_eq!(told.iter().filter(|line| **line == breaks).count(), 1);
        let none = "This is not a breaking change.";
        assert_eq!(self::told(&format!("One. {none}")), ["One.", none]);
    }
}
