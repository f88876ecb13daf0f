//! `qa.programmatic`: what no draft may have in it, rule by rule. It always gives a verdict.

use callboard_plugin::{Call, Done, Handler, Stop};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

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
    let text = Text::read(&draft.title, &draft.markdown);
    let findings = PROGRAMMATIC
        .iter()
        .flat_map(|rule| rule.findings(&text, &config.lists, &config.rules));
    Review::of(findings.collect())
}
