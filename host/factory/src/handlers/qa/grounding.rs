//! `qa.grounding`: what a model thinks of a draft: whether what it says is in its sources.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use schemars::JsonSchema;
use serde::Serialize;

use crate::rails::judge::judge;
use crate::rails::question::{GROUNDING as QUESTION, Judged, Judging};
use crate::rails::review::Review;

struct Grounding;

callboard_core::register!(Grounding);

#[derive(Serialize, JsonSchema)]
struct Writes {
    grounding: Review,
}

impl Handler for Grounding {
    type Config = Judging;
    type Reads = Judged;
    type Writes = Writes;

    const SUMMARY: &'static str = "Judges whether what a draft says is in its sources, by a model";

    fn needs(&self) -> Needs {
        Needs::default()
            .prompt(QUESTION.prompt, &["text", "sources"], &["title", "topic"])
            .role_key("role")
            .by_schema()
    }

    async fn handle(&self, call: &Call, judging: Judging, reads: Judged) -> Handled<Writes> {
        let verdict = judge(call, &judging, QUESTION, &reads).await?;
        verdict.handled(QUESTION.rule, |grounding| Writes { grounding })
    }
}
