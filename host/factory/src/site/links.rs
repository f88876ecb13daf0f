//! Addresses inside a site. A server has short ones below a root; an export has relative ones
//! that name files, so that it can be read from a folder as well as from any static server.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use callboard_core::settings::hex;

use crate::markdown::pictures::KEPT;

/// How the pages of a site name each other.
#[derive(Debug, Clone)]
pub(super) struct SiteLinks {
    prefix: String,
    /// What stands at the end of the address of a page.
    file: &'static str,
}

impl SiteLinks {
    /// Links of a server whose front page is `root/`.
    pub(super) fn below(root: &str) -> Self {
        Self {
            prefix: format!("{root}/"),
            file: "",
        }
    }

    /// Links between files; `up` leads from the page to the top of the folder.
    pub(super) fn files(up: &str) -> Self {
        Self {
            prefix: up.to_owned(),
            file: "/index.html",
        }
    }

    pub(super) fn home(&self) -> String {
        format!("{}{}", self.prefix, self.file.trim_start_matches('/'))
    }

    pub(super) fn post(&self, slug: &str) -> String {
        format!("{}posts/{}{}", self.prefix, encode(slug), self.file)
    }

    pub(super) fn archive(&self, page: u32) -> String {
        match page {
            0 | 1 => format!("{}archive{}", self.prefix, self.file),
            page => format!("{}archive/{page}{}", self.prefix, self.file),
        }
    }

    pub(super) fn tag(&self, tag: &str) -> String {
        let name = match self.file {
            "" => tag.to_owned(),
            _ => folder(tag),
        };
        format!("{}tags/{}{}", self.prefix, encode(&name), self.file)
    }

    /// Where kept pictures are, up to their names.
    pub(super) fn media(&self) -> String {
        self.file(KEPT.trim_start_matches('/'))
    }

    /// Where a picture is, by what a draft says of it.
    pub(super) fn picture(&self, src: &str) -> String {
        match src.strip_prefix(KEPT) {
            Some(name) => format!("{}{name}", self.media()),
            None => src.to_owned(),
        }
    }

    pub(super) fn file(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

/// A name as one segment of a path: everything but letters, digits and `-._~` as `%XX`.
pub(super) fn encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(encoded, "%{byte:02X}").ok();
        }
    }
    encoded
}

/// The folder of a tag: the tag itself, or its digest if a file system might object to it.
pub(super) fn folder(tag: &str) -> String {
    if is_file_name(tag) {
        return tag.to_owned();
    }
    let digest = hex(&Sha256::digest(tag));
    format!("tag-{}", digest.get(..12).unwrap_or_default())
}

/// Whether every common file system takes the name as it is.
pub fn is_file_name(name: &str) -> bool {
    let common =
        |c: char| c.is_alphanumeric() || (c.is_ascii_graphic() && !r#"/\:*?"<>|%#"#.contains(c));
    let inner = |c: char| common(c) || c == ' ';
    name.len() <= 120
        && name.starts_with(|c| common(c) && c != '.')
        && name.ends_with(|c| common(c) && c != '.')
        && name.chars().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_stay_one_segment() {
        assert_eq!(encode("a b/c?d#e%é"), "a%20b%2Fc%3Fd%23e%25%C3%A9");
        assert_eq!(
            SiteLinks::below("").tag("c++ / wasm"),
            "/tags/c%2B%2B%20%2F%20wasm"
        );
    }

    #[test]
    fn a_tag_never_leaves_its_folder() {
        for tag in ["..", ".", "", "a/b", "../x", "a\\b", "a\0b", ".git", "x."] {
            assert!(folder(tag).starts_with("tag-"), "{tag:?}");
        }
        assert_eq!(folder("rust"), "rust");
        assert_eq!(folder("C++"), "C++");
    }

    #[test]
    fn files_are_named_in_full() {
        let links = SiteLinks::files("../../");
        assert_eq!(links.home(), "../../index.html");
        assert_eq!(links.post("a"), "../../posts/a/index.html");
        assert_eq!(links.archive(2), "../../archive/2/index.html");
        assert_eq!(SiteLinks::below("/blog").archive(1), "/blog/archive");
        assert_eq!(links.picture("/media/a.png"), "../../media/a.png");
        assert_eq!(
            SiteLinks::below("/blog").picture("/media/a.png"),
            "/blog/media/a.png"
        );
    }
}
