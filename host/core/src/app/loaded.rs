//! Load a workspace's files: definitions, the registry with the plugins' handlers, and what
//! does not load, for the roll call to name.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::resources::HostResources;
use super::{App, AppError};
use crate::client::Network;
use crate::config::ModelRules;
use crate::engine::RunnableRevision;
use crate::grants::Grants;
use crate::handler::Contract;
use crate::model::Models;
use crate::model::spending::Spending;
use crate::pipeline::{Pipeline, PipelineLimits, Span};
use crate::plugin::{self, ComponentSource, Plugin};
use crate::policy::Policy;
use crate::registry::{self, HandlerEntry, HandlerOrigin, Registry};
use crate::rollcall::{self, Reference, RefusedPlugin, RollReport, RollScope};
use crate::settings::Snapshot;
use crate::store::granted::DeferredWriter;
use crate::store::{Store, StoreError, StoreErrorKind};
use crate::workspace::{Definitions, Folder, PluginFiles};

/// Everybody of one revision: definitions and handlers, native and of plugins.
pub struct LoadedRevision {
    pub revision: i64,
    pub definitions: Arc<Definitions>,
    pub registry: Arc<Registry>,
    /// Plugins that did not load, and why.
    pub refused: Vec<RefusedPlugin>,
    /// What each plugin said of itself when it was described.
    pub described: BTreeMap<String, Vec<Contract>>,
    pipelines: BTreeMap<String, Arc<Pipeline>>,
    grants: BTreeMap<String, Grants>,
}

/// A workspace that has been loaded and asked for its roll.
pub struct Inspection {
    pub loaded: LoadedRevision,
    pub roll: RollReport,
}

impl App {
    /// Load definitions as a revision; plugins that do not load are in `refused`. A revision
    /// has its contracts, so none of its guests is compiled or asked here.
    pub(super) async fn load(
        &self,
        definitions: Definitions,
        revision: i64,
    ) -> Result<LoadedRevision, AppError> {
        let definitions = Arc::new(definitions);
        let mut registry = Registry::native()?;
        let mut refused = Vec::new();
        let (mut grants, mut described) = (BTreeMap::new(), BTreeMap::new());
        for (name, files) in &definitions.plugins {
            let loaded = self.load_plugin(&definitions, name, files).await;
            let added = loaded.and_then(|(plugin, contracts)| {
                add_handlers(&mut registry, files, &Arc::new(plugin), &contracts)?;
                Ok(contracts)
            });
            match added {
                Ok(contracts) => {
                    grants.insert(name.clone(), files.manifest.value.ask.clone());
                    described.insert(name.clone(), contracts);
                }
                Err(reason) => refused.push(RefusedPlugin {
                    plugin: name.clone(),
                    ..reason
                }),
            }
        }
        let pipelines = self.pipelines_of(&definitions, &registry)?;
        let registry = Arc::new(registry);
        Ok(LoadedRevision {
            revision,
            definitions,
            registry,
            refused,
            described,
            pipelines,
            grants,
        })
    }

    /// What the definitions carry out, by name. Their relative paths begin at the workspace.
    fn pipelines_of(
        &self,
        definitions: &Definitions,
        registry: &Registry,
    ) -> Result<BTreeMap<String, Arc<Pipeline>>, AppError> {
        let folder = std::path::absolute(self.folder()).map_err(|error| {
            let message = format!("the folder of the workspace: {error}");
            StoreError::new(StoreErrorKind::Unavailable, message)
        })?;
        let settled = pipelines(definitions).map(|mut pipeline| {
            registry.settle_definition(&mut pipeline, &folder);
            (pipeline.name().to_owned(), Arc::new(pipeline))
        });
        Ok(settled.collect())
    }

    async fn load_plugin(
        &self,
        definitions: &Definitions,
        name: &str,
        files: &PluginFiles,
    ) -> Result<(Plugin, Vec<Contract>), RefusedPlugin> {
        let manifest = &files.manifest.value;
        let refusals = manifest
            .ask
            .refusals(name, &definitions.config.value.ceiling(name));
        if !refusals.is_empty() {
            let asked: Vec<_> = refusals
                .iter()
                .map(|refusal| refusal.asked.as_str())
                .collect();
            return Err(reason(
                format!(
                    "asks for more than the ceiling allows: {}",
                    asked.join(", ")
                ),
                "see the misses of the plugin itself".to_owned(),
            ));
        }
        let component = files.component.as_ref().ok_or_else(|| {
            reason(
                format!(
                    "its component {} is not there",
                    manifest.component.get_ref()
                ),
                "build it and put it beside plugin.toml".to_owned(),
            )
        })?;
        let source = match &component.bytes {
            Some(bytes) => ComponentSource::of(Arc::clone(bytes), component.digest.clone()),
            None => ComponentSource::stored(component.digest.clone(), self.store().clone()),
        };
        let limits = definitions.config.value.limits(name);
        let (runtime, store) = (&self.inner.runtime, self.store().clone());
        let plugin = runtime.plugin(manifest, source, manifest.ask.clone(), limits, Some(store));
        let plugin = plugin.map_err(|error| broken(&error))?.taped(self.tape());
        let contracts = match &files.contracts {
            Some(contracts) => contracts.clone(),
            None => plugin.describe().await.map_err(|error| broken(&error))?,
        };
        Ok((plugin, contracts))
    }

