//! `runs show`: one run with its stages and gates.

use callboard_core::lines::LineSource;
use callboard_core::operations::gates::GateView;
use callboard_core::operations::runs::{self, HolderView, RunStatus, RunView, StageRunView};
use callboard_core::shown::Shown;
use jiff::Timestamp;

use crate::cli::gates::decision;
use crate::cli::models::took;
use crate::cli::output::{Answered, Output, time};
use crate::cli::watch::length;
use crate::cli::{Context, Failure};

pub(super) async fn show(context: &Context, id: &str) -> Result<Answered, Failure> {
    let app = context.app().await?;
    let details = runs::show(&app, id).await?;
    let (output, stages) = (context.output, &details.stages);
    head(output, &details.run, details.holder.as_ref());
    let header = [
        "stage", "visit", "handler", "outcome", "then", "took", "detail",
    ];
    output.table(&header, stages.iter().map(stage_row).collect());
    if !details.models.is_empty() {
        output.say("");
        took(output, &details.models);
    }
    for problem in &details.unreadable {
        output.labelled("unreadable: ", problem);
    }
    for stage in stages.iter().filter(|stage| !stage.log.is_empty()) {
        log(output, stage);
    }
    if !details.gates.is_empty() {
        output.say("");
        let header = ["gate", "visit", "decision", "by", "at", "feedback"];
        output.table(&header, details.gates.iter().map(gate_row).collect());
    }
    Ok(output.json(&details))
}

fn head(output: Output, run: &RunView, holder: Option<&HolderView>) {
    let line = |name: &str, text: &str| {
        if !text.is_empty() {
            output.labelled(&format!("{name:<10}"), text);
        }
    };
    line("run", &run.id);
    let (pipeline, revision) = (&run.pipeline, run.revision);
    line("pipeline", &format!("{pipeline} (revision {revision})"));
    line("status", run.status.as_str());
    line("detail", &run.detail);
    line("origin", &run.origin);
    line("priority", &run.priority.to_string());
    line("created", &format!("{} UTC", time(run.created_at)));
    line("spent", &length(run.spent()));
    line("wakes", &wakes(run));
    let under_way = run.status == RunStatus::Running;
    if let Some(holder) = holder.filter(|_| under_way) {
        let worker = holder.worker.as_deref().unwrap_or("nobody");
        let until = holder.lease_until.map(since).unwrap_or_default();
        line("worker", &format!("{worker}{until}"));
    }
    if let Some((holder, stop_request)) =
        holder.and_then(|holder| Some((holder, holder.stop_request?)))
    {
        let (stop_request, detail) = (stop_request.as_str(), &holder.stop_detail);
        line("asked to", &format!("{stop_request} ({detail})"));
    }
}

/// When a run that waits is looked at again; empty if it is not for a time that it waits.
fn wakes(run: &RunView) -> String {
    run.wakes(Timestamp::now())
        .map_or_else(String::new, |at| format!("{} UTC", time(at)))
}

fn since(until: Timestamp) -> String {
    format!(", lease until {} UTC", time(until))
}

fn stage_row(stage: &StageRunView) -> Vec<String> {
    let took = stage.finished_at.duration_since(stage.started_at);
    vec![
        stage.stage.clone(),
        stage.visit.to_string(),
        stage.handler.clone(),
        stage.outcome.name().to_owned(),
        then(stage),
        length(took.unsigned_abs()),
        stage.detail.clone(),
    ]
}

/// What followed, and whether a person undid it.
fn then(stage: &StageRunView) -> String {
    match stage.undone {
        Some(undone) => format!("{}:{}", undone.as_str(), stage.follow),
        None => stage.follow.clone(),
    }
}

/// What a stage said while it was executed.
fn log(output: Output, row: &StageRunView) {
    output.say("");
    let (stage, visit) = (&row.stage, row.visit);
    output.say(format_args!("log of {stage} (visit {visit})"));
    for line in &row.log {
        let source = match line.source {
            LineSource::Log => String::new(),
            LineSource::Stdout => "stdout: ".to_owned(),
            LineSource::Stderr => "stderr: ".to_owned(),
        };
        let level = format!("{:?}", line.level).to_lowercase();
        let at = line.at.strftime("%H:%M:%S");
        output.labelled(
            &format!("  {at} {level:5} {source}"),
            &Shown::line(&line.text).to_string(),
        );
    }
}

fn gate_row(gate: &GateView) -> Vec<String> {
    vec![
        gate.stage.clone(),
        gate.visit.to_string(),
        decision(gate),
        gate.decided_by.clone().unwrap_or_default(),
        gate.decided_at.map(time).unwrap_or_default(),
        gate.feedback.clone().unwrap_or_default(),
    ]
}
