//! Files of the site that are served as they are: pictures, fonts, scripts.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use callboard_core::settings::hex;

/// The first segments of the addresses of pages; a file there would never be seen.
pub const PAGES: &[&str] = &[
    "404.html",
    "archive",
    "console",
    "console.json",
    "feed.json",
    "feed.xml",
    "health",
    "index.html",
    "media",
    "posts",
    "sitemap.xml",
    "tags",
];

/// A file that is served as it is.
#[derive(Debug, Clone)]
pub struct Asset {
    /// The media type, from the ending of its name.
    pub media: String,
    pub content: Arc<[u8]>,
    /// Half of the SHA-256 of its content.
    pub digest: String,
}

/// The files by their path below the site's address.
#[derive(Debug, Clone, Default)]
pub struct Assets(BTreeMap<String, Asset>);

impl Assets {
    pub fn new(files: &BTreeMap<String, Arc<[u8]>>) -> Self {
        let assets = files.iter().map(|(path, content)| {
            let asset = Asset {
                media: media(path),
                content: Arc::clone(content),
                digest: hex(&Sha256::digest(content)[..16]),
            };
            (path.clone(), asset)
        });
        Self(assets.collect())
    }

    pub fn get(&self, path: &str) -> Option<&Asset> {
        self.0.get(path)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Asset)> {
        self.0.iter().map(|(path, asset)| (path.as_str(), asset))
    }
}

fn media(path: &str) -> String {
    let guess = mime_guess::from_path(path).first_or_octet_stream();
    let text =
        guess.type_() == "text" || guess.subtype() == "json" || guess.subtype() == "javascript";
    if text {
        format!("{guess}; charset=utf-8")
    } else {
        guess.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_type_of_its_ending() {
        for (path, wanted) in [
            ("logo.png", "image/png"),
            ("a/b.SVG", "image/svg+xml"),
            ("fonts/a.woff2", "font/woff2"),
            ("robots.txt", "text/plain; charset=utf-8"),
            ("app.js", "text/javascript; charset=utf-8"),
            ("what", "application/octet-stream"),
        ] {
            assert_eq!(media(path), wanted, "{path}");
        }
    }
}
