//! Texts of any script as parts of an address.

use std::fmt::Write as _;

use deunicode::deunicode_with_tofu;
use sha2::{Digest, Sha256};

/// A text as a part of an address: whole words in small ASCII letters, at most `limit` characters.
/// What no letters stand for, such as punctuation alone, gives nothing.
pub fn words(text: &str, limit: usize) -> String {
    let ascii = deunicode_with_tofu(text, "").to_ascii_lowercase();
    let words = ascii.split(|c: char| !c.is_ascii_alphanumeric() && c != '\'');
    let mut slug = String::new();
    for word in words {
        let word: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
        if word.is_empty() {
            continue;
        }
        if !slug.is_empty() && slug.len() + 1 + word.len() > limit {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word);
    }
    slug.truncate(limit);
    slug
}

/// The same for a title, which always has an address: where no letters stand for it, one that
/// follows from it.
pub fn of_title(title: &str, limit: usize) -> String {
    let words = words(title, limit);
    if !words.is_empty() {
        return words;
    }
    let digest = Sha256::digest(title);
    let mut slug = "post-".to_owned();
    for byte in &digest[..4] {
        // Writing to a string cannot fail.
        write!(slug, "{byte:02x}").ok();
    }
    slug
}

/// The longest part of an address that comes of a title or a day.
const LONGEST: usize = 70;

/// Title and day of a post as its address.
pub fn of_post(title: &str, covers: &str) -> String {
    let (title, day) = (of_title(title, LONGEST), words(covers, LONGEST));
    let both = format!("{title}-{day}");
    both.trim_end_matches('-').to_owned()
}

/// The first of `base`, `base-2` and so on that is not taken.
pub fn free(base: &str, taken: &[String]) -> String {
    let mut number = 1;
    loop {
        let slug = match number {
            1 => base.to_owned(),
            _ => format!("{base}-{number}"),
        };
        if !taken.contains(&slug) {
            return slug;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_read_well() {
        assert_eq!(
            words("Don't wait: retry, once!", 80),
            "dont-wait-retry-once"
        );
        assert_eq!(words("Don\u{2019}t", 80), "dont");
        assert_eq!(words("one two three", 8), "one-two");
        assert_eq!(words("Über Größe", 40), "uber-grosse");
        assert_eq!(words("– … !", 20), "");
    }

    #[test]
    fn every_script_has_an_address_that_stays_the_same() {
        for (title, slug) in [
            ("Привет, мир", "privet-mir"),
            ("日本語の記事", "ri-ben-yu-noji-shi"),
            ("مرحبا", "mrhb"),
            ("🚀", "rocket"),
        ] {
            assert_eq!(of_title(title, 70), slug, "{title}");
        }
        for title in ["!!!", "", "\u{200b}"] {
            let slug = of_title(title, 70);
            assert!(slug.starts_with("post-") && slug.len() == 13, "{slug}");
            assert_eq!(slug, of_title(title, 70));
        }
        assert_ne!(of_title("!!!", 70), of_title("???", 70));
    }
}
