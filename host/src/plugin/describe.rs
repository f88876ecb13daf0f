//! What handlers a plugin gives: asked once, with nothing granted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use wasmtime::Store;

use super::bindings::{PluginPre, handlers};
use super::call::store;
use super::{Plugin, PluginError, trap};
use crate::capability::{Access, Caller, InstanceState};
use crate::config::Limits;
use crate::grants::Grants;
use crate::handler::{Contract, Needs, TableNeed};
use crate::lines::Lines;
use crate::settings::Snapshot;

/// How long a plugin may take to say what it is.
const LONGEST: Duration = Duration::from_secs(10);

impl Plugin {
    /// The contracts of its handlers, in the order of their names.
    pub async fn describe(&self) -> Result<Vec<Contract>, PluginError> {
        let failed = |cause: String| PluginError::Describe {
            plugin: self.name.clone(),
            cause,
        };
        let described = tokio::time::timeout(LONGEST, self.ask()).await;
        let said = described
            .map_err(|_| failed(format!("no answer within {LONGEST:?}")))?
            .map_err(|failure| failed(failure.message))?;
        let mut contracts = Vec::new();
        for contract in said {
            contracts.push(self.contract(contract)?);
        }
        contracts.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(twice) = contracts
            .windows(2)
            .find(|pair| pair[0].name == pair[1].name)
        {
            return Err(failed(format!(
                "it names the handler `{}` twice",
                twice[0].name
            )));
        }
        if contracts.is_empty() {
            return Err(failed("it names no handler".to_owned()));
        }
        Ok(contracts)
    }

    /// Call `describe` in an instance where every capability is a trap.
    async fn ask(&self) -> Result<Vec<handlers::Contract>, crate::outcome::Failure> {
        let limits = Limits {
            seconds: 10,
            ..self.access.limits
        };
        let access = Arc::new(Access::new(&self.name, Grants::default(), limits, None));
        let caller = Caller {
            run: String::new(),
            stage: "describe".to_owned(),
            attempt: 1,
            deadline: Instant::now() + LONGEST,
            settings: Arc::new(Snapshot::default()),
            lines: Lines::default(),
        };
        let mut store = store(&self.runtime, InstanceState::new(access, caller));
        let described = self.described_in(&mut store).await;
        described.map_err(|error| trap::failure(&error, store.data()))
    }

    async fn described_in(
        &self,
        store: &mut Store<InstanceState>,
    ) -> wasmtime::Result<Vec<handlers::Contract>> {
        let mut linker = self.runtime.linker()?;
        linker.define_unknown_imports_as_traps(&self.component)?;
        let plugin = PluginPre::new(linker.instantiate_pre(&self.component)?)?;
        let instance = plugin.instantiate_async(&mut *store).await?;
        instance
            .callboard_plugin_handlers()
            .call_describe(store)
            .await
    }

    fn contract(&self, said: handlers::Contract) -> Result<Contract, PluginError> {
        let schema = |which: &str, text: &str| {
            parsed(text).map_err(|cause| PluginError::Schema {
                plugin: self.name.clone(),
                handler: said.name.clone(),
                which: which.to_owned(),
                cause,
            })
        };
        let (config, reads, writes) = (
            schema("config", &said.config_schema)?,
            schema("reads", &said.reads_schema)?,
            schema("writes", &said.writes_schema)?,
        );
        let table = |need: handlers::TableNeed| TableNeed {
            table: need.table,
            verbs: need.verbs,
        };
        let needs = Needs {
            settings: said.settings,
            roles: said.roles,
            prompts: Vec::new(),
            tables: said.tables.into_iter().map(table).collect(),
        };
        let always_gives_a_verdict = said.always_gives_a_verdict;
        let (name, summary) = (said.name, said.summary);
        Ok(Contract {
            name,
            summary,
            config,
            reads,
            writes,
            needs,
            always_gives_a_verdict,
        })
    }
}

fn parsed(text: &str) -> Result<Json, String> {
    let schema: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    jsonschema::validator_for(&schema).map_err(|error| error.to_string())?;
    Ok(schema)
}
