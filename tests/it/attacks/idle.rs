//! A guest that keeps the lock of SQLite while it computes.

use std::io::Read as _;
use std::process::Stdio;
use std::time::Duration;

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::store::granted::{GrantedDatabase, Idle};
use callboard_core::store::{Dialect, Store, StoreError, StoreErrorKind};
use callboard_core::value::Statement;

use super::attacks;
use crate::support::database::runtime;
use crate::support::factory::Factory;

attacks! {
    a_guest_that_computes_in_a_transaction: "a guest begins one transaction after the other, writes a row and computes, so that nobody else can write" => {
        others_write_meanwhile
    };
}

const MINUTE: Duration = Duration::from_secs(60);

async fn scratch(store: &Store) -> GrantedDatabase {
    let create = "CREATE TABLE scratch (id INTEGER PRIMARY KEY)";
    store
        .execute(Statement::new(create))
        .await
        .expect("a table");
    let grants = "db = [{ table = \"scratch\", verbs = [\"insert\"] }]";
    let grants: Grants = toml::from_str(grants).expect("grants");
    let limits = CallLimits::default();
    let granted = store.granted("p", &grants, &limits);
    granted.await.expect("granted")
}

/// Begin, write, and do nothing that the host sees, as a guest does that computes.
async fn hold(database: &GrantedDatabase, idle: &Idle) -> Result<u64, StoreError> {
    let insert = || Statement::new("INSERT INTO scratch DEFAULT VALUES");
    let mut transaction = database.begin_with(MINUTE, idle.clone()).await?;
    transaction.execute(insert(), MINUTE).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    transaction.execute(insert(), MINUTE).await
}

fn others_write_meanwhile() {
    let factory = Factory::bare(Dialect::Sqlite);
    let file = factory.workspace().join("callboard.db");
    let url = format!("sqlite:{}", file.display());
    runtime().block_on(async {
        let store = Store::open(&url).await.expect("it opens");
        let database = scratch(&store).await;
        let idle = Idle::default();
        let mut operator: Option<std::process::Child> = None;
        let status = loop {
            let began = database
                .begin_with(MINUTE, Idle::default())
                .await
                .expect("begun");
            if operator.is_none() {
                let mut set = factory.command(&["settings", "set", "roles.writer.model", "mine"]);
                let set = set.stdout(Stdio::null()).stderr(Stdio::piped());
                operator = Some(set.spawn().expect("it starts"));
            }
            drop(began);
            let error = hold(&database, &Idle::default())
                .await
                .expect_err("too long");
            assert_eq!(error.kind, StoreErrorKind::Timeout, "{error}");
            assert!(error.message.contains("compute first"), "{error}");
            let running = operator.as_mut().expect("it was started");
            if let Some(status) = running.try_wait().expect("a status") {
                break status;
            }
        };
        let mut told = String::new();
        let stderr = operator.and_then(|ended| ended.stderr);
        let read = stderr.expect("a pipe").read_to_string(&mut told);
        read.expect("a text");
        assert!(status.success(), "the operator was kept waiting: {told}");
        assert!(!told.contains("slow statement"), "{told}");
        let rows = store.query(Statement::new("SELECT COUNT(*) AS n FROM scratch"));
        let rows = rows.await.expect("rows");
        let row = rows.first().expect("a row");
        assert_eq!(
            row.integer("n").expect("a number"),
            0,
            "all was rolled back"
        );
        // And a call may not do so again and again.
        for _ in 0..5 {
            hold(&database, &idle).await.expect_err("too long");
        }
        let mut spent = database.begin_with(MINUTE, idle).await.expect("begun");
        tokio::time::sleep(Duration::from_millis(100)).await;
        let insert = Statement::new("INSERT INTO scratch DEFAULT VALUES");
        let error = spent
            .execute(insert, MINUTE)
            .await
            .expect_err("nothing is left");
        assert!(error.message.contains("compute first"), "{error}");
    });
}
