//! Whether an answer is more than the text that was asked for: reasoning, marks of a chat, its prompt.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use callboard_core::blocking::ComputeBudget;
use callboard_core::shown::cut;
use callboard_core::value::json_in;
use serde_json::Value as Json;

use super::TREE;

/// Marks of reasoning, chat templates and role play, none of which belongs in a post.
const LEAKS: [&str; 9] = [
    "<think",
    "</think",
    "<reasoning",
    "[inst]",
    "[/inst]",
    "<<sys>>",
    "as an ai",
    "as a language model",
    "here is the post",
];
/// Bytes of a line of instructions that no text has by chance.
const LINE: usize = 40;
/// The most characters of it that are quoted.
const QUOTED: usize = 200;

/// What a model was asked.
#[derive(Debug, Clone, Copy)]
pub struct PromptText<'a> {
    pub prompt: &'a str,
    /// The part of it that it may repeat.
    pub material: &'a str,
}

/// Whether an answer is more than the text that was asked for: reasoning, marks of a chat, its prompt.
pub fn leaks(answer: &str, asked: &PromptText, clock: &mut ComputeBudget) -> Result<(), String> {
    if answer.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    spend(clock, answer.len())?;
    // Of a document only its strings are a text, and what stands in code is shown, not said.
    let texts =
        json_in(answer, TREE).map_or_else(|_| vec![answer.to_owned()], |json| strings(&json));
    if let Some(leak) = texts.iter().find_map(|text| leak(text)) {
        return Err(format!("it contains `{leak}`, which is no part of a post"));
    }
    match repeated(answer, asked, clock)? {
        Some(line) => Err(format!(
            "it repeats its instructions: `{}`",
            cut(line, QUOTED)
        )),
        None => Ok(()),
    }
}

/// A line of its instructions that an answer repeats. Each text is gone through once, however many lines
/// there are, so that a long prompt and a long answer are a sum and no product.
fn repeated<'a>(
    answer: &str,
    asked: &PromptText<'a>,
    clock: &mut ComputeBudget,
) -> Result<Option<&'a str>, String> {
    let shown: BTreeSet<&str> = asked.material.lines().map(str::trim).collect();
    let lines = asked.prompt.lines().map(str::trim);
    let lines: BTreeSet<&str> = lines
        .filter(|line| line.len() >= LINE && !shown.contains(line))
        .collect();
    let lines: Vec<&str> = lines.into_iter().collect();
    spend(clock, asked.prompt.len() + asked.material.len())?;
    let known = AhoCorasick::new(&lines)
        .map_err(|error| format!("it cannot be held against its instructions: {error}"))?;
    let said = found(&known, answer, clock)?;
    if said.is_empty() {
        return Ok(None);
    }
    let shown = found(&known, asked.material, clock)?;
    Ok(said.difference(&shown).next().map(|line| lines[*line]))
}

/// Which of the lines a text has.
fn found(
    known: &AhoCorasick,
    text: &str,
    clock: &mut ComputeBudget,
) -> Result<BTreeSet<usize>, String> {
    let mut lines = BTreeSet::new();
    let mut seen = 0;
    for line in known.find_overlapping_iter(text) {
        spend(clock, line.end() - seen)?;
        seen = line.end();
        lines.insert(line.pattern().as_usize());
    }
    spend(clock, text.len() - seen)?;
    Ok(lines)
}

fn spend(clock: &mut ComputeBudget, steps: usize) -> Result<(), String> {
    clock
        .spend(steps)
        .map_err(|over| format!("it was not read: {over}"))
}

/// The mark that a text has outside of its code, if it has one.
fn leak(text: &str) -> Option<String> {
    pattern!(CODE, r"(?s)```.*?```|`[^`\n]*`");
    // `<|im_start|>`, and no pipe of a language: `|>`.
    pattern!(TOKEN, r"<\|[a-z_]+\|>");
    let lower = CODE.replace_all(text, " ").to_lowercase();
    let token = TOKEN.find(&lower).map(|found| found.as_str().to_owned());
    let marks = || LEAKS.iter().find(|leak| says(&lower, leak));
    token.or_else(|| marks().map(|mark| (*mark).to_owned()))
}

/// All strings of a document.
fn strings(json: &Json) -> Vec<String> {
    match json {
        Json::String(text) => vec![text.clone()],
        Json::Array(items) => items.iter().flat_map(strings).collect(),
        Json::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// Whether a text has a mark, and not a longer word that begins like it: `as an aid`.
fn says(text: &str, mark: &str) -> bool {
    let goes_on = |rest: &str| rest.starts_with(char::is_alphanumeric);
    let is_word = mark.ends_with(char::is_alphanumeric);
    let mut places = text.match_indices(mark);
    places.any(|(at, _)| !(is_word && !mark.starts_with('<') && goes_on(&text[at + mark.len()..])))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn clock() -> ComputeBudget {
        ComputeBudget::until(Instant::now() + Duration::from_secs(300))
    }

    fn lines(of: &str) -> String {
        let line = |number| format!("{of} line {number} of many that say what is to be done\n");
        (0..20_000).map(line).collect()
    }

    #[test]
    fn what_it_takes_is_a_sum_of_prompt_material_and_answer_and_no_product() {
        let (instructions, material, answer) = (lines("an own"), lines("a shown"), lines("a said"));
        let prompt = format!("{instructions}{material}");
        let asked = PromptText {
            prompt: &prompt,
            material: &material,
        };
        let mut counted = clock();
        assert_eq!(repeated(&answer, &asked, &mut counted), Ok(None));
        // Its last line, and one of the material that it may have.
        let last = instructions.lines().last().expect("a line");
        let shown = material.lines().last().expect("a line");
        let told = repeated(&format!("{answer}{shown}{last}"), &asked, &mut counted);
        assert_eq!(told, Ok(Some(last)));
        let texts = prompt.len() + 2 * material.len() + answer.len();
        assert!(counted.spent() < 3 * texts as u64, "{}", counted.spent());
    }

    #[test]
    fn a_line_that_the_material_has_is_no_leak_wherever_it_stands() {
        let line = "a whole sentence of the day that has some forty bytes";
        let prompt = format!("Tell this:\n{line}\n");
        let material = format!("c1: {line}, and more");
        let asked = PromptText {
            prompt: &prompt,
            material: &material,
        };
        assert_eq!(repeated(line, &asked, &mut clock()), Ok(None));
        let asked = PromptText {
            prompt: &prompt,
            material: "",
        };
        assert_eq!(
            repeated(&format!("So: {line}."), &asked, &mut clock()),
            Ok(Some(line))
        );
    }
}
