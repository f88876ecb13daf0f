//! `qa.topic_delivery`: what a model thinks of a draft: whether it gives what its topic promises.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use schemars::JsonSchema;
use serde::Serialize;

use crate::rails::judge::judge;
use crate::rails::question::{Judged, Judging, TOPIC_DELIVERY as QUESTION};
use crate::rails::review::Review;

struct TopicDelivery;

callboard_core::register!(TopicDelivery);

#[derive(Serialize, JsonSchema)]
struct Writes {
    topic_delivery: Review,
}

impl Handler for TopicDelivery {
    type Config = Judging;
    type Reads = Judged;
    type Writes = Writes;

    const SUMMARY: &'static str =
        "Judges whether a draft gives what its topic promises, by a model";

    fn needs(&self) -> Needs {
        Needs::default()
            .prompt(QUESTION.prompt, &["text", "topic"], &["title", "sources"])
            .role_key("role")
            .by_schema()
    }

    async fn handle(&self, call: &Call, judging: Judging, reads: Judged) -> Handled<Writes> {
        let verdict = judge(call, &judging, QUESTION, &reads).await?;
        verdict.handled(QUESTION.rule, |topic_delivery| Writes { topic_delivery })
    }
}
