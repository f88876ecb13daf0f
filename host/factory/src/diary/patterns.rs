//! What an operator writes of names and headlines, where `*` stands for anything.

/// Patterns, of which one is enough; case is the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns(Vec<String>);

impl Patterns {
    pub fn new(patterns: &[String]) -> Self {
        Self(
            patterns
                .iter()
                .map(|pattern| pattern.to_lowercase())
                .collect(),
        )
    }

    /// Whether one of them is the whole text.
    pub fn fit(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        self.0.iter().any(|pattern| fits(pattern, &text))
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        let fit = |pattern: &str, text| Patterns::new(&[pattern.to_owned()]).fit(text);
        assert!(fit("*[bot]*", "Renovate[bot] <x@y>") && fit("wip", " WIP "));
        assert!(fit("a*b*c", "aXbYc") && !fit("a*b*c", "aXcYb") && !fit("a*a", "a"));
        assert!(!fit("wip", "wipe") && fit("chore(deps*", "chore(deps-dev): x"));
    }
}
