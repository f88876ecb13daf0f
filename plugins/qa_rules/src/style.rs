//! `qa.style`: how a draft reads, as a mean of dimensions of which each can be worked out again. What
//! can't be measured, such as how much of the topic is in it if no topic is given, has no number and is
//! left out of the mean.

use callboard_plugin::{Call, Done, Handler, Stop};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::review::{Draft, Finding, Review, Severity};
use crate::rule::{self, Choices, Lists};
use crate::rules::STYLE;
use crate::text::{Kind, Passage, Text};

pub(crate) struct Style;

/// The score below which a draft is rejected.
const LEAST: u32 = 60;
/// The most points that findings take off.
const MOST_OFF: u32 = 20;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The score, 0 to 100, below which a draft is rejected.
    #[schemars(range(max = 100))]
    pub(crate) least: u32,
    /// How many words are expected.
    #[schemars(range(min = 1))]
    pub(crate) words: u32,
    #[schemars(schema_with = "choices")]
    pub(crate) rules: Choices,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            least: LEAST,
            words: 900,
            rules: Choices::new(),
        }
    }
}

fn choices(generator: &mut SchemaGenerator) -> Schema {
    rule::choices(STYLE, generator)
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Reads {
    draft: Draft,
    /// What it is to be about.
    topic: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Writes {
    style: Review,
}

impl Handler for Style {
    const NAME: &'static str = "qa.style";
    const SUMMARY: &'static str = "Measures how a draft reads: clarity, length, structure, ease, how it holds its readers, what of its topic is in it";
    const ALWAYS_GIVES_A_VERDICT: bool = true;
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    fn handle(_: &Call, config: Config, reads: Reads) -> Result<Done<Writes>, Stop> {
        review(&reads.draft, reads.topic.as_deref(), &config).verdict(|style| Writes { style })
    }
}

/// The dimensions as findings that are worth knowing, what is wrong, and the score of both: the mean of
/// the dimensions, less 3 points for each warning and 20 at most.
pub(crate) fn review(draft: &Draft, topic: Option<&str>, config: &Config) -> Review {
    let text = Text::read(&draft.title, &draft.markdown);
    let lists = Lists::default();
    let wrong = STYLE
        .iter()
        .flat_map(|rule| rule.findings(&text, &lists, &config.rules));
    let mut findings: Vec<Finding> = wrong.collect();
    let off = findings
        .iter()
        .filter(|it| it.severity >= Severity::Warning)
        .count();
    let off = u32::try_from(off)
        .unwrap_or(u32::MAX)
        .saturating_mul(3)
        .min(MOST_OFF);
    let dimensions = dimensions(&text, topic, config);
    let sum: u32 = dimensions.iter().map(|it| it.points).sum();
    let count = u32::try_from(dimensions.len()).unwrap_or(1).max(1);
    let score = (sum / count).saturating_sub(off);
    findings.extend(dimensions.into_iter().map(|it| Finding {
        rule: it.name.to_owned(),
        severity: Severity::Info,
        message: format!("{} of 100: {}", it.points, it.why),
        line: None,
        excerpt: String::new(),
    }));
    if score < config.least {
        findings.insert(
            0,
            Finding {
                rule: "style".to_owned(),
                severity: Severity::Error,
                message: format!(
                    "it reads at {score} of 100, and {} is the least",
                    config.least
                ),
                line: None,
                excerpt: String::new(),
            },
        );
    }
    Review { score, findings }
}

struct Dimension {
    name: &'static str,
    points: u32,
    why: String,
}

fn dimensions(text: &Text<'_>, topic: Option<&str>, config: &Config) -> Vec<Dimension> {
    let words = text.count();
    let sentences: usize = text.body().map(|passage| passage.sentences().len()).sum();
    let average = words / sentences.max(1);
    let mut dimensions = vec![
        Dimension {
            name: "clarity",
            points: match average {
                15..=20 => 90,
                10..=25 => 80,
                8..=30 => 70,
                _ => 50,
            },
            why: format!("{average} words a sentence"),
        },
        completeness(words, config),
        structure(text, words),
        readability(text, words, sentences),
        engagement(text),
    ];
    dimensions.extend(topic.and_then(|topic| relevance(text, topic)));
    dimensions
}

fn completeness(words: usize, config: &Config) -> Dimension {
    let wanted = usize::try_from(config.words).unwrap_or(1).max(1);
    let share = words * 100 / wanted;
    Dimension {
        name: "completeness",
        points: match share {
            80.. => 90,
            55..=79 => 75,
            35..=54 => 60,
            20..=34 => 45,
            _ => 20,
        },
        why: format!("{words} words of the {wanted} that are expected"),
    }
}

/// Headings, paragraphs that can be taken in, something besides paragraphs, links.
fn structure(text: &Text<'_>, words: usize) -> Dimension {
    let headings = text.headings().count();
    let wanted = words / 400;
    let long = text
        .body()
        .filter(|passage| passage.kind == Kind::Paragraph && passage.words.len() > 150)
        .count();
    let besides =
        text.body().any(|passage| passage.kind != Kind::Paragraph) || !text.fences.is_empty();
    let links = text.links.iter().filter(|link| !link.image).count();
    let mut points = 60;
    let mut why = Vec::new();
    if headings >= wanted {
        points += 10;
    } else {
        why.push(format!("{headings} headings for {words} words"));
    }
    match long {
        0 => points += 10,
        long => why.push(format!("{long} paragraphs of more than 150 words")),
    }
    if besides || words < 400 {
        points += 10;
    } else {
        why.push("nothing but paragraphs".to_owned());
    }
    match links {
        0 => why.push("no link".to_owned()),
        _ => points += 10,
    }
    let why = if why.is_empty() {
        "headings, short paragraphs, links".to_owned()
    } else {
        why.join(", ")
    };
    Dimension {
        name: "structure",
        points,
        why,
    }
}

/// What holds a reader besides sentences: lists, questions, emphasis, being spoken to, something to see.
fn engagement(text: &Text<'_>) -> Dimension {
    let any = |is: fn(&Passage) -> bool| text.passages.iter().any(is);
    let there = [
        ("a list", any(|it| it.kind == Kind::Item)),
        ("a question", any(|it| it.text.contains('?'))),
        (
            "emphasis",
            text.prose.contains("**") || any(|it| it.emphasised),
        ),
        (
            "a word to the reader",
            any(|it| {
                it.words
                    .iter()
                    .any(|word| matches!(word.lower.as_str(), "you" | "your"))
            }),
        ),
        (
            "code, a table, a quotation or a picture",
            !text.fences.is_empty()
                || any(|it| matches!(it.kind, Kind::Cell | Kind::Quote | Kind::Image)),
        ),
    ];
    let named = |wanted: bool| {
        there
            .iter()
            .filter(|(_, is)| *is == wanted)
            .map(|(what, _)| *what)
            .collect::<Vec<_>>()
    };
    let (has, lacks) = (named(true), named(false));
    let points = 50 + 10 * u32::try_from(has.len()).unwrap_or_default();
    let why = match (has.is_empty(), lacks.is_empty()) {
        (true, _) => format!("nothing but sentences: no {}", lacks.join(", no ")),
        (_, true) => has.join(", "),
        _ => format!("{}; no {}", has.join(", "), lacks.join(", no ")),
    };
    Dimension {
        name: "engagement",
        points,
        why,
    }
}

/// Flesch's reading ease, by syllables as English writes them.
fn readability(text: &Text<'_>, words: usize, sentences: usize) -> Dimension {
    let syllables: usize = text
        .body()
        .flat_map(|passage| &passage.words)
        .map(|word| syllables(&word.lower))
        .sum();
    let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let (words, sentences) = (whole(words).max(1), whole(sentences).max(1));
    // In thousandths, so that it is the same on every machine.
    let ease = (206_835 - 1_015 * words / sentences - 84_600 * whole(syllables) / words) / 1_000;
    Dimension {
        name: "readability",
        points: match ease {
            60.. => 90,
            45..=59 => 80,
            30..=44 => 70,
            15..=29 => 60,
            _ => 45,
        },
        why: format!("a reading ease of {ease}"),
    }
}

fn syllables(word: &str) -> usize {
    let is_vowel = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    let mut count = 0;
    let mut before = false;
    for c in word.chars() {
        let vowel = is_vowel(c);
        count += usize::from(vowel && !before);
        before = vowel;
    }
    if word.ends_with('e') && !word.ends_with("le") && count > 1 {
        count -= 1;
    }
    count.max(1)
}

/// How many words of the topic are in the text. None if the topic has no words.
fn relevance(text: &Text<'_>, topic: &str) -> Option<Dimension> {
    let topic = topic.to_lowercase();
    let words = topic
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 3);
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable();
    words.dedup();
    let count = words.len();
    let there = words.iter().filter(|wanted| {
        let stem = wanted.strip_suffix('s').unwrap_or(wanted);
        text.passages
            .iter()
            .flat_map(|passage| &passage.words)
            .any(|word| word.lower.starts_with(stem))
    });
    let there = there.count();
    let share = (there * 100).checked_div(count)?;
    Some(Dimension {
        name: "relevance",
        points: match share {
            80.. => 90,
            50..=79 => 75,
            25..=49 => 50,
            _ => 20,
        },
        why: format!("{there} of {count} words of the topic"),
    })
}
