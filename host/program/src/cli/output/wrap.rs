//! A text behind its label, wrapped between words where a line is limited.

use unicode_width::UnicodeWidthStr;

use callboard_core::shown::Shown;

/// Labels up to this long have what follows of their text below its beginning.
const LABEL: usize = 12;
/// How far to the right it stands below a longer one, or below none.
const INDENT: usize = 4;
/// No line is so short that wrapping it would make it readable.
const LEAST: usize = 30;

/// The lines of a text behind its label; no further one can be taken for a line of its own. One of
/// several lines is to be copied as it is, and so is what stands between backticks: only the words
/// of a text of one line are wrapped.
pub(super) fn lines(label: &str, text: &str, room: Option<usize>) -> String {
    let label = Shown::line(label).to_string();
    let text: Vec<_> = text.trim_end().split('\n').map(Shown::line).collect();
    if let ([line], Some(room)) = (text.as_slice(), room.filter(|room| *room >= LEAST)) {
        return wrapped(&label, line.as_str(), room);
    }
    let pad = " ".repeat(label.chars().count());
    let text: Vec<_> = text.iter().map(Shown::as_str).collect();
    format!("{label}{}", text.join(&format!("\n{pad}")))
}

fn wrapped(label: &str, text: &str, room: usize) -> String {
    let pad = match label.width() {
        0 => INDENT,
        width if width > LABEL => INDENT,
        width => width,
    };
    let (mut done, mut line) = (String::new(), label.to_owned());
    let mut bare = line.trim().is_empty();
    for word in words(text) {
        let fits = line.width() + word.trim_end().width() <= room;
        if !fits && !bare {
            done = done + line.trim_end() + "\n";
            line = " ".repeat(pad);
        }
        line.push_str(word);
        bare = line.trim().is_empty();
    }
    done + &line
}

/// The words of a text, each with the spaces behind it; what backticks enclose is one.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut rest, mut enclosed, mut spaces) = (Vec::new(), text, false, false);
    let mut from = 0;
    for (at, c) in text.char_indices() {
        if spaces && c != ' ' {
            let (word, more) = rest.split_at(at - from);
            words.push(word);
            (rest, from) = (more, at);
        }
        if c == '`' {
            enclosed = !enclosed;
        }
        spaces = c == ' ' && !enclosed;
    }
    words.push(rest);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_lines_of_a_text_are_none_of_their_own() {
        let text = "boom\nerror: forged\u{1b}[2J\r\n";
        let told = lines("error: ", text, Some(40));
        assert_eq!(told, "error: boom\n       error: forged\\u{1b}[2J");
    }

    #[test]
    fn words_are_wrapped_and_what_is_to_be_copied_is_not() {
        let text = "look at it with `callboard runs show 01a21e5f` and then go on with it";
        let told = lines("  mend  ", text, Some(40));
        let expected = "  mend  look at it with\n        \
            `callboard runs show 01a21e5f`\n        and then go on with it";
        assert_eq!(told, expected);
        assert_eq!(lines("  mend  ", text, None), format!("  mend  {text}"));
        let two = "write in callboard.toml\nlisten = \"a name that is much longer than the line\"";
        let told = lines("", two, Some(40));
        assert_eq!(told, two);
        let long = lines(
            "problem: roll call: ",
            "a word after a word and more",
            Some(36),
        );
        assert_eq!(
            long,
            "problem: roll call: a word after a\n    word and more"
        );
        let digest = "f".repeat(64);
        let told = lines("", &format!("  at {digest} x"), Some(40));
        assert_eq!(told, format!("  at\n    {digest}\n    x"));
    }
}
