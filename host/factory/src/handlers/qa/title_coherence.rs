//! `qa.title_coherence`: what a model thinks of a draft: whether its title says what it is about.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use schemars::JsonSchema;
use serde::Serialize;

use crate::rails::judge::judge;
use crate::rails::question::{Judged, Judging, TITLE_COHERENCE as QUESTION};
use crate::rails::review::Review;

struct TitleCoherence;

callboard_core::register!(TitleCoherence);

#[derive(Serialize, JsonSchema)]
struct Writes {
    title_coherence: Review,
}

impl Handler for TitleCoherence {
    type Config = Judging;
    type Reads = Judged;
    type Writes = Writes;

    const SUMMARY: &'static str = "Judges whether a title says what its draft is about, by a model";

    fn needs(&self) -> Needs {
        Needs::default()
            .prompt(QUESTION.prompt, &["title", "text"], &["topic", "sources"])
            .role_key("role")
            .by_schema()
    }

    fn always_gives_a_verdict(&self) -> bool {
        true
    }

    async fn handle(&self, call: &Call, judging: Judging, reads: Judged) -> Handled<Writes> {
        let verdict = judge(call, &judging, QUESTION, &reads).await?;
        verdict.handled(QUESTION.rule, |title_coherence| Writes { title_coherence })
    }
}
