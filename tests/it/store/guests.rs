//! What plugins leave open on SQLite is closed with the store.

use std::time::Duration;

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::store::{Dialect, Store};
use callboard_core::value::Statement;

use crate::support::database::with_database;

/// The connection that closes last brings the log into the one file; a connection of a plugin that
/// waits to be used again would have been the last.
#[test]
fn the_log_is_in_the_file_when_the_store_is_closed() {
    with_database(Dialect::Sqlite, async |store: Store, url: String| {
        let table = Statement::new("CREATE TABLE scratch (title TEXT)");
        store.execute(table).await.expect("a table");
        let text = "db = [{ table = \"scratch\", verbs = [\"insert\"] }]";
        let grants: Grants = toml::from_str(text).expect("grants");
        let guest = store.granted("p", &grants, &CallLimits::default()).await;
        let guest = guest.expect("granted");
        let insert = Statement::new("INSERT INTO scratch (title) VALUES ('one')");
        let written = guest.execute(insert, Duration::from_secs(60)).await;
        assert_eq!(written.expect("a row"), 1);
        let file = url.strip_prefix("sqlite:").expect("a file");
        let log = std::path::PathBuf::from(format!("{file}-wal"));
        assert!(log.exists(), "it is written in the log first");
        store.close().await;
        assert!(!log.exists(), "the log is left though everything is closed");
        drop(guest);
    });
}
