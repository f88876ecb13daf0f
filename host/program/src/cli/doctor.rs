//! `doctor`: what is wrong, and the mend.

use callboard_core::operations::doctor::{self, Diagnosis, Symptom, SymptomLevel};
use clap::Args;

use super::exit::Exit;
use super::output::Answered;
use super::{Context, Failure};

#[derive(Debug, Args)]
pub(super) struct Doctor {}

impl Doctor {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let diagnosis = doctor::examine(&context.workspace, context.database.as_deref()).await?;
        tell(context, &diagnosis);
        let answered = context.output.json(&diagnosis);
        Ok(match diagnosis.count(SymptomLevel::Problem) {
            0 => answered,
            _ => answered.with(Exit::Failed),
        })
    }
}

fn tell(context: &Context, diagnosis: &Diagnosis) {
    for symptom in &diagnosis.symptoms {
        tell_symptom(context, symptom);
    }
    let (problems, notes) = (
        diagnosis.count(SymptomLevel::Problem),
        diagnosis.count(SymptomLevel::Note),
    );
    let checks = diagnosis.checks.len();
    context.output.say(match (problems, notes) {
        (0, 0) => format!("{checks} checks, all is well"),
        _ => format!("{checks} checks: {problems} problems, {notes} notes"),
    });
}

fn tell_symptom(context: &Context, symptom: &Symptom) {
    let level = match symptom.level {
        SymptomLevel::Problem => "problem",
        SymptomLevel::Note => "note",
    };
    let subject = match symptom.subject.as_str() {
        "" => String::new(),
        subject => format!("{subject}: "),
    };
    let label = format!("{level}: {}: ", symptom.check);
    let problem = format!("{subject}{}", symptom.problem);
    context.output.labelled(&label, &problem);
    if !symptom.mend.is_empty() {
        context.output.labelled("  mend  ", &symptom.mend);
    }
}
