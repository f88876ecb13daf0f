//! `check`: the roll call.

use callboard_core::operations::revisions::{self, RollReportView};
use callboard_core::rollcall::{Reference, RollReport};
use callboard_core::shown::Shown;
use clap::Args;

use super::exit::Exit;
use super::output::{Answered, Output};
use super::watch::patiently;
use super::{Context, Failure};

/// What takes its time when a component is new.
pub(super) const CALLING: &str = "calling the roll; a new plugin is compiled once";

#[derive(Debug, Args)]
pub(super) struct Check {
    /// List the references that answer, too.
    #[arg(long)]
    all: bool,
}

impl Check {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let roll = patiently(context.output, CALLING, revisions::check(&app)).await?;
        tell(context.output, &roll, self.all);
        let answered = context.output.json(&RollReportView::from(&roll));
        Ok(match roll.misses().next() {
            None => answered,
            Some(_) => answered.with(Exit::Failed),
        })
    }
}

/// Tell people of a roll: the misses in full, and the count of answers.
pub(super) fn tell(output: Output, roll: &RollReport, all: bool) {
    if all {
        let answered = roll
            .references
            .iter()
            .filter(|reference| reference.miss.is_none());
        let rows = answered.map(|reference| {
            vec![
                reference.referrer.to_string(),
                reference.key.clone(),
                reference.kind.to_string(),
                reference.target.clone(),
                place(reference),
            ]
        });
        output.table(&["referrer", "key", "kind", "target", "at"], rows.collect());
    }
    let references = roll.asked();
    let causes = roll.causes();
    for (cause, dependent) in &causes {
        tell_miss(output, "miss: ", cause, dependent);
    }
    for waiting in roll.waiting() {
        tell_miss(output, "blocked: ", waiting, &[]);
    }
    for warning in roll.warnings() {
        tell_miss(output, "warning: ", warning, &[]);
    }
    let follow: usize = causes.iter().map(|(_, dependent)| dependent.len()).sum();
    match (causes.len(), follow) {
        (0, _) => output.say(format_args!("all {references} references answer")),
        (misses, 0) => output.say(format_args!(
            "{misses} of {references} references have no answer"
        )),
        (misses, follow) => output.say(format_args!(
            "{misses} of {references} references have no answer, and {follow} depend on them"
        )),
    }
}

fn tell_miss(output: Output, label: &str, reference: &Reference, dependent: &[&Reference]) {
    let Some(miss) = &reference.miss else {
        return;
    };
    let text = format!(
        "{}: {} ({} -> {})",
        reference.referrer, miss.problem, reference.key, reference.target,
    );
    output.whole(label, &Shown::line(text).to_string());
    output.whole("  at    ", &place(reference));
    output.whole("  mend  ", &miss.mend);
    // Several misses of one reference are one line.
    let mut told: Vec<String> = Vec::new();
    for line in dependent.iter().map(|other| said(other)) {
        if !told.contains(&line) {
            let label = if told.is_empty() {
                "  so    "
            } else {
                "        "
            };
            output.whole(label, &line);
            told.push(line);
        }
    }
}

/// A miss that depends on another, in a line.
fn said(reference: &Reference) -> String {
    let (referrer, key) = (&reference.referrer, &reference.key);
    let target = &reference.target;
    format!(
        "{referrer} has no answer, too ({key} -> {target}, {})",
        place(reference)
    )
}

fn place(reference: &Reference) -> String {
    reference
        .place
        .as_ref()
        .map_or_else(|| "-".to_owned(), ToString::to_string)
}