    /// Load the files of a folder and call the roll over them, and over what else is there.
    pub async fn inspect(&self, folder: &Folder) -> Result<Inspection, AppError> {
        let definitions = Definitions::parse(&folder.files).map_err(AppError::Misread)?;
        // On the heap, both: what is inside them is more than the compiler lays out in one.
        let loaded = Box::pin(self.load(definitions, 0)).await?;
        let settings = self.snapshot_then(&loaded.definitions).await?;
        let mut roll = Box::pin(self.roll_of(&loaded, &settings)).await?;
        roll.references.extend(rollcall::unread(&folder.unread));
        Ok(Inspection { loaded, roll })
    }

    /// The roll of a loaded with the settings as they stand now.
    pub async fn call_roll(
        &self,
        loaded: &LoadedRevision,
    ) -> Result<(RollReport, Snapshot), AppError> {
        let settings = self.snapshot(&loaded.definitions).await?;
        let roll = self.roll_of(loaded, &settings).await?;
        Ok((roll, settings))
    }

    /// The roll of a loaded with some settings.
    pub(super) async fn roll_of(
        &self,
        loaded: &LoadedRevision,
        settings: &Snapshot,
    ) -> Result<RollReport, StoreError> {
        rollcall::call(&RollScope {
            folder: self.folder(),
            definitions: &loaded.definitions,
            registry: &loaded.registry,
            refused: &loaded.refused,
            store: self.store(),
            settings,
            native_files: &registry::handler_files(),
        })
        .await
    }
}

fn broken(error: &plugin::PluginError) -> RefusedPlugin {
    reason(
        error.to_string(),
        "rebuild the plugin, or take its folder out".to_owned(),
    )
}

fn reason(problem: String, mend: String) -> RefusedPlugin {
    RefusedPlugin {
        plugin: String::new(),
        problem,
        mend,
    }
}

fn add_handlers(
    registry: &mut Registry,
    files: &PluginFiles,
    plugin: &Arc<Plugin>,
    contracts: &[Contract],
) -> Result<(), RefusedPlugin> {
    let manifest = &files.manifest.value;
    for contract in contracts {
        let origin = HandlerOrigin::Plugin {
            name: manifest.name.get_ref().clone(),
            version: manifest.version.clone(),
            digest: files.digest().to_owned(),
        };
        let handler = Arc::new(plugin::handler(Arc::clone(plugin), contract.clone()));
        let entry = HandlerEntry::new(contract.clone(), origin, handler);
        entry
            .and_then(|entry| registry.add(entry))
            .map_err(|error| reason(error.to_string(), error.mend()))?;
    }
    Ok(())
}

/// The pipelines, and one of a single stage for each policy.
fn pipelines(definitions: &Definitions) -> impl Iterator<Item = Pipeline> {
    let written = definitions
        .pipelines
        .values()
        .map(|defined| defined.value.clone());
    let policies = definitions
        .policies
        .values()
        .map(|defined| policy_pipeline(&defined.value));
    written.chain(policies)
}

fn policy_pipeline(policy: &Policy) -> Pipeline {
    let stage = crate::pipeline::Stage::single("upkeep", policy.handler.clone(), &policy.config);
    let mut schedules = policy.schedules.clone();
    for schedule in &mut schedules {
        schedule.enabled &= policy.enabled;
    }
    Pipeline {
        roles: Vec::new(),
        name: toml::Spanned::new(
            policy.name.span(),
            crate::policy::pipeline(policy.name.get_ref()),
        ),
        description: policy.description.clone(),
        budget: Span(policy.timeout.0),
        priority: 0,
        limits: PipelineLimits::default(),
        input: BTreeMap::new(),
        schedules,
        stages: vec![stage],
    }
}

impl LoadedRevision {
    /// The pipelines by name, and one of a single stage for each policy.
    pub(crate) fn pipelines(&self) -> &BTreeMap<String, Arc<Pipeline>> {
        &self.pipelines
    }

    /// How long a run of a pipeline may take; `None` if there is no such pipeline.
    pub fn budget(&self, pipeline: &str) -> Option<std::time::Duration> {
        self.pipelines.get(pipeline).map(|known| known.budget.0)
    }

    /// The plugins as their deferred writes run.
    fn writers(&self) -> BTreeMap<String, DeferredWriter> {
        let writer = |(name, grants): (&String, &Grants)| {
            let writer = DeferredWriter {
                plugin: name.clone(),
                grants: grants.clone(),
                limits: self.definitions.config.value.limits(name),
            };
            (name.clone(), writer)
        };
        self.grants.iter().map(writer).collect()
    }

    /// The runnable revision for runs that start or go on now.
    pub(super) fn runnable(
        &self,
        (store, folder): (&Store, &Path),
        settings: Arc<Snapshot>,
        digest: String,
        misses: Vec<Reference>,
        (rules, network): (ModelRules, Network),
    ) -> RunnableRevision {
        RunnableRevision {
            digest,
            misses,
            revision: self.revision,
            pipelines: self.pipelines.clone(),
            registry: Arc::clone(&self.registry),
            writers: self.writers(),
            settings: Arc::clone(&settings),
            resources: Arc::new(HostResources {
                folder: folder.to_owned(),
                store: store.clone(),
                definitions: Arc::clone(&self.definitions),
                models: Models {
                    settings,
                    spending: Spending {
                        store: store.clone(),
                        rules,
                    },
                    network: network.clone(),
                },
                network,
            }),
        }
    }
}
