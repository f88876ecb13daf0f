//! The words and marks of a statement: only those that every reader reads alike, and not so
//! many that what they become is deep.

use sqlparser::dialect::Dialect as Reader;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use super::super::denial;
use super::{Asker, wrong};
use crate::store::{Dialect, StoreError, StoreErrorKind};

/// The most operators, keywords and parentheses between two commas: no tree is deeper, whether
/// it grows by nesting or, as `1 + 1 + …`, by going on.
pub(super) const DEPTH: usize = 1_000;
/// The most SELECTs that UNION and its like connect.
const CONNECTED: usize = 100;
/// How a statement may begin.
const VERBS: [Keyword; 6] = [
    Keyword::SELECT,
    Keyword::WITH,
    Keyword::VALUES,
    Keyword::INSERT,
    Keyword::UPDATE,
    Keyword::DELETE,
];

/// The words and marks of one statement, without spaces and without a `;` at the end.
pub(super) fn read(
    asker: Asker<'_>,
    reader: &dyn Reader,
    sql: &str,
) -> Result<Vec<TokenWithSpan>, StoreError> {
    let read = Tokenizer::new(reader, sql).tokenize_with_location();
    let mut tokens = read.map_err(|error| wrong(asker, &error.to_string()))?;
    let refuse = |what: &str| Err(denial::denied(denial::statement(what)));
    if let Some(what) = tokens
        .iter()
        .find_map(|token| unclear(asker.dialect, &token.token))
    {
        return refuse(&what);
    }
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    if tokens
        .last()
        .is_some_and(|last| last.token == Token::SemiColon)
    {
        tokens.pop();
    }
    match tokens.first().map(|first| &first.token) {
        None => return Err(wrong(asker, "it is empty")),
        Some(Token::Word(word)) if word.quote_style.is_none() => match word.keyword {
            Keyword::NoKeyword => {}
            Keyword::REPLACE => return refuse("REPLACE (write ON CONFLICT … DO UPDATE)"),
            verb if VERBS.contains(&verb) => {}
            _ => return refuse("a command on the schema or the database"),
        },
        Some(_) => {}
    }
    if tokens.iter().any(|token| token.token == Token::SemiColon) {
        return refuse("a second statement");
    }
    bounded(&tokens)?;
    Ok(tokens)
}

/// What two readers may read differently, if `token` is such a thing.
fn unclear(dialect: Dialect, token: &Token) -> Option<String> {
    let what = match token {
        Token::Whitespace(
            Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_),
        ) => "a comment",
        Token::Whitespace(_) | Token::Comma | Token::Period | Token::SemiColon => return None,
        Token::LParen | Token::RParen | Token::LBracket | Token::RBracket => return None,
        Token::Number(_, false) | Token::SingleQuotedString(_) => return None,
        Token::Word(word) if word.quote_style == Some('\'') => "a name in single quotes",
        Token::Word(word) if word.value.contains('\0') => "a NUL character",
        Token::Word(_) => return None,
        Token::Placeholder(name) if is_numbered(name) => return None,
        Token::Placeholder(_) | Token::Question if dialect == Dialect::Sqlite => {
            "parameters that are not written `$1`, `$2` …"
        }
        Token::Placeholder(_) => "parameters that are not written `$1`, `$2` …",
        Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq => return None,
        Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod => return None,
        Token::StringConcat | Token::Arrow | Token::LongArrow | Token::Ampersand => return None,
        Token::Pipe | Token::Tilde | Token::ShiftLeft | Token::ShiftRight => return None,
        Token::DoubleEq if dialect == Dialect::Sqlite => return None,
        token if dialect == Dialect::Postgres && is_of_postgres(token) => return None,
        Token::EOF => return None,
        other => return Some(format!("`{other}`")),
    };
    Some(what.to_owned())
}

/// Operators that PostgreSQL has, and its extension for vectors.
fn is_of_postgres(token: &Token) -> bool {
    match token {
        Token::CustomBinaryOperator(name) => matches!(name.as_str(), "<#>" | "<->" | "<=>"),
        Token::DoubleColon | Token::RArrow | Token::Caret | Token::Sharp | Token::Overlap => true,
        Token::TildeAsterisk | Token::ExclamationMarkTilde => true,
        Token::ExclamationMarkTildeAsterisk | Token::DoubleTilde => true,
        Token::Spaceship | Token::TwoWayArrow | Token::HashArrow | Token::HashLongArrow => true,
        Token::AtArrow | Token::ArrowAt | Token::HashMinus | Token::AtQuestion => true,
        Token::AtAt | Token::Question | Token::QuestionAnd | Token::QuestionPipe => true,
        _ => false,
    }
}

fn is_numbered(name: &str) -> bool {
    let number = name.strip_prefix('$').unwrap_or_default();
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    digits && (1..=5).contains(&number.len()) && !number.starts_with('0')
}

/// Depth counted before anything is built. A comma stands between parts that are not in each
/// other, so the count begins anew after it; what was in parentheses may go on after them.
fn bounded(tokens: &[TokenWithSpan]) -> Result<(), StoreError> {
    let mut open = vec![Parentheses::default()];
    let mut connected = 1;
    for token in tokens {
        let level = open.last_mut().ok_or_else(unbalanced)?;
        match &token.token {
            Token::LParen | Token::LBracket => {
                level.count += 1;
                open.push(Parentheses::default());
            }
            Token::RParen | Token::RBracket => {
                let inner = level.count.max(level.most);
                open.pop();
                open.last_mut().ok_or_else(unbalanced)?.count += inner;
            }
            Token::Comma => {
                level.most = level.most.max(level.count);
                level.count = 0;
            }
            Token::Word(word) if word.keyword == Keyword::NoKeyword => {}
            Token::Word(word) => {
                level.count += 1;
                connected += usize::from(connects(word.keyword));
            }
            Token::Number(..) | Token::SingleQuotedString(_) => {}
            Token::Period | Token::Placeholder(_) => {}
            _ => level.count += 1,
        }
        if open.iter().map(|level| level.count).sum::<usize>() > DEPTH {
            return Err(too_deep(&format!(
                "more than {DEPTH} operators, keywords and parentheses without a comma between them"
            )));
        }
    }
    if connected > CONNECTED {
        return Err(too_deep(&format!(
            "more than {CONNECTED} SELECTs connected by UNION and its like"
        )));
    }
    Ok(())
}

/// What was counted between one pair of parentheses.
#[derive(Default)]
struct Parentheses {
    /// Since the last comma.
    count: usize,
    /// Between any two commas before.
    most: usize,
}

fn connects(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS
    )
}

fn too_deep(what: &str) -> StoreError {
    let text = format!(
        "the statement is too deep: it has {what}; do less in one, or bind a list of values"
    );
    StoreError::new(StoreErrorKind::Statement, text)
}

fn unbalanced() -> StoreError {
    let text = "the statement is not understood: a parenthesis is closed that was not opened";
    StoreError::new(StoreErrorKind::Statement, text)
}
