//! `doctor`: what is wrong, and the mend.

use std::process::ExitCode;

use clap::Args;

use super::failure::FAILED;
use super::{Context, Failure};
use crate::app::doctor::{self, Diagnosis, Level, Symptom};

#[derive(Debug, Args)]
pub(super) struct Doctor {}

impl Doctor {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let diagnosis = doctor::examine(&context.workspace, context.database.as_deref()).await?;
        show(context, &diagnosis);
        Ok(match diagnosis.count(Level::Problem) {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::from(FAILED),
        })
    }
}

fn show(context: &Context, diagnosis: &Diagnosis) {
    if context.output.is_json() {
        context.output.json(diagnosis);
        return;
    }
    for symptom in &diagnosis.symptoms {
        context.output.say(text(symptom));
    }
    let (problems, notes) = (
        diagnosis.count(Level::Problem),
        diagnosis.count(Level::Note),
    );
    let checks = diagnosis.checks.len();
    context.output.say(match (problems, notes) {
        (0, 0) => format!("{checks} checks, all is well"),
        _ => format!("{checks} checks: {problems} problems, {notes} notes"),
    });
}

fn text(symptom: &Symptom) -> String {
    let level = match symptom.level {
        Level::Problem => "problem",
        Level::Note => "note",
    };
    let subject = match symptom.subject.as_str() {
        "" => String::new(),
        subject => format!("{subject}: "),
    };
    let mend = match symptom.mend.as_str() {
        "" => String::new(),
        mend => format!("\n  mend  {}", mend.replace('\n', "\n        ")),
    };
    format!(
        "{level}: {}: {subject}{}{mend}",
        symptom.check, symptom.problem
    )
}
