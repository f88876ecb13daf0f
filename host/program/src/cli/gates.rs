//! `gates`: the questions to a person, and the decisions.

use callboard_core::app::App;
use callboard_core::operations::gates::{self, Decision, GateVerdict, GateView};
use callboard_core::operations::runs::{RunStatus, RunView};
use clap::{Args, Subcommand};
use serde_json::Value as Json;

use super::exit::Exit;
use super::output::{Answered, time};
use super::{Context, Failure, run};

#[derive(Debug, Subcommand)]
pub(super) enum Gates {
    /// The gates that wait for a decision, oldest first.
    List,
    /// The gates of a run or a task: what was asked, who decided what, and when.
    Show(NamedGate),
    /// Say yes; the run goes on here.
    Approve {
        #[command(flatten)]
        which: NamedGate,
        #[command(flatten)]
        verdict: Comment,
    },
    /// Say no; what follows is what the pipeline says in `on.rejected`, or the run's end.
    Reject {
        #[command(flatten)]
        which: NamedGate,
        #[command(flatten)]
        verdict: Feedback,
    },
    /// Have a part made anew, and be asked again.
    Regenerate {
        #[command(flatten)]
        which: NamedGate,
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        verdict: Feedback,
    },
}

/// A gate.
#[derive(Debug, Args)]
pub(super) struct NamedGate {
    /// The run's id or the task's, as lists show it; `latest` is the gate that opened last.
    id: String,
    /// The gate's stage, if several of the run wait.
    stage: Option<String>,
}

/// What is made anew.
#[derive(Debug, Args)]
pub(super) struct Part {
    /// The part, as `regenerate` of the gate names it.
    #[arg(long)]
    part: String,
}

/// A decision that needs no reason.
#[derive(Debug, Args)]
pub(super) struct Comment {
    /// Why; it is kept with the gate.
    #[arg(long, default_value = "")]
    feedback: String,
    /// Who decides, for the record.
    #[arg(long, env = "USER", default_value = "operator")]
    by: String,
}

/// A decision with its reason.
#[derive(Debug, Args)]
pub(super) struct Feedback {
    /// Why; the stage that a loop goes back to reads it as `feedback`.
    #[arg(long)]
    feedback: String,
    /// Who decides, for the record.
    #[arg(long, env = "USER", default_value = "operator")]
    by: String,
}

impl Comment {
    pub(super) fn verdict(self, decision: Decision) -> GateVerdict {
        GateVerdict {
            decision,
            part: None,
            feedback: self.feedback,
            by: self.by,
            seen: None,
        }
    }
}

impl Feedback {
    pub(super) fn verdict(self, decision: Decision, part: Option<Part>) -> GateVerdict {
        GateVerdict {
            decision,
            part: part.map(|part| part.part),
            feedback: self.feedback,
            by: self.by,
            seen: None,
        }
    }
}

impl Gates {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        let (which, verdict) = match self {
            Gates::List => return list(context, &app).await,
            Gates::Show(which) => return show(context, &app, &which).await,
            Gates::Approve { which, verdict } => (which, verdict.verdict(Decision::Approved)),
            Gates::Reject { which, verdict } => (which, verdict.verdict(Decision::Rejected, None)),
            Gates::Regenerate {
                which,
                part,
                verdict,
            } => (which, verdict.verdict(Decision::Regenerated, Some(part))),
        };
        let decision = verdict.decision;
        let run = gates::decide(&app, &which.id, which.stage.as_deref(), verdict).await?;
        let run = run::carry_out(&app, context, &run).await?;
        Ok(reported(context, &run, decision))
    }
}

/// A run that ended as rejected by the person who asks is what was asked for.
fn reported(context: &Context, run: &RunView, decision: Decision) -> Answered {
    let answered = run::report(context, run);
    match (decision, run.status) {
        (Decision::Rejected, RunStatus::Rejected) => answered.with(Exit::Done),
        _ => answered,
    }
}

/// What came of a gate, for a person.
pub(super) fn decision(gate: &GateView) -> String {
    match (gate.decision, &gate.part) {
        (None, _) => "open".to_owned(),
        (Some(decision), Some(part)) => format!("{} {part}", decision.as_str()),
        (Some(decision), None) => decision.as_str().to_owned(),
    }
}

async fn list(context: &Context, app: &App) -> Result<Answered, Failure> {
    let open = gates::list(app).await?;
    let rows = open.iter().map(|gate| {
        vec![
            gate.run_short.clone(),
            gate.stage.clone(),
            gate.question.clone(),
            gate.subject_short.clone().unwrap_or_default(),
            time(gate.opened_at),
            gate.expires_at.map_or("never".to_owned(), time),
        ]
    });
    let header = ["run", "stage", "question", "task", "opened", "lapses"];
    let answered = context.output.show(&header, rows.collect(), &open);
    if !open.is_empty() {
        context.output.next("gates approve RUN");
    }
    Ok(answered)
}

async fn show(context: &Context, app: &App, which: &NamedGate) -> Result<Answered, Failure> {
    let all = gates::show(app, &which.id, which.stage.as_deref()).await?;
    if all.is_empty() {
        context.output.say("(none)");
    }
    for details in &all {
        show_one(context, &details.gate, &details.parts);
    }
    Ok(context.output.json(&all))
}

/// What goes out behind a gate, each key of it with its name.
fn shows(context: &Context, key: &str, value: &Json) {
    let say = |text: &str| context.output.labelled(&format!("{key:<9} "), text);
    match value {
        Json::Object(fields) => {
            for (field, value) in fields {
                shows(context, &format!("{key}.{field}"), value);
            }
        }
        Json::Array(items) if items.iter().all(Json::is_string) => {
            let items: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
            say(&items.join(", "));
        }
        Json::String(text) => say(text),
        other => say(&other.to_string()),
    }
}

fn show_one(context: &Context, gate: &GateView, parts: &[String]) {
    let line = |name: &str, text: &str| {
        if !text.is_empty() {
            context.output.labelled(&format!("{name:<9} "), text);
        }
    };
    line("gate", &format!("{} (visit {})", gate.stage, gate.visit));
    line("run", &gate.run);
    line("task", gate.subject.as_deref().unwrap_or_default());
    line("question", &gate.question);
    line("opened", &format!("{} UTC", time(gate.opened_at)));
    if let Some(lapses) = gate.expires_at {
        line("lapses", &format!("{} UTC", time(lapses)));
    }
    for (key, value) in &gate.shows {
        shows(context, key, value);
    }
    line("parts", &parts.join(", "));
    line("decision", &decision(gate));
    line("by", gate.decided_by.as_deref().unwrap_or_default());
    if let Some(at) = gate.decided_at {
        line("at", &format!("{} UTC", time(at)));
    }
    line("feedback", gate.feedback.as_deref().unwrap_or_default());
}
