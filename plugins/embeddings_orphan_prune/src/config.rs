//! What an operator may set.

use callboard_plugin::Stop;
use schemars::JsonSchema;
use serde::Deserialize;

/// The configuration of a policy or stage.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The table that the embeddings were made from; also the value of
    /// `embeddings.source_table`. The plugin must be granted `select` on it.
    #[schemars(regex(pattern = r"^[a-z_][a-z0-9_]*$"))]
    pub source_table: String,
    /// The column of the source table that `embeddings.source_id` holds, as text.
    #[serde(default = "source_id_column")]
    #[schemars(regex(pattern = r"^[a-z_][a-z0-9_]*$"))]
    pub source_id_column: String,
    /// How many rows one statement deletes, at most.
    #[serde(default = "batch_size")]
    #[schemars(range(min = 1))]
    pub batch_size: u32,
    /// How many batches one call deletes, at most.
    #[serde(default = "max_batches")]
    #[schemars(range(min = 1))]
    pub max_batches: u32,
    /// Delete every embedding if the source table is empty, instead of taking the emptiness
    /// for an outage.
    #[serde(default)]
    pub allow_empty_source: bool,
    /// Say how many orphans there are, and delete none.
    #[serde(default)]
    pub dry_run: bool,
}

fn source_id_column() -> String {
    "id".to_owned()
}

fn batch_size() -> u32 {
    1000
}

fn max_batches() -> u32 {
    10
}

impl Config {
    /// Refuse what cannot be meant, whoever wrote it past the schema.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        for (key, name) in [
            ("source_table", &self.source_table),
            ("source_id_column", &self.source_id_column),
        ] {
            if !is_identifier(name) {
                let message = format!(
                    "`{key}` is `{name}`; a name has lower-case letters, digits and underscores, and no digit first"
                );
                return Err(Stop::bad_config(message));
            }
        }
        if self.batch_size == 0 || self.max_batches == 0 {
            return Err(Stop::bad_config(
                "`batch_size` and `max_batches` are at least 1; a call would delete no row",
            ));
        }
        Ok(())
    }
}

/// `[a-z_][a-z0-9_]*`: what may stand between quotes in a statement.
fn is_identifier(name: &str) -> bool {
    let starts = |first: char| first == '_' || first.is_ascii_lowercase();
    name.starts_with(starts)
        && name
            .chars()
            .all(|char| starts(char) || char.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_all_one_has_to_say() {
        let config: Config =
            serde_json::from_str(r#"{"source_table": "posts"}"#).expect("a config");
        assert_eq!(
            (
                config.source_id_column.as_str(),
                config.batch_size,
                config.max_batches
            ),
            ("id", 1000, 10)
        );
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn names_cannot_break_out_of_their_quotes() {
        for name in ["posts", "_p1"] {
            assert!(is_identifier(name), "{name}");
        }
        for name in ["", "1p", "Posts", "a b", "a\"b", "a;", "a.b", "ä"] {
            assert!(!is_identifier(name), "{name}");
        }
    }
}
