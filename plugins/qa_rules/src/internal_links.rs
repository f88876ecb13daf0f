//! `qa.internal_links`: links to posts of the same site lead to posts that are published, and to such as have to do with
//! what is said there. What is published it is told, under the key `posts`; without it, it has nothing to go by.

use std::collections::BTreeMap;

use callboard_plugin::{Call, Done, Handler, Stop};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::review::{Draft, Finding, Review, Severity};
use crate::rule::{self, Choices, Found, Rule, Seen};
use crate::text::{Link, Passage, Text};

pub(crate) struct InternalLinks;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// So many links may lead to posts that have nothing to do with what is said there; more are errors.
    pub(crate) most_unrelated: u32,
    /// How addresses of posts begin, of this site.
    pub(crate) begins: Vec<String>,
    #[schemars(schema_with = "choices")]
    pub(crate) rules: Choices,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            most_unrelated: 1,
            begins: ["/posts/", "posts/"].map(str::to_owned).to_vec(),
            rules: Choices::new(),
        }
    }
}

fn choices(generator: &mut SchemaGenerator) -> Schema {
    rule::choices(&RULES, generator)
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Reads {
    draft: Draft,
    /// The published posts that it links to.
    posts: Option<Vec<Post>>,
}

/// A published post.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct Post {
    /// The last part of its address.
    pub(crate) slug: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    /// How many published posts link to it already.
    #[serde(default)]
    pub(crate) linked_by: u32,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Writes {
    internal_links: Review,
}

impl Handler for InternalLinks {
    const NAME: &'static str = "qa.internal_links";
    const SUMMARY: &'static str = "Rejects a draft whose links to posts of the site lead to none, or to such as have nothing to do with what is said";
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    fn handle(_: &Call, config: Config, reads: Reads) -> Result<Done<Writes>, Stop> {
        let Some(posts) = reads.posts else {
            return Err(Stop::nothing_to_do("which posts are published is not told"));
        };
        let Some(review) = review(&reads.draft, &posts, &config) else {
            return Err(Stop::nothing_to_do("it links to no post"));
        };
        review.verdict(|internal_links| Writes { internal_links })
    }
}

/// The rules of its own, so that each can be weighed and switched off.
pub(crate) const RULES: [&Rule; 4] = [
    &Rule {
        name: "unpublished_link",
        severity: Severity::Error,
        pattern: "a link to a post of the site that is not among those that are published",
        threshold: None,
        find: nothing,
    },
    &Rule {
        name: "self_link",
        severity: Severity::Warning,
        pattern: "a link to a post of the draft’s own title",
        threshold: None,
        find: nothing,
    },
    &Rule {
        name: "unrelated_link",
        severity: Severity::Warning,
        pattern: "a link to a post of whose title and tags no word of four letters or more is in its paragraph beside the link, nor in the heading above",
        threshold: None,
        find: nothing,
    },
    &Rule {
        name: "crowded_link",
        severity: Severity::Warning,
        pattern: "a link to a post that the draft links more than once, or to which as many published posts link already as the threshold says",
        threshold: Some(3),
        find: nothing,
    },
];

/// They go by more than the draft.
fn nothing(_: &Seen<'_>) -> Vec<Found> {
    Vec::new()
}

/// What its links to posts came to; none if it has none.
pub(crate) fn review(draft: &Draft, posts: &[Post], config: &Config) -> Option<Review> {
    let text = Text::read(&draft.title, &draft.markdown);
    let links = text.links.iter().filter(|link| !link.image);
    let links = links.filter_map(|link| Some((link, slug(&link.url, &config.begins)?)));
    let links: Vec<(&Link, &str)> = links.collect();
    if links.is_empty() {
        return None;
    }
    let posts = posts.iter().map(|post| (post.slug.as_str(), post));
    let known = Known {
        text: &text,
        posts: posts.collect(),
        most: threshold(config, "crowded_link"),
    };
    let mut found: BTreeMap<&str, Vec<Found>> = BTreeMap::new();
    for (index, (link, slug)) in links.iter().enumerate() {
        let again = links[..index].iter().any(|(_, other)| other == slug);
        if let Some((rule, message)) = known.problem(link, slug, again) {
            let told = Found::new(message).at(link.at, &link.text);
            found.entry(rule).or_default().push(told);
        }
    }
    let mut findings: Vec<Finding> = Vec::new();
    for rule in RULES {
        let found = found.remove(rule.name).unwrap_or_default();
        findings.extend(rule.weighed(found, &text, &config.rules));
    }
    promote(&mut findings, config.most_unrelated);
    Some(Review::of(findings))
}

/// More links than so many that have nothing to do with what is said are errors.
fn promote(findings: &mut [Finding], most: u32) {
    let is_warning = |it: &Finding| it.rule == "unrelated_link" && it.severity == Severity::Warning;
    let count = findings.iter().filter(|it| is_warning(it)).count();
    if count > usize::try_from(most).unwrap_or(usize::MAX) {
        for finding in findings.iter_mut().filter(|it| is_warning(it)) {
            finding.severity = Severity::Error;
        }
    }
}

/// What links are held against.
struct Known<'t> {
    text: &'t Text<'t>,
    posts: BTreeMap<&'t str, &'t Post>,
    /// So many posts that link to one are enough.
    most: u32,
}

