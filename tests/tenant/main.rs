//! A second tenant, a tiny one: a guest book. Two handlers, one table, one rule of the roll, a key of
//! `callboard.toml`, what is written when a run ends and what is rebuilt when a revision becomes
//! active; nothing of the content factory is linked. It shows what a tenant has to write, and
//! that the host carries it from end to end on both databases.
#![expect(
    clippy::disallowed_methods,
    reason = "what a test reads is what it made"
)]

mod handlers;
mod sign;
mod support;
mod table;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use callboard_core::app::current::Rebuilt;
use callboard_core::app::{App, SeenVersions};
use callboard_core::config::ConfigPart;
use callboard_core::engine::Unwatched;
use callboard_core::outcome::Patch;
use callboard_core::pack::Pack;
use callboard_core::rollcall::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use callboard_core::store::runs::{Run, RunOrigin, RunStatus};
use callboard_core::store::{Dialect, Store};
use callboard_core::value::Statement;
use callboard_core::workspace::{Folders, Place};
use tokio::sync::watch;

use self::support::database::on_both;

/// The folder of a workspace that the guest book reads.
const FOLDER: &str = "guests";
const LIST: &str = "guests/list.txt";

const PACK: Pack = Pack {
    name: "guest_book",
    migrations: table::MIGRATIONS,
    handler_files: &["content/invite.rs", "notify/greet.rs"],
    workspace: &[],
    configuration: &[ConfigPart::of::<sign::Door>()],
    folders: Folders {
        read: &[FOLDER],
        marks: &[],
    },
    settings: &[],
    rules: &[somebody_is_on_the_list],
    live_rules: &[],
    probes: &[],
    tables: &[],
    times: &[],
    commits: table::COMMITS,
    rebuilt: &[Rebuilt {
        task: "what keeps the sign current",
        make: sign::made,
    }],
};

callboard_core::pack!(PACK);

/// A list of guests with no person on it is a miss.
fn somebody_is_on_the_list(scope: &RollScope<'_>) -> Vec<Reference> {
    let list = scope.definitions.folders.get(LIST);
    let empty = list.is_none_or(|list| list.trim_ascii().is_empty());
    let miss = empty.then(|| Miss::new("nobody is on the list", "write a name into it"));
    let referrer = Referrer::Tenant("guest book".to_owned());
    let reference = Reference::new(referrer, "list", ReferenceKind::File, LIST);
    vec![reference.at(Place::start(LIST)).missed(miss)]
}

const PIPELINE: &str = r#"name = "welcome"
budget = "1m"
[input.guest]
required = true

[[stage]]
id = "invite"
handler = "content.invite"
[[stage]]
id = "greet"
handler = "notify.greet"
needs = ["invite"]
"#;

fn workspace(folder: &Path, list: &str) {
    for inner in ["pipelines", FOLDER] {
        fs::create_dir_all(folder.join(inner)).expect("a folder");
    }
    let files = [
        ("callboard.toml", "name = \"guest book\"\ndoor = \"oak\""),
        ("pipelines/welcome.toml", PIPELINE),
        (LIST, list),
    ];
    for (file, text) in files {
        fs::write(folder.join(file), text).expect("a file");
    }
}

async fn run(app: &App, guest: &str) -> Run {
    let engine = app.engine(Arc::new(Unwatched));
    let runnable = app.runnable().await.expect("a runnable revision");
    let input = Patch::from_iter([("guest".to_owned(), guest.into())]);
    let queued = engine
        .queue(&runnable, "welcome", input, RunOrigin::Cli)
        .await;
    let id = queued.expect("it is queued").id;
    engine.carry_out(&id).await.expect("it is carried out")
}

async fn visits(store: &Store) -> Vec<(String, String)> {
    let sql = "SELECT guest, ended FROM visits ORDER BY guest";
    let rows = store.query(Statement::new(sql)).await.expect("rows");
    let read = rows.iter().map(|row| {
        let text = |column| row.text(column).expect("a text");
        (text("guest"), text("ended"))
    });
    read.collect()
}

