//! Words that are compared.

/// The letters and digits of a text in small letters: what stays the same when it is quoted.
pub fn bare(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The words of a text in small letters, without the signs that only part them: what it names. `C`, `C++`
/// and `C#` are three.
pub fn named(text: &str) -> String {
    let parts = |c: &char| {
        c.is_whitespace() || c.is_control() || ".,:;!?\"'`()[]{}<>-_*~|/\\\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}\u{2018}\u{2019}\u{201a}\u{201c}\u{201d}\u{201e}\u{2026}".contains(*c)
    };
    let letters = text.chars().filter(|c| !parts(c));
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_however_it_is_quoted() {
        assert_eq!(bare("`A-b`: É"), "abé");
    }

    #[test]
    fn signs_that_name_something_stay() {
        let same = [
            "How to learn C++",
            "how to learn  c++!",
            "How-to \u{201c}learn C++\u{201d}",
        ];
        assert!(same.iter().all(|text| named(text) == "howtolearnc++"));
        assert_ne!(named("How to learn C#"), named("How to learn C"));
    }
}
