//! What handlers a plugin gives: asked once, with nothing granted, and bounded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::bindings::handlers;
use super::call::store;
use super::{Plugin, PluginError, trap};
use crate::capability::{Access, Caller, InstanceState};
use crate::config::{CallLimits, DescribeLimits};
use crate::grants::Grants;
use crate::handler::{Contract, Needs, RowAct, RowUse, TableName, TableNeed, schema};
use crate::lines::VisitLines;
use crate::outcome::{Failure, FailureKind};
use crate::settings::{SettingType, Snapshot};
use crate::value::{JsonProblem, depth, json_in};

/// What is lifted into the host costs more there than its bytes: room for the types around them.
const LIFTED: usize = 4;
/// Bytes of memory that a schema may take.
const TREE: u64 = 64 << 20;

impl Plugin {
    /// The contracts of its handlers, in the order of their names. What a component said once,
    /// it is not asked again on this machine.
    pub async fn describe(&self) -> Result<Vec<Contract>, PluginError> {
        let digest = self.digest();
        if let Some(known) = self.runtime.contracts(digest, &self.access.limits).await {
            return Ok(known);
        }
        let said = self.ask().await?;
        let bounds = DescribeBounds {
            plugin: &self.name,
            limits: &self.access.limits.describe,
        };
        bounds.hold(&said)?;
        let mut contracts = Vec::new();
        for contract in said {
            contracts.push(contract_of(contract, &bounds)?);
        }
        contracts.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(twice) = contracts
            .windows(2)
            .find(|pair| pair[0].name == pair[1].name)
        {
            let cause = format!("it names the handler `{}` twice", twice[0].name);
            return Err(cannot(cause));
        }
        if contracts.is_empty() {
            return Err(cannot("it names no handler".to_owned()));
        }
        let limits = &self.access.limits;
        self.runtime
            .keep_contracts(digest, limits, &contracts)
            .await;
        Ok(contracts)
    }

    /// Call `describe` in an instance that is granted nothing.
    async fn ask(&self) -> Result<Vec<handlers::Contract>, PluginError> {
        let linked = self.linked().await?;
        let limits = self.access.limits.describe;
        let longest = Duration::from_secs(limits.seconds.into());
        let state = self.state(longest);
        let said = state.standard_error();
        let mut store = store(
            self.runtime.engine()?,
            state,
            limits.bytes as usize * LIFTED,
        );
        let described = async move {
            let described = async {
                let instance = linked.instantiate_async(&mut store).await?;
                let handlers = instance.callboard_plugin_handlers();
                handlers.call_describe(&mut store).await
            };
            described
                .await
                .map_err(|error| trap::failure(&error, store.data()))
        };
        let late = |_| {
            let message = format!("no answer within {longest:?}");
            let (kind, retryable) = (FailureKind::Timeout, true);
            let failure = Failure {
                kind,
                message,
                retryable,
            };
            Err(trap::with_last_words(failure, &said.text()))
        };
        let described = tokio::time::timeout(longest, described).await;
        described
            .unwrap_or_else(late)
            .map_err(|failure| cannot(failure.message))
    }

    fn state(&self, longest: Duration) -> InstanceState {
        let limits = CallLimits {
            seconds: self.access.limits.describe.seconds,
            memory_mib: self.access.limits.describe.memory_mib,
            ..self.access.limits
        };
        let access = Access::new(&self.name, Grants::default(), limits, None);
        let caller = Caller {
            run: String::new(),
            stage: "describe".to_owned(),
            attempt: 1,
            deadline: Instant::now() + longest,
            settings: Arc::new(Snapshot::default()),
            call: None,
            lines: VisitLines::default(),
        };
        let mut state = InstanceState::new(Arc::new(access), caller);
        state.describes = true;
        state
    }
}

fn cannot(cause: String) -> PluginError {
    PluginError::Describe { cause }
}

/// What a plugin may say of itself.
struct DescribeBounds<'a> {
    plugin: &'a str,
    limits: &'a DescribeLimits,
}

impl DescribeBounds<'_> {
    /// Whether it says no more than it may, before any of it is read.
    fn hold(&self, said: &[handlers::Contract]) -> Result<(), PluginError> {
        let limits = self.limits;
        let bytes = said.iter().map(size).sum();
        self.within(said.len(), "handlers", limits.handlers, "handlers")?;
        self.within(bytes, "bytes", limits.bytes, "bytes")?;
        for contract in said {
            let summary = contract.summary.chars().count();
            self.within(
                summary,
                "characters in a summary",
                limits.summary,
                "summary",
            )?;
            let needs: usize = [
                contract.settings.len(),
                contract.roles.len(),
                contract.role_keys.len(),
                contract.tables.len(),
            ]
            .iter()
            .sum();
            self.within(needs, "needs of a handler", limits.needs, "needs")?;
            let schemas = [
                &contract.config_schema,
                &contract.reads_schema,
                &contract.writes_schema,
            ];
            for schema in schemas {
                let most = limits.schema_bytes;
                self.within(schema.len(), "bytes in a schema", most, "schema_bytes")?;
            }
        }
        Ok(())
    }

    fn within(
        &self,
        found: usize,
        what: &str,
        limit: u32,
        key: &'static str,
    ) -> Result<(), PluginError> {
        if found <= limit as usize {
            return Ok(());
        }
        Err(PluginError::TooMuch {
            plugin: self.plugin.to_owned(),
            what: format!("{found} {what}"),
            limit,
            key,
        })
    }
}

