//! The SQL. The names were checked by [`Config::check`] before they get here.

use crate::config::Config;

/// The statements of one call. `$1` is the source table, `$2` the batch.
#[derive(Debug)]
pub(crate) struct Statements {
    /// How many orphans there are.
    pub count: String,
    /// A row if the source table has any.
    pub any_source: String,
    /// Delete one batch of orphans.
    pub delete: String,
}

impl Statements {
    pub(crate) fn new(config: &Config) -> Self {
        let Config {
            source_table: table,
            source_id_column: column,
            ..
        } = config;
        // Qualified on purpose: SQLite reads an unknown name in double quotes as a text, and
        // then every embedding would be an orphan. `source."x"` is an error instead.
        let mut orphan = format!(
            "orphan.source_table = $1 AND orphan.is_summary = FALSE AND NOT EXISTS \
             (SELECT 1 FROM \"{table}\" AS source WHERE CAST(source.\"{column}\" AS TEXT) = orphan.source_id)"
        );
        let count = format!("SELECT COUNT(*) AS orphans FROM embeddings AS orphan WHERE {orphan}");
        if !config.allow_empty_source {
            // Again in the statement that deletes, for the table may be emptied meanwhile.
            orphan = format!("{orphan} AND EXISTS (SELECT 1 FROM \"{table}\")");
        }
        Self {
            count,
            any_source: format!("SELECT 1 AS found FROM \"{table}\" LIMIT 1"),
            delete: format!(
                "DELETE FROM embeddings WHERE is_summary = FALSE AND id IN \
                 (SELECT orphan.id FROM embeddings AS orphan WHERE {orphan} ORDER BY orphan.id LIMIT $2)"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(config: &str) -> Statements {
        Statements::new(&serde_json::from_str(config).expect("a config"))
    }

    #[test]
    fn summaries_are_out_of_reach_of_every_statement() {
        let statements = statements(r#"{"source_table": "posts"}"#);
        assert!(statements.count.contains("orphan.is_summary = FALSE"));
        assert!(
            statements
                .delete
                .starts_with("DELETE FROM embeddings WHERE is_summary = FALSE AND")
        );
    }

    #[test]
    fn an_empty_source_deletes_nothing_unless_told_so() {
        let guard = "AND EXISTS (SELECT 1 FROM \"posts\")";
        assert!(
            statements(r#"{"source_table": "posts"}"#)
                .delete
                .contains(guard)
        );
        let told = statements(r#"{"source_table": "posts", "allow_empty_source": true}"#);
        assert!(!told.delete.contains(guard));
    }

    #[test]
    fn names_are_quoted_and_qualified() {
        let statements = statements(r#"{"source_table": "commits", "source_id_column": "sha"}"#);
        assert!(
            statements
                .count
                .contains("FROM \"commits\" AS source WHERE CAST(source.\"sha\" AS TEXT)")
        );
    }
}
