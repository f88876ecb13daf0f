//! The scripts that make the database's tables, and which of those plugins may be granted.
//!
//! What a script makes belongs to the host, unless the line before it says `-- grantable`, or
//! `-- grantable to read`. A table
//! that no script makes is the workspace's own, and can be granted.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// One change of the schema. What has another name on each database is written as a token
/// ([`TOKENS`]), and what follows a line `-- {{sqlite}}` or `-- {{postgres}}` is that database's
/// alone, up to a line `-- {{all}}`.
#[derive(Clone, Copy)]
pub struct Migration {
    pub number: i64,
    pub text: &'static str,
}

/// Tokens, with what SQLite and PostgreSQL are told: a type of bytes, how many a text has, and that a
/// table takes values of no other types than its columns', as one of PostgreSQL does anyway. Such a
/// table of SQLite knows no other names of types than these.
const TOKENS: [(&str, [&str; 2]); 6] = [
    ("{{strict}}", [" STRICT", ""]),
    ("BIGINT", ["INT", "BIGINT"]),
    ("{{flag}}", ["INT", "BOOLEAN"]),
    ("{{bytes}}", ["BLOB", "BYTEA"]),
    ("{{octets(}}", ["length(CAST(", "octet_length("]),
    ("{{)}}", [" AS BLOB))", ")"]),
];
/// What a script calls the databases.
const DATABASES: [&str; 2] = ["sqlite", "postgres"];

impl Migration {
    /// The script in the words of one database: `sqlite` or `postgres`.
    pub fn script(&self, database: &str) -> String {
        let mut script = String::with_capacity(self.text.len());
        let mut of = "all";
        for line in self.text.lines() {
            let mark = line.strip_prefix("-- {{");
            if let Some(mark) = mark.and_then(|mark| mark.strip_suffix("}}")) {
                of = mark;
            } else if of == "all" || of == database {
                script.push_str(line);
                script.push('\n');
            }
        }
        let at = DATABASES.iter().position(|name| *name == database);
        TOKENS.iter().fold(script, |script, (token, names)| {
            script.replace(token, names[at.unwrap_or_default()])
        })
    }
}

/// The scripts of the host, or of a tenant. A program that links its crate has its tables.
#[derive(Clone, Copy)]
pub struct Scripts {
    pub owner: &'static str,
    /// By number, from 1.
    pub migrations: &'static [Migration],
}

inventory::collect!(Scripts);

/// The name that the host's own scripts go by.
const HOST: &str = "host";

inventory::submit! {
    Scripts {
        owner: HOST,
        migrations: &[Migration {
            number: 1,
            text: include_str!("../migrations/0001_initial.sql"),
        }],
    }
}

/// All scripts: the host's, then those of its tenants, by name.
pub fn scripts() -> Vec<Scripts> {
    let mut scripts: Vec<_> = inventory::iter::<Scripts>().copied().collect();
    scripts.sort_by_key(|scripts| (scripts.owner != HOST, scripts.owner));
    scripts
}

/// Makes the table of the scripts that have been applied.
pub const APPLIED: &str = "CREATE TABLE IF NOT EXISTS migrations \
    (owner TEXT NOT NULL, number BIGINT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (owner, number))";

/// Says of the table made next that plugins may be granted it.
const GRANTABLE: &str = "-- grantable";
/// Says of the table made next that plugins may be granted to read it, and no more.
const READABLE: &str = "-- grantable to read";
/// Tables of the database itself.
const SYSTEM: [&str; 4] = ["sqlite_", "pragma_", "pg_", "information_schema"];

/// Tables and views that no plugin may be granted.
static OWN: LazyLock<BTreeSet<String>> = LazyLock::new(|| all(is_own));

/// Those that a plugin may at most read.
static READ_ONLY: LazyLock<BTreeSet<String>> = LazyLock::new(|| all(|before| before == READABLE));

/// All that scripts make.
static MADE: LazyLock<BTreeSet<String>> = LazyLock::new(|| all(|_| true));

/// Whether a line above a table keeps it from grants.
fn is_own(before: &str) -> bool {
    ![GRANTABLE, READABLE].contains(&before)
}

/// What all scripts make below a line that is as wanted.
fn all(wanted: fn(&str) -> bool) -> BTreeSet<String> {
    let scripts = scripts().into_iter().flat_map(|it| it.migrations);
    let scripts = scripts.map(|it| it.text);
    let scripts = scripts.chain([APPLIED]);
    scripts.flat_map(|script| below(script, wanted)).collect()
}

/// Whether a script makes the table or view.
pub fn is_made(table: &str) -> bool {
    MADE.contains(table)
}

/// Whether no grant can open `table` to a plugin.
pub fn belongs_to_host(table: &str) -> bool {
    let table = table.to_ascii_lowercase();
    OWN.contains(&table) || SYSTEM.iter().any(|prefix| table.starts_with(prefix))
}

/// Whether a grant of `table` opens it to a plugin for reading at most.
pub fn is_read_only(table: &str) -> bool {
    READ_ONLY.contains(&table.to_ascii_lowercase())
}

/// Why a handler, native or of a plugin, may not touch `table`, which belongs to the host.
pub fn hosts_own(table: &str) -> String {
    format!("table `{table}` belongs to the host, and no handler may touch it")
}

/// What a script makes below a line that is as wanted.
fn below(script: &str, wanted: fn(&str) -> bool) -> Vec<String> {
    let mut before = "";
    let mut own = Vec::new();
    for line in script.lines() {
        let name = made(line).filter(|_| wanted(before));
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
            CREATE TABLE open (a TEXT);\nCREATE INDEX x ON open (a);\nCREATE VIEW seen AS SELECT 1;\n\
            -- grantable to read\nCREATE TABLE read (a TEXT);";
        assert_eq!(below(script, is_own), ["fresh", "seen"]);
        assert_eq!(below(script, |before| before == READABLE), ["read"]);
    }

    #[test]
    fn a_script_says_in_one_text_what_each_database_is_told() {
        let text = "CREATE TABLE t (n BIGINT, f {{flag}}, a {{bytes}}, CHECK ({{octets(}}b{{)}} < 9)){{strict}};\n-- {{postgres}}\nALTER TABLE t SET (x = 1);\n\
            -- {{all}}\nSELECT 1;\n";
        let migration = Migration { number: 1, text };
        let sqlite = "CREATE TABLE t (n INT, f INT, a BLOB, CHECK (length(CAST(b AS BLOB)) < 9)) STRICT;\nSELECT 1;\n";
        let postgres = "CREATE TABLE t (n BIGINT, f BOOLEAN, a BYTEA, CHECK (octet_length(b) < 9));\n\
            ALTER TABLE t SET (x = 1);\nSELECT 1;\n";
        assert_eq!(migration.script("sqlite"), sqlite);
        assert_eq!(migration.script("postgres"), postgres);
        for scripts in scripts() {
            for migration in scripts.migrations {
                for database in DATABASES {
                    assert!(!migration.script(database).contains("{{"), "{database}");
                }
            }
        }
    }

    #[test]
    fn both_databases_leave_the_same_tables_to_plugins() {
        for Scripts { owner, migrations } in scripts() {
            for migration in migrations {
                let number = migration.number;
                let [sqlite, postgres] = DATABASES.map(|database| migration.script(database));
                for of in [is_own, |before: &str| before == READABLE] {
                    let whole = below(migration.text, of);
                    assert_eq!(below(&sqlite, of), whole, "{owner} {number}");
                    assert_eq!(below(&postgres, of), whole, "{owner} {number}");
                }
            }
        }
        assert!(!belongs_to_host("their_own"));
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
