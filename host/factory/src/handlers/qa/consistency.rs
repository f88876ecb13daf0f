//! `qa.consistency`: what a model thinks of a draft: whether it contradicts itself.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use schemars::JsonSchema;
use serde::Serialize;

use crate::rails::judge::judge;
use crate::rails::question::{CONSISTENCY as QUESTION, Judged, Judging};
use crate::rails::review::Review;

struct Consistency;

callboard_core::register!(Consistency);

#[derive(Serialize, JsonSchema)]
struct Writes {
    consistency: Review,
}

impl Handler for Consistency {
    type Config = Judging;
    type Reads = Judged;
    type Writes = Writes;

    const SUMMARY: &'static str = "Judges whether a draft contradicts itself, by a model";

    fn needs(&self) -> Needs {
        Needs::default()
            .prompt(QUESTION.prompt, &["text"], &["title", "topic", "sources"])
            .role_key("role")
            .by_schema()
    }

    fn always_gives_a_verdict(&self) -> bool {
        true
    }

    async fn handle(&self, call: &Call, judging: Judging, reads: Judged) -> Handled<Writes> {
        let verdict = judge(call, &judging, QUESTION, &reads).await?;
        verdict.handled(QUESTION.rule, |consistency| Writes { consistency })
    }
}
