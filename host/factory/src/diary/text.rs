//! Words for people: Markdown that cannot break out, lists, counts and slugs.

/// `text` of a stranger as Markdown: code spans stay, everything else is only text.
pub fn markdown(text: &str) -> String {
    let text = without_addresses(text);
    let mut escaped = String::with_capacity(text.len() + 8);
    let parts: Vec<&str> = text.split('`').collect();
    let balanced = parts.len() % 2 == 1;
    for (index, part) in parts.iter().enumerate() {
        if balanced && index % 2 == 1 {
            escaped.push_str(&format!("`{part}`"));
        } else {
            if index > 0 && !balanced {
                escaped.push_str("\\`");
            }
            escape(part, &mut escaped);
        }
    }
    beginning(&escaped)
}

fn escape(text: &str, out: &mut String) {
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let inside = before.is_alphanumeric() && chars.peek().is_some_and(|c| c.is_alphanumeric());
        if "\\*[]<>&~|$".contains(c) || (c == '_' && !inside) {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
}

/// A beginning that Markdown would take for a heading, list or quote, made plain.
fn beginning(text: &str) -> String {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if text.starts_with(['#', '+', '-', '=']) {
        return format!("\\{text}");
    }
    if digits > 0 && text[digits..].starts_with(['.', ')']) {
        return format!("{}\\{}", &text[..digits], &text[digits..]);
    }
    text.to_owned()
}

/// Without web addresses; of a Markdown link its text stays.
pub fn without_addresses(text: &str) -> String {
    let mut kept = Vec::new();
    for word in unlinked(text).split_whitespace() {
        let lower = word.to_lowercase();
        let bare = lower.trim_start_matches(['(', '<', '"', '\'']);
        if !(bare.contains("://") || bare.starts_with("www.") || bare.starts_with("mailto:")) {
            kept.push(word.to_owned());
        }
    }
    kept.join(" ")
}

/// `[text](target)` becomes `text`.
fn unlinked(text: &str) -> String {
    let mut out = text.to_owned();
    while let Some(middle) = out.find("](") {
        let (Some(open), Some(close)) = (out[..middle].rfind('['), out[middle..].find(')')) else {
            break;
        };
        let label = out[open + 1..middle].to_owned();
        let open = if out[..open].ends_with('!') {
            open - 1
        } else {
            open
        };
        out.replace_range(open..=middle + close, &label);
    }
    out
}

/// A title or excerpt, shown as it is: no marks, no addresses.
pub fn plain(text: &str) -> String {
    without_addresses(&text.replace('`', ""))
}

/// `1 fix`, `2 fixes`.
pub fn count(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// `a`, `a and b`, `a, b and c`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// With a small first letter, unless the first word is a name.
pub fn uncapital(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let word = text.split_whitespace().next().unwrap_or_default();
    let is_name = word.len() < 2
        || word
            .chars()
            .skip(1)
            .any(|c| !(c.is_lowercase() || "'-,".contains(c)));
    if is_name {
        text.to_owned()
    } else {
        first.to_lowercase().chain(chars).collect()
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_stranger_is_markup() {
        assert_eq!(markdown("<script>x</script>"), "\\<script\\>x\\</script\\>");
        assert_eq!(
            markdown("a *b* [c](javascript:d) `Vec<T>`"),
            "a \\*b\\* c `Vec<T>`"
        );
        assert_eq!(markdown("see https://x.y/z now"), "see now");
        assert_eq!(markdown("odd ` tick"), "odd \\` tick");
        assert_eq!(markdown("# head"), "\\# head");
        assert_eq!(markdown("1. one"), "1\\. one");
        assert_eq!(markdown("a_b _c_"), "a_b \\_c\\_");
    }

    #[test]
    fn lists_counts_and_slugs_read_well() {
        assert_eq!(list(&["a".into(), "b".into(), "c".into()]), "a, b and c");
        assert_eq!(count(1, "fix", "fixes"), "1 fix");
        assert_eq!(uncapital("Retire sockets"), "retire sockets");
        assert_eq!(uncapital("SQLite waits"), "SQLite waits");
        assert_eq!(slug("Don't wait: retry, once!", 80), "dont-wait-retry-once");
        assert_eq!(slug("one two three", 8), "one-two");
        assert_eq!(slug("日本", 20), "");
    }
}
