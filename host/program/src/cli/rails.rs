//! `rails`: what judges drafts, and what the word of a model among them is worth.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use callboard_core::operations::models::shown_amount;
use callboard_core::shown::Shown;
use callboard_factory::operations::rails::trial::{
    self, DraftTrial, TrialRequest, TrialView, hundredths,
};
use callboard_factory::operations::rails::{self, RailView};
use clap::{Args, Subcommand};

use super::cassette::Cassette;
use super::exit::Exit;
use super::output::Answered;
use super::{Context, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Rails {
    /// Every rail, and what it looks for.
    List,
    /// Ask the model of a rail about drafts whose worth people have said, and keep how far they agree.
    Trial(Trial),
}

#[derive(Debug, Args)]
pub(super) struct Trial {
    /// The rail, such as `critic`.
    #[arg(long)]
    rail: String,
    /// A folder of drafts, `*.md`, each with its label above it.
    #[arg(long, value_name = "DIR")]
    corpus: PathBuf,
    /// Whose configuration is tried; needed if the stages of the rail have several.
    #[arg(long, value_name = "PIPELINE/STAGE")]
    stage: Option<String>,
    /// Ask this role in place of the one that is configured.
    #[arg(long)]
    role: Option<String>,
    /// Verdicts of each draft.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    trials: u32,

    #[command(flatten)]
    cassette: Cassette,
}

/// How often long work says how far it is.
const EVERY: Duration = Duration::from_secs(2);

impl Rails {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        match self {
            Rails::List => {
                let all = rails::list(&app).await?;
                let header = ["rail", "rule", "severity", "what it looks for"];
                let rows = all.iter().flat_map(rows).collect();
                Ok(context.output.show(&header, rows, &all))
            }
            Rails::Trial(asked) => {
                asked.cassette.put(&app)?;
                let told = Mutex::new(Instant::now());
                let seen = |seen: usize, all: usize| {
                    let Ok(mut told) = told.lock() else { return };
                    if told.elapsed() >= EVERY {
                        *told = Instant::now();
                        let output = context.output;
                        output.progress(format_args!("{seen} of {all} verdicts"));
                    }
                };
                let asked = TrialRequest {
                    rail: &asked.rail,
                    stage: asked.stage.as_deref(),
                    role: asked.role.as_deref(),
                    corpus: &asked.corpus,
                    trials: asked.trials,
                };
                let found = Box::pin(trial::trial(&app, asked, &seen)).await?;
                Ok(report(context, &found))
            }
        }
    }
}

/// A rail, and a row for each of its rules.
fn rows(rail: &RailView) -> Vec<Vec<Shown>> {
    let from = match (&rail.plugin, &rail.role) {
        (Some(plugin), _) => format!("plugin {plugin}"),
        (None, Some(role)) => format!("role {role}"),
        (None, None) => "-".to_owned(),
    };
    let row = |rule: &str, severity: &str, what: &str| {
        [rail.name.as_str(), rule, severity, what]
            .map(Shown::line)
            .to_vec()
    };
    let own = row("-", &from, &rail.summary);
    let rules = rail.rules.iter().map(|rule| {
        let what = match rule.threshold {
            Some(threshold) => format!("{} (threshold {threshold})", rule.pattern),
            None => rule.pattern.clone(),
        };
        row(&rule.name, &rule.severity, &what)
    });
    std::iter::once(own).chain(rules).collect()
}

fn report(context: &Context, found: &TrialView) -> Answered {
    let output = context.output;
    let odd = found.drafts.iter().filter(|draft| {
        draft.is_wrong() || !draft.unanswered.is_empty() || draft.not_applicable.is_some()
    });
    let odd: Vec<_> = odd.map(draft).collect();
    if !odd.is_empty() {
        output.table(
            &[
                "draft", "should", "pass", "fail", "scores", "spread", "note",
            ],
            odd,
        );
    }
    let counts = &found.figures.confusion;
    let row = |label: &str, passed: u64, failed: u64| {
        vec![label.to_owned(), passed.to_string(), failed.to_string()]
    };
    let rows = vec![
        row("should pass", counts.good_passed, counts.good_failed),
        row("should not", counts.bad_passed, counts.bad_failed),
    ];
    output.table(&["drafts that", "passed", "failed"], rows);
    let figures = &found.figures;
    let kappa = figures.kappa.map_or("none".to_owned(), hundredths);
    output.say(format_args!(
        "{} of {}: kappa {kappa}, {} drafts, {} verdicts, {} unanswered, the scores of one draft differ by {} at most",
        found.rail,
        Shown::line(&found.model),
        figures.drafts,
        counts.total(),
        figures.unanswered,
        figures.spread,
    ));
    let cost = shown_amount(found.microcents);
    let (asked, answered) = (found.tokens.prompt, found.tokens.completion);
    output.say(format_args!(
        "{asked} tokens asked, {answered} answered, cost {cost}"
    ));
    match &found.falls_short {
        None => output.say(format_args!("it may move a draft: the trial is on record")),
        Some(short) => output.labelled("it may only advise: ", short),
    }
    let answered = output.json(found);
    answered.with(if found.passed {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn draft(draft: &DraftTrial) -> Vec<String> {
    let scores: Vec<String> = draft.scores.iter().map(ToString::to_string).collect();
    let note = draft.not_applicable.as_ref().or(draft.unanswered.first());
    vec![
        draft.draft.clone(),
        if draft.should_pass { "pass" } else { "fail" }.to_owned(),
        draft.passed.to_string(),
        draft.failed.to_string(),
        scores.join(" "),
        draft.spread.to_string(),
        note.cloned().unwrap_or_default(),
    ]
}
