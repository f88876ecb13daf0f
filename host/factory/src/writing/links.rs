//! Links in a text: which of them lead somewhere that is known.

use std::collections::BTreeMap;

use regex::Captures;

use crate::markdown::relinked;

/// What becomes of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkFate {
    Stays,
    /// Its words stay, and it is none.
    Text,
    /// It leads there.
    To(String),
}

/// Published posts by their slugs, with their titles.
pub type Posts = BTreeMap<String, String>;

/// A text in which each link and picture, by the parser that shows it, has met its fate. Gives the addresses
/// of those that did not stay.
pub fn judged(text: &str, fate: impl Fn(&str) -> LinkFate) -> (String, Vec<String>) {
    let mut gone = Vec::new();
    let judged = relinked(text, |url, words| match fate(url) {
        LinkFate::Stays => None,
        LinkFate::To(place) => Some(format!("[{words}]({place})")),
        LinkFate::Text => {
            gone.push(url.to_owned());
            // The words of an address alone are the address.
            Some(if words == url {
                String::new()
            } else {
                words.to_owned()
            })
        }
    });
    // What cannot be read has no link, and is shown as it is written.
    let judged = judged.unwrap_or_else(|_| super::escaped(text));
    (judged, gone)
}

/// A text without pictures.
pub fn without_pictures(text: &str) -> String {
    pattern!(PICTURE, r"!\[[^\[\]]*\]\([^()]*\)");
    outside_code(text, |text| PICTURE.replace_all(text, "").into_owned())
}

/// A text with links to posts where a model has put `[posts/slug]`, and without those that are no
/// post; gives the slugs that are none.
pub fn resolved(text: &str, posts: &Posts) -> (String, Vec<String>) {
    pattern!(PLACE, r" ?\[/?posts/([^\[\]\s]+)\](\([^()]*\))?");
    let mut gone = Vec::new();
    let text = outside_code(text, |text| {
        let placed = PLACE.replace_all(text, |found: &Captures<'_>| {
            let slug = found[1].trim_matches('/');
            if let Some(title) = posts.get(slug) {
                format!(" [{}](/posts/{slug})", super::escaped(title))
            } else {
                gone.push(slug.to_owned());
                String::new()
            }
        });
        placed.into_owned()
    });
    let (text, strangers) = judged(&text, |url| match slug(url) {
        Some(slug) if posts.contains_key(slug) => LinkFate::Stays,
        Some(_) => LinkFate::Text,
        None => LinkFate::Stays,
    });
    gone.extend(strangers);
    (text, gone)
}

/// The slug of a link to a post of this site.
pub fn slug(url: &str) -> Option<&str> {
    let path = url
        .strip_prefix("/posts/")
        .or_else(|| url.strip_prefix("posts/"))?;
    let end = path.find(['#', '?', '/']).unwrap_or(path.len());
    Some(&path[..end]).filter(|slug| !slug.is_empty())
}

/// Change a text but for its code.
pub fn outside_code(text: &str, mut change: impl FnMut(&str) -> String) -> String {
    pattern!(CODE, r"(?s)```.*?```|`[^`\n]*`");
    let (mut out, mut end) = (String::new(), 0);
    for code in CODE.find_iter(text) {
        out.push_str(&change(&text[end..code.start()]));
        out.push_str(code.as_str());
        end = code.end();
    }
    out.push_str(&change(&text[end..]));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_lead_nowhere_become_their_words() {
        let text = "See [this](https://a.example/x_(y) \"t\"), [that](url), ![p](https://q) and `[code](url)`.";
        let (text, gone) = judged(text, |url| {
            if url.starts_with("https") {
                LinkFate::Stays
            } else {
                LinkFate::Text
            }
        });
        assert_eq!(
            text,
            "See [this](https://a.example/x_(y) \"t\"), that, ![p](https://q) and `[code](url)`."
        );
        assert_eq!(gone, ["url"]);
    }

    #[test]
    fn only_posts_that_exist_are_linked() {
        let posts = Posts::from([("lamp".to_owned(), "The [lamp]".to_owned())]);
        let (text, gone) = resolved(
            "More [posts/lamp] and [posts/none]; [a](/posts/lamp#x), [b](/posts/gone), [c](https://a.example/).",
            &posts,
        );
        assert_eq!(
            text,
            "More [The \\[lamp\\]](/posts/lamp) and; [a](/posts/lamp#x), b, [c](https://a.example/)."
        );
        assert_eq!(gone, ["none", "/posts/gone"]);
    }
}
