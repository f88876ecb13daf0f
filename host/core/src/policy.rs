//! Upkeep as data: `policies/*.toml`, one scheduled handler each, e.g. retention.

use serde::Deserialize;
use serde_json::Value as Json;
use toml::Spanned;

use crate::pipeline::Span;
use crate::schedule::Schedule;

/// A definition of upkeep. It runs as a run of one stage, named `policy:<name>`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub name: Spanned<String>,
    #[serde(default)]
    pub description: String,
    pub handler: Spanned<String>,
    /// The table it keeps in shape; it has to be in the live schema.
    pub table: Spanned<String>,
    /// How long to wait after one run before the next. A policy has this or schedules.
    #[serde(default)]
    pub every: Option<Span>,
    /// When it runs by the clock.
    #[serde(default, rename = "schedule")]
    pub schedules: Vec<Schedule>,
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// How long one run may take.
    #[serde(default = "ten_minutes")]
    pub timeout: Span,
    #[serde(default = "empty")]
    pub config: Json,
}

/// What the names of pipelines begin with that are policies.
pub const PIPELINE: &str = "policy:";

/// The pipeline that carries out the policy of a name.
pub fn pipeline(policy: &str) -> String {
    format!("{PIPELINE}{policy}")
}

/// The policy that a pipeline carries out, if it is one's.
pub fn of_pipeline(pipeline: &str) -> Option<&str> {
    pipeline.strip_prefix(PIPELINE)
}

impl Policy {
    /// When it runs, for a person: `24h`, or `at 06:00, Europe/Berlin`.
    pub fn cadence(&self) -> String {
        let pause = self.every.iter().map(ToString::to_string);
        let times = self.schedules.iter().map(Schedule::describe);
        pause.chain(times).collect::<Vec<_>>().join("; ")
    }
}

fn enabled() -> bool {
    true
}

fn ten_minutes() -> Span {
    Span::from_secs(600)
}

fn empty() -> Json {
    Json::Object(serde_json::Map::new())
}
