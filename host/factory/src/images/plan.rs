//! Which pictures a text is to have, and what each is to show.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::{Draft, Image};
use crate::markdown::pictures::HeadedSection;

/// Headings below which no picture belongs.
const PLAIN: [&str; 4] = ["sources", "references", "further reading", "notes"];
/// Characters of a paragraph that a prompt takes.
const TOLD: usize = 200;

/// Which picture of a text: `featured`, or `inline:N`, counted from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum WhichPicture {
    Featured,
    Inline(u32),
}

impl fmt::Display for WhichPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WhichPicture::Featured => f.write_str("featured"),
            WhichPicture::Inline(number) => write!(f, "inline:{number}"),
        }
    }
}

impl FromStr for WhichPicture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix("inline:").map(str::parse::<u32>);
        match (text, number) {
            ("featured", _) => Ok(WhichPicture::Featured),
            (_, Some(Ok(number @ 1..))) => Ok(WhichPicture::Inline(number)),
            _ => Err(format!(
                "`{text}` is no picture of a text; write `featured`, or `inline:1` for the first in it"
            )),
        }
    }
}

impl TryFrom<String> for WhichPicture {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<WhichPicture> for String {
    fn from(which: WhichPicture) -> Self {
        which.to_string()
    }
}

/// A picture to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedPicture {
    pub which: WhichPicture,
    /// The heading below which it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    /// What the text says there, by which a picture that was made for it is known again.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub basis: String,
    /// What it is to show.
    pub prompt: String,
    /// Whether one is to be made even if the same was made before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anew: bool,
    /// What it shows, for who does not see it, until a model or a person has looked.
    pub alt: String,
}

impl PlannedPicture {
    /// One that shows what the text says there.
    fn by(which: WhichPicture, heading: Option<String>, basis: String) -> Self {
        Self {
            which,
            heading,
            prompt: basis.clone(),
            alt: basis.clone(),
            basis,
            anew: false,
        }
    }
}

/// A picture that was made and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadePicture {
    /// The id of its row.
    pub id: String,
    pub which: WhichPicture,
    /// The heading below which it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    pub image: Image,
    /// What it was to show.
    pub prompt: String,
    /// The model that said what it shows; empty if none did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seen_by: String,
}

/// The pictures of a draft: one for its head, if `featured`, and at most `inline` below headings,
/// evenly spread.
pub fn planned(
    draft: &Draft,
    sections: &[HeadedSection],
    (featured, inline): (bool, usize),
) -> Vec<PlannedPicture> {
    // What lists show of it is made anew in each round, and says nothing of what the picture shows.
    let first = featured.then(|| PlannedPicture {
        basis: draft.title.clone(),
        ..PlannedPicture::by(WhichPicture::Featured, None, head(draft))
    });
    let fit = |section: &&HeadedSection| {
        let heading = section.heading.trim().to_lowercase();
        !heading.is_empty()
            && heading != draft.title.trim().to_lowercase()
            && !PLAIN.contains(&heading.as_str())
    };
    let fitting: Vec<_> = sections.iter().filter(fit).collect();
    let count = inline.min(fitting.len());
    let chosen = (0..count).map(|place| fitting[place * fitting.len() / count]);
    let inline = chosen.zip(1..).map(|(section, number)| {
        let (heading, told) = (&section.heading, &section.text);
        let basis = sentence(&[heading, told]);
        PlannedPicture::by(WhichPicture::Inline(number), Some(heading.clone()), basis)
    });
    first.into_iter().chain(inline).collect()
}

/// What stands for a draft in words.
pub fn head(draft: &Draft) -> String {
    sentence(&[&draft.title, &draft.excerpt])
}

/// Some texts as one prompt, each cut.
fn sentence(parts: &[&str]) -> String {
    let cut = |part: &&str| {
        let part = part.trim().trim_end_matches(['.', ':']);
        let short: String = part.chars().take(TOLD).collect();
        short
    };
    let parts: Vec<_> = parts.iter().map(cut).filter(|it| !it.is_empty()).collect();
    parts.join(". ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_named_as_people_write_it() {
        assert_eq!("featured".parse(), Ok(WhichPicture::Featured));
        assert_eq!("inline:12".parse(), Ok(WhichPicture::Inline(12)));
        for text in ["inline:0", "inline:", "inline:x", "Featured", ""] {
            let refused = text.parse::<WhichPicture>().expect_err(text);
            assert!(refused.contains("inline:1"), "{refused}");
        }
    }

    #[test]
    fn pictures_are_spread_over_the_headings_and_none_is_below_the_sources() {
        let section = |heading: &str| HeadedSection {
            heading: heading.to_owned(),
            text: format!("About {heading}."),
        };
        let headings = ["T", "One", "Two", "Three", "Four", "Sources"];
        let draft = Draft {
            title: "T".to_owned(),
            excerpt: "Why.".to_owned(),
            ..Draft::default()
        };
        let plan = planned(&draft, &headings.map(section), (true, 2));
        let told: Vec<_> = plan
            .iter()
            .map(|it| (it.which.to_string(), it.prompt.as_str()))
            .collect();
        let wanted = [
            ("featured", "T. Why"),
            ("inline:1", "One. About One"),
            ("inline:2", "Three. About Three"),
        ];
        assert_eq!(
            told,
            wanted.map(|(which, prompt)| (which.to_owned(), prompt))
        );
        assert_eq!(planned(&draft, &headings.map(section), (false, 0)), []);
    }
}