fn contract_of(
    said: handlers::Contract,
    bounds: &DescribeBounds<'_>,
) -> Result<Contract, PluginError> {
    let checked = |which: &str, text: &str| {
        let broken = |cause: String| PluginError::Schema {
            handler: said.name.clone(),
            which: which.to_owned(),
            cause,
        };
        let said: Json = json_in(text, TREE).map_err(|problem| match problem {
            JsonProblem::Broken(error) => broken(error.to_string()),
            JsonProblem::TooLarge(_) => broken(format!("it {problem}")),
        })?;
        let (deep, most) = (depth(&said), bounds.limits.schema_depth);
        bounds.within(deep, "levels in a schema", most, "schema_depth")?;
        schema::compiled(&said).map_err(broken)?;
        Ok::<_, PluginError>(said)
    };
    let (config, reads, writes) = (
        checked("config", &said.config_schema)?,
        checked("reads", &said.reads_schema)?,
        checked("writes", &said.writes_schema)?,
    );
    let needs = Needs {
        setting_types: said
            .settings
            .iter()
            .map(|it| (it.key.clone(), types(it.kind)))
            .collect(),
        settings: said.settings.into_iter().map(|it| it.key).collect(),
        roles: said.roles,
        prompts: Vec::new(),
        role_keys: said.role_keys,
        by_schema: false,
        verdict_keys: Vec::new(),
        acts_on: Vec::new(),
        goes_by: Vec::new(),
        own: Vec::new(),
        tables: said.tables.into_iter().map(Into::into).collect(),
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
        // Nobody but the host's own says yes in a person's place.
        decides: false,
        may_flag: false,
    })
}

/// The types of settings that are read as a kind, with the plainest first.
fn types(kind: handlers::SettingKind) -> Vec<SettingType> {
    use handlers::SettingKind as Kind;
    match kind {
        Kind::Text => vec![SettingType::String, SettingType::Url, SettingType::Model],
        Kind::Boolean => vec![SettingType::Boolean],
        Kind::Integer => vec![SettingType::Integer],
        Kind::Float => vec![SettingType::Float],
        Kind::Duration => vec![SettingType::Duration],
        Kind::Json => vec![SettingType::Json],
        Kind::Items => vec![SettingType::Csv],
    }
}

impl From<handlers::TableNeed> for TableNeed {
    fn from(need: handlers::TableNeed) -> Self {
        Self {
            table: match need.table {
                handlers::TableName::Fixed(table) => TableName::Fixed(table),
                handlers::TableName::Configured(key) => TableName::Configured(key),
            },
            verbs: need.verbs,
            column_keys: need.column_keys,
            id_keys: need.id_keys,
            time_keys: need.time_keys,
            source_key: need.source_key,
            rows: need.rows.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<handlers::RowUse> for RowUse {
    fn from(rows: handlers::RowUse) -> Self {
        Self {
            class: rows.class,
            act: match rows.act {
                handlers::RowAct::Reads => RowAct::Reads,
                handlers::RowAct::Writes => RowAct::Writes,
                handlers::RowAct::Deletes => RowAct::Deletes,
            },
            age_key: rows.age_key,
            orphans: rows.orphans,
        }
    }
}

/// Bytes of one contract as it was said.
fn size(contract: &handlers::Contract) -> usize {
    let texts = [
        &contract.name,
        &contract.summary,
        &contract.config_schema,
        &contract.reads_schema,
        &contract.writes_schema,
    ];
    let tables = contract.tables.iter().map(|need| {
        let (handlers::TableName::Fixed(table) | handlers::TableName::Configured(table)) =
            &need.table;
        let rows = need.rows.iter().map(|rows| {
            let age = rows.age_key.as_ref().map_or(0, String::len);
            rows.class.len() + age
        });
        let named = need
            .verbs
            .iter()
            .chain(&need.column_keys)
            .chain(&need.id_keys)
            .chain(&need.time_keys)
            .chain(&need.source_key);
        table.len() + rows.sum::<usize>() + named.map(String::len).sum::<usize>()
    });
    let settings = contract.settings.iter().map(|it| &it.key);
    let named = settings.chain(&contract.roles).chain(&contract.role_keys);
    let texts = texts.into_iter().chain(named).map(String::len);
    texts.chain(tables).sum()
}