on_both!(
    a_tenant_is_carried_from_end_to_end,
    async |_: Store, url: String| {
        let folder = tempfile::tempdir().expect("a folder");
        workspace(folder.path(), "\n");
        let app = App::open(folder.path(), Some(&url)).await.expect("an app");

        let roll = app.check().await.expect("a roll").roll;
        let misses: Vec<_> = roll.misses().map(|miss| miss.target.as_str()).collect();
        assert_eq!(misses, [LIST], "its rule is asked, and all else answers");
        assert!(app.apply("").await.is_err(), "and it stops an apply");

        workspace(folder.path(), "Ann\n");
        app.apply("").await.expect("it is applied");
        let ended = run(&app, "Ann").await;
        assert_eq!(ended.status, RunStatus::Done, "{}", ended.detail);
        let refused = run(&app, "").await;
        assert_eq!(refused.status, RunStatus::Rejected, "{}", refused.detail);

        let told = |guest: &str, ended: &str| (guest.to_owned(), ended.to_owned());
        assert_eq!(visits(app.store()).await, [told("Ann", "done")]);
    }
);

on_both!(
    what_it_makes_is_made_anew_when_a_revision_becomes_active,
    async |_: Store, url: String| {
        let folder = tempfile::tempdir().expect("a folder");
        workspace(folder.path(), "Ann\n");
        let app = App::open(folder.path(), Some(&url)).await.expect("an app");
        app.apply("").await.expect("it is applied");
        let seen = watch::Sender::<SeenVersions>::default();
        app.poll(&seen).await.expect("a look");
        // What it has seen so far is no news.
        let changes = seen.subscribe();
        let here = "127.0.0.1:80".parse().expect("an address");
        let kept = app.keep_current(here, &changes).await;
        let (current, _keepers) = kept.expect("it is made");
        let sign = || current.get::<sign::Sign>().expect("a sign").0.clone();
        assert_eq!(sign(), "oak door, 127.0.0.1:80: Ann");

        workspace(folder.path(), "Ben\n");
        app.apply("").await.expect("it is applied");
        assert_eq!(sign(), "oak door, 127.0.0.1:80: Ann", "nobody has looked");
        let ben = async {
            while sign() != "oak door, 127.0.0.1:80: Ben" {
                app.poll(&seen).await.expect("a look");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let made = tokio::time::timeout(Duration::from_secs(60), ben).await;
        made.expect("it is made anew");
    }
);

on_both!(
    its_table_is_granted_only_if_it_says_so,
    async |store: Store, _url: String| {
        assert!(!callboard_core::schema::belongs_to_host("visits"));
        assert!(callboard_core::schema::belongs_to_host("doors"));
        let columns = store.columns("doors").await.expect("columns");
        assert_eq!(columns, ["name"]);
        assert!(matches!(
            store.dialect(),
            Dialect::Sqlite | Dialect::Postgres
        ));
    }
);

/// Who hands runs out elsewhere comes with a package, which this program does not name.
#[tokio::test]
async fn a_table_that_no_package_heeds_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = "name = \"a\"\n[engine.restate]\ningress = \"http://127.0.0.1:8080\"\n";
    fs::write(folder.path().join("callboard.toml"), table).expect("a file");
    let refused = App::open(folder.path(), None).await.err();
    let refused = format!("{:?}", refused.expect("it is refused"));
    assert!(
        refused.contains("without the feature `restate`"),
        "{refused}"
    );
}

#[test]
fn only_its_own_handlers_and_the_hosts_are_there() {
    let registry = callboard_core::registry::Registry::native().expect("a registry");
    let names: Vec<_> = registry
        .iter()
        .map(|it| it.contract.name.as_str())
        .collect();
    let own = ["content.invite", "notify.greet"];
    assert!(own.iter().all(|name| names.contains(name)), "{names:?}");
    let others = names.iter().filter(|name| !own.contains(name));
    let hosts = |name: &&str| name.starts_with("retention.") || name.starts_with("probe.");
    assert!(others.copied().all(|name| hosts(&name)), "{names:?}");
}
