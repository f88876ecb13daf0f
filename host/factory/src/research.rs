//! Research: what is read before something is written, and how. No IO; `fetching` asks the network.

pub mod feed;
mod markup;
pub mod page;
pub mod robots;
pub mod search;
mod shape;

use std::collections::BTreeSet;

use callboard_core::settings::{SettingRead, SettingType};
use callboard_core::shown::cut;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// The setting with the address of the search server.
pub const SEARCH: &str = "research.search.url";

/// What is read of it.
pub(crate) const READS: [SettingRead; 1] = [SettingRead::new(
    SEARCH,
    &[SettingType::Url],
    "whoever reads about a topic",
)];

/// One text that a draft may stand on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// What sentences cite it by: `s1`.
    pub id: String,
    /// Where it was read; empty for the notes of the task itself, and for a document that is nowhere but here.
    pub url: String,
    pub title: String,
    /// The name of its site, or its host.
    pub site: String,
    /// When it says it was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// Its readable text, bounded.
    pub text: String,
}

/// A text that was read, before it has a number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadPage {
    pub url: String,
    pub title: String,
    pub site: String,
    pub published: Option<String>,
    pub text: String,
}

/// Why something that was asked for is no source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedSource {
    /// What was asked for: an address, a query.
    pub what: String,
    pub why: String,
}

impl MissedSource {
    pub fn new(what: impl Into<String>, why: impl ToString) -> Self {
        Self {
            what: what.into(),
            why: why.to_string(),
        }
    }
}

/// The longest title that is kept.
const TITLE: usize = 300;

/// Texts with numbers, in the order in which they were asked for: each address once, each text cut to
/// `longest` characters, at most `most`.
pub fn numbered(found: Vec<ReadPage>, most: usize, longest: usize) -> Vec<Source> {
    let mut seen = BTreeSet::new();
    // What can be read nowhere else has no address that could be the same.
    let is_new = |it: &ReadPage| it.url.is_empty() || seen.insert(address(&it.url));
    let once = found.into_iter().filter(is_new);
    let numbered = once.take(most).enumerate().map(|(index, found)| Source {
        id: format!("s{}", index + 1),
        title: cut(spaced(&found.title), TITLE),
        site: cut(spaced(&found.site), TITLE),
        text: found.text.chars().take(longest).collect(),
        published: found.published,
        url: found.url,
    });
    numbered.collect()
}

/// An address without what leads to a place within it.
pub fn address(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            url.set_fragment(None);
            url.to_string()
        }
        Err(_) => url.to_owned(),
    }
}

/// Several texts, as a list or as a person writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Several {
    /// A list.
    List(Vec<String>),
    /// One text with all of them.
    Text(String),
}

impl Default for Several {
    fn default() -> Self {
        Several::List(Vec::new())
    }
}

impl Several {
    /// Parted by any of these characters where it is one text.
    fn parted(&self, at: impl Fn(char) -> bool) -> Vec<String> {
        let parts: Vec<&str> = match self {
            Several::List(list) => list.iter().map(String::as_str).collect(),
            Several::Text(text) => text.split(at).collect(),
        };
        let parts = parts
            .into_iter()
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    /// Addresses: one a line, or parted by commas or spaces.
    pub fn addresses(&self) -> Vec<String> {
        self.parted(|c| c.is_whitespace() || c == ',')
    }

    /// Phrases: one a line, or parted by semicolons.
    pub fn phrases(&self) -> Vec<String> {
        self.parted(|c| c == '\n' || c == ';')
    }

    /// Words and phrases, parted by commas.
    pub fn words(&self) -> Vec<String> {
        self.parted(|c| c == '\n' || c == ',')
    }
}

/// The host of an address, without `www.`.
pub fn host(url: &str) -> String {
    let parsed = Url::parse(url).ok();
    let host = parsed.as_ref().and_then(Url::host_str).unwrap_or(url);
    host.trim_start_matches("www.").to_owned()
}

/// A text on one line, each space once.
pub fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_texts_are_a_list_or_as_a_person_writes_them() {
        let text = |text: &str| Several::Text(text.to_owned());
        assert_eq!(
            text("https://a/, https://b/\nhttps://c/").addresses().len(),
            3
        );
        assert_eq!(text("one two; three\n").phrases(), ["one two", "three"]);
        assert_eq!(
            Several::List(vec![" a b ".to_owned(), String::new()]).addresses(),
            ["a b"]
        );
    }

    #[test]
    fn each_address_is_a_source_once_and_its_text_is_cut() {
        let found = |url: &str| ReadPage {
            url: url.to_owned(),
            title: " A\n title ".to_owned(),
            text: "wörter".to_owned(),
            ..ReadPage::default()
        };
        let all = [
            "https://a.example/x#one",
            "https://a.example/x",
            "https://b.example/",
        ];
        let sources = numbered(all.map(found).into(), 9, 3);
        let ids: Vec<_> = sources.iter().map(|source| source.id.as_str()).collect();
        assert_eq!(ids, ["s1", "s2"]);
        assert_eq!(
            (sources[0].text.as_str(), sources[0].title.as_str()),
            ("wör", "A title")
        );
        assert_eq!(numbered(all.map(found).into(), 1, 3).len(), 1);
    }
}
