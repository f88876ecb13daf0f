//! Whose statement an error is about: the plugin, the stage, and what it wrote.

use crate::store::StoreError;

/// Characters of a statement that an error quotes.
const QUOTED: usize = 120;

/// The error of a statement of `plugin` in `stage`.
pub fn about(plugin: &str, stage: &str, sql: &str, error: StoreError) -> StoreError {
    let sql = shortened(sql);
    let message = format!(
        "plugin `{plugin}`, stage `{stage}`, statement `{sql}`: {}",
        error.message
    );
    StoreError { message, ..error }
}

/// One line of it, and no more than a screen has room for.
fn shortened(sql: &str) -> String {
    let line = sql.split_whitespace().flat_map(|word| [" ", word]);
    let letters = line.flat_map(str::chars).skip(1);
    let letters = letters.filter(|letter| !letter.is_control());
    let mut line: String = letters.take(QUOTED + 1).collect();
    if let Some((end, _)) = line.char_indices().nth(QUOTED) {
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_told_in_one_short_line() {
        assert_eq!(shortened(" SELECT\n  1\t"), "SELECT 1");
        assert_eq!(shortened(&"x".repeat(121)), format!("{}…", "x".repeat(120)));
        assert_eq!(shortened(&"ä".repeat(5_000)).chars().count(), 121);
        assert_eq!(shortened("a\u{1b}[2J"), "a[2J");
    }
}
