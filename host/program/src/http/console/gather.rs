//! Gathers what the console shows, from the active revision and the store.

use std::collections::BTreeMap;

use callboard_core::app::{App, AppError, Company};
use callboard_core::pipeline::Stage;
use callboard_core::rollcall;
use callboard_core::store::runs::Listed;
use callboard_core::store::unreadable::Unreadable;
use callboard_core::store::{StoreError, gates, policy_runs, revisions, runs, stage_runs};
use callboard_factory::tables::tasks;
use futures_util::future::BoxFuture;

use super::{
    Console, ConsoleView, GateView, HandlerView, MissView, PipelineView, PluginView, PolicyView,
    RevisionView, RunView, StageRunView, StageView,
};

/// Runs on the first page.
const RUNS: u32 = 15;

impl Console for App {
    fn view(&self) -> BoxFuture<'_, Result<ConsoleView, StoreError>> {
        Box::pin(async move { Gatherer(self).gather().await })
    }
}

/// The parts of the first page.
struct Gatherer<'a>(&'a App);

impl Gatherer<'_> {
    async fn gather(&self) -> Result<ConsoleView, StoreError> {
        let company = self.0.active().await.map_err(as_store_error)?;
        let (roll, settings) = self.0.call_roll(&company).await.map_err(as_store_error)?;
        let revision = revisions::active(self.0.store()).await?;
        let causes = roll.causes();
        Ok(ConsoleView {
            name: company.definitions.config.value.name.clone(),
            revision: revision.map(|revision| RevisionView {
                number: revision.number,
                digest: revision.digest,
                note: revision.note,
                activated_at: revision.activated_at.unwrap_or(revision.created_at),
            }),
            settings_digest: settings.digest(),
            registry_digest: company.registry.digest(),
            handlers: handlers(&company),
            plugins: plugins(&company),
            pipelines: pipelines(&company),
            policies: self.policies(&company).await?,
            runs: self.runs().await?,
            gates: self.gates().await?,
            misses: causes.iter().filter_map(|(cause, _)| miss(cause)).collect(),
            references: roll.references.len(),
        })
    }

    async fn policies(&self, company: &Company) -> Result<Vec<PolicyView>, StoreError> {
        let last = policy_runs::all(self.0.store()).await?;
        let policies = company
            .definitions
            .policies
            .values()
            .map(|defined| &defined.value);
        Ok(policies
            .map(|policy| {
                let last = last.get(policy.name.get_ref());
                PolicyView {
                    name: policy.name.get_ref().clone(),
                    handler: policy.handler.get_ref().clone(),
                    table: policy.table.get_ref().clone(),
                    every: policy.cadence(),
                    last_status: last.map(|last| last.status.clone()),
                    last_finished: last.map(|last| last.finished_at),
                }
            })
            .collect())
    }

    async fn runs(&self) -> Result<Vec<RunView>, StoreError> {
        let mut views = Vec::new();
        for listed in runs::newest(self.0.store(), RUNS, runs::Only::default()).await? {
            let run = match listed {
                Listed::Run(run) => run,
                Listed::Unreadable(run) => {
                    views.push(unreadable(run));
                    continue;
                }
            };
            let (rows, _) = stage_runs::readable_of_run(self.0.store(), &run.id).await?;
            let stages = rows.into_iter().map(|row| StageRunView {
                outcome: row.outcome.name().to_owned(),
                detail: row.outcome.detail(),
                millis: row
                    .finished_at
                    .duration_since(row.started_at)
                    .as_millis()
                    .try_into()
                    .unwrap_or_default(),
                id: row.stage,
            });
            views.push(RunView {
                stages: stages.collect(),
                id: run.id,
                pipeline: run.pipeline,
                status: run.status.to_string(),
                detail: run.detail,
                created_at: run.created_at,
            });
        }
        Ok(views)
    }

    async fn gates(&self) -> Result<Vec<GateView>, StoreError> {
        let mut views = Vec::new();
        for gate in gates::open(self.0.store()).await? {
            let task = match &gate.subject {
                Some(id) => tasks::by_id(self.0.store(), id).await?,
                None => None,
            };
            let title = task.map_or_else(|| gate.stage.clone(), |task| task.topic);
            views.push(GateView {
                title,
                task: gate.subject.unwrap_or_default(),
                question: gate.question,
                since: gate.opened_at,
            });
        }
        Ok(views)
    }
}

fn as_store_error(error: AppError) -> StoreError {
    match error {
        AppError::Store(error) => error,
        other => StoreError::new(
            callboard_core::store::StoreErrorKind::Unavailable,
            other.to_string(),
        ),
    }
}

fn handlers(company: &Company) -> Vec<HandlerView> {
    let references = references(company);
    let view = |entry: &callboard_core::registry::Entry| HandlerView {
        name: entry.contract.name.clone(),
        origin: entry.origin.to_string(),
        summary: entry.contract.summary.clone(),
        referenced_by: references
            .get(&entry.contract.name)
            .cloned()
            .unwrap_or_default(),
    };
    company.registry.iter().map(view).collect()
}

/// Who names each handler.
fn references(company: &Company) -> BTreeMap<String, Vec<String>> {
    let mut references: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for defined in company.definitions.pipelines.values() {
        for stage in &defined.value.stages {
            if let Some(handler) = &stage.handler {
                let referrer = format!("{}/{}", defined.value.name(), stage.id());
                references
                    .entry(handler.get_ref().clone())
                    .or_default()
                    .push(referrer);
            }
        }
    }
    for defined in company.definitions.policies.values() {
        let referrer = format!("policy {}", defined.value.name.get_ref());
        references
            .entry(defined.value.handler.get_ref().clone())
            .or_default()
            .push(referrer);
    }
    references
}

fn plugins(company: &Company) -> Vec<PluginView> {
    let view = |(name, files): (&String, &callboard_core::workspace::PluginFiles)| {
        let manifest = &files.manifest.value;
        let contracts = company.described.get(name).into_iter().flatten();
        PluginView {
            name: name.clone(),
            version: manifest.version.clone(),
            description: manifest.description.clone(),
            digest: files.digest().to_owned(),
            handlers: contracts.map(|contract| contract.name.clone()).collect(),
            grants: manifest.ask.texts(),
        }
    };
    company.definitions.plugins.iter().map(view).collect()
}

fn pipelines(company: &Company) -> Vec<PipelineView> {
    let stage = |stage: &Stage| StageView {
        id: stage.id().to_owned(),
        handler_or_gate: stage.what(),
        needs: stage.needed().map(str::to_owned).collect(),
    };
    let pipelines = company
        .definitions
        .pipelines
        .values()
        .map(|defined| &defined.value);
    pipelines
        .map(|pipeline| PipelineView {
            name: pipeline.name().to_owned(),
            description: pipeline.description.clone(),
            stages: pipeline.stages.iter().map(stage).collect(),
        })
        .collect()
}

fn miss(reference: &rollcall::Reference) -> Option<MissView> {
    let miss = reference.miss.as_ref()?;
    Some(MissView {
        referrer: reference.referrer.to_string(),
        target: reference.target.clone(),
        problem: miss.problem.clone(),
        mend: miss.mend.clone(),
        place: reference
            .place
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    })
}

/// A run that cannot be read, in its place among the others.
fn unreadable(run: Unreadable) -> RunView {
    RunView {
        id: run.id,
        pipeline: run.pipeline,
        status: run.status.to_owned(),
        detail: run.detail,
        created_at: run.created_at,
        stages: Vec::new(),
    }
}
