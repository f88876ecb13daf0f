//! `qa.settle`: rules if a person has to be asked about a draft, from what its rails came to and from what people
//! have said before. A gate that names its stage under `settled_by` goes by that.

use callboard_core::handler::{Call, Handled, Handler, Needs, Ruling};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::rails::aggregate::RailsReport;
use crate::rails::settle::{Config, WaitingDraft};
use crate::tables::{drafts, tasks};

struct Settle;

callboard_core::register!(Settle);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The id of the task.
    task: String,
    draft: Draft,
    /// What all rails came to.
    report: RailsReport,
    /// Whether a person should look before it is published.
    flagged: bool,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// If a person has to be asked, and why.
    ruling: Ruling,
}

impl Handler for Settle {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Rules if a person has to be asked about a draft, from its rails and what people said before";

    fn needs(&self) -> Needs {
        Needs::default()
            .acts_on("task")
            .goes_by("report")
            .goes_by("flagged")
            .table("tasks", &["select"])
            .table("task_history", &["select"])
            .table("drafts", &["select"])
    }

    fn decides(&self) -> bool {
        true
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let id = &reads.task;
        let gone = |what: String| Stop::failed(FailureKind::Input, format!("{what} is not there"));
        let task = call.read_first(tasks::by_id(id)).await?;
        let task = task.ok_or_else(|| gone(format!("task {id}")))?;
        let kept = call.read_first(drafts::numbered(id, task.draft)).await?;
        let kept = kept.ok_or_else(|| gone(format!("draft {} of task {id}", task.draft)))?;
        let moves = call.read(tasks::history(id)).await?;
        let judgements = tasks::judgements(&task, config.clean);
        let judgements = call.read(judgements).await?;
        let ruling = config.ruling(&WaitingDraft {
            draft: &reads.draft,
            kept: &kept,
            report: &reads.report,
            flagged: reads.flagged,
            moves: &moves,
            judgements: &judgements,
        });
        Ok(Done::new(Writes { ruling }))
    }
}
