//! What an operator may set.

use callboard_plugin::Stop;
use schemars::JsonSchema;
use serde::Deserialize;

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// The configuration of a policy or stage.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The rows to look at: the value of `embeddings.source_table`.
    #[schemars(length(min = 1))]
    pub source_table: String,
    /// Rows older than this many days are candidates.
    #[serde(default = "age_days")]
    pub age_days: u32,
    /// The members a cluster should have. The number of clusters follows from it, so it
    /// grows with the pool.
    #[serde(default = "cluster_size")]
    #[schemars(range(min = 2))]
    pub cluster_size: u32,
    /// How many candidates one call looks at, at most.
    #[serde(default = "batch_size")]
    #[schemars(range(min = 1))]
    pub batch_size: u32,
    /// The seed of the clustering: the same rows and seed give the same clusters.
    #[serde(default = "seed")]
    pub seed: u64,
    /// Rounds of the clustering, at most.
    #[serde(default = "max_iterations")]
    #[schemars(range(min = 1))]
    pub max_iterations: u32,
    /// Say what would be done, and do nothing.
    #[serde(default)]
    pub dry_run: bool,
}

fn age_days() -> u32 {
    90
}

fn cluster_size() -> u32 {
    8
}

fn batch_size() -> u32 {
    500
}

fn seed() -> u64 {
    1337
}

fn max_iterations() -> u32 {
    20
}

impl Config {
    /// Refuse what cannot be meant, whoever wrote it past the schema.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        let refuse = |message: &str| Err(Stop::bad_config(message));
        if self.source_table.trim().is_empty() {
            return refuse("`source_table` is empty; name the rows to collapse");
        }
        if self.cluster_size < 2 {
            return refuse("`cluster_size` is below 2; a cluster of one saves nothing");
        }
        if self.batch_size == 0 {
            return refuse("`batch_size` is 0; a call would look at no row");
        }
        if self.max_iterations == 0 {
            return refuse("`max_iterations` is 0; the clustering would not begin");
        }
        Ok(())
    }

    /// Rows created before this are old enough.
    pub(crate) fn cutoff(&self, now: i64) -> i64 {
        now.saturating_sub(i64::from(self.age_days).saturating_mul(MICROSECONDS_A_DAY))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Config {
        serde_json::from_str(text).expect("a config")
    }

    #[test]
    fn the_table_is_all_one_has_to_say() {
        let config = parse(r#"{"source_table": "posts"}"#);
        assert_eq!(
            (config.age_days, config.cluster_size, config.seed),
            (90, 8, 1337)
        );
        assert_eq!(config.check(), Ok(()));
        assert_eq!(config.cutoff(91 * MICROSECONDS_A_DAY), MICROSECONDS_A_DAY);
    }

    #[test]
    fn clusters_of_one_and_empty_batches_are_refused() {
        for text in [
            r#"{"source_table": "posts", "cluster_size": 1}"#,
            r#"{"source_table": "posts", "batch_size": 0}"#,
            r#"{"source_table": " "}"#,
        ] {
            assert!(parse(text).check().is_err(), "{text}");
        }
    }
}
