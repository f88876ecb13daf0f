//! What the tests of handlers share: a real store in a folder of its own, a host that is
//! nothing but that store and a scripted model, and real git repositories.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use callboard_core::config::Config;
use callboard_core::exchange::{ClientError, ClientErrorKind, Reach, Request, Response};
use callboard_core::handler::{
    AnyHandler, Call, Completion, Fallbacks, ModelRequest, NoAnswer, Registration, Resources,
    Tally, Vectors,
};
use callboard_core::lines::VisitLines;
use callboard_core::outcome::{Outcome, Patch, Stop};
use callboard_core::settings::Snapshot;
use callboard_core::store::Store;
use callboard_core::value::{Rows, Statement, Value};
use callboard_factory::diary::bundle::Bundle;
use callboard_factory::diary::gather::{Gatherer, Landed, Messages};
use callboard_factory::diary::git::{Detail, RepositoryIdentity};
use callboard_factory::diary::landed::Lister;
use callboard_factory::diary::log::LogEntry;
use callboard_factory::diary::looking::Looking;
use callboard_factory::tables::tasks::{self, TaskEvent};
use callboard_factory::tables::transitions::{At, Happening};

/// The template that the factory comes with.
pub(crate) const TEMPLATE: &str =
    include_str!("../../../host/factory/workspace/templates/diary.md");

/// What the model of the role `writer` answers.
pub(crate) type Answer = Result<Option<Completion>, Stop>;

/// A store, and calls of handlers on it.
pub(crate) struct Bench {
    pub store: Store,
    pub answer: Answer,
    /// The most bytes that an answer of the store had.
    pub largest: Arc<AtomicUsize>,
    folder: TempDir,
}

struct Host {
    store: Store,
    answer: Answer,
    largest: Arc<AtomicUsize>,
}

impl Resources for Host {
    fn query(&self, statement: Statement, _: Instant) -> BoxFuture<'_, Result<Rows, Stop>> {
        Box::pin(async move {
            let rows = self.store.query(statement).await?;
            let bytes = rows.rows.iter().flatten().map(Value::size).sum();
            self.largest.fetch_max(bytes, Ordering::Relaxed);
            Ok(rows)
        })
    }

    fn execute(&self, statement: Statement, _: Instant) -> BoxFuture<'_, Result<u64, Stop>> {
        Box::pin(async move { Ok(self.store.execute(statement).await?) })
    }

    fn folder(&self) -> &Path {
        Path::new("")
    }

    fn config(&self) -> &Config {
        panic!("nothing is configured here")
    }

    fn columns<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<Vec<String>, Stop>> {
        Box::pin(async move { Ok(self.store.columns(table).await?) })
    }

    fn prompt(&self, name: &str, variables: &Json) -> Result<String, Stop> {
        Ok(format!(
            "{name}: tell only what is in here.\n{}",
            variables["bundle"].as_str().unwrap_or_default()
        ))
    }

    fn text(&self, _: &str) -> Result<String, Stop> {
        Ok(TEMPLATE.to_owned())
    }

    fn complete<'a>(
        &'a self,
        _: &'a Call,
        _: &'a str,
        _: ModelRequest,
    ) -> BoxFuture<'a, Result<Option<Completion>, NoAnswer>> {
        Box::pin(async { self.answer.clone().map_err(NoAnswer::from) })
    }

    fn embed<'a>(
        &'a self,
        _: &'a Call,
        _: &'a str,
        _: &'a [String],
    ) -> BoxFuture<'a, Result<Option<Vectors>, NoAnswer>> {
        Box::pin(async { Ok(None) })
    }

    fn send<'a>(
        &'a self,
        _: Reach<'a>,
        _: Request,
    ) -> BoxFuture<'a, Result<Response, ClientError>> {
        let kind = ClientErrorKind::Unreachable;
        Box::pin(async move { Err(ClientError::new(kind, "nobody is reached from here")) })
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        let store = Store::open(&url).await.expect("a store");
        Self {
            store,
            answer: Ok(None),
            largest: Arc::default(),
            folder,
        }
    }

    /// The same on a store that is open.
    pub(crate) fn on(store: &Store) -> Self {
        Self {
            store: store.clone(),
            answer: Ok(None),
            largest: Arc::default(),
            folder: TempDir::new().expect("a folder"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Call a handler as a run would, without committing what it writes.
    pub(crate) async fn call(
        &self,
        handler: &dyn AnyHandler,
        run: &str,
        config: Json,
        input: Json,
    ) -> Outcome {
        self.call_asked(handler, (run, json!({})), config, input)
            .await
    }

    /// The same in a run that was started with something.
    pub(crate) async fn call_asked(
        &self,
        handler: &dyn AnyHandler,
        (run, asked): (&str, Json),
        config: Json,
        input: Json,
    ) -> Outcome {
        let call = Call {
            run: run.to_owned(),
            asked: Arc::new(asked.as_object().cloned().unwrap_or_default()),
            pipeline: String::new(),
            stage: "stage".to_owned(),
            visit: 1,
            sent_back: false,
            attempt: 1,
            deadline: Instant::now() + Duration::from_secs(30),
            now: now(),
            settings: Arc::new(Snapshot::default()),
            resources: Arc::new(Host {
                store: self.store.clone(),
                answer: self.answer.clone(),
                largest: Arc::clone(&self.largest),
            }),
            lines: VisitLines::default(),
            fallbacks: Fallbacks::default(),
            tally: Tally::default(),
        };
        let input = input.as_object().cloned().unwrap_or_default();
        handler.call(&call, config, input).await
    }

    /// Commit the deferred writes of an outcome, as a checkpoint does; gives the patch.
    pub(crate) async fn commit(&self, outcome: Outcome) -> Patch {
        let Outcome::Done(done) = outcome else {
            panic!("not done: {outcome:?}");
        };
        let writes = done.writes;
        self.store
            .write(move |transaction| {
                Box::pin(async move {
                    for statement in writes {
                        transaction.execute(statement).await?;
                    }
                    Ok(())
                })
            })
            .await
            .expect("a commit");
        done.patch
    }

    /// Have something happen to a task.
    pub(crate) async fn happen(&self, id: &str, event: TaskEvent) {
        let happening = Happening {
            event,
            who: "Ada",
            detail: "",
            at: At::Moment(now()),
        };
        for statement in tasks::step(id, &happening, &[]) {
            let touched = self.store.execute(statement).await.expect("a write");
            assert_eq!(touched, 1, "{event:?}");
        }
    }

    /// The single number that a query gives.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let rows = self.store.query(Statement::new(sql)).await.expect(sql);
        rows.first()
            .expect("a row")
            .integer("number")
            .expect("a number")
    }
}

/// The handler that is registered under a name.
pub(crate) fn handler(name: &str) -> &'static dyn AnyHandler {
    let mut all =
        inventory::iter::<Registration>().filter(|registration| registration.name() == name);
    all.next().expect(name).handler
}

