//! What the tests of pictures share: the handlers, called as a run calls them, on the real
//! resources of a workspace.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::app::App;
use callboard_core::handler::{Call, Fallbacks, Resources, Tally};
use callboard_core::lines::VisitLines;
use callboard_core::operations::settings;
use callboard_core::outcome::{Done, Outcome, Patch};
use callboard_core::settings::{Declaration, Secret, SettingType, Snapshot};
use callboard_core::store::revisions;
use callboard_core::workspace;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::diary::bench::handler;

const BOARD: &str = "name = \"Board\"\ndatabase = \"sqlite:callboard.db\"\n";
/// The bundled declarations.
const SETTINGS: &str = include_str!("../../../host/factory/workspace/settings.toml");

/// A workspace, and what is set in it.
pub(crate) struct Bench {
    pub(crate) app: App,
    resources: Arc<dyn Resources>,
    pub(crate) folder: TempDir,
    values: BTreeMap<String, String>,
    /// Of the stage that is called, and whether it was sent back to.
    pub(crate) visit: (u32, bool),
    /// How long a call has.
    pub(crate) patience: Duration,
}

impl Bench {
    pub(crate) async fn new(values: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [("callboard.toml", BOARD), ("settings.toml", SETTINGS)] {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        let app = App::open(folder.path(), None).await.expect("a workspace");
        let files = app.read().expect("a workspace").files;
        let digest = workspace::digest(&files);
        revisions::save(app.store(), files, &digest, "", Timestamp::UNIX_EPOCH)
            .await
            .expect("a revision");
        let runnable = app.runnable().await.expect("a runnable revision");
        let values = values
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Self {
            resources: Arc::clone(&runnable.resources),
            app,
            folder,
            values: values.collect(),
            visit: (1, false),
            patience: Duration::from_secs(60),
        }
    }

    /// One whose pictures come from a server that speaks a protocol.
    pub(crate) async fn on(provider: &str, url: &str) -> Self {
        let values = [("images.provider", provider), ("images.url", url)];
        Self::new(&values).await
    }

    /// The same with a role whose model answers at an address.
    pub(crate) async fn with_role(mut self, role: &str, url: &str) -> Self {
        for (part, value) in [("url", url), ("model", "quill")] {
            let key = format!("roles.{role}.{part}");
            let set = settings::set(&self.app, &key, value.to_owned(), "Ada").await;
            set.expect("a declared setting");
        }
        let runnable = self.app.runnable().await.expect("a runnable revision");
        self.resources = Arc::clone(&runnable.resources);
        self
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.values.insert(key.to_owned(), value.to_owned());
    }

    pub(crate) fn settings(&self) -> Snapshot {
        let declared: BTreeMap<String, Declaration> =
            toml::from_str(SETTINGS).expect("declarations");
        let is_secret = |key: &str| {
            declared
                .get(key)
                .is_some_and(|it| it.kind == SettingType::Secret)
        };
        let (secrets, values): (BTreeMap<_, _>, _) = self
            .values
            .clone()
            .into_iter()
            .partition(|(key, _)| is_secret(key));
        let secrets = secrets
            .into_iter()
            .map(|(key, value)| (key, Secret::new(value)));
        Snapshot::new(declared.clone(), values, secrets.collect())
    }

    /// Call a handler in a run of this name.
    pub(crate) async fn call(&self, name: &str, run: &str, config: Json, input: Json) -> Outcome {
        let call = Call {
            run: run.to_owned(),
            asked: Arc::default(),
            pipeline: String::new(),
            stage: "stage".to_owned(),
            visit: self.visit.0,
            sent_back: self.visit.1,
            attempt: 1,
            deadline: Instant::now() + self.patience,
            now: Timestamp::now(),
            settings: Arc::new(self.settings()),
            resources: Arc::clone(&self.resources),
            lines: VisitLines::default(),
            fallbacks: Fallbacks::default(),
            tally: Tally::default(),
        };
        let input = input.as_object().cloned().unwrap_or_default();
        handler(name).call(&call, config, input).await
    }

    /// Make the pictures of a plan of one, or of as many as there are headings.
    pub(crate) async fn make(&self, run: &str, which: &[&str]) -> Outcome {
        self.make_with(run, which, json!({})).await
    }

    pub(crate) async fn make_with(&self, run: &str, which: &[&str], config: Json) -> Outcome {
        let plan: Vec<_> = which.iter().map(|which| planned(which)).collect();
        let input = json!({ "image_plan": plan });
        self.call("content.make_images", run, config, input).await
    }
}

pub(crate) fn planned(which: &str) -> Json {
    let heading = (which != "featured").then_some("One");
    json!({ "which": which, "heading": heading, "prompt": "A fox. Calm.", "alt": "A fox" })
}

#[track_caller]
pub(crate) fn done(outcome: Outcome) -> Done<Patch> {
    match outcome {
        Outcome::Done(done) => done,
        stopped @ Outcome::Stopped(_) => panic!("{}: {}", stopped.name(), stopped.detail()),
    }
}
