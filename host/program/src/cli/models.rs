//! `models`: the roles that are asked, who answers for them, and what that takes.

use std::fmt;

use callboard_core::operations::models::{
    self, ModelUse, ModelsView, ProviderView, RoleView, StageUse, TestedRole, shown_amount,
};
use callboard_core::shown::Shown;
use clap::Subcommand;

use super::exit::Exit;
use super::output::{Answered, Output};
use super::{Context, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Models {
    /// Every role that is asked or declared, who answers for it, and what it took today.
    List,
    /// Ask a role one thing, and say how long it took and what it cost.
    Test {
        /// The role.
        role: String,
        /// Ask for the vector of a text, as an embedder is asked.
        #[arg(long)]
        vectors: bool,
    },
}

impl Models {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = context.app().await?;
        match self {
            Models::List => {
                let all = models::list(&app).await?;
                Ok(list(context, &all))
            }
            Models::Test { role, vectors } => {
                let tested = models::test(&app, &role, vectors).await?;
                Ok(tell(context, &tested))
            }
        }
    }
}

fn list(context: &Context, all: &ModelsView) -> Answered {
    let output = context.output;
    let header = [
        "role", "asked by", "answers", "calls", "failed", "tokens", "cost",
    ];
    let answered = output.show(&header, all.roles.iter().map(row).collect(), all);
    for role in &all.roles {
        if let Some(problem) = &role.problem {
            output.say(format_args!("{}: {problem}", role.role));
        } else if let (true, Some(key)) = (role.chain.is_empty(), role.missing.first()) {
            output.say(format_args!("{}: {key} is not set", role.role));
            output.next(format_args!("settings set {key} VALUE"));
        }
        estimates(output, &role.role, &role.today);
    }
    let bounds = [
        all.daily_microcents
            .map(|most| format!("{} may be spent", shown_amount(most))),
        all.daily_tokens
            .map(|most| format!("{most} tokens may be used")),
    ];
    let bounds: Vec<_> = bounds.into_iter().flatten().collect();
    if !bounds.is_empty() {
        let (spent, tokens) = (shown_amount(all.today.microcents), all.today.tokens());
        let bounds = bounds.join(", ");
        output.say(format_args!(
            "today: {spent} spent, {tokens} tokens; {bounds} a day"
        ));
    }
    answered
}

fn row(role: &RoleView) -> Vec<Shown> {
    let asked = match role.asked_by.as_slice() {
        [] => vec!["nobody".to_owned()],
        all => all.to_vec(),
    };
    let answers = match role.chain.as_slice() {
        [] => vec!["nobody".to_owned()],
        chain => chain.iter().map(answers).collect(),
    };
    let today = &role.today;
    vec![
        Shown::line(&role.role),
        Shown::below(asked),
        Shown::below(answers),
        Shown::line(today.calls),
        Shown::line(today.failures),
        Shown::line(about(today.estimated, today.tokens())),
        Shown::line(about(today.estimated, shown_amount(today.microcents))),
    ]
}

/// An amount, marked if calls are counted in it by an estimate.
fn about(estimated: u64, amount: impl fmt::Display) -> String {
    let mark = if estimated > 0 { "~" } else { "" };
    format!("{mark}{amount}")
}

/// Of which calls nobody has said what they took.
fn estimates(output: Output, role: &str, today: &ModelUse) {
    let unfinished = today.unfinished;
    if unfinished > 0 {
        output.say(format_args!(
            "{role}: calls without an end, under way or given up: {unfinished}, counted by an estimate"
        ));
    }
    let unsaid = today.estimated.saturating_sub(unfinished);
    if unsaid > 0 {
        output.say(format_args!(
            "{role}: calls of which no server said what they took: {unsaid}, counted by an estimate"
        ));
    }
}

fn answers(provider: &ProviderView) -> String {
    match &provider.url {
        Some(url) => format!("{} at {url} ({})", provider.model, provider.provider),
        None => provider.model.clone(),
    }
}

/// What stages took of models, if they asked any.
pub(super) fn took(output: Output, all: &[StageUse]) {
    if all.is_empty() {
        return;
    }
    let row = |used: &StageUse| {
        let tokens = used.prompt_tokens.saturating_add(used.completion_tokens);
        vec![
            used.stage.clone(),
            used.role.clone(),
            used.model.clone(),
            used.calls.to_string(),
            used.failures.to_string(),
            about(used.estimated, tokens),
            about(used.estimated, shown_amount(used.microcents)),
        ]
    };
    let header = [
        "asked by", "role", "model", "calls", "failed", "tokens", "cost",
    ];
    output.table(&header, all.iter().map(row).collect());
}

fn tell(context: &Context, tested: &TestedRole) -> Answered {
    let output = context.output;
    self::tested(output, tested);
    output.json(tested).with(exit(tested))
}

/// What a role answered, and what that took.
pub(super) fn tested(output: Output, tested: &TestedRole) {
    for fallback in &tested.fallbacks {
        output.labelled("fallback  ", &fallback.to_string());
    }
    let label = format!("{}: ", tested.outcome);
    output.whole(&label, tested.answer.trim());
    let seconds = std::time::Duration::from_millis(tested.took_ms).as_secs_f64();
    let model = tested.model.as_deref().unwrap_or("nobody");
    let (prompt, completion) = (tested.tokens.prompt, tested.tokens.completion);
    let cost = shown_amount(tested.microcents);
    let note = if tested.tokens.estimated {
        "; the tokens are an estimate"
    } else {
        ""
    };
    output.say(format_args!(
        "{model}, {seconds:.1} s, {prompt} tokens asked, {completion} answered, cost {cost}{note}"
    ));
}

/// The exit code that says how a role answered.
pub(super) fn exit(tested: &TestedRole) -> Exit {
    match tested.outcome {
        "done" => Exit::Done,
        "unavailable" => Exit::Unavailable,
        "deferred" => Exit::Waiting,
        _ => Exit::Failed,
    }
}
