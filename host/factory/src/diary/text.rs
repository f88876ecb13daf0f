//! Words that are compared.

/// The letters and digits of a text in small letters: what stays the same when it is quoted.
pub fn bare(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_however_it_is_quoted() {
        assert_eq!(bare("`A-b`: É"), "abé");
    }
}
