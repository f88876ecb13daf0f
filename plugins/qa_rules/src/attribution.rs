//! `qa.attribution`: who is named as the one who says something, and linked nowhere although what was read
//! is known. Without anything that was read there is nothing to hold it against.

use callboard_plugin::{Call, Done, Handler, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::phrase::{Phrase, is_name};
use crate::review::{Draft, Finding, Review, Severity};
use crate::text::{Passage, Text};

pub(crate) struct Attribution;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// So many may be linked nowhere.
    most: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Reads {
    draft: Draft,
    /// What was read before it was written.
    sources: Option<Vec<Source>>,
}

/// Something that was read.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct Source {
    #[serde(default)]
    url: String,
    #[serde(default)]
    title: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Writes {
    attribution: Review,
}

/// How somebody is named: the words before and behind the name.
const FRAMES: [&str; 4] = [
    "according to the?",
    "as|was noted|observed|explained|reported|described|argued|documented by|in the?",
    "noted|observed|explained|reported|described|argued by the?",
    "as",
];
const SAYS: &str =
    "notes|argues|explains|reports|writes|observes|recommends|warns|suggests|found|says|points";
/// Words with a capital that name nobody.
const NOBODY: [&str; 19] = [
    "as", "the", "this", "that", "these", "figure", "table", "section", "chapter", "it", "he",
    "she", "they", "we", "i", "what", "which", "one", "each",
];

impl Handler for Attribution {
    const NAME: &'static str = "qa.attribution";
    const SUMMARY: &'static str = "Rejects a draft that names who says something and links to nobody, where what was read is known";
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    fn handle(_: &Call, config: Config, reads: Reads) -> Result<Done<Writes>, Stop> {
        let sources = reads.sources.unwrap_or_default();
        let sources: Vec<Source> = sources
            .into_iter()
            .filter(|source| !source.url.is_empty())
            .collect();
        if sources.is_empty() {
            return Err(Stop::nothing_to_do(
                "nothing was read that an attribution could be held against",
            ));
        }
        review(&reads.draft, &sources, config.most).verdict(|attribution| Writes { attribution })
    }
}

pub(crate) fn review(draft: &Draft, sources: &[Source], most: u32) -> Review {
    let text = Text::read(&draft.title, &draft.markdown);
    let mut findings: Vec<Finding> = Vec::new();
    for passage in text.body() {
        for (at, name) in names(passage) {
            let read = sources.iter().find(|source| is_of(source, &name));
            let message = match read {
                Some(source) => format!(
                    "{name} is named and linked nowhere; {} was read",
                    source.url
                ),
                None => format!("{name} is named, linked nowhere, and nothing of theirs was read"),
            };
            findings.push(Finding {
                rule: "unlinked_attribution".to_owned(),
                severity: Severity::Warning,
                message,
                line: Some(text.line(passage.words[at].at)),
                excerpt: passage
                    .span(&passage.sentence(at))
                    .chars()
                    .take(120)
                    .collect(),
            });
        }
    }
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if findings.len() > most {
        for finding in &mut findings {
            finding.severity = Severity::Error;
        }
    }
    Review::of(findings)
}

/// Names of those who say something, in sentences without a link, with the words where they begin.
fn names(passage: &Passage) -> Vec<(usize, String)> {
    let says = Phrase::new(SAYS);
    let mut found = Vec::new();
    for frame in FRAMES {
        for words in Phrase::new(frame).find(passage) {
            let name = name_at(passage, words.end);
            // `as Ada notes`: what is said has to follow.
            let told = frame != "as" || says.at(passage, words.end + name.len()).is_some();
            if !name.is_empty() && told {
                found.push((words.end, name));
            }
        }
    }
    for index in 0..passage.words.len() {
        let name = name_at(passage, index);
        if !name.is_empty() && says.at(passage, index + name.len()).is_some() {
            found.push((index, name));
        }
    }
    let mut named: Vec<(usize, Vec<String>)> = Vec::new();
    for (at, name) in found {
        let known = named
            .iter()
            .any(|(other, known)| (*other..other + known.len()).contains(&at));
        if !known && !passage.is_sourced(at) {
            named.push((at, name));
        }
    }
    let joined = |(at, name): (usize, Vec<String>)| (at, name.join(" "));
    named.into_iter().map(joined).collect()
}

/// One to four words with a capital.
fn name_at(passage: &Passage, from: usize) -> Vec<String> {
    let follows = |index: usize| index == from || passage.gap(index) == " ";
    let words = (from..passage.words.len()).take(4);
    let name = words.take_while(|index| {
        let word = passage.word(*index);
        is_name(word) && follows(*index) && !NOBODY.contains(&word.to_lowercase().as_str())
    });
    name.map(|index| passage.word(index).to_owned()).collect()
}

/// Whether a name is that of a source: a word of it is in the host or the title.
fn is_of(source: &Source, name: &str) -> bool {
    let host = source.url.split("://").nth(1).unwrap_or(&source.url);
    let host = host.split('/').next().unwrap_or_default().to_lowercase();
    let title = source.title.to_lowercase();
    let words = name
        .split(' ')
        .map(str::to_lowercase)
        .filter(|word| word.len() >= 3);
    words
        .into_iter()
        .any(|word| host.split(['.', '-']).any(|label| label == word) || title.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(markdown: &str) -> Draft {
        Draft {
            markdown: markdown.to_owned(),
            ..Draft::default()
        }
    }

    fn sources() -> Vec<Source> {
        vec![Source {
            url: "https://blog.cloudflare.com/pools".to_owned(),
            title: "Pools".to_owned(),
        }]
    }

    #[test]
    fn who_is_named_is_linked() {
        let told = |markdown: &str, most| {
            let review = review(&draft(markdown), &sources(), most);
            let told: Vec<String> = review
                .findings
                .iter()
                .map(|it| it.message.clone())
                .collect();
            (told, review.score)
        };
        let (found, score) = told(
            "According to Cloudflare, sockets close early. As Marc Brooker notes, retries add load.",
            0,
        );
        assert_eq!(
            found,
            [
                "Cloudflare is named and linked nowhere; https://blog.cloudflare.com/pools was read",
                "Marc Brooker is named, linked nowhere, and nothing of theirs was read",
            ]
        );
        assert_eq!(score, 80);
        for fine in [
            "According to [Cloudflare](https://blog.cloudflare.com/pools), sockets close early.",
            "According to the log, it was closed. This suggests a race. The table shows it.",
            "# According to Cloudflare\\n\\nSockets close.",
            "As a rule, sockets close early. As `Marc` notes.",
        ] {
            assert_eq!(
                told(&fine.replace("\\n", "\n"), 0).0,
                Vec::<String>::new(),
                "{fine}"
            );
        }
    }
}
