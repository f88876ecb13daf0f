//! What native handlers reach: the store, the prompts of the revision, and models by role.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use serde_json::{Value as Json, json};

use crate::client::{Client, ClientError};
use crate::exchange::{Reach, Request, Response};
use crate::handler::{Completion, ModelRequest, Resources};
use crate::outcome::{FailureKind, Stop};
use crate::settings::Snapshot;
use crate::store::Store;
use crate::template;
use crate::value::{Rows, Statement};
use crate::workspace::Definitions;

/// The resources of one runnable revision.
pub(super) struct HostResources {
    pub(super) folder: PathBuf,
    pub(super) store: Store,
    pub(super) definitions: Arc<Definitions>,
    pub(super) settings: Arc<Snapshot>,
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
        let rendered = template::bounded(prompt.template()).and_then(|text| {
            template::on_deep_stack(|| {
                template::environment().render_str(&text, minijinja::value::Serde(variables))
            })
        });
        rendered.map_err(|error| {
            let line = prompt.line(error.line().unwrap_or(1));
            config(format!(
                "prompt `{name}` ({line}): {}",
                template::reason(&error)
            ))
        })
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
        role: &'a str,
        request: ModelRequest,
    ) -> BoxFuture<'a, Result<Option<Completion>, Stop>> {
        Box::pin(async move {
            let Some(provider) = self.provider(role)? else {
                return Ok(None);
            };
            let answer = provider.ask(request).await;
            let cause = |error: ClientError| Stop::unavailable(format!("role {role}"), error);
            provider
                .read(&answer.map_err(cause)?)
                .map(Some)
                .map_err(|problem| Stop::unavailable(format!("role {role}"), problem))
        })
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
            client.send(request).await
        })
    }
}

/// The model server that a role resolves to: it speaks the chat-completions protocol that
/// llama.cpp, Ollama, vLLM and the hosted services share.
struct Provider<'a> {
    url: url::Url,
    model: String,
    key: Option<&'a crate::settings::Secret>,
}

impl HostResources {
    /// `None` if the role's address or model is not set.
    fn provider(&self, role: &str) -> Result<Option<Provider<'_>>, Stop> {
        let config = |error: &dyn std::fmt::Display| Stop::failed(FailureKind::Config, error);
        let read = |part: &str| self.settings.text(&format!("roles.{role}.{part}"));
        let url = read("url").map_err(|error| config(&error))?;
        let model = read("model").map_err(|error| config(&error))?;
        let (Some(url), Some(model)) = (url, model) else {
            return Ok(None);
        };
        let url = url.parse::<url::Url>().map_err(|error| {
            config(&format!(
                "setting roles.{role}.url: `{url}` is no address: {error}"
            ))
        })?;
        let key = self.settings.secret(&format!("roles.{role}.key"));
        let key = key.map_err(|error| config(&error))?;
        Ok(Some(Provider { url, model, key }))
    }
}

impl Provider<'_> {
    async fn ask(&self, request: ModelRequest) -> Result<Json, ClientError> {
        let mut url = self.url.clone();
        if !url.path().ends_with("/chat/completions") {
            let base = url
                .path()
                .trim_end_matches('/')
                .trim_end_matches("/v1")
                .to_owned();
            url.set_path(&format!("{base}/v1/chat/completions"));
        }
        let mut body = json!({
            "model": self.model,
            "messages": [
                { "role": "system", "content": request.system },
                { "role": "user", "content": request.prompt },
            ],
            "max_tokens": request.max_tokens,
            "temperature": 0.3,
        });
        if let Some(schema) = request.schema {
            let format = json!({ "name": "answer", "schema": schema, "strict": true });
            body["response_format"] = json!({ "type": "json_schema", "json_schema": format });
        }
        Client::for_operator(&self.url)
            .post_json(&url, self.key, &body, request.timeout)
            .await
    }

    fn read(&self, answer: &Json) -> Result<Completion, String> {
        let choice = &answer["choices"][0];
        let text = choice["message"]["content"].as_str();
        let text = text.ok_or("the model server's answer has no `choices[0].message.content`")?;
        Ok(Completion {
            text: text.to_owned(),
            model: answer["model"].as_str().unwrap_or(&self.model).to_owned(),
            complete: choice["finish_reason"].as_str() == Some("stop"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Declaration, SettingType, Unfit};
    use crate::workspace::Files;

    /// A run that began before the key file was replaced has no other way to find out.
    #[tokio::test]
    async fn a_credential_that_does_not_open_is_a_failure_and_never_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("t.db").display());
        let texts = [("callboard.toml".to_owned(), b"name = \"x\"".to_vec())];
        let definitions = Definitions::parse(&Files::from(texts)).expect("definitions");
        let declared = |kind| Declaration {
            kind,
            default: Some("http://127.0.0.1:9/".to_owned()).filter(|_| kind != SettingType::Secret),
            required: false,
            description: String::new(),
        };
        let declarations = [
            ("roles.writer.url", SettingType::Url),
            ("roles.writer.model", SettingType::Model),
            ("roles.writer.key", SettingType::Secret),
        ];
        let declarations = declarations.map(|(key, kind)| (key.to_owned(), declared(kind)));
        let settings = Snapshot::new(declarations.into(), [].into(), [].into());
        let shut = Unfit {
            key: "roles.writer.key".to_owned(),
            problem: "is sealed with another key".to_owned(),
            mend: "set it again".to_owned(),
        };
        let resources = HostResources {
            folder: folder.path().to_owned(),
            store: Store::open(&url).await.expect("a store"),
            definitions: Arc::new(definitions),
            settings: Arc::new(settings.with_unfit([shut])),
        };
        let refused = resources
            .provider("writer")
            .err()
            .expect("refused")
            .to_string();
        assert!(
            refused.contains("roles.writer.key") && refused.contains("sealed"),
            "{refused}"
        );
    }
}
