//! Words for addresses and titles.

/// A text as a part of an address: whole words, at most `limit` characters.
pub fn slug(text: &str, limit: usize) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric() && !"'\u{2019}".contains(c));
    let mut slug = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        let word: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
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

/// The letters and digits of a text in small letters: what stays the same when it is quoted.
pub fn bare(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_read_well() {
        assert_eq!(slug("Don't wait: retry, once!", 80), "dont-wait-retry-once");
        assert_eq!(slug("one two three", 8), "one-two");
        assert_eq!(slug("日本", 20), "");
        assert_eq!(bare("`A-b`: É"), "abé");
    }
}
