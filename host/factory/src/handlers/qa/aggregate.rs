//! `qa.aggregate`: what all rails before it came to, by the policy of each. It passes a draft on, with a
//! report, or rejects it with all that was found, for a stage that writes it anew.
//!
//! It reads what the engine says of the stages that it needs, so a rail that did not run has no verdict
//! and no score. Of several drafts in a row it keeps the best.

use std::collections::BTreeMap;

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::rails::aggregate::{Best, RailsReport, StageReport};
use crate::rails::policy::{Action, Config};

struct Aggregate;

callboard_core::register!(Aggregate);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    draft: Draft,
    /// What came of the stages that it needs.
    #[serde(default)]
    outcomes: BTreeMap<String, StageReport>,
    /// Of the round before.
    report: Option<RailsReport>,
    best: Option<Best>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The draft that goes on; of a rejection the best so far.
    draft: Draft,
    /// What all rails came to.
    report: RailsReport,
    /// The best draft so far and its report.
    best: Best,
    /// Whether a person should look before it is published.
    flagged: bool,
}

impl Handler for Aggregate {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str =
        "Passes a draft by what all rails came to, or rejects it with what they found";

    fn needs(&self) -> Needs {
        Needs::default()
            .verdict_key("required")
            .own("report")
            .own("best")
    }

    fn always_gives_a_verdict(&self) -> bool {
        true
    }

    fn may_flag(&self) -> bool {
        true
    }

    async fn handle(&self, _: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let Reads {
            draft,
            outcomes,
            report,
            best,
        } = reads;
        let round = report.map_or(0, |before| before.round) + 1;
        let report = RailsReport::of(&outcomes, &config, round).about(&draft);
        let newer = Best {
            draft: draft.clone(),
            report: report.clone(),
        };
        let best = best.map_or(newer.clone(), |before| before.better(newer));
        match report.action {
            Action::Allow | Action::Flag => {
                let flagged = report.action == Action::Flag;
                Ok(handed_on(Writes {
                    draft,
                    report,
                    best,
                    flagged,
                }))
            }
            Action::Veto => vetoed(&config, report, best),
            Action::Hold => {
                let (rail, why) = named(&report, Action::Hold);
                Err(Stop::unavailable(rail, why))
            }
            Action::Fail => {
                let (rail, why) = named(&report, Action::Fail);
                Err(Stop::failed(
                    FailureKind::Internal,
                    format!("{rail} went wrong: {why}"),
                ))
            }
        }
    }
}

/// A draft that goes on, with what speaks against it.
fn handed_on(writes: Writes) -> Done<Writes> {
    let flags = writes.report.flags.clone();
    flags.into_iter().fold(Done::new(writes), Done::flag)
}

/// It is rejected, or, if that was so often enough, for a person to decide.
fn vetoed(config: &Config, report: RailsReport, mut best: Best) -> Handled<Writes> {
    let draft = best.draft.clone();
    if config.flag_after.is_some_and(|most| report.round > most) {
        let rounds = report.round;
        best.report.flags.push(format!(
            "it was rejected in {rounds} rounds, and this is the best of them"
        ));
        best.report.round = rounds;
        let report = best.report.clone();
        return Ok(handed_on(Writes {
            draft,
            report,
            best,
            flagged: true,
        }));
    }
    let detail = report.detail();
    let found = Writes {
        draft,
        report,
        best,
        flagged: true,
    };
    Err(Stop::rejected("rails", detail).handing_on(&found))
}

/// The first rail with an action, and why; where none has it, why there is no verdict at all.
fn named(report: &RailsReport, action: Action) -> (String, String) {
    let rails = || "rails".to_owned();
    match (report.first(action), report.flags.last()) {
        (Some(row), _) => (format!("rail `{}`", row.rail), row.why.clone()),
        (None, Some(flag)) => (rails(), flag.clone()),
        (None, None) => (
            rails(),
            "no rail was asked; name them in `needs`".to_owned(),
        ),
    }
}
