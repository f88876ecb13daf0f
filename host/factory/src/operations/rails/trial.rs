//! A trial of a rail that asks a model: the drafts of a folder, each as often as is wanted, and what its
//! verdicts are worth beside people's. What came of it is kept, for the roll call to ask.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::app::{App, LoadedRevision};
use callboard_core::confined_folder::ConfinedFolder;
use callboard_core::engine::RunnableRevision;
use callboard_core::handler::{Call, Fallbacks, Tally, Tokens};
use callboard_core::lines::VisitLines;
use callboard_core::model::role::{self, Provider};
use callboard_core::operations::{OperationError, named};
use callboard_core::outcome::Stop;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::diary::id::derived;
use crate::documents::{Documents, LARGEST};
use crate::rails::earned::{self, Judge};
use crate::rails::judge::{JudgeVerdict, judge};
use crate::rails::question::{JudgeQuestion, Judging, QUESTIONS};
use crate::rails::trial::{Figures, Labelled, corpus_digest};
use crate::tables::rail_trials::{self, RailTrial};

pub use crate::rails::trial::{DraftTrial, hundredths};

/// What a call has besides the time of its questions.
const BESIDE: Duration = Duration::from_secs(30);
/// Questions in a row without an answer, after which the model is not asked any more.
const PATIENCE: usize = 5;

/// What is asked of a trial.
#[derive(Debug, Clone, Copy)]
pub struct TrialRequest<'a> {
    /// The rail, with or without `qa.`.
    pub rail: &'a str,
    /// `PIPELINE/STAGE`, whose configuration is tried; if absent, the one that all stages of the rail have.
    pub stage: Option<&'a str>,
    /// The role that is asked in place of the configured one.
    pub role: Option<&'a str>,
    /// The folder of labelled drafts.
    pub corpus: &'a Path,
    /// Verdicts of each draft.
    pub trials: u32,
}

/// What a trial found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "RailTrial")]
pub struct TrialView {
    /// The handler.
    pub rail: String,
    /// The role that was asked.
    pub role: String,
    /// The provider and the model that it resolved to.
    pub model: String,
    /// The digest of the prompt, and of all else that verdicts depend on.
    pub question: String,
    /// The digest of the drafts with their labels.
    pub corpus: String,
    /// All drafts together.
    pub figures: Figures,
    /// Each draft.
    pub drafts: Vec<DraftTrial>,
    /// Tokens of questions and answers.
    pub tokens: Tokens,
    /// What they cost, in millionths of a cent of the money of the prices.
    pub microcents: u64,
    /// Whether the rail may move a draft by it.
    pub passed: bool,
    /// Why not.
    pub falls_short: Option<String>,
    /// When it was made; it is on record since then.
    pub made_at: Timestamp,
}

/// Ask a rail's model about each draft of a corpus, and keep what came of it. `seen` is told how many of how many
/// verdicts there are.
pub async fn trial(
    app: &App,
    asked: TrialRequest<'_>,
    seen: &(dyn Fn(usize, usize) + Sync),
) -> Result<TrialView, OperationError> {
    let loaded = app.active().await?;
    let question = question(asked.rail)?;
    let mut judging = configured(&loaded, question, asked.stage)?;
    if let Some(role) = asked.role {
        role.clone_into(&mut judging.role);
    }
    let judge = Judge { question, judging };
    let digest = judge.digest(&loaded.definitions).ok_or_else(|| {
        let prompt = question.prompt;
        OperationError::usage(format!("the active revision has no prompt `{prompt}`"))
            .mend(format!("add prompts/{prompt}.md and apply"))
    })?;
    let (corpus, labelled) = read(asked.corpus)?;
    let runnable = app.runnable().await?;
    let trial = Trial {
        provider: provider(&runnable, &judge.judging.role)?,
        runnable: &runnable,
        judge: &judge,
    };
    let (drafts, tokens) = trial.of_all(&labelled, asked.trials, seen).await?;
    let figures = Figures::of(&drafts);
    let falls_short = figures.falls_short(&judge.judging);
    let priced = &trial.provider.model;
    let rules = &app.config().models;
    let view = TrialView {
        rail: question.handler(),
        model: earned::model(&trial.provider),
        role: judge.judging.role,
        question: digest,
        corpus,
        microcents: rules.cost(priced, tokens.prompt, tokens.completion),
        figures,
        drafts,
        tokens,
        passed: falls_short.is_none(),
        falls_short,
        made_at: Timestamp::now(),
    };
    app.store()
        .execute(rail_trials::insert(&view.row()))
        .await?;
    Ok(view)
}

