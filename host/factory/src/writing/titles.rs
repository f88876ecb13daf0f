//! Titles: which of some does, and how much it is like those that are published.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use similar::TextDiff;

use super::answer::TITLE;
use crate::diary::text::{bare, named};
use crate::research::spaced;

/// The fewest letters of a title.
const LEAST: usize = 8;
/// How a line begins that is no title but what a model says of one.
const PREFIXES: [&str; 8] = [
    "title:",
    "heading:",
    "h1:",
    "seo title:",
    "option 1",
    "candidate 1",
    "here is",
    "sure,",
];

/// The most candidates that are looked at: each is compared with every published title.
const CANDIDATES: usize = 20;

/// How much titles are alike at most whose letters are the same and whose signs name something else: `C++`
/// and `C#`.
const OTHER_SIGNS: f32 = 0.5;

/// How a title was chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Originality {
    /// How much it is like the nearest published title, from 0 to 1.
    pub likeness: f32,
    /// That title, if there is any.
    pub nearest: Option<String>,
    /// Candidates that were not taken, and why.
    pub refused: Vec<String>,
}

/// How much a title is like the nearest of others.
pub fn likeness(title: &str, published: &[String]) -> (f32, Option<String>) {
    let own = title.to_lowercase();
    let like = |other: &String| {
        let other = other.to_lowercase();
        if named(&own) == named(&other) {
            return 1.0;
        }
        let ratio = TextDiff::from_chars(&own, &other).ratio();
        if bare(&own) == bare(&other) {
            return ratio.min(OTHER_SIGNS);
        }
        ratio
    };
    let all = published.iter().map(|other| (like(other), other));
    let nearest = all.max_by(|a, b| a.0.total_cmp(&b.0));
    nearest.map_or((0.0, None), |(ratio, other)| (ratio, Some(other.clone())))
}

/// A candidate as a title, or why it is none.
pub fn tidy(candidate: &str) -> Result<String, String> {
    let line = spaced(
        candidate
            .trim()
            .trim_start_matches(['#', '-', '*', '"', '\u{201c}', ' ']),
    );
    let line = line
        .trim_end_matches(['"', '\u{201d}', '*', '.', ',', ':', ';', ' '])
        .to_owned();
    let lower = line.to_lowercase();
    if line.chars().filter(|c| c.is_alphanumeric()).count() < LEAST {
        return Err("it is too short".to_owned());
    }
    if line.chars().count() > TITLE {
        return Err(format!("it has more than {TITLE} characters"));
    }
    match PREFIXES.iter().find(|prefix| lower.starts_with(**prefix)) {
        Some(prefix) => Err(format!("it begins with `{prefix}`")),
        None => Ok(line),
    }
}

/// The first candidate that is a title and less like every published one than `most`.
pub fn choose(
    candidates: &[String],
    published: &[String],
    most: f32,
) -> (Option<String>, Originality) {
    let mut refused = Vec::new();
    for candidate in candidates.iter().take(CANDIDATES) {
        let title = match tidy(candidate) {
            Ok(title) => title,
            Err(why) => {
                refused.push(format!(
                    "`{}`: {why}",
                    callboard_core::shown::cut(candidate, 120)
                ));
                continue;
            }
        };
        let (likeness, nearest) = likeness(&title, published);
        if likeness < most {
            return (
                Some(title),
                Originality {
                    likeness,
                    nearest,
                    refused,
                },
            );
        }
        let other = nearest.unwrap_or_default();
        refused.push(format!(
            "`{title}`: it is like the published `{other}` ({likeness:.2})"
        ));
    }
    (
        None,
        Originality {
            refused,
            ..Originality::default()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_title_that_is_one_and_is_new_is_taken() {
        let published = [
            "How lighthouses work".to_owned(),
            "A history of lamps".to_owned(),
        ];
        let candidates = [
            "Title: x y z w",
            "short",
            "How a lighthouse works",
            "\"What the keepers wrote down.\"",
        ];
        let candidates = candidates.map(str::to_owned);
        let (title, originality) = choose(&candidates, &published, 0.7);
        assert_eq!(title.as_deref(), Some("What the keepers wrote down"));
        assert_eq!(originality.refused.len(), 3, "{originality:?}");
        assert!(
            originality.refused[2].contains("How lighthouses work"),
            "{originality:?}"
        );
        let (none, why) = choose(&candidates[..3], &published, 0.7);
        assert!(none.is_none() && why.refused.len() == 3);
        // Each is compared with every published title.
        let endless = vec!["short".to_owned(); 10_000];
        assert_eq!(
            choose(&endless, &published, 0.7).1.refused.len(),
            CANDIDATES
        );
        let signs = ["How to learn C++".to_owned()];
        assert!(likeness("How to learn C#", &signs).0 < 0.6);
        for honest in [
            "Surefire ways to keep a lamp lit",
            "Option pricing explained",
        ] {
            assert_eq!(tidy(honest).as_deref(), Ok(honest));
        }
        assert!(tidy("Sure, a title of some words").is_err());
        assert!((likeness("how LIGHTHOUSES work!", &published).0 - 1.0).abs() < f32::EPSILON);
    }
}
