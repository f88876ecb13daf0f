//! `qa.critic`: what a model thinks of a draft: as an editor would: whether it is worth reading, clear, true to itself.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use schemars::JsonSchema;
use serde::Serialize;

use crate::rails::judge::judge;
use crate::rails::question::{CRITIC as QUESTION, Judged, Judging};
use crate::rails::review::Review;

struct Critic;

callboard_core::register!(Critic);

#[derive(Serialize, JsonSchema)]
struct Writes {
    critic: Review,
}

impl Handler for Critic {
    type Config = Judging;
    type Reads = Judged;
    type Writes = Writes;

    const SUMMARY: &'static str = "Judges a draft as an editor would, by a model";

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
        verdict.handled(QUESTION.rule, |critic| Writes { critic })
    }
}