/// The rail of a name.
fn question(name: &str) -> Result<JudgeQuestion, OperationError> {
    let rule = name.strip_prefix("qa.").unwrap_or(name);
    let mut all = QUESTIONS.into_iter();
    all.find(|question| question.rule == rule).ok_or_else(|| {
        let known = QUESTIONS.iter().map(|question| question.rule);
        named::unknown(
            "rail that asks a model",
            name,
            known,
            "callboard rails list",
        )
    })
}

/// How a rail is configured: at a stage, or everywhere alike.
fn configured(
    loaded: &LoadedRevision,
    question: JudgeQuestion,
    wanted: Option<&str>,
) -> Result<Judging, OperationError> {
    let mut known: Vec<(String, Judging)> = Vec::new();
    for pipeline in loaded.definitions.pipelines.values().map(|it| &it.value) {
        for stage in &pipeline.stages {
            if let Some(judge) = Judge::of(stage).filter(|it| it.question.rule == question.rule) {
                known.push((format!("{}/{}", pipeline.name(), stage.id()), judge.judging));
            }
        }
    }
    let names = || known.iter().map(|(name, _)| name.as_str());
    if let Some(wanted) = wanted {
        let at = known.iter().find(|(name, _)| name == wanted);
        let what = format!("stage of {} ", question.handler());
        return at.map(|(_, judging)| judging.clone()).ok_or_else(|| {
            named::unknown(what.trim_end(), wanted, names(), "callboard rails list")
        });
    }
    let first = known.first().map(|(_, judging)| judging.clone());
    let first = first.unwrap_or_default();
    if known.iter().any(|(_, judging)| *judging != first) {
        let problem = format!(
            "the stages of {} are configured in several ways",
            question.handler()
        );
        let stages = names().collect::<Vec<_>>().join(", ");
        let mend = format!("say whose is tried, with `--stage`: {stages}");
        return Err(OperationError::usage(problem).mend(mend));
    }
    Ok(first)
}

/// The first provider of a role: the model that is tried.
fn provider(runnable: &RunnableRevision, role: &str) -> Result<Provider, OperationError> {
    let chain = role::chain(&runnable.settings, role)
        .map_err(|error| OperationError::failed(error.to_string()))?;
    chain.into_iter().next().ok_or_else(|| {
        let keys = ["url", "model"].map(|part| role::key(role, part));
        let set = keys.map(|key| format!("callboard settings set {key} VALUE"));
        OperationError::failed(format!("role `{role}` does not resolve")).mend(set.join("; "))
    })
}

/// The drafts of a folder, in the order of their names, with the digest of all.
fn read(folder: &Path) -> Result<(String, Vec<Labelled>), OperationError> {
    let refused = |what: &Path, problem: &dyn std::fmt::Display| {
        OperationError::usage(format!("the corpus: {}: {problem}", what.display()))
    };
    let opened = ConfinedFolder::open(folder, &[]).map_err(|error| refused(folder, &error))?;
    let names = opened
        .list("")
        .map_err(|refusal| refused(folder, &refusal.problem))?;
    let mut documents = Documents::of(&opened);
    let mut files = Vec::new();
    for (file, _) in names {
        let name = file.to_str().and_then(|file| file.strip_suffix(".md"));
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            continue;
        };
        let text = documents.read(&format!("{name}.md"), LARGEST);
        let text = text.map_err(|why| refused(&folder.join(&file), &why))?;
        files.push((name.to_owned(), text));
    }
    files.sort();
    let labelled: Result<Vec<Labelled>, OperationError> = files
        .iter()
        .map(|(name, text)| {
            Labelled::read(name, text)
                .map_err(|problem| refused(&folder.join(format!("{name}.md")), &problem))
        })
        .collect();
    let labelled = labelled?;
    if labelled.is_empty() {
        let problem = "there is no draft in it, which is a file `*.md` with its label above";
        return Err(refused(folder, &problem));
    }
    let texts = files.iter();
    let digest = corpus_digest(texts.map(|(name, text)| (name.as_str(), text.as_str())));
    Ok((digest, labelled))
}

