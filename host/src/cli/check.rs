//! `check`: the roll call.

use std::process::ExitCode;

use clap::Args;

use super::failure::FAILED;
use super::output::Output;
use super::{Context, Failure};
use crate::rollcall::{Reference, Roll};

#[derive(Debug, Args)]
pub(super) struct Check {
    /// List the references that answer, too.
    #[arg(long)]
    all: bool,
}

impl Check {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let roll = context.app().await?.check().await?.roll;
        show(context.output, &roll, self.all);
        Ok(if roll.misses().next().is_none() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(FAILED)
        })
    }
}

/// Print a roll: the misses in full, and the count of answers.
pub(super) fn show(output: Output, roll: &Roll, all: bool) {
    if output.is_json() {
        output.json(roll);
        return;
    }
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
    let (causes, references) = (roll.causes(), roll.references.len());
    for (cause, dependent) in &causes {
        output.say(miss(cause, dependent));
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

fn miss(reference: &Reference, dependent: &[&Reference]) -> String {
    let Some(miss) = &reference.miss else {
        return String::new();
    };
    let mend = miss.mend.replace('\n', "\n        ");
    let dependent: Vec<_> = dependent.iter().map(|other| said(other)).collect();
    let dependent = match dependent.as_slice() {
        [] => String::new(),
        all => format!("\n  so    {}", all.join("\n        ")),
    };
    format!(
        "miss: {}: {} ({} -> {})\n  at    {}\n  mend  {mend}{dependent}",
        reference.referrer,
        miss.problem,
        reference.key,
        reference.target,
        place(reference),
    )
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
