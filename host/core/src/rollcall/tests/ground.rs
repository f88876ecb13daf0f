//! A good workspace in memory, handlers that are contracts only, and a real database.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::handler::{AnyHandler, Call, Contract, Needs, RowUse, TableNeed};
use crate::outcome::{Outcome, Patch, Stop};
use crate::registry::{HandlerEntry, HandlerOrigin, Registry};
use crate::rollcall::{Reference, RefusedPlugin, RollReport, RollScope, call};
use crate::settings::Declaration;
use crate::snapshot;
use crate::store::settings::{SettingContent, StoredSetting};
use crate::store::{Store, StoreError};
use crate::workspace::{Definitions, Files};

struct Silent(Contract);

impl AnyHandler for Silent {
    fn contract(&self, _: &str) -> Contract {
        self.0.clone()
    }

    fn call<'a>(&'a self, _: &'a Call, _: Json, _: Patch) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::Stopped(Stop::nothing_to_do("a contract only")) })
    }
}

pub(super) struct Ground {
    pub(super) files: Files,
    refused: Vec<RefusedPlugin>,
    stored: Vec<StoredSetting>,
    pub(super) native_files: Vec<&'static str>,
    contracts: Vec<Contract>,
}

const CONFIG: &str = r#"name = "factory"
[grants.embeddings_collapse]
log = true
vectors = true
settings.keys = ["memory.*"]
[[grants.embeddings_collapse.db]]
table = "embeddings"
verbs = ["select", "insert", "delete"]
[limits.embeddings_collapse]
seconds = 60
"#;

const SETTINGS: &str = r#"["diary.author"]
type = "string"
default = "Ann"
required = true
description = "who signs"


["roles.critic.url"]
type = "url"
default = "http://127.0.0.1:8080/"
description = "where the critic answers"
["roles.critic.model"]
type = "model"
default = "small"
description = "which model"
["site.tagline"]
type = "string" # tagline
description = "below the name"
["memory.size"]
type = "integer"
description = "of a cluster"
["roles.critic.key"]
type = "secret"
description = "what opens the critic"
"#;

const DIARY: &str = r#"name = "diary"
budget = "10m"
[input.day]
required = true # day

[[stage]]
id = "collect"
handler = "content.collect"
config = { limit = 5 }
[[stage]]
id = "draft"
handler = "content.draft"
needs = ["collect"]
timeout = "3m"
max_visits = 3
[[stage]]
id = "critic"
handler = "qa.critic"
needs = ["draft"]
required = true
on.rejected = "goto:draft"
timeout = "90s"
[[stage]]
id = "approve"
gate = "Publish it?"
needs = ["critic"]
[[stage]]
id = "publish"
handler = "publish.site"
needs = ["approve"]
"#;

const TTL: &str = r#"name = "ttl"
handler = "retention.ttl_prune"
table = "embeddings"
every = "1h"
[config]
table = "embeddings"
age_column = "created_at"
ttl_days = 180
"#;

const COLLAPSE: &str = r#"name = "collapse"
handler = "retention.embeddings_collapse"
table = "embeddings"
every = "168h"
[config]
source_table = "commits"
age_days = 90
"#;

const PLUGIN: &str = r#"name = "embeddings_collapse"
version = "1.0.0"
wit = "0.1"
component = "embeddings_collapse.wasm"
[ask]
log = true
vectors = true

[[ask.db]]
table = "embeddings"
verbs = ["select", "insert", "delete"]

[ask.settings]
keys = ["memory.*"]
"#;

fn object(properties: &Json, required: &[&str]) -> Json {
    json!({"type": "object", "properties": properties, "required": required})
}

fn contract(name: &str, schemas: [Json; 3], needs: Needs) -> Contract {
    let [config, reads, writes] = schemas;
    Contract {
        name: name.to_owned(),
        summary: "Collapse".to_owned(),
        config,
        reads,
        writes,
        needs,
        always_gives_a_verdict: name == "qa.critic",
        decides: name == "qa.settle",
        may_flag: false,
    }
}

fn none() -> Json {
    object(&json!({}), &[])
}

/// The contract of a handler as it is linked into the program.
fn shipped(name: &str) -> Contract {
    let registry = Registry::native().expect("native handlers");
    registry.get(name).expect("it is shipped").contract.clone()
}

