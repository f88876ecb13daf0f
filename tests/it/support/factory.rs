//! Factory workspaces that are set up and applied, and what scenarios ask of them.

use std::fs;
use std::ops::Deref;
use std::path::Path;

use callboard_core::store::{Dialect, Store};
use callboard_core::value::{Rows, Statement};
use serde_json::Value as Json;

use super::database::{TestDatabase, runtime};
use super::host::{Host, Ran};
use super::repository::{GitFolder, repository};

/// The bundled workspace, applied, on a database of the test's own.
pub(crate) struct Factory {
    host: Host,
    database: Option<TestDatabase>,
    /// The address of a database that is the test's own affair.
    address: Option<String>,
}

/// What `callboard.toml` says in a factory without plugins.
pub(crate) const BARE: &str = "name = \"Factory\"\ndatabase = \"sqlite:callboard.db\"\n";
/// The upkeep that needs no plugin.
pub(crate) const KEEP: &str = "commits_keep_newest";

impl Deref for Factory {
    type Target = Host;

    fn deref(&self) -> &Host {
        &self.host
    }
}

impl Factory {
    /// The workspace as it comes, written and not applied.
    pub(crate) fn written(dialect: Dialect) -> Self {
        let (host, database) = match dialect {
            Dialect::Sqlite => (Host::new(), None),
            Dialect::Postgres => {
                let database = TestDatabase::new(dialect);
                let host = Host::new().with("CALLBOARD_DATABASE", database.url());
                (host, Some(database))
            }
        };
        host.ok(&["init"]);
        Self {
            host,
            database,
            address: None,
        }
    }

    /// The same on a database that the test looks after.
    pub(crate) fn written_at(address: &str) -> Self {
        let host = Host::new().with("CALLBOARD_DATABASE", address);
        host.ok(&["init"]);
        Self {
            host,
            database: None,
            address: Some(address.to_owned()),
        }
    }

    /// The workspace as it comes.
    pub(crate) fn whole(dialect: Dialect) -> Self {
        let factory = Self::written(dialect);
        factory.ok(&["apply"]);
        factory
    }

    /// Set a variable for every run of the program from now on.
    #[must_use]
    pub(crate) fn with(self, name: &str, value: impl Into<std::ffi::OsString>) -> Self {
        Self {
            host: self.host.with(name, value),
            ..self
        }
    }

    /// Without plugins, written and not applied: what is about something else is faster so.
    pub(crate) fn bare_written(dialect: Dialect) -> Self {
        Self::written(dialect).strip()
    }

    /// Without plugins, and what needs them.
    pub(crate) fn strip(self) -> Self {
        self.write("callboard.toml", BARE);
        fs::remove_dir_all(self.workspace().join("plugins")).expect("the bundled plugins");
        for policy in [
            "embeddings_collapse_commits",
            "embeddings_orphan_prune_commits",
        ] {
            self.remove(&format!("policies/{policy}.toml"));
        }
        self.remove("pipelines/canonical_blog.toml");
        let refresh = self.read("pipelines/seo_refresh.toml");
        let (before, rules) = refresh.split_once("# Of the post, ").expect("its rules");
        let (_, behind) = rules.split_once("goto:seo\"\n\n").expect("their end");
        let behind = behind.replace("needs = [\"rules\"]", "needs = [\"seo\"]");
        self.write("pipelines/seo_refresh.toml", format!("{before}{behind}"));
        self
    }

    /// Without plugins.
    pub(crate) fn bare(dialect: Dialect) -> Self {
        let factory = Self::bare_written(dialect);
        factory.ok(&["apply"]);
        factory
    }

