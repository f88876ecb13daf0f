//! A model that may move a draft has earned it: where its verdict rejects, or counts for the score that does,
//! a trial of this model and this question is on record, and reached the bounds of the rail. What only
//! advises needs none. Besides, a model that judges its own work is told of.

use callboard_core::model::role::{self, Provider};
use callboard_core::pipeline::{Follow, Pipeline, Stage};
use callboard_core::rollcall::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use callboard_core::store::{Store, StoreError};
use callboard_core::workspace::{Defined, Definitions};
use futures_util::future::BoxFuture;

use super::policy::{Action, CameTo, Config};
use super::question::{JudgeQuestion, Judging};
use super::roll::{AGGREGATE, handler, referrer};
use super::trial::Figures;
use crate::tables::rail_trials::{self, RailTrial};

/// The key of a draft.
const DRAFT: &str = "draft";

pub(crate) fn list(scope: RollScope<'_>) -> BoxFuture<'_, Result<Vec<Reference>, StoreError>> {
    Box::pin(async move {
        let mut references = Vec::new();
        for defined in scope.definitions.pipelines.values() {
            for (index, stage) in defined.value.stages.iter().enumerate() {
                let Some(judge) = Judge::of(stage) else {
                    continue;
                };
                // A role that leads nowhere, or astray, is a miss of its own.
                let chain = role::chain(scope.settings, &judge.judging.role).unwrap_or_default();
                let asked = JudgeStage {
                    defined,
                    index,
                    stage,
                    judge: &judge,
                };
                references.extend(asked.own_work(&scope, &chain));
                if moves(&defined.value, stage) {
                    references.extend(asked.earned(&scope, &chain).await?);
                }
            }
        }
        Ok(references)
    })
}

/// A stage that asks a model what it thinks of a draft.
pub(crate) struct Judge {
    pub(crate) question: JudgeQuestion,
    pub(crate) judging: Judging,
}

impl Judge {
    /// Of a stage whose configuration can be read.
    pub(crate) fn of(stage: &Stage) -> Option<Self> {
        let question = JudgeQuestion::of(handler(stage))?;
        let judging = serde_json::from_value(stage.config.get_ref().clone());
        Some(Self {
            question,
            judging: judging.ok()?,
        })
    }

    /// The digest of what it asks, with the prompt of a workspace; none, if there is no such prompt.
    pub(crate) fn digest(&self, definitions: &Definitions) -> Option<String> {
        let prompt = definitions.prompts.get(self.question.prompt)?;
        Some(self.question.digest(prompt.template(), &self.judging))
    }
}

/// A model as trials know it: another server that gives the same one is no other.
pub(crate) fn model(provider: &Provider) -> String {
    format!("{} {}", provider.kind.name(), provider.model)
}

/// Whether what a rail comes to moves a draft: its own rejection is followed, or what adds it up rejects or
/// stops by it.
fn moves(pipeline: &Pipeline, rail: &Stage) -> bool {
    let passes_on = matches!(rail.follow("rejected"), Follow::Continue | Follow::Skip);
    rail.required || !passes_on || counts(pipeline, rail)
}

/// Whether a stage that adds up rails goes by this one.
fn counts(pipeline: &Pipeline, rail: &Stage) -> bool {
    let sums = pipeline.stages.iter().filter(|it| handler(it) == AGGREGATE);
    let mut sums = sums.filter(|it| it.needed().any(|need| need == rail.id()));
    sums.any(|sum| {
        let config = serde_json::from_value::<Config>(sum.config.get_ref().clone());
        config.is_ok_and(|config| {
            let required = config.is_required(rail.id());
            let fail = config.policy(rail.id()).follows(CameTo::Fail, required);
            let weighs = config.threshold.is_some() && config.weight(rail.id()) > 0;
            fail > Action::Flag || weighs
        })
    })
}

/// A judge at its place in a pipeline.
struct JudgeStage<'a> {
    defined: &'a Defined<Pipeline>,
    index: usize,
    stage: &'a Stage,
    judge: &'a Judge,
}

