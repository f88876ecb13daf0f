//! What can be granted is said by the tables' definitions: compared with the live schema.

use callboard_core::grants::Verb;
use callboard_core::schema::belongs_to_host;
use callboard_core::store::StoreErrorKind;
use callboard_core::store::{Dialect, Store};
use callboard_core::value::Statement;

use crate::support::database::on_both;

/// The tables and views of the factory that plugins may be granted.
const GRANTABLE: [&str; 12] = [
    "commits",
    "diary_days",
    "drafts",
    "embeddings",
    "items",
    "media",
    "post_history",
    "post_slugs",
    "posts",
    "sources",
    "task_history",
    "tasks",
];

async fn names(store: &Store) -> Vec<String> {
    let sql = match store.dialect() {
        Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')",
        Dialect::Postgres => {
            "SELECT relname::text AS name FROM pg_class WHERE relnamespace = \
                current_schema()::regnamespace AND relkind NOT IN ('i', 'S')"
        }
    };
    let rows = store.query(Statement::new(sql)).await.expect("the schema");
    rows.iter()
        .map(|row| row.text("name").expect("a name"))
        .collect()
}

on_both!(
    a_table_is_granted_only_if_its_definition_says_so,
    async |store: Store, _url: String| {
        let live = names(&store).await;
        assert!(live.len() > GRANTABLE.len() + 10, "{live:?}");
        let mut open: Vec<_> = live.iter().filter(|name| !belongs_to_host(name)).collect();
        open.sort();
        assert_eq!(
            open, GRANTABLE,
            "a table of the host is not told by its script"
        );
        // What is approved and published is written by the host alone.
        for table in &open {
            let read_only = [
                "drafts",
                "media",
                "post_history",
                "post_slugs",
                "posts",
                "sources",
                "task_history",
                "tasks",
            ];
            let read_only = read_only.contains(&table.as_str());
            assert_eq!(Verb::Update.can_be_granted(table), !read_only, "{table}");
            assert!(Verb::Select.can_be_granted(table), "{table}");
        }
        let own = Statement::new("CREATE TABLE readers (name TEXT)");
        store
            .execute(own)
            .await
            .expect("a table of the workspace's own");
        assert!(!belongs_to_host("readers"));
    }
);

/// What plugins may write is shown in lists, and read as a whole: no text of it is without a bound.
#[test]
fn each_text_that_plugins_may_write_has_a_length() {
    let script = include_str!("../../../host/factory/migrations/0001_initial.sql");
    let tables = script.split("-- grantable\nCREATE TABLE ").skip(1);
    let mut texts = 0;
    for table in tables {
        let (table, _) = table
            .split_once("\n);")
            .or(table.split_once("\n)"))
            .expect("its end");
        let name = table.split_whitespace().next().expect("a name");
        let (table, _) = table.split_once("\n)").unwrap_or((table, ""));
        for line in table
            .lines()
            .filter(|line| line.contains(" TEXT ") || line.ends_with(" TEXT,"))
        {
            let bounded = line.contains("{{octets(}}") || line.contains(" IN (");
            assert!(bounded, "{name} has no length: {line}");
            texts += 1;
        }
    }
    assert!(texts > 30, "{texts}");
}

on_both!(
    a_text_beyond_its_length_is_refused_by_the_table,
    async |store: Store, _url: String| {
        let insert = |subject: String| {
            let sql = "INSERT INTO diary_days (subject, state, run, decided_at) \
                VALUES ($1, 'thin', 'run', 1)";
            Statement::new(sql).bind(subject)
        };
        let refused = store.execute(insert("x".repeat(4001))).await;
        let refused = refused.expect_err("it is too long");
        assert_eq!(refused.kind, StoreErrorKind::Constraint, "{refused}");
        let kept = store.execute(insert("x".repeat(4000))).await;
        assert_eq!(kept.expect("it fits"), 1);
    }
);
