//! The rules against drafts whose mistakes are known: `tests/fixtures/drafts`. Each says in its head
//! which rules have to find something in it; no other may. `./just rails-report` prints the table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::internal_links::{self, Post};
use crate::programmatic::{self, Config};
use crate::review::{Draft, Severity};
use crate::rule::Rule;
use crate::rules::{PROGRAMMATIC, STYLE};
use crate::style;

/// A draft of the corpus.
struct Sample {
    name: String,
    draft: Draft,
    topic: Option<String>,
    finds: BTreeSet<String>,
    found: BTreeSet<String>,
}

/// What stands above the draft, between lines of `+++`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    title: String,
    #[serde(default)]
    excerpt: String,
    #[serde(default)]
    seo_title: String,
    #[serde(default)]
    topic: Option<String>,
    /// The rules that have to find something.
    finds: BTreeSet<String>,
    /// The published posts that its links may lead to.
    #[serde(default)]
    posts: Option<Vec<Post>>,
    #[serde(default)]
    config: Config,
}

/// How often a rule was right.
#[derive(Default)]
struct Tally {
    right: u32,
    wrong: u32,
    missed: u32,
}

impl Tally {
    /// Of what it found, how much was there, in hundredths.
    fn precision(&self) -> u32 {
        (self.right * 100)
            .checked_div(self.right + self.wrong)
            .unwrap_or(100)
    }

    /// Of what was there, how much it found.
    fn recall(&self) -> u32 {
        (self.right * 100)
            .checked_div(self.right + self.missed)
            .unwrap_or(0)
    }
}

fn samples() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/drafts");
    let mut samples = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("the corpus") {
        let path = entry.expect("a file").path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name")
            .to_owned();
        if path.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        samples.push(sample(
            name,
            &std::fs::read_to_string(&path).expect("a text"),
        ));
    }
    samples.sort_by(|one, other| one.name.cmp(&other.name));
    samples
}

fn sample(name: String, text: &str) -> Sample {
    let rest = text
        .strip_prefix("+++\n")
        .unwrap_or_else(|| panic!("{name}: no head"));
    let (head, markdown) = rest
        .split_once("\n+++\n")
        .unwrap_or_else(|| panic!("{name}: the head has no end"));
    let head: Head = serde_json::from_str(head).unwrap_or_else(|error| panic!("{name}: {error}"));
    let draft = Draft {
        title: head.title,
        markdown: markdown.trim_start().to_owned(),
        excerpt: head.excerpt,
        seo_title: head.seo_title,
    };
    let mut review = programmatic::review(&draft, &head.config);
    let topic = head.topic.as_deref();
    review
        .findings
        .extend(style::review(&draft, topic, &style::Config::default()).findings);
    if let Some(posts) = &head.posts {
        let links = internal_links::review(&draft, posts, &internal_links::Config::default());
        review
            .findings
            .extend(links.into_iter().flat_map(|it| it.findings));
    }
    let found = review
        .findings
        .into_iter()
        .filter(|it| it.severity > Severity::Info && it.rule != "style");
    Sample {
        name,
        topic: head.topic,
        draft,
        finds: head.finds,
        found: found.map(|it| it.rule).collect(),
    }
}

/// All rules whose drafts are in the corpus.
fn rules() -> impl Iterator<Item = &'static Rule> {
    let rules = PROGRAMMATIC
        .iter()
        .chain(STYLE)
        .chain(&internal_links::RULES);
    rules.copied()
}

fn tallies(samples: &[Sample]) -> BTreeMap<&'static str, Tally> {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for rule in rules() {
        let tally = tallies.entry(rule.name).or_default();
        for sample in samples {
            match (
                sample.finds.contains(rule.name),
                sample.found.contains(rule.name),
            ) {
                (true, true) => tally.right += 1,
                (false, true) => tally.wrong += 1,
                (true, false) => tally.missed += 1,
                (false, false) => {}
            }
        }
    }
    tallies
}

/// The drafts in which a rule found what is not there, or missed what is.
fn mistakes(samples: &[Sample]) -> Vec<String> {
    let wrong = samples.iter().filter(|sample| sample.finds != sample.found);
    wrong
        .map(|sample| {
            let extra: Vec<_> = sample.found.difference(&sample.finds).collect();
            let missed: Vec<_> = sample.finds.difference(&sample.found).collect();
            format!("{}: found {extra:?}, missed {missed:?}", sample.name)
        })
        .collect()
}

fn report(samples: &[Sample]) -> String {
    let mut lines = vec![format!(
        "{} drafts\n{:<28} precision recall there",
        samples.len(),
        "rule"
    )];
    for (rule, tally) in tallies(samples) {
        let there = tally.right + tally.missed;
        lines.push(format!(
            "{rule:<28} {:>7} % {:>4} % {there:>5}",
            tally.precision(),
            tally.recall()
        ));
    }
    lines.extend(mistakes(samples));
    lines.join("\n")
}

/// A rule that stops a draft is never wrong here and misses nothing; one that warns is right nine times
/// in ten.
#[test]
fn each_rule_is_as_right_as_it_is_grave() {
    let samples = samples();
    let tallies = tallies(&samples);
    for rule in rules() {
        let tally = &tallies[rule.name];
        let least = if rule.severity == Severity::Error {
            100
        } else {
            90
        };
        assert!(
            tally.right + tally.missed > 1,
            "fewer than two drafts are broken for {}",
            rule.name
        );
        assert!(
            tally.precision() >= least && tally.recall() >= least,
            "{}\n{}",
            rule.name,
            report(&samples)
        );
    }
}

#[test]
fn rails_report() {
    let samples = samples();
    let mistakes = mistakes(&samples);
    println!("{}", report(&samples));
    assert!(mistakes.is_empty(), "{mistakes:#?}");
}

/// Good drafts read well, and score alike whenever they are scored.
#[test]
fn good_drafts_pass_and_the_score_is_the_same_again() {
    for sample in samples()
        .iter()
        .filter(|sample| sample.name.starts_with("good_"))
    {
        let topic = sample.topic.as_deref();
        let review = || style::review(&sample.draft, topic, &style::Config::default());
        assert!(review().score >= 60, "{}: {:#?}", sample.name, review());
        assert_eq!(review(), review());
    }
}

/// What a person may type must not take the rules down.
#[test]
fn odd_texts_are_read() {
    let deep = ">".repeat(2_000) + "x";
    let nested = "[".repeat(2_000) + &"](a)".repeat(500);
    for text in [
        "",
        "\u{0}",
        "```",
        "“\u{fffc}” said É",
        "*",
        "a [b",
        deep.as_str(),
        nested.as_str(),
        "“öä",
        "<|",
        "{{",
        "(ß, 2023)",
    ] {
        let draft = Draft {
            title: text.chars().take(50).collect(),
            markdown: text.to_owned(),
            excerpt: text.to_owned(),
            seo_title: text.chars().take(60).collect(),
        };
        programmatic::review(&draft, &Config::default());
        style::review(&draft, Some(text), &style::Config::default());
    }
}
