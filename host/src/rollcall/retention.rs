//! Policies that would eat each other's rows.
//!
//! `embeddings` holds two classes of rows for each `source_table`: rows of the source, and
//! summaries, which `retention.collapse` writes in place of the rows it is given. So:
//!
//! 1. **A prune by age spares summaries.** Where a collapse writes summaries, a
//!    `retention.ttl_prune` on `embeddings` that would take the same source's rows has to say
//!    that it leaves them: `keep_summaries = true`, or a condition on `is_summary`. Otherwise
//!    collapse and prune together lose the memory.
//! 2. **A prune by age comes after the collapse.** Where `ttl_days` is not longer than the
//!    collapse's `age_days`, the rows are gone before they can be summarised.
//! 3. **A prune of orphans is safe**, because `retention.orphan_prune` never takes a summary:
//!    summaries have ids that join no source, and it knows. It needs no rule.
//!
//! Only policies that are enabled count. One without `source_table` is about every source.

use serde_json::{Map, Value as Json};

use super::policies::effective;
use super::{Kind, Miss, Reference, Roster};
use crate::policy::Policy;
use crate::workspace::Defined;

const TABLE: &str = "embeddings";
const COLLAPSE: &str = "retention.collapse";
const TTL_PRUNE: &str = "retention.ttl_prune";

/// A policy on the table of memory.
struct Keeper<'a> {
    defined: &'a Defined<Policy>,
    config: Map<String, Json>,
}

pub(super) fn list(roster: &Roster<'_>) -> Vec<Reference> {
    let collapses = keepers(roster, COLLAPSE);
    let mut references = Vec::new();
    for prune in keepers(roster, TTL_PRUNE) {
        for collapse in collapses.iter().filter(|collapse| prune.meets(collapse)) {
            references.push(summaries(&prune, collapse));
            references.push(age(&prune, collapse));
        }
    }
    references
}

/// Policies whose handler is `handler`, or a plugin's of the same purpose, `<name>_…`.
fn keepers<'a>(roster: &Roster<'a>, handler: &str) -> Vec<Keeper<'a>> {
    let policies = roster.definitions.policies.values();
    policies
        .filter(|policy| policy.value.enabled && policy.value.table.get_ref() == TABLE)
        .filter(|policy| {
            let rest = policy.value.handler.get_ref().strip_prefix(handler);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        })
        .map(|defined| Keeper {
            defined,
            config: effective(roster, &defined.value),
        })
        .collect()
}

impl Keeper<'_> {
    fn name(&self) -> &str {
        self.defined.value.name.get_ref()
    }

    fn days(&self, key: &str) -> Option<f64> {
        self.config.get(key).and_then(Json::as_f64)
    }

    /// Whether both are about a common source.
    fn meets(&self, other: &Keeper<'_>) -> bool {
        let source = |keeper: &Self| {
            keeper
                .config
                .get("source_table")
                .and_then(Json::as_str)
                .map(str::to_owned)
        };
        let other = other.config.get("source_table").and_then(Json::as_str);
        match (source(self), other) {
            (Some(this), Some(other)) => this == other,
            _ => true,
        }
    }

    /// Whether the configuration says that summaries stay.
    fn keeps_summaries(&self) -> bool {
        self.config.get("keep_summaries") == Some(&Json::Bool(true))
            || self
                .config
                .iter()
                .any(|(key, value)| key == "is_summary" || value.to_string().contains("is_summary"))
    }

    fn reference(&self, key: &str, target: &Keeper<'_>) -> Reference {
        let target = format!("policy {}", target.name());
        Reference::new(
            format!("policy {}", self.name()),
            format!("config.{key}"),
            Kind::Retention,
            target,
        )
        .at(self.defined.at(&["config", key]))
    }
}

fn summaries(prune: &Keeper<'_>, collapse: &Keeper<'_>) -> Reference {
    let miss = (!prune.keeps_summaries()).then(|| {
        let problem = format!(
            "it deletes the summaries that policy `{}` writes",
            collapse.name()
        );
        Miss::new(problem, "add `config.keep_summaries = true`")
    });
    prune.reference("keep_summaries", collapse).missed(miss)
}

fn age(prune: &Keeper<'_>, collapse: &Keeper<'_>) -> Reference {
    let ages = prune.days("ttl_days").zip(collapse.days("age_days"));
    let miss = ages.filter(|(ttl, age)| ttl <= age).map(|(ttl, age)| {
        let problem = format!(
            "it deletes rows after {ttl} days, before policy `{}` summarises them after {age}",
            collapse.name()
        );
        let mend = format!(
            "write `ttl_days` above {age}, or an `age_days` below {ttl} in {}",
            collapse.defined.file
        );
        Miss::new(problem, mend)
    });
    prune.reference("ttl_days", collapse).missed(miss)
}