/// The contracts of the native handlers.
fn native() -> Vec<Contract> {
    let limit = object(&json!({"limit": {"type": "integer"}}), &["limit"]);
    let loose = object(&json!({"limit": {"type": "integer"}}), &[]);
    let also = || object(&json!({"also": {"type": "boolean"}}), &[]);
    let day = || object(&json!({"day": {"type": "string"}}), &["day"]);
    let commits = || object(&json!({"commits": {"type": "array"}}), &["commits"]);
    let draft = || object(&json!({"draft": {"type": "string"}}), &["draft"]);
    let count = object(&json!({"commits": {"type": "integer"}}), &["commits"]);
    let drafting = Needs::default()
        .setting("diary.author")
        .prompt("draft", &["day"], &["mood"])
        .table("drafts", &["insert"]);
    let verdict = object(&json!({"verdict": {"type": "string"}}), &[]);
    let publishing = Needs::default().table("posts", &["select", "insert"]);
    vec![
        contract(
            "content.collect",
            [limit, day(), commits()],
            Needs::default(),
        ),
        contract("content.count", [loose, day(), count], Needs::default()),
        contract("content.draft", [none(), commits(), draft()], drafting),
        contract("qa.advice", [none(), draft(), none()], Needs::default()),
        contract(
            "qa.critic",
            [also(), draft(), verdict],
            Needs::default().role("critic"),
        ),
        contract("publish.site", [none(), draft(), none()], publishing),
        shipped("retention.ttl_prune"),
        shipped("retention.keep_newest"),
    ]
}

fn collapse() -> Contract {
    let config = json!({"source_table": {"type": "string"}, "age_days": {"type": "integer"}});
    // As the bundled plugin says, which a test of the real program holds against it.
    let memory = TableNeed::fixed("embeddings", &["select", "insert", "delete"]);
    let memory = memory
        .source_key("source_table")
        .rows(RowUse::reads("original").after("age_days"))
        .rows(RowUse::deletes("original").after("age_days"))
        .rows(RowUse::writes("summary"));
    let needs = Needs::default().setting("memory.size").on(memory);
    contract(
        "retention.embeddings_collapse",
        [object(&config, &[]), none(), none()],
        needs,
    )
}

impl Ground {
    pub(super) fn good() -> Self {
        let contracts = serde_json::to_string(&[collapse()]).expect("contracts");
        let texts = [
            ("callboard.toml", CONFIG),
            ("settings.toml", SETTINGS),
            ("pipelines/diary.toml", DIARY),
            ("policies/ttl.toml", TTL),
            ("policies/collapse.toml", COLLAPSE),
            ("plugins/embeddings_collapse/plugin.toml", PLUGIN),
            (
                "plugins/embeddings_collapse/embeddings_collapse.wasm",
                "\0asm",
            ),
            ("plugins/embeddings_collapse/contracts.json", &contracts),
            (
                "prompts/draft.md",
                "+++\nvariables = [\"day\"]\n+++\n\nAbout {{ day }}.\n",
            ),
            ("site/base.html", "<p>{% block body %}{% endblock %}"),
            (
                "site/post.html",
                "{% extends \"base.html\" %}\n{{ site.name }}",
            ),
            ("site/site.css", "@media{#a{top:0}}"),
        ];
        let texts = texts.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        Self {
            files: texts.into(),
            refused: Vec::new(),
            stored: Vec::new(),
            contracts: native(),
            native_files: vec![
                "content/collect.rs",
                "content/count.rs",
                "content/draft.rs",
                "qa/advice.rs",
                "qa/critic.rs",
                "publish/site.rs",
                "retention/ttl_prune.rs",
                "retention/keep_newest.rs",
            ],
        }
    }

    pub(super) fn replace(&mut self, file: &str, from: &str, to: &str) {
        let text = String::from_utf8(self.files[file].clone()).expect("a text");
        assert!(text.contains(from), "{file} has no {from:?}");
        self.files
            .insert(file.to_owned(), text.replacen(from, to, 1).into_bytes());
    }

    pub(super) fn write(&mut self, file: &str, text: &str) {
        self.files.insert(file.to_owned(), text.as_bytes().to_vec());
    }

    pub(super) fn files(&self) -> Files {
        self.files.clone()
    }

    pub(super) fn text(&self, file: &str) -> String {
        String::from_utf8(self.files[file].clone()).expect("a text")
    }

