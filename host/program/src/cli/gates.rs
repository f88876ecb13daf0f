//! `gates`: the questions to a person, and the decisions.

use callboard_core::app::App;
use callboard_core::engine::gate;
use callboard_core::store::gates::{self, Decision, Gate, Verdict};
use callboard_core::store::named::{self, Found, LATEST, Short};
use callboard_core::store::runs::{Run, RunStatus};
use callboard_factory::tables::TASK;
use clap::{Args, Subcommand};
use serde_json::json;

use super::exit::Exit;
use super::output::{Answered, time};
use super::watch::Progress;
use super::{Context, Failure, find, run};

#[derive(Debug, Subcommand)]
pub(super) enum Gates {
    /// The gates that wait for a decision, oldest first.
    List,
    /// The gates of a run or a task: what was asked, who decided what, and when.
    Show(Which),
    /// Say yes; the run goes on here.
    Approve {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        verdict: Comment,
    },
    /// Say no; what follows is what the pipeline says in `on.rejected`, or the run's end.
    Reject {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        verdict: Feedback,
    },
    /// Have a part made anew, and be asked again.
    Regenerate {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        verdict: Feedback,
    },
}

/// A gate.
#[derive(Debug, Args)]
pub(super) struct Which {
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
    pub(super) fn verdict(self, decision: Decision) -> Verdict {
        Verdict {
            decision,
            part: None,
            feedback: self.feedback,
            by: self.by,
        }
    }
}

impl Feedback {
    pub(super) fn verdict(self, decision: Decision, part: Option<Part>) -> Verdict {
        Verdict {
            decision,
            part: part.map(|part| part.part),
            feedback: self.feedback,
            by: self.by,
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
        let gate = which.open(&app).await?;
        let decision = verdict.decision;
        let run = decide(&app, context, &gate, verdict).await?;
        Ok(reported(context, &run, decision))
    }
}

/// Decide a gate and carry its run on; a worker that is faster has it.
pub(super) async fn decide(
    app: &App,
    context: &Context,
    gate: &Gate,
    verdict: Verdict,
) -> Result<Run, Failure> {
    let engine = app.engine(Progress::of(context.output));
    gate::decide(&engine, gate, verdict).await?;
    run::carry_out(app, context.output, &engine, &gate.run).await
}

/// A run that ended as rejected by the person who asks is what was asked for.
fn reported(context: &Context, run: &Run, decision: Decision) -> Answered {
    let answered = run::report(context, run);
    match (decision, run.status) {
        (Decision::Rejected, RunStatus::Rejected) => answered.with(Exit::Done),
        _ => answered,
    }
}

impl Which {
    /// Every gate of the run or task that can be read, oldest first, and what is wrong with the
    /// others.
    async fn all(&self, app: &App) -> Result<(Vec<Gate>, Vec<String>), Failure> {
        let (store, id) = (app.store(), &self.id);
        if id == LATEST {
            let run = find::key(store, &named::GATE, id).await?;
            return Ok(gates::readable_of_run(store, &run).await?);
        }
        let task = named::find(store, &TASK, id).await?;
        let run = named::find(store, &named::RUN, id).await?;
        match (task, run) {
            (Found::None, Found::None) => Err(Failure::usage(format!(
                "there is no run and no task `{id}`"
            ))
            .help("`callboard gates list` names the runs that stand before a gate")),
            (Found::One(task), Found::None) => {
                let newest = gates::about(store, &task).await?;
                Ok((newest.into_iter().collect(), Vec::new()))
            }
            (Found::None, Found::One(run)) => Ok(gates::readable_of_run(store, &run).await?),
            (Found::Several(_), Found::None) => Err(find::key(store, &TASK, id)
                .await
                .err()
                .unwrap_or_else(|| unsure(id))),
            (Found::None, Found::Several(_)) => Err(find::key(store, &named::RUN, id)
                .await
                .err()
                .unwrap_or_else(|| unsure(id))),
            _ => Err(unsure(id)),
        }
    }