/// A trial under way.
struct Trial<'a> {
    runnable: &'a RunnableRevision,
    provider: Provider,
    judge: &'a Judge,
}

impl Trial<'_> {
    async fn of_all(
        &self,
        labelled: &[Labelled],
        trials: u32,
        seen: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<(Vec<DraftTrial>, Tokens), OperationError> {
        let times = usize::try_from(trials).unwrap_or(usize::MAX);
        let all = labelled.len().saturating_mul(times);
        let (mut drafts, mut tokens) = (Vec::new(), Tokens::default());
        let mut silent = 0;
        for (number, labelled) in labelled.iter().enumerate() {
            let mut draft = DraftTrial::of(labelled);
            for time in 0..times {
                match self.verdict(labelled).await {
                    Ok(verdict) => {
                        silent = 0;
                        tokens += verdict.tokens;
                        let score = verdict.review.score.unwrap_or_default();
                        draft.answered(verdict.passed, score);
                    }
                    Err(Stop::NothingToDo { reason }) => {
                        draft.not_applicable = Some(reason);
                        break;
                    }
                    Err(stop) => {
                        silent += 1;
                        if silent == PATIENCE {
                            return Err(OperationError::failed(format!(
                                "{PATIENCE} questions in a row had no answer, and nothing is kept: {stop}"
                            )));
                        }
                        draft.unanswered.push(stop.to_string());
                    }
                }
                seen(number * times + time + 1, all);
            }
            drafts.push(draft);
        }
        Ok((drafts, tokens))
    }

    /// A verdict as the rail gives it. What another model said in its place is none of this one's.
    async fn verdict(&self, labelled: &Labelled) -> Result<JudgeVerdict, Stop> {
        let Judge { question, judging } = self.judge;
        let patience = Duration::from_secs(judging.wait_seconds) * judging.trials.max(1) + BESIDE;
        let call = Call {
            run: String::new(),
            asked: Arc::default(),
            pipeline: String::new(),
            stage: format!("trial of {}", question.rule),
            visit: 1,
            sent_back: false,
            attempt: 1,
            deadline: Instant::now() + patience,
            now: Timestamp::now(),
            settings: self.runnable.settings.clone(),
            resources: self.runnable.resources.clone(),
            lines: VisitLines::default(),
            fallbacks: Fallbacks::default(),
            tally: Tally::default(),
        };
        let verdict = judge(&call, judging, *question, &labelled.judged).await?;
        match call.fallbacks.take().first() {
            None => Ok(verdict),
            Some(fallback) => Err(Stop::unavailable(&fallback.what, &fallback.why)),
        }
    }
}

impl TrialView {
    fn row(&self) -> RailTrial {
        let Figures {
            drafts,
            unanswered,
            confusion,
            kappa,
            spread,
        } = self.figures;
        let at = self.made_at.as_nanosecond().to_string();
        RailTrial {
            id: derived(&["rail_trial", &self.rail, &self.model, &at]),
            rail: self.rail.clone(),
            model: self.model.clone(),
            question: self.question.clone(),
            corpus: self.corpus.clone(),
            drafts,
            unanswered,
            good_passed: confusion.good_passed,
            good_failed: confusion.good_failed,
            bad_passed: confusion.bad_passed,
            bad_failed: confusion.bad_failed,
            kappa,
            spread,
            prompt_tokens: self.tokens.prompt,
            completion_tokens: self.tokens.completion,
            microcents: self.microcents,
            passed: self.passed,
            made_at: self.made_at,
        }
    }
}