    /// Change what a native handler says of itself.
    pub(super) fn change(&mut self, handler: &str, change: impl FnOnce(&mut Contract)) {
        let mut contracts = self.contracts.iter_mut();
        change(
            contracts
                .find(|contract| contract.name == handler)
                .expect("a handler"),
        );
    }

    pub(super) fn remove(&mut self, file: &str) {
        self.files.remove(file).expect("a file");
    }

    pub(super) fn stored(&mut self, key: &str, text: &str) {
        self.stored.push(StoredSetting {
            key: key.to_owned(),
            content: SettingContent::Text(text.to_owned()),
            updated_at: Timestamp::UNIX_EPOCH,
        });
    }

    /// Without the values that are stored.
    pub(super) fn unset(&mut self) {
        self.stored.clear();
    }

    pub(super) fn refuse(&mut self, plugin: &str, problem: &str, mend: &str) {
        self.refused.push(RefusedPlugin {
            plugin: plugin.to_owned(),
            problem: problem.to_owned(),
            mend: mend.to_owned(),
        });
    }

    fn registry(&self) -> Registry {
        let native = self
            .contracts
            .iter()
            .cloned()
            .map(|contract| (contract, HandlerOrigin::Native { file: "x.rs" }));
        let embeddings_collapse = HandlerOrigin::Plugin {
            name: "embeddings_collapse".into(),
            version: "1.0.0".into(),
            digest: "cd5d4935a48c0672cb06407bb443bc0087aff947c6b864bac886982c73b3027f".into(),
        };
        let plugin = self
            .refused
            .is_empty()
            .then(|| (collapse(), embeddings_collapse));
        Registry::of(native.chain(plugin).map(|(contract, origin)| {
            let handler = Arc::new(Silent(contract.clone()));
            HandlerEntry::new(contract, origin, handler).expect("schemas")
        }))
    }

    pub(super) async fn roll(&self) -> RollReport {
        self.called().await.expect("definitions")
    }

    /// The roll, or why the definitions cannot be read.
    pub(super) async fn called(&self) -> Result<RollReport, String> {
        let definitions = Definitions::parse(&self.files);
        let definitions = definitions.map_err(|misreads| format!("{misreads:?}"))?;
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("t.db").display());
        let store = Store::open(&url).await.expect("a store");
        Ok(self.asked(&definitions, &store).await.expect("an answer"))
    }

    /// The roll, or that the database does not answer.
    pub(super) async fn asked(
        &self,
        definitions: &Definitions,
        store: &Store,
    ) -> Result<RollReport, StoreError> {
        let declarations: BTreeMap<String, Declaration> = definitions.declarations();
        let settings = snapshot::build(declarations, &self.stored, None);
        let scope = RollScope {
            folder: Path::new("."),
            definitions,
            registry: &self.registry(),
            refused: &self.refused,
            store,
            settings: &settings,
            native_files: &self.native_files,
        };
        call(&scope).await
    }
}

/// A miss as `referrer key @ place: problem`, and its mend.
pub(super) fn told(reference: &Reference) -> (String, String) {
    let miss = reference.miss.clone().expect("a miss");
    let place = reference.place.as_ref();
    let place = place.map_or("-".to_owned(), ToString::to_string);
    let (referrer, key) = (&reference.referrer, &reference.key);
    let text = format!("{referrer} {key} @ {place}: {}", miss.problem);
    (text, miss.mend)
}

/// Misses as `referrer key @ place: problem`, each with its mend.
pub(super) async fn misses(ground: &Ground) -> Vec<(String, String)> {
    let roll = ground.roll().await;
    roll.misses().map(told).collect()
}

/// The tables that the workspace is about, as a tenant would bring them.
const TABLES: &str = "-- grantable
CREATE TABLE drafts (id TEXT PRIMARY KEY);
-- grantable
CREATE TABLE commits (id TEXT PRIMARY KEY);
-- grantable
CREATE TABLE posts (id TEXT PRIMARY KEY, published_at BIGINT NOT NULL);
-- grantable
CREATE TABLE embeddings (id TEXT PRIMARY KEY, source_table TEXT NOT NULL, source_id TEXT NOT NULL,
    is_summary BOOLEAN NOT NULL, created_at BIGINT NOT NULL);
";

inventory::submit! {
    crate::schema::Scripts {
        owner: "tests",
        migrations: &[crate::schema::Migration {
            number: 1,
            text: TABLES,
        }],
    }
}
