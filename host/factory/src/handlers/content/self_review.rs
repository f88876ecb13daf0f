//! `content.self_review`: the role that wrote reads its text again. A new text that is no better, or
//! none, leaves the old one, and says so.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::Done;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::asking::{Asking, or_later};
use crate::draft::Draft;
use crate::research::Source;
use crate::rewriting::{Rewrite, rewritten};
use crate::writing::Brief;

struct SelfReview;

callboard_core::register!(SelfReview);

const PROMPT: &str = "canonical_review";

#[derive(Deserialize, JsonSchema)]
struct Reads {
    brief: Brief,
    draft: Draft,
    sources: Vec<Source>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The better of both texts.
    draft: Draft,
}

impl Handler for SelfReview {
    type Config = Asking;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Lets a model go over its text again, and keeps the better one";

    fn needs(&self) -> Needs {
        Needs::default()
            .prompt(PROMPT, &["text", "sources"], &["brief"])
            .role_key("role")
            .by_schema()
    }

    async fn handle(&self, call: &Call, asking: Asking, reads: Reads) -> Handled<Writes> {
        let Reads {
            brief,
            draft,
            sources,
        } = reads;
        let rewrite = Rewrite {
            prompt: PROMPT,
            brief: &brief,
            sources: &sources,
            findings: None,
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
