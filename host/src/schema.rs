//! The scripts that make the database's tables, and which of those plugins may be granted.
//!
//! What a script makes belongs to the host, unless the line before it says `-- grantable`. A table
//! that no script makes is the workspace's own, and can be granted.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// One change of the schema, in the words of each database.
pub struct Migration {
    pub number: i64,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

pub const MIGRATIONS: [Migration; 2] = [
    Migration {
        number: 1,
        sqlite: include_str!("../migrations/sqlite/0001_initial.sql"),
        postgres: include_str!("../migrations/postgres/0001_initial.sql"),
    },
    Migration {
        number: 2,
        sqlite: include_str!("../migrations/sqlite/0002_suspects.sql"),
        postgres: include_str!("../migrations/postgres/0002_suspects.sql"),
    },
];

/// Makes the table of the scripts that have been applied.
pub const APPLIED: &str =
    "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, digest TEXT NOT NULL)";

/// Says of the table made next that plugins may be granted it.
const GRANTABLE: &str = "-- grantable";
/// Tables of the database itself.
const SYSTEM: [&str; 4] = ["sqlite_", "pragma_", "pg_", "information_schema"];

/// The host's own tables and views.
static OWN: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let scripts = MIGRATIONS.iter().flat_map(|it| [it.sqlite, it.postgres]);
    scripts.chain([APPLIED]).flat_map(own).collect()
});

/// Whether no grant can open `table` to a plugin.
pub fn belongs_to_host(table: &str) -> bool {
    let table = table.to_ascii_lowercase();
    OWN.contains(&table) || SYSTEM.iter().any(|prefix| table.starts_with(prefix))
}

/// Why a handler, native or of a plugin, may not touch `table`, which belongs to the host.
pub fn hosts_own(table: &str) -> String {
    format!("table `{table}` belongs to the host, and no handler may touch it")
}

/// What a script makes without leaving it to plugins.
fn own(script: &str) -> Vec<String> {
    let mut before = "";
    let mut own = Vec::new();
    for line in script.lines() {
        let name = made(line).filter(|_| before != GRANTABLE);
        own.extend(name.map(str::to_ascii_lowercase));
        before = line.trim();
    }
    own
}

/// The table or view that a line begins to make.
fn made(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("CREATE ")?;
    let rest = [
        "TABLE ",
        "VIEW ",
        "MATERIALIZED VIEW ",
        "UNLOGGED TABLE ",
        "VIRTUAL TABLE ",
    ]
    .iter()
    .find_map(|kind| rest.strip_prefix(kind))?;
    let rest = rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest);
    rest.split(|mark: char| !(mark.is_alphanumeric() || mark == '_'))
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_table_is_the_hosts_until_its_definition_says_otherwise() {
        let script = "-- What it is for.\nCREATE TABLE fresh (\n  a TEXT);\n-- grantable\n\
            CREATE TABLE open (a TEXT);\nCREATE INDEX x ON open (a);\nCREATE VIEW seen AS SELECT 1;";
        assert_eq!(own(script), ["fresh", "seen"]);
    }

    #[test]
    fn both_databases_leave_the_same_tables_to_plugins() {
        for migration in &MIGRATIONS {
            assert_eq!(
                own(migration.sqlite),
                own(migration.postgres),
                "{}",
                migration.number
            );
        }
        let open = [
            "tasks",
            "drafts",
            "posts",
            "diary_days",
            "commits",
            "embeddings",
        ];
        assert!(open.iter().all(|table| !belongs_to_host(table)));
        for table in [
            "settings",
            "Plugin_Logins",
            "runs",
            "migrations",
            "sqlite_master",
            "pg_class",
        ] {
            assert!(belongs_to_host(table), "{table}");
        }
    }
}
