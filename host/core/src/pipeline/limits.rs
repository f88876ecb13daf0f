//! How many runs of a pipeline may do what at a time: `[limits]`.

use serde::Deserialize;
use serde_json::Value as Json;
use toml::Spanned;

use super::Span;
use crate::outcome::Patch;

/// Limits of the runs of a pipeline, or of those that share the value of an input key.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PipelineLimits {
    /// The input key whose value the limits are kept for; for all runs together, if absent.
    pub key: Option<Spanned<String>>,
    /// Runs that are carried out at a time.
    pub at_once: Option<u32>,
    /// Runs that start within `per`.
    pub rate: Option<u32>,
    /// The window of `rate`; a minute, if absent.
    pub per: Option<Span>,
}

impl PipelineLimits {
    /// The key of a run's limits; `None` if there are none.
    pub fn key_of(&self, pipeline: &str, input: &Patch) -> Option<String> {
        if self.at_once.is_none() && self.rate.is_none() {
            return None;
        }
        let value = match &self.key {
            None => return Some(pipeline.to_owned()),
            Some(key) => input.get(key.get_ref()).unwrap_or(&Json::Null),
        };
        Some(match value {
            Json::String(text) => format!("{pipeline}/{text}"),
            other => format!("{pipeline}/{other}"),
        })
    }
}