    /// The open gate that is meant.
    async fn open(&self, app: &App) -> Result<Gate, Failure> {
        let (mut open, unreadable) = self.all(app).await?;
        open.retain(|gate| gate.decision.is_none());
        let known: Vec<String> = open.iter().map(|gate| gate.stage.clone()).collect();
        if let Some(stage) = &self.stage {
            open.retain(|gate| gate.stage == *stage);
        }
        match open.len() {
            1 => Ok(open.remove(0)),
            0 if !unreadable.is_empty() => Err(Failure::new(Exit::Failed, unreadable.join("; "))),
            0 => {
                let at = self.stage.as_ref();
                let at = at.map_or("no gate".to_owned(), |stage| format!("no gate `{stage}`"));
                let problem = format!("`{}` stands before {at} that is open", self.id);
                let known = known.iter().map(String::as_str);
                let wanted = self.stage.as_deref().unwrap_or_default();
                let list = "`callboard gates list` names those that are";
                Err(Failure::usage(problem).help(find::meant(wanted, known, list)))
            }
            _ => {
                let stages: Vec<_> = open.iter().map(|gate| gate.stage.as_str()).collect();
                let problem = format!("`{}` stands before several gates", self.id);
                let help = format!("name one of them after it: {}", stages.join(", "));
                Err(Failure::usage(problem).help(help))
            }
        }
    }
}

/// The name is one of a task and of a run.
fn unsure(id: &str) -> Failure {
    Failure::usage(format!(
        "`{id}` is more than one task or run: write more of it"
    ))
    .help("`callboard gates list` names both")
}

/// What came of a gate, for a person.
pub(super) fn decision(gate: &Gate) -> String {
    match (gate.decision, &gate.part) {
        (None, _) => "open".to_owned(),
        (Some(decision), Some(part)) => format!("{} {part}", decision.as_str()),
        (Some(decision), None) => decision.as_str().to_owned(),
    }
}

async fn list(context: &Context, app: &App) -> Result<Answered, Failure> {
    let open = gates::open(app.store()).await?;
    let runs = open.iter().map(|gate| gate.run.as_str());
    let runs = Short::of(app.store(), &named::RUN, runs).await?;
    let tasks = open.iter().filter_map(|gate| gate.subject.as_deref());
    let tasks = Short::of(app.store(), &TASK, tasks).await?;
    let rows = open.iter().map(|gate| {
        let lapses = gate.expires_at.map_or("never".to_owned(), time);
        let task = gate.subject.as_deref().unwrap_or_default();
        vec![
            runs.show(&gate.run).to_owned(),
            gate.stage.clone(),
            gate.question.clone(),
            tasks.show(task).to_owned(),
            time(gate.opened_at),
            lapses,
        ]
    });
    let header = ["run", "stage", "question", "task", "opened", "lapses"];
    let answered = context.output.show(&header, rows.collect(), &open);
    if !open.is_empty() {
        context.output.next("gates approve RUN");
    }
    Ok(answered)
}

async fn show(context: &Context, app: &App, which: &Which) -> Result<Answered, Failure> {
    let (mut all, unreadable) = which.all(app).await?;
    if let Some(stage) = &which.stage {
        all.retain(|gate| gate.stage == *stage);
    }
    let mut parts = Vec::new();
    for gate in &all {
        parts.push(gate::parts(&app.engine(Progress::of(context.output)), gate).await?);
    }
    if all.is_empty() && unreadable.is_empty() {
        context.output.say("(none)");
    }
    for problem in &unreadable {
        context
            .output
            .progress(format_args!("unreadable: {problem}"));
    }
    for (gate, parts) in all.iter().zip(&parts) {
        show_one(context, gate, parts);
    }
    let shown = all.iter().zip(&parts);
    let shown = shown.map(|(gate, parts)| json!({ "gate": gate, "parts": parts }));
    Ok(context.output.json(&shown.collect::<Vec<_>>()))
}

fn show_one(context: &Context, gate: &Gate, parts: &[String]) {
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
    line("parts", &parts.join(", "));
    line("decision", &decision(gate));
    line("by", gate.decided_by.as_deref().unwrap_or_default());
    if let Some(at) = gate.decided_at {
        line("at", &format!("{} UTC", time(at)));
    }
    line("feedback", gate.feedback.as_deref().unwrap_or_default());
}
