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
                reference.referrer.clone(),
                reference.key.clone(),
                reference.kind.to_string(),
                reference.target.clone(),
                place(reference),
            ]
        });
        output.table(&["referrer", "key", "kind", "target", "at"], rows.collect());
    }
    for reference in roll.misses() {
        output.say(miss(reference));
    }
    let (misses, references) = (roll.misses().count(), roll.references.len());
    match misses {
        0 => output.say(format_args!("all {references} references answer")),
        _ => output.say(format_args!(
            "{misses} of {references} references have no answer"
        )),
    }
}

fn miss(reference: &Reference) -> String {
    let Some(miss) = &reference.miss else {
        return String::new();
    };
    let mend = miss.mend.replace('\n', "\n        ");
    format!(
        "miss: {}: {} ({} -> {})\n  at    {}\n  mend  {mend}",
        reference.referrer,
        miss.problem,
        reference.key,
        reference.target,
        place(reference),
    )
}

fn place(reference: &Reference) -> String {
    reference
        .place
        .as_ref()
        .map_or_else(|| "-".to_owned(), ToString::to_string)
}
