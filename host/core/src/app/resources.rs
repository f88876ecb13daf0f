//! What native handlers reach: the store, the prompts of the revision, and models by role.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use crate::client::{Client, ClientError, Network};
use crate::config::Config;
use crate::exchange::{Reach, Request, Response};
use crate::handler::{Call, Completion, ModelRequest, NoAnswer, Resources, Vectors};
use crate::model::Models;
use crate::outcome::{FailureKind, Stop};
use crate::store::Store;
use crate::value::{Rows, Statement};
use crate::workspace::Definitions;

/// The resources of one runnable revision.
pub(super) struct HostResources {
    pub(super) folder: PathBuf,
    pub(super) store: Store,
    pub(super) definitions: Arc<Definitions>,
    pub(super) models: Models,
    pub(super) network: Network,
}

impl Resources for HostResources {
    fn query(&self, statement: Statement, deadline: Instant) -> BoxFuture<'_, Result<Rows, Stop>> {
        Box::pin(async move { Ok(self.store.query_until(statement, deadline).await?) })
    }

    fn execute(&self, statement: Statement, deadline: Instant) -> BoxFuture<'_, Result<u64, Stop>> {
        Box::pin(async move { Ok(self.store.execute_until(statement, deadline).await?) })
    }

    fn folder(&self) -> &Path {
        &self.folder
    }

    fn config(&self) -> &Config {
        &self.definitions.config.value
    }

    fn columns<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<Vec<String>, Stop>> {
        Box::pin(async move { Ok(self.store.columns(table).await?) })
    }

    fn prompt(&self, name: &str, variables: &Json) -> Result<String, Stop> {
        let config = |message: String| Stop::failed(FailureKind::Config, message);
        let prompt = self.definitions.prompts.get(name);
        let prompt = prompt.ok_or_else(|| {
            config(format!(
                "there is no prompt `{name}`; add prompts/{name}.md and apply"
            ))
        })?;
        prompt.render(name, variables).map_err(config)
    }

    fn text(&self, path: &str) -> Result<String, Stop> {
        let file = self.definitions.folders.get(path);
        let text = file.and_then(|file| std::str::from_utf8(file).ok());
        text.map(str::to_owned).ok_or_else(|| {
            let message = format!("there is no {path} in the workspace; add it and apply");
            Stop::failed(FailureKind::Config, message)
        })
    }

    fn complete<'a>(
        &'a self,
        call: &'a Call,
        role: &'a str,
        request: ModelRequest,
    ) -> BoxFuture<'a, Result<Option<Completion>, NoAnswer>> {
        Box::pin(self.models.complete(call, role, request))
    }

    fn embed<'a>(
        &'a self,
        call: &'a Call,
        role: &'a str,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Option<Vectors>, NoAnswer>> {
        Box::pin(self.models.embed(call, role, texts))
    }

    fn send<'a>(
        &'a self,
        reach: Reach<'a>,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, ClientError>> {
        Box::pin(async move {
            let client = match reach {
                Reach::Origin(origin) => Client::for_operator(origin),
                Reach::Public(besides) => Client::for_public(besides),
            };
            client.over(&self.network).send(request).await
        })
    }
}
