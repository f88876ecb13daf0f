//! `qa.citations`: every claim of a draft has to be borne out by the changes that it stands on, and
//! every pull request, commit, version, path, address, day and count beside them has to be in its
//! bundle. A built-in text has to be the one that the template makes of the bundle. No model is asked:
//! it always gives a verdict.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diary::bundle::Bundle;
use crate::diary::check::{Citations, check};
use crate::diary::page::TEMPLATE;
use crate::draft::Draft;

struct CitationsRail;

callboard_core::register!(CitationsRail);

/// How many offending citations the verdict lists.
const LISTED: usize = 20;

/// What may be cited besides the bundle.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Versions that a draft may name although the bundle does not, e.g. `v1.2.3`.
    allow_versions: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    bundle: Bundle,
    draft: Draft,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The verdict and how many citations of each kind it covers.
    citations: Citations,
}

impl Handler for CitationsRail {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Rejects a draft that says what the changes it cites do not";

    fn needs(&self) -> Needs {
        Needs::default().goes_by("bundle")
    }

    fn always_gives_a_verdict(&self) -> bool {
        true
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let Reads { bundle, draft } = reads;
        let template = call.resources.text(TEMPLATE)?;
        match check(&draft, &bundle, &template, &config.allow_versions) {
            Ok(checked) => Ok(Done::new(Writes {
                citations: Citations::pass(checked),
            })),
            Err(misses) => {
                let listed = misses.iter().take(LISTED).map(ToString::to_string);
                let mut detail = listed.collect::<Vec<_>>().join("; ");
                if misses.len() > LISTED {
                    detail = format!("{detail}; and {} more", misses.len() - LISTED);
                }
                Err(Stop::rejected("citations", detail))
            }
        }
    }
}
