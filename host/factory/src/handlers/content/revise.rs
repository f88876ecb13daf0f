//! `content.revise`: the text anew, by what the rails found. The first time nothing was found yet, and the
//! text stays as it is; a loop comes back here. Of several texts the best is kept.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::Done;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::asking::{Asking, or_later};
use crate::draft::Draft;
use crate::research::Source;
use crate::rewriting::{Rewrite, rewritten};
use crate::writing::Brief;

struct Revise;

callboard_core::register!(Revise);

const PROMPT: &str = "canonical_revise";

#[derive(Deserialize, JsonSchema)]
struct Reads {
    brief: Brief,
    draft: Draft,
    sources: Vec<Source>,
    /// What the rails found, when they sent it back.
    #[serde(default)]
    feedback: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The text, revised if something was found.
    draft: Draft,
}

impl Handler for Revise {
    type Config = Asking;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Writes a text anew by what the rails found";

    fn needs(&self) -> Needs {
        Needs::default()
            .prompt(PROMPT, &["text", "findings", "sources"], &["brief"])
            .role_key("role")
            .by_schema()
    }

    async fn handle(&self, call: &Call, asking: Asking, reads: Reads) -> Handled<Writes> {
        let Reads {
            brief,
            draft,
            sources,
            feedback,
        } = reads;
        let findings = feedback.unwrap_or_default();
        if findings.trim().is_empty() {
            return Ok(Done::new(Writes { draft }));
        }
        let rewrite = Rewrite {
            prompt: PROMPT,
            brief: &brief,
            sources: &sources,
            findings: Some(&findings),
        };
        let role = format!("role {}", asking.role);
        match rewritten(call, &asking, &rewrite, &draft).await {
            Ok(Ok(draft)) => Ok(Done::new(Writes { draft })),
            Ok(Err(why)) => Ok(Done::new(Writes { draft }).fallback(role, why)),
            Err(stop) => {
                let why = or_later(&asking.role, stop)?;
                Ok(Done::new(Writes { draft }).fallback(role, why))
            }
        }
    }
}
