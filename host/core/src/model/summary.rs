//! A summary without a model: the sentences of a text that say the most of what it says often, in
//! their order.

use std::collections::BTreeMap;

/// What this summariser is called, for the record.
pub(super) const MODEL: &str = "built-in-extract";
/// Characters of a token, about.
const PER_TOKEN: usize = 4;
/// The most sentences.
const SENTENCES: usize = 5;
/// Where a sentence ends.
const ENDS: [char; 7] = ['.', '!', '?', '。', '！', '？', '\n'];

/// The gist of a text, in about so many tokens at most.
pub(super) fn extract(text: &str, max_tokens: u32) -> String {
    let sentences: Vec<&str> = sentences(text);
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for word in sentences.iter().flat_map(|sentence| words(sentence)) {
        *counts.entry(word).or_default() += 1;
    }
    let mut ranked: Vec<(usize, u64)> = sentences
        .iter()
        .map(|sentence| weight(sentence, &counts))
        .enumerate()
        .collect();
    ranked.sort_by_key(|(at, weight)| (std::cmp::Reverse(*weight), *at));
    let mut room = (max_tokens as usize).saturating_mul(PER_TOKEN);
    let mut chosen = Vec::new();
    for (at, _) in ranked.into_iter().take(SENTENCES) {
        let length = sentences[at].chars().count() + 1;
        if length <= room {
            room -= length;
            chosen.push(at);
        }
    }
    chosen.sort_unstable();
    let chosen: Vec<&str> = chosen.into_iter().map(|at| sentences[at]).collect();
    chosen.join(" ")
}

fn sentences(text: &str) -> Vec<&str> {
    let sentences = text.split_inclusive(ENDS).map(str::trim);
    sentences
        .filter(|sentence| sentence.chars().any(char::is_alphanumeric))
        .collect()
}

/// Words that may carry something: short ones seldom do.
fn words(sentence: &str) -> impl Iterator<Item = String> {
    let words = sentence.split(|sign: char| !sign.is_alphanumeric());
    words
        .filter(|word| word.chars().count() > 3)
        .map(str::to_lowercase)
}

/// How often its words are said in the whole, a word of it on the average, in thousandths; a very
/// short sentence has to say more.
fn weight(sentence: &str, counts: &BTreeMap<String, u32>) -> u64 {
    let said: Vec<u64> = words(sentence)
        .map(|word| u64::from(counts.get(&word).copied().unwrap_or_default()))
        .collect();
    said.iter().sum::<u64>() * 1000 / said.len().max(4) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_often_is_the_gist() {
        let text = "The archive can be searched now. Weather was fine. Readers search the archive \
            by words, and the archive finds them. Bread.";
        let gist = extract(text, 25);
        assert!(
            gist.contains("archive") && !gist.contains("Bread"),
            "{gist}"
        );
        assert!(gist.chars().count() <= 100, "{gist}");
        assert_eq!(extract("", 100), "");
        assert_eq!(
            extract("日本語の文。二つ目。", 100),
            "日本語の文。 二つ目。"
        );
    }
}
