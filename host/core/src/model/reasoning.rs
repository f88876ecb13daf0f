//! What a model said, parted into its answer and its reasoning, by the grammars that models write
//! them in:
//!
//! ```text
//! said     = channels | { block } answer | unopened answer
//! block    = "<think>" text "</think>"         and the like of other models
//! unopened = text "</think>" line-end          the opening stood in the prompt
//! channels = { [ "<|start|>" name ] "<|channel|>" name "<|message|>" text end }
//! ```
//!
//! Only what stands before the answer is reasoning: an answer that speaks of such marks keeps them.

/// How blocks begin and end.
const BLOCKS: [(&str, &str); 6] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
];
const START: &str = "<|start|>";
const CHANNEL: &str = "<|channel|>";
const MESSAGE: &str = "<|message|>";
/// How each mark begins.
const MARK: &str = "<|";
/// What a message ends with.
const ENDS: [&str; 4] = ["<|end|>", "<|return|>", "<|call|>", START];
/// The channel of the answer.
const FINAL: &str = "final";

/// What was said, in two parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parted {
    pub(super) answer: String,
    pub(super) reasoning: String,
}

/// Part what a model said.
pub(super) fn part(said: &str) -> Parted {
    let text = said.trim_start();
    if text.starts_with(CHANNEL) || text.starts_with(START) && text.contains(CHANNEL) {
        return channels(text);
    }
    let mut parted = Parted::default();
    let mut rest = text;
    while let Some((thought, after)) = block(rest) {
        parted.think(thought);
        rest = after.trim_start();
    }
    if parted.reasoning.is_empty()
        && let Some((thought, after)) = unopened(rest)
    {
        parted.think(thought);
        rest = after;
    }
    rest.trim().clone_into(&mut parted.answer);
    parted
}

/// A block at the beginning, and what follows it; nothing follows one that does not end.
fn block(text: &str) -> Option<(&str, &str)> {
    let mut kinds = BLOCKS.iter();
    kinds.find_map(|(open, close)| {
        let inside = text.strip_prefix(open)?;
        Some(inside.split_once(close).unwrap_or((inside, "")))
    })
}

/// Reasoning that ends, at the end of a line, and never began.
fn unopened(text: &str) -> Option<(&str, &str)> {
    let mut kinds = BLOCKS.iter();
    kinds.find_map(|(open, close)| {
        let (thought, after) = text.split_once(close)?;
        let ends = after.is_empty() || after.trim_start_matches([' ', '\r']).starts_with('\n');
        (ends && !thought.contains(open)).then_some((thought, after))
    })
}

fn channels(mut text: &str) -> Parted {
    let mut parted = Parted::default();
    while let Some((_, after)) = text.split_once(CHANNEL) {
        let (head, after) = after.split_once(MESSAGE).unwrap_or((after, ""));
        let (body, rest) = after.split_at(end_of(after).unwrap_or(after.len()));
        let name = head.split(|sign: char| !sign.is_alphanumeric()).next();
        if name == Some(FINAL) {
            parted.answer.push_str(body.trim());
        } else {
            parted.think(body);
        }
        text = rest;
    }
    parted
}

/// Where a message ends. What was looked at is not looked at again, however many messages there are.
fn end_of(text: &str) -> Option<usize> {
    let mut marks = text.match_indices(MARK).map(|(at, _)| at);
    marks.find(|at| ENDS.iter().any(|end| text[*at..].starts_with(end)))
}

impl Parted {
    pub(super) fn think(&mut self, thought: &str) {
        let thought = thought.trim();
        if !self.reasoning.is_empty() && !thought.is_empty() {
            self.reasoning.push('\n');
        }
        self.reasoning.push_str(thought);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parts(said: &str, reasoning: &str, answer: &str) {
        let parted = part(said);
        assert_eq!(
            (&*parted.reasoning, &*parted.answer),
            (reasoning, answer),
            "{said}"
        );
    }

    #[test]
    fn reasoning_before_an_answer_is_taken_out_and_kept() {
        parts("plain", "", "plain");
        parts("<think>\nhm\n</think>\n\nyes", "hm", "yes");
        parts(" <think></think>{\"a\": 1}", "", "{\"a\": 1}");
        parts("<think>a</think><think>b</think>c", "a\nb", "c");
        parts("[THINK]a[/THINK]b", "a", "b");
        parts(
            "the opening stood in the prompt\n</think>\nyes",
            "the opening stood in the prompt",
            "yes",
        );
        parts(
            "<think>it never came to an answer",
            "it never came to an answer",
            "",
        );
    }

    #[test]
    fn channels_are_told_apart() {
        let said = "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final \
            <|constrain|>json<|message|>{\"a\": 1}<|return|>";
        parts(said, "hm", "{\"a\": 1}");
        parts(
            "<|start|>assistant<|channel|>final<|message|>yes",
            "",
            "yes",
        );
        parts("<|channel|>analysis<|message|>cut", "cut", "");
    }

    /// It is looked through once: with each message looked through to the end this would be days.
    #[test]
    fn many_messages_take_as_long_as_their_length() {
        let said = "<|channel|>a<|message|>b<|end|>".repeat(900_000);
        assert_eq!(part(&said).reasoning.len(), 2 * 900_000 - 1);
    }

    #[test]
    fn an_answer_that_speaks_of_the_marks_keeps_them() {
        for said in [
            "Models write `<think>` before they answer.",
            "Close it with `</think>`, as shown.",
            "{\"text\": \"<think>x</think>\"}",
        ] {
            parts(said, "", said);
        }
    }
}