    /// Remove a file of the workspace.
    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.workspace().join(path)).expect("a file of the workspace");
    }

    /// Replace a text in a file of the workspace; it has to be there.
    #[track_caller]
    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{path} has no `{old}`");
        self.write(path, text.replace(old, new));
    }

    /// What a command says, as JSON.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> Json {
        let printed = self.ok(&[&["--format", "json"], arguments].concat());
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }

    /// `run dev_diary` about a day.
    #[track_caller]
    pub(crate) fn diary(&self, repository: &Path, date: &str) -> Ran {
        self.run(&diary(repository, date).each_ref().map(String::as_str))
    }

    /// The only task, by its id.
    #[track_caller]
    pub(crate) fn task(&self) -> String {
        let tasks = self.json(&["tasks", "list"]);
        let tasks = tasks.as_array().expect("a list");
        assert_eq!(tasks.len(), 1, "{tasks:?}");
        tasks[0]["id"].as_str().expect("an id").to_owned()
    }

    /// The address of the database.
    pub(crate) fn url(&self) -> String {
        match (&self.database, &self.address) {
            (Some(database), _) => database.url().to_owned(),
            (None, Some(address)) => address.clone(),
            (None, None) => format!("sqlite:{}", self.workspace().join("callboard.db").display()),
        }
    }

    /// Take the database from under the program.
    pub(crate) fn drop_database(&mut self) {
        self.database = None;
    }

    /// Ask the database itself.
    #[track_caller]
    pub(crate) fn query(&self, sql: &str) -> Rows {
        let (url, statement) = (self.url(), Statement::new(sql));
        runtime().block_on(async {
            let store = Store::open(&url).await.expect("the database opens");
            let rows = store.query(statement).await;
            store.close().await;
            rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
        })
    }

    /// Change the database itself.
    #[track_caller]
    pub(crate) fn execute(&self, sql: &str) -> u64 {
        let (url, statement) = (self.url(), Statement::new(sql));
        runtime().block_on(async {
            let store = Store::open(&url).await.expect("the database opens");
            let changed = store.execute(statement).await;
            store.close().await;
            changed.unwrap_or_else(|error| panic!("{sql}: {error}"))
        })
    }

    /// How many rows a table has; `table` may go on with a condition.
    #[track_caller]
    pub(crate) fn count(&self, table: &str) -> i64 {
        let rows = self.query(&format!("SELECT count(*) AS n FROM {table}"));
        rows.first().expect("a row").integer("n").expect("a number")
    }

    /// A column of every row, as texts.
    #[track_caller]
    pub(crate) fn texts(&self, sql: &str, column: &str) -> Vec<String> {
        let rows = self.query(sql);
        rows.iter()
            .map(|row| row.text(column).expect("a text"))
            .collect()
    }
}

/// The command line of a diary's run.
pub(crate) fn diary(repository: &Path, date: &str) -> [String; 6] {
    [
        "run".to_owned(),
        "dev_diary".to_owned(),
        "--input".to_owned(),
        format!("repository={}", repository.display()),
        "--input".to_owned(),
        format!("date={date}"),
    ]
}

/// The day that [`board`] has much to tell of, and the one that is thin.
pub(crate) const DAY: &str = "2026-01-05";
pub(crate) const THIN: &str = "2026-01-07";

/// A repository named `board` with a day of substance and a thin one.
pub(crate) fn board() -> GitFolder {
    let repository = repository();
    repository.git(
        &[
            "remote",
            "add",
            "origin",
            "https://example.org/ada/board.git",
        ],
        "",
    );
    let first = repository
        .at("2026-01-05T09:00:00Z")
        .file("src/search.rs", "fn search() {}\n");
    first
        .body("Readers could not find a post by its words.")
        .commit("feat: search the archive (#7)");
    let second = repository
        .at("2026-01-05T15:00:00Z")
        .file("src/feed.rs", "fn feed() {}\n");
    second
        .body("The feed showed removed posts.")
        .commit("fix: leave removed posts out of the feed (#8)");
    let thin = repository
        .at("2026-01-07T10:00:00Z")
        .file("NOTES", "a note\n");
    thin.commit("chore: keep a note");
    repository
}

/// One scenario that holds on both databases: `name::sqlite` and `name::postgres`. The body
/// gets the kind of database.
macro_rules! on_each {
    ($name:ident, $body:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn sqlite() {
                let body: fn(callboard_core::store::Dialect) = $body;
                body(callboard_core::store::Dialect::Sqlite);
            }

            #[test]
            fn postgres() {
                let body: fn(callboard_core::store::Dialect) = $body;
                body(callboard_core::store::Dialect::Postgres);
            }
        }
    };
}

pub(crate) use on_each;
