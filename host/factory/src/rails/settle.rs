//! Whether a draft can do without a person: only by a score that an operator named, with nothing that any rail
//! has against it, and after people have let what the pipeline writes pass as it was. No IO.

use callboard_core::handler::{Ruling, RulingAnswer};
use schemars::JsonSchema;
use serde::Deserialize;

use super::aggregate::RailsReport;
use super::policy::{Action, CameTo};
use crate::draft::Draft;
use crate::tables::drafts::{self, DraftOrigin};
use crate::tables::tasks::{Judgement, TaskEvent, TaskMove};

/// How `qa.settle` is configured.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The score, 0 to 100, from which on a draft can do without a person.
    #[schemars(range(max = 100))]
    pub threshold: u32,
    /// Whether a person is asked all the same, and told what would have been done.
    #[serde(default = "yes")]
    pub dry_run: bool,
    /// What people said last about other tasks of the pipeline has to have been so often in a row "yes", to a
    /// draft that they had not edited.
    #[serde(default = "three")]
    #[schemars(range(max = 100))]
    pub clean: u32,
}

fn yes() -> bool {
    true
}

fn three() -> u32 {
    3
}

/// What is known of a draft that waits.
#[derive(Debug, Clone, Copy)]
pub struct WaitingDraft<'k> {
    /// As the pipeline has it.
    pub draft: &'k Draft,
    /// As its task has it: what is published.
    pub kept: &'k drafts::DraftVersion,
    pub report: &'k RailsReport,
    pub flagged: bool,
    /// Of its task.
    pub moves: &'k [TaskMove],
    /// Of other tasks of its pipeline, newest first, as many as are wanted.
    pub judgements: &'k [Judgement],
}

impl Config {
    /// What follows.
    pub fn ruling(&self, known: &WaitingDraft<'_>) -> Ruling {
        let against = self.against(known);
        let (answer, reasons) = if !against.is_empty() {
            (RulingAnswer::Ask, against)
        } else if self.dry_run {
            let first = format!(
                "would have approved, and `dry_run` is on: {}",
                self.for_it(known).join("; ")
            );
            (RulingAnswer::Ask, vec![first])
        } else {
            (RulingAnswer::Approve, self.for_it(known))
        };
        Ruling {
            answer,
            reasons,
            seen: Some(known.kept.number),
        }
    }

    fn for_it(&self, known: &WaitingDraft<'_>) -> Vec<String> {
        let (score, threshold) = (known.report.score.unwrap_or_default(), self.threshold);
        let rails = known.report.rails.len();
        let mut reasons = vec![
            format!("score {score} ≥ {threshold}"),
            format!("{rails} rails have nothing against it"),
        ];
        if self.clean > 0 {
            let clean = self.clean;
            reasons.push(format!("people approved the last {clean} as they were"));
        }
        reasons
    }

    /// All that speaks for asking.
    fn against(&self, known: &WaitingDraft<'_>) -> Vec<String> {
        let mut against = rails(known);
        match known.report.score {
            None => against.push("no rail gave a score that counts".to_owned()),
            Some(score) if score < self.threshold => {
                against.push(format!("score {score} < {}", self.threshold));
            }
            Some(_) => {}
        }
        against.extend(text(known));
        against.extend(history(known.moves));
        against.extend(self.unclean(known.judgements));
        against
    }

    fn unclean(&self, judgements: &[Judgement]) -> Option<String> {
        let wanted = usize::try_from(self.clean).unwrap_or(usize::MAX);
        let newest = judgements.iter().take(wanted);
        let clean = newest.take_while(|it| is_clean(it)).count();
        (clean < wanted).then(|| {
            format!(
                "people approved the last {clean} as they were, and {wanted} in a row are wanted"
            )
        })
    }
}

fn is_clean(judgement: &Judgement) -> bool {
    let unedited = judgement
        .origin
        .is_none_or(|it| it == DraftOrigin::Pipeline);
    judgement.event == TaskEvent::Approve && unedited
}

/// What rails have against it. One that gave no verdict because something did not answer, or went wrong, is no
/// rail that passed, whatever its policy makes of it.
fn rails(known: &WaitingDraft<'_>) -> Vec<String> {
    let report = known.report;
    let mut against: Vec<String> = report.flags.clone();
    let failed = report.rails.iter().filter(|row| {
        let fine = matches!(row.came_to, CameTo::Pass | CameTo::NotApplicable);
        row.action == Action::Allow && !fine
    });
    against.extend(failed.map(|row| format!("{}: {}", row.rail, row.why)));
    if against.is_empty() && (known.flagged || report.action != Action::Allow) {
        against.push("it is flagged".to_owned());
    }
    if !report.rails.iter().any(|row| row.came_to == CameTo::Pass) {
        against.push("no rail passed it".to_owned());
    }
    against
}

/// What is published is what was judged.
fn text(known: &WaitingDraft<'_>) -> Option<String> {
    let WaitingDraft {
        draft,
        kept,
        report,
        ..
    } = known;
    if kept.origin != DraftOrigin::Pipeline || kept.conflicts > 0 {
        let (number, editor) = (kept.number, &kept.editor);
        return Some(format!("draft {number} was edited by {editor}"));
    }
    let same = kept.text().is_ok_and(|kept| kept.digest() == report.text);
    if !same || report.text != draft.digest() {
        return Some("the rails judged another text than the one that is kept".to_owned());
    }
    None
}

/// What has happened to the task that a person should look at.
fn history(moves: &[TaskMove]) -> Option<String> {
    let rejected = moves.iter().rev().find(|it| {
        matches!(
            it.event,
            TaskEvent::Reject | TaskEvent::SendBack | TaskEvent::Edit
        )
    })?;
    let what = match rejected.event {
        TaskEvent::Edit => "edited",
        TaskEvent::SendBack => "sent back",
        _ => "rejected",
    };
    let day = rejected.at.strftime("%Y-%m-%d");
    Some(format!("it was {what} before, on {day}"))
}