/// Midday, a day after the commits that the tests make.
pub(crate) fn now() -> Timestamp {
    "2026-06-26T12:00:00Z".parse().expect("a time")
}

/// What an outcome is called and says.
pub(crate) fn said(outcome: &Outcome) -> String {
    format!("{}: {}", outcome.name(), outcome.detail())
}

/// A git repository in a folder.
pub(crate) struct Checkout {
    pub path: String,
}

impl Checkout {
    /// An empty repository.
    pub(crate) fn new(path: &str) -> Self {
        std::fs::create_dir_all(path).expect("a folder");
        let repository = Self {
            path: path.to_owned(),
        };
        repository.git(
            &["init", "--quiet", "--initial-branch=main"],
            "Ann",
            "2026-01-01T00:00:00Z",
        );
        repository
    }

    /// A commit of one file by an author at a time.
    pub(crate) fn commit(&self, author: &str, time: &str, message: &str) -> &Self {
        let count = std::fs::read_dir(&self.path).expect("a folder").count();
        let file = Path::new(&self.path).join(format!("part_{count}.rs"));
        std::fs::write(file, "a\nline\n").expect("a file");
        self.git(&["add", "--all"], author, time);
        self.git(
            &[
                "commit",
                "--quiet",
                "--allow-empty-message",
                "--message",
                message,
            ],
            author,
            time,
        )
    }

    pub(crate) fn git(&self, args: &[&str], author: &str, time: &str) -> &Self {
        let email = format!("{}@example.com", author.replace(' ', "."));
        let status = Command::new("git")
            .args([
                "-C",
                &self.path,
                "-c",
                "commit.gpgsign=false",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(args)
            .envs([("GIT_AUTHOR_NAME", author), ("GIT_COMMITTER_NAME", author)])
            .envs([
                ("GIT_AUTHOR_EMAIL", &email),
                ("GIT_COMMITTER_EMAIL", &email),
            ])
            .envs([("GIT_AUTHOR_DATE", time), ("GIT_COMMITTER_DATE", time)])
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .status()
            .expect("git");
        assert!(status.success(), "git {args:?}");
        self
    }

    /// The input of a run about it.
    pub(crate) fn input(&self, date: &str) -> Json {
        json!({ "repository": self.path, "date": date })
    }
}

/// A small day: a pull request with a reason, and a fix.
pub(crate) fn bundle() -> Bundle {
    let reason = "Before, the last one won and nobody knew.";
    let entry = |id: &str, second: i64, subject: &str, body: &str| LogEntry {
        id: id.repeat(5),
        committed_at: 1_782_381_600 + second,
        author: "Ann".to_owned(),
        subject: subject.to_owned(),
        body: body.to_owned(),
        paths: vec!["host/src/registry.rs".to_owned()],
        changed: vec![12],
        files: 1,
        insertions: 12,
        ..LogEntry::default()
    };
    let feature = "feat(registry): refuse two of a name (#12)";
    assembled(vec![
        entry("1a2b3c4d", 0, feature, reason),
        entry("2b3c4d5e", 1, "fix: retry once", ""),
    ])
}

/// The 25th of June 2026 of a branch without merges: its commits, the oldest first.
pub(crate) fn assembled(entries: Vec<LogEntry>) -> Bundle {
    let mut lister = Lister::default();
    for (place, entry) in entries.iter().enumerate().rev() {
        let before = place.checked_sub(1).map_or("", |place| &entries[place].id);
        lister.take(&format!("{} {} {before}", entry.committed_at, entry.id));
    }
    let identity = RepositoryIdentity {
        name: "app".to_owned(),
        remote: None,
    };
    let gatherer = Gatherer {
        identity: &identity,
        rules: &Looking::default().rules(),
        forge: None,
        limit: 1_000,
        now: now(),
    };
    let entries = entries.into_iter().map(|entry| (entry.id.clone(), entry));
    let messages = Messages {
        entries: entries.collect(),
        undone: Vec::new(),
        known: Vec::new(),
        detail: Detail::Lines,
        unlooked: Vec::new(),
        over_limit: 0,
    };
    let day = "2026-06-25".parse().expect("a day");
    gatherer.assemble(&Landed::new(lister.finish(false)), day, messages)
}
