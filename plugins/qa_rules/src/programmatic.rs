//! `qa.programmatic`: what no draft may have in it, rule by rule: its text, and the fields that lists and search
//! engines show of it. It always gives a verdict.

use callboard_plugin::{Call, Done, Handler, Stop};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::fields;
use crate::review::{Draft, Review};
use crate::rule::{self, Choices, Lists};
use crate::rules::PROGRAMMATIC;
use crate::text::Text;

pub(crate) struct Programmatic;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    #[schemars(schema_with = "choices")]
    pub(crate) rules: Choices,
    /// What the rules are given besides the draft.
    pub(crate) lists: Lists,
    /// What is judged: `all` that goes out, or `fields`, the excerpt and the title for search engines, alone.
    pub(crate) only: Only,
}

/// What is judged of a draft.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Only {
    #[default]
    All,
    Fields,
}

fn choices(generator: &mut SchemaGenerator) -> Schema {
    rule::choices(PROGRAMMATIC, generator)
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Reads {
    draft: Draft,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Writes {
    programmatic: Review,
}

impl Handler for Programmatic {
    const NAME: &'static str = "qa.programmatic";
    const SUMMARY: &'static str = "Rejects a draft with what no draft may have in it: invented people and figures, placeholders, leaked prompts";
    const ALWAYS_GIVES_A_VERDICT: bool = true;
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    fn handle(_: &Call, config: Config, reads: Reads) -> Result<Done<Writes>, Stop> {
        review(&reads.draft, &config).verdict(|programmatic| Writes { programmatic })
    }
}

pub(crate) fn review(draft: &Draft, config: &Config) -> Review {
    let mut findings = Vec::new();
    if config.only == Only::All {
        let text = Text::read(&draft.title, &draft.markdown);
        let rules = PROGRAMMATIC.iter();
        findings.extend(rules.flat_map(|rule| rule.findings(&text, &config.lists, &config.rules)));
    }
    findings.extend(fields::findings(draft, config));
    Review::of(findings)
}