impl JudgeStage<'_> {
    fn reference(&self, key: &str, kind: ReferenceKind, target: &str) -> Reference {
        let place = self.defined.at(&["stage", &self.index.to_string()]);
        let referrer: Referrer = referrer(&self.defined.value, self.stage);
        Reference::new(referrer, key, kind, target).at(place)
    }

    /// A trial for each model that may answer.
    async fn earned(
        &self,
        scope: &RollScope<'_>,
        chain: &[Provider],
    ) -> Result<Vec<Reference>, StoreError> {
        let Some(digest) = self.judge.digest(scope.definitions) else {
            return Ok(Vec::new());
        };
        let trials = trials(scope.store, &self.judge.question.handler()).await?;
        let references = chain.iter().map(|provider| {
            let model = model(provider);
            let problem = unproven(&trials, &model, &digest, &self.judge.judging);
            let miss = problem.map(|problem| {
                let problem = format!(
                    "what it says moves the draft, and {problem}; until then it may only advise"
                );
                Miss::new(problem, self.mend(provider)).waiting()
            });
            let reference = self.reference("trial", ReferenceKind::Verdict, &model);
            reference.missed(miss)
        });
        Ok(references.collect())
    }

    fn mend(&self, provider: &Provider) -> String {
        let (rule, role) = (self.judge.question.rule, &provider.role);
        let (pipeline, stage) = (self.defined.value.name(), self.stage.id());
        let other = if *role == self.judge.judging.role {
            String::new()
        } else {
            format!(" --role {role}")
        };
        format!(
            "callboard rails trial --rail {rule} --stage {pipeline}/{stage}{other} --corpus DIR"
        )
    }

    /// The model is the one that writes what it judges.
    fn own_work(&self, scope: &RollScope<'_>, chain: &[Provider]) -> Option<Reference> {
        let own = chain.first()?;
        let judges = &self.judge.judging.role;
        let writers = self.defined.value.stages.iter().filter_map(|stage| {
            let entry = scope.registry.get(handler(stage))?;
            let writes = &entry.contract.writes["properties"];
            let is_rail = Judge::of(stage).is_some();
            let roles = entry.contract.roles(stage.config.get_ref());
            (!is_rail && writes.get(DRAFT).is_some()).then_some(roles)
        });
        let mut writers = writers.flatten().filter_map(|writer| {
            let chain = role::chain(scope.settings, &writer).ok()?;
            (model(chain.first()?) == model(own)).then_some(writer)
        });
        let miss = writers.next().map(|writer| {
            let problem = format!(
                "role `{judges}` is {}, which writes the draft as role `{writer}`: models praise their own work",
                own.model
            );
            let mend = format!("callboard settings set {} MODEL", role::key(judges, "model"));
            Miss::new(problem, mend).warning()
        });
        Some(
            self.reference("config.role", ReferenceKind::Role, judges)
                .missed(miss),
        )
    }
}

async fn trials(store: &Store, rail: &str) -> Result<Vec<RailTrial>, StoreError> {
    store.read(rail_trials::of_rail(rail)).await
}

/// Why the trials of a rail, newest first, do not speak for this model and this question.
fn unproven(
    trials: &[RailTrial],
    model: &str,
    question: &str,
    judging: &Judging,
) -> Option<String> {
    let mut of_this = trials
        .iter()
        .filter(|it| it.model == model && it.question == question);
    if let Some(newest) = of_this.next() {
        let short = Figures::from(newest).falls_short(judging)?;
        let day = newest.made_at.strftime("%Y-%m-%d");
        return Some(format!("its trial of {day} does not speak for it: {short}"));
    }
    let older =
        |is: fn(&RailTrial, &str, &str) -> bool| trials.iter().any(|it| is(it, model, question));
    Some(if older(|it, model, _| it.model == model) {
        "its prompt or its bounds have changed since the trial of this model".to_owned()
    } else if older(|it, _, question| it.question == question) {
        format!("there is no trial of {model} on record, only of another model")
    } else {
        format!("there is no trial of {model} on record")
    })
}