impl Known<'_> {
    /// The rule that finds something in a link, and what.
    fn problem(&self, link: &Link, slug: &str, again: bool) -> Option<(&'static str, String)> {
        let Some(post) = self.posts.get(slug) else {
            let message = format!("no published post is `{slug}`; leave the link out");
            return Some(("unpublished_link", message));
        };
        if same(&post.title, self.text.title) {
            let message = "it leads to the post itself; leave the link out";
            return Some(("self_link", message.to_owned()));
        }
        if again {
            return Some(("crowded_link", format!("`{slug}` is linked above already")));
        }
        let (by, title) = (post.linked_by, &post.title);
        if self.most > 0 && by >= self.most {
            let message = format!("{by} posts link to `{slug}` already; link another one, or none");
            return Some(("crowded_link", message));
        }
        if is_related(self.text, link, post) {
            return None;
        }
        let message = format!(
            "“{title}” has nothing to do with what is said here; link it where it has, or leave it out"
        );
        Some(("unrelated_link", message))
    }
}

fn threshold(config: &Config, name: &str) -> u32 {
    let rule = RULES.iter().find(|rule| rule.name == name);
    rule.map_or(0, |rule| rule.number(&config.rules))
}

/// The slug of a link to a post of this site.
fn slug<'u>(url: &'u str, begins: &[String]) -> Option<&'u str> {
    let path = begins
        .iter()
        .find_map(|begin| url.strip_prefix(begin.as_str()))?;
    let end = path.find(['#', '?', '/']).unwrap_or(path.len());
    Some(&path[..end]).filter(|slug| !slug.is_empty())
}

fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        text.to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|it| !it.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    !one.trim().is_empty() && plain(one) == plain(other)
}

/// Whether a word of the post is in the paragraph of the link, beside the link itself, or in the heading above.
fn is_related(text: &Text<'_>, link: &Link, post: &Post) -> bool {
    let Some(place) = text
        .passages
        .iter()
        .rposition(|passage| passage.at <= link.at)
    else {
        return true;
    };
    let passage = &text.passages[place];
    let end = link.at + link.text.len() + link.url.len() + 4;
    let beside = passage
        .words
        .iter()
        .filter(|word| word.at < link.at || word.at >= end);
    let heading = text.passages[..place]
        .iter()
        .rfind(|it| matches!(it.kind, crate::text::Kind::Heading(_)));
    let above = heading
        .map(|heading: &Passage| heading.words.iter())
        .into_iter()
        .flatten();
    let said: Vec<&str> = beside.chain(above).map(|word| stem(&word.lower)).collect();
    let about = [post.title.as_str()]
        .into_iter()
        .chain(post.tags.iter().map(String::as_str));
    let about = about
        .flat_map(|it| it.split(|c: char| !c.is_alphanumeric()))
        .map(str::to_lowercase);
    let mut about = about
        .filter(|word| word.chars().count() > 3 && !COMMON.contains(&word.as_str()))
        .peekable();
    // A title without such words says nothing that could be missing.
    about.peek().is_none() || about.any(|word| said.contains(&stem(&word)))
}

/// Words that are in titles and say nothing of the subject.
const COMMON: [&str; 24] = [
    "about", "after", "again", "before", "does", "from", "have", "into", "made", "make", "more",
    "most", "much", "only", "over", "than", "that", "their", "them", "this", "what", "when",
    "with", "your",
];

/// A word without the ends that English puts to it.
fn stem(word: &str) -> &str {
    let ends = ["ing", "ies", "ed", "es", "s", "e", "y"];
    let cut = ends.iter().filter_map(|end| word.strip_suffix(end));
    cut.into_iter()
        .find(|rest| rest.chars().count() >= 3)
        .unwrap_or(word)
}
