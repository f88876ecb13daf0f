//! The text of a statement, as far as SQLite's authorizer does not see it: that it is one
//! statement, and that it does not replace rows without the verb that deletes them.

/// The most bytes of one statement.
pub(super) const LENGTH: usize = 256 * 1024;

/// Words and marks outside literals, quoted names and comments.
#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Mark(char),
}

/// What is wrong with the text, if anything is.
pub(super) fn fault(sql: &str) -> Option<&'static str> {
    if sql.len() > LENGTH {
        return Some("more than 256 KiB of text");
    }
    if sql.contains('\0') {
        return Some("a NUL character");
    }
    let tokens = tokens(sql);
    let end = tokens.iter().position(|token| *token == Token::Mark(';'));
    match end {
        _ if tokens.is_empty() => Some("an empty text"),
        Some(end) if end + 1 < tokens.len() => Some("a second statement"),
        _ if replaces(&tokens) => Some("REPLACE (write ON CONFLICT … DO UPDATE)"),
        _ => None,
    }
}

/// `REPLACE INTO` and `OR REPLACE` delete rows, and no authorizer is asked about it.
fn replaces(tokens: &[Token<'_>]) -> bool {
    tokens.iter().enumerate().any(|(index, token)| {
        matches!(token, Token::Word(word) if word.eq_ignore_ascii_case("replace"))
            && tokens.get(index + 1) != Some(&Token::Mark('('))
    })
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' | '`' => quoted(rest, first),
            '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            letter if letter.is_alphanumeric() || letter == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
                let end = end.unwrap_or(rest.len());
                tokens.push(Token::Word(&rest[..end]));
                end
            }
            space if space.is_whitespace() => space.len_utf8(),
            mark => {
                tokens.push(Token::Mark(mark));
                mark.len_utf8()
            }
        };
        if matches!(first, '\'' | '"' | '`' | '[') {
            tokens.push(Token::Mark(first));
        }
        rest = &rest[length..];
    }
    tokens
}

/// The length of a quoted piece; a doubled quote is part of it.
fn quoted(text: &str, quote: char) -> usize {
    let mut from = 1;
    while let Some(at) = text[from..].find(quote) {
        let after = from + at + 1;
        if !text[after..].starts_with(quote) {
            return after;
        }
        from = after + 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_is_one_statement() {
        for sql in [
            "SELECT 1",
            "SELECT ';' ; -- bye; bye",
            "SELECT \"a;b\", [c;d], `e;f` /* ; */",
            "SELECT 'it''s; fine';\n",
            "SELECT replace(a, 'x', 'y') FROM t",
            "SELECT 'or replace' FROM t",
        ] {
            assert_eq!(fault(sql), None, "{sql}");
        }
    }

    #[test]
    fn what_hides_more_is_refused() {
        for sql in [
            "",
            " -- nothing",
            "SELECT 1; DELETE FROM t",
            "SELECT 1;;",
            "SELECT '\0'",
            "REPLACE INTO t VALUES (1)",
            "INSERT OR /* x */ REPLACE INTO t VALUES (1)",
            "UPDATE OR replace t SET a = 1",
        ] {
            assert!(fault(sql).is_some(), "{sql}");
        }
    }
}
