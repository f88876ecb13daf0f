//! What is written from a statement, and what is refused.

use super::*;

fn grants() -> Grants {
    let tables = "[[db]]\ntable = \"a\"\nverbs = [\"select\", \"update\"]\n\
        [[db]]\ntable = \"b\"\nverbs = [\"insert\", \"delete\"]";
    toml::from_str(tables).expect("grants")
}

fn checked(dialect: Dialect, sql: &str, writes: bool) -> Result<String, StoreError> {
    let grants = grants();
    let columns: &[&str] = &["id", "x", "y", "z", "t", "v"];
    let catalog = Catalog::with(&[("a", columns), ("b", columns)]);
    let asker = Asker {
        dialect,
        plugin: "p",
        grants: &grants,
        catalog: (dialect == Dialect::Postgres).then_some(&catalog),
        most: 1 << 20,
        there: None,
    };
    check_text(asker, sql, writes).map(|checked| checked.sql().to_owned())
}

const BOTH: [Dialect; 2] = [Dialect::Sqlite, Dialect::Postgres];

/// Statements that either database takes.
const PLAIN: &[&str] = &[
    "SELECT count(*), lower(x) FROM a WHERE id = $1 AND t < current_timestamp;",
    "WITH c AS (SELECT * FROM a) SELECT * FROM c JOIN a USING (id)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT * FROM n",
    "SELECT * FROM a WHERE id IN (SELECT id FROM a) ORDER BY id DESC NULLS LAST LIMIT 3 OFFSET 1",
    "SELECT a.* FROM a LEFT JOIN a AS other ON a.id = other.id AND NOT a.x IS NULL",
    "UPDATE a SET x = $1, y = y + 1 WHERE id = $2 AND v BETWEEN -1 AND 1.5e-3",
    "INSERT INTO b (id) SELECT id FROM a",
    "INSERT INTO b (id) VALUES ($1), (NULL), (TRUE) ON CONFLICT DO NOTHING",
    "INSERT INTO b (id) VALUES ($1) ON CONFLICT (id) DO NOTHING RETURNING id AS new",
    "DELETE FROM b WHERE id LIKE 'x\\_%' ESCAPE '\\'",
    "SELECT sum(x) OVER (PARTITION BY y ORDER BY z ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM \"a\"",
    "SELECT count(DISTINCT x) FILTER (WHERE y > 0) FROM a GROUP BY z HAVING count(*) > 1",
    "SELECT CASE x WHEN 1 THEN 'it''s' ELSE CAST(y AS text) END AS c FROM a",
    "SELECT - - 1, 2 - -3, NOT NOT TRUE, trim(x), substr(x, 1, 2), x -> 'k' ->> 'l' FROM a",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM a) UNION SELECT 2 EXCEPT SELECT 3",
    "SELECT x FROM (SELECT x FROM a) AS d (x) WHERE x IS NOT DISTINCT FROM NULL",
    "WITH gone AS (SELECT id FROM a) DELETE FROM b WHERE id IN (SELECT id FROM gone)",
    "VALUES (1, 'a'), (2, 'b')",
];

#[test]
fn plain_statements_on_granted_tables_pass_and_are_read_alike_again() {
    for dialect in BOTH {
        for sql in PLAIN {
            let written =
                checked(dialect, sql, true).unwrap_or_else(|error| panic!("{sql}: {error}"));
            assert!(
                !written.contains("--") && !written.contains("/*"),
                "{written}"
            );
            // What names a subquery is not written twice, nor what the host puts in between.
            let between = ["callboard_", "btrim"];
            if between.iter().any(|between| written.contains(between)) {
                continue;
            }
            let plain = written.replace(SUBQUERY, "");
            let plain = plain.replace("main . ", "").replace("\"s\" . ", "");
            let again = checked(dialect, &plain, true);
            let again = again.unwrap_or_else(|error| panic!("{plain}: {error}"));
            if !sql.contains("WITH") {
                assert_eq!(again, written, "{sql}");
            }
        }
    }
    for sql in [
        "SELECT * FROM json_array_elements($1) AS e",
        "SELECT now() - INTERVAL '1 day', x::text, $1::vector <=> $2::vector FROM a",
        "SELECT * FROM a WHERE id = ANY($1) AND t @> '{}' AND x ~* 'y'",
        "SELECT extract(epoch FROM t), position('x' IN y), ARRAY[1, 2], x[1], DATE '2026-01-02' FROM a",
        "UPDATE a SET (x, y) = (1, DEFAULT) FROM unnest($1, $2) AS u (i, j) WHERE a.id = u.i",
        "SELECT DISTINCT ON (x) y FROM a, LATERAL (SELECT a.x) AS l FETCH FIRST 3 ROWS ONLY",
    ] {
        let written = checked(Dialect::Postgres, sql, true);
        assert!(written.is_ok(), "{sql}: {written:?}");
    }
    for sql in [
        "SELECT value FROM json_each('[1, 2]')",
        "INSERT OR IGNORE INTO b VALUES (1)",
        "SELECT [x], `y`, \"z\" FROM A WHERE x == 1 AND y GLOB 'a*'",
    ] {
        let written = checked(Dialect::Sqlite, sql, true);
        assert!(written.is_ok(), "{sql}: {written:?}");
    }
}

#[test]
fn what_is_written_is_the_tree_and_not_the_text() {
    let sql = "select  X, 'it''s \\' from A as \"o\"\"k\" where not x=1 and y|| -1>'2'";
    assert_eq!(
        checked(Dialect::Postgres, sql, false).expect("it passes"),
        "SELECT \"x\" , 'it''s \\' FROM \"s\" . \"a\" AS \"o\"\"k\" WHERE NOT \"x\" = 1 AND \"y\" OPERATOR ( \"s\" . || ) - 1 > '2'"
    );
    assert_eq!(
        checked(Dialect::Sqlite, sql, false).expect("it passes"),
        "SELECT `X` , 'it''s \\' FROM main . `a` AS `o\"k` WHERE NOT `x` = 1 AND `y` || - 1 > '2'"
    );
    let sql = "WITH n AS (SELECT 1) SELECT * FROM n";
    assert_eq!(
        checked(Dialect::Postgres, sql, false).expect("it passes"),
        "WITH \"with n\" AS ( SELECT 1 ) SELECT * FROM \"with n\" AS \"n\""
    );
}

/// Statements that neither database may see.
const REFUSED: &[&str] = &[
    "SELECT * FROM b",
    "SELECT * FROM settings",
    "SELECT * FROM pg_roles",
    "SELECT * FROM pg_catalog.pg_roles",
    "SELECT * FROM public.a",
    "SELECT * FROM main.a",
    "SELECT public.a.x FROM a",
    "TABLE b",
    "SELECT 1; DELETE FROM b",
    "DELETE FROM b WHERE id IN (SELECT id FROM b)",
    "DELETE FROM b USING c",
    "DELETE FROM a",
    "INSERT INTO a (id) VALUES (1)",
    "INSERT INTO b (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2",
    "UPDATE a SET x = (SELECT password FROM plugin_logins)",
    "WITH d AS (DELETE FROM b RETURNING *) SELECT * FROM d",
    "SELECT pg_sleep(10)",
    "SELECT pg_catalog.pg_read_file('x')",
    "SELECT * FROM dblink('x', 'y')",
    "SELECT * INTO c FROM a",
    "SELECT * FROM a FOR UPDATE",
    "SELECT set_config('role', 'x', false)",
    "SELECT lo_import('/etc/passwd')",
    "SELECT 'settings'::regclass",
    "SELECT CAST('settings' AS regclass)",
    "SELECT x COLLATE evil FROM a",
    "COPY a TO PROGRAM 'x'",
    "COPY (SELECT 1) TO STDOUT",
    "SET ROLE postgres",
    "RESET ROLE",
    "CREATE TABLE x (a int)",
    "DROP TABLE a",
    "TRUNCATE b",
    "GRANT ALL ON a TO p",
    "DO $$ BEGIN END $$",
    "CALL x()",
    "LISTEN x",
    "BEGIN",
    "COMMIT",
    "EXPLAIN ANALYZE DELETE FROM b",
    "PREPARE x AS SELECT 1",
    "VACUUM",
    "MERGE INTO b USING a ON true WHEN MATCHED THEN DELETE",
    // Names of subqueries count where they can be seen.
    "SELECT (WITH pg_stat_activity AS (SELECT 1) SELECT 1), * FROM pg_stat_activity",
    "WITH c AS (SELECT * FROM settings), settings AS (SELECT 1) SELECT * FROM c",
    "WITH settings AS (SELECT * FROM settings) SELECT * FROM settings",
    "SELECT * FROM (WITH b AS (SELECT 1) SELECT * FROM b) AS x, b",
    // What two readers read differently.
    "SELECT 1 -- x",
    "SELECT 1 /* x */",
    "SELECT 1 ||-- x\n 2",
    "SELECT 1 >--'\n', set_config('statement_timeout', '0', false) --'",
    "SELECT 1 </*' , pg_notify('a', 'b') -- '*/ 2",
    "SELECT E'\\'', set_config('a', 'b', false) --'",
    "SELECT $$'$$",
    "SELECT $a(')",
    "SELECT N'x', X'00', B'1'",
    "SELECT 0x10",
    "SELECT ?",
    "SELECT :name",
    "SELECT @name",
    "SELECT $0",
    "INSERT OR REPLACE /*/ ( */ INTO b VALUES (1)",
    "INSERT OR REPLACE INTO b VALUES (1)",
    "INSERT OR ROLLBACK INTO b VALUES (1)",
    "REPLACE INTO b VALUES (1)",
    "SELECT 1 OPERATOR(pg_catalog.+) 1",
    "SELECT \"->\"(1, 2)",
    "SELECT x @@@ y FROM a",
];

#[test]
fn everything_else_is_refused() {
    let mut passed = Vec::new();
    for dialect in BOTH {
        let written = REFUSED
            .iter()
            .filter_map(|sql| checked(dialect, sql, true).ok());
        passed.extend(written);
    }
    assert_eq!(passed, Vec::<String>::new());
    // On SQLite a column may have such a name.
    for sql in [
        "SELECT current_user",
        "SELECT session_user",
        "SELECT user",
        "SELECT current_catalog",
        "SELECT U&'\\0027'",
    ] {
        let checked = checked(Dialect::Postgres, sql, true);
        assert!(checked.is_err(), "{sql}: {checked:?}");
    }
}

/// What PostgreSQL would take for a call of a function, or for a whole row.
#[test]
fn a_name_after_its_source_is_one_of_its_columns() {
    for sql in [
        "SELECT g.pg_sleep FROM unnest(ARRAY[1.0]) AS g",
        "SELECT g.lo_create FROM generate_series(1, 2) AS g",
        "SELECT generate_series.lo_create FROM generate_series(1, 2)",
        "SELECT CAST(g.x AS text) FROM unnest(ARRAY['a']) AS g (y)",
        "SELECT a.to_json FROM a",
        "SELECT o.to_json FROM a AS o",
        "SELECT d.pg_sleep FROM (SELECT 1 AS one) AS d",
        "SELECT d.x FROM (SELECT x AS y FROM a) AS d",
        "SELECT d.x FROM (SELECT * FROM a) AS d (one, two)",
        "WITH c AS (SELECT 1 AS one) SELECT c.pg_sleep FROM c",
        "WITH c (one) AS (SELECT x FROM a) SELECT c.x FROM c",
        "WITH RECURSIVE c AS (SELECT 1 AS i UNION ALL SELECT c.pg_sleep FROM c) SELECT * FROM c",
        "SELECT v.pg_sleep FROM (VALUES (1)) AS v",
        "SELECT 1 FROM a WHERE a.pg_typeof = 1",
        "SELECT 1 FROM a ORDER BY a.pg_typeof",
        "SELECT 1 FROM a GROUP BY id HAVING a.pg_typeof = 1",
        "SELECT 1 FROM a JOIN a AS other ON other.pg_typeof = a.x",
        "SELECT sum(x) OVER (PARTITION BY a.pg_typeof) FROM a",
        "SELECT sum(x) OVER w FROM a WINDOW w AS (ORDER BY a.pg_typeof)",
        "SELECT (SELECT a.pg_typeof) FROM a",
        "UPDATE a SET x = a.pg_typeof",
        "UPDATE a AS o SET x = 1 RETURNING o.pg_typeof",
        "DELETE FROM b WHERE b.pg_typeof = 1",
        "INSERT INTO b (id) VALUES (1) ON CONFLICT DO NOTHING RETURNING b.pg_typeof",
        "INSERT INTO b (id) SELECT g.pg_sleep FROM generate_series(1, 2) AS g",
        // One that is seen hides one that is not.
        "SELECT (SELECT x FROM (SELECT 1 AS pg_sleep) AS g, (SELECT g.pg_sleep AS x) AS s) FROM unnest(ARRAY[1.0]) AS g",
        "SELECT g.pg_sleep FROM unnest(ARRAY[1.0]) AS g, (a JOIN (SELECT 1 AS pg_sleep) AS g ON TRUE)",
        "SELECT g.pg_sleep FROM (a JOIN unnest(ARRAY[1.0]) AS u ON TRUE) AS g",
        "SELECT nothing.pg_sleep FROM a",
        // Whole rows.
        "SELECT a FROM a",
        "SELECT CAST(d AS text) FROM (SELECT 1 AS one) AS d",
        "SELECT (a).x FROM a",
        "SELECT a.x.y FROM a",
    ] {
        let written = checked(Dialect::Postgres, sql, true);
        assert!(written.is_err(), "{sql}: {written:?}");
    }
    for sql in [
        "SELECT g.g, g FROM generate_series(1, 2) AS g",
        "SELECT g.i, g.ordinality FROM unnest($1) WITH ORDINALITY AS g (i)",
        "SELECT e.key, e.value, value FROM json_each($1) AS e",
        "SELECT tag.value, tag FROM jsonb_array_elements_text($1) AS tag",
        "SELECT d.count, d.y, d.x FROM (SELECT count(*), x AS y, a.x FROM a) AS d",
        "SELECT d.x, c.i, v.column1 FROM (SELECT * FROM a) AS d, c, (VALUES (1)) AS v",
        "SELECT a.x, (SELECT o.x FROM a AS o WHERE o.id = a.id ORDER BY o.y) FROM a ORDER BY a.y",
        "SELECT a.x FROM a UNION SELECT o.y FROM (SELECT 1 AS y) AS o ORDER BY x",
        "INSERT INTO b (id) VALUES (1) ON CONFLICT (id) DO NOTHING RETURNING b.id",
    ] {
        let sql =
            format!("WITH RECURSIVE c AS (SELECT 1 AS i UNION ALL SELECT c.i + 1 FROM c) {sql}");
        let written = checked(Dialect::Postgres, &sql, true);
        assert!(written.is_ok(), "{sql}: {written:?}");
    }
    let sql = "SELECT CAST($1 AS vector) <=> v, vector_dims(v) FROM a";
    assert_eq!(
        checked(Dialect::Postgres, sql, false).expect("it passes"),
        "SELECT CAST ( $1 AS \"v\" . vector ) OPERATOR ( \"v\" . <=> ) \"v\" , \"v\" . vector_dims ( \"v\" ) AS \"vector_dims\" FROM \"s\" . \"a\""
    );
}

#[test]
fn a_wrong_statement_is_not_called_denied() {
    for dialect in BOTH {
        for sql in [
            "",
            ";",
            "SELEC 1",
            "SELECT * FROM",
            "SELECT 'open",
            "SELECT (1",
            "SELECT 1)",
            "SELECT 1 2 3",
        ] {
            let error = checked(dialect, sql, true).expect_err(sql);
            assert_eq!(error.kind, StoreErrorKind::Statement, "{sql}: {error}");
            assert!(error.message.contains("not understood"), "{sql}: {error}");
        }
    }
}

#[test]
fn rows_are_asked_for_without_changing_any() {
    for dialect in BOTH {
        assert!(checked(dialect, "DELETE FROM b", false).is_err());
        assert!(checked(dialect, "WITH x AS (SELECT 1) DELETE FROM b", false).is_err());
        assert!(checked(dialect, "SELECT 1", false).is_ok());
    }
}

#[test]
fn no_text_is_followed_deeper_than_it_may_be() {
    let many = |start: &str, part: &str, end: &str, times: usize| {
        format!("{start}{}{end}", part.repeat(times))
    };
    let deep = [
        many("SELECT 1", "+1", "", 45_000),
        many("SELECT 1", "::int", "", 45_000),
        many("SELECT 1", " IS NULL", "", 25_000),
        many("SELECT ", "NOT ", "1", 50_000),
        many("SELECT ", "- ", "1", 50_000),
        many("SELECT ", "(", "1", 200_000),
        many("SELECT 1", " UNION SELECT 1, 2", "", 10_000),
        many("SELECT 1", " COLLATE \"C\"", "", 15_000),
        many("SELECT ", "trim(", "1", 40_000),
        many("SELECT ", "CASE WHEN ", "1", 20_000),
        many("SELECT * FROM ", "(", "a", 200_000),
        many("SELECT x", "[1]", "", 60_000),
        many("SELECT x", "+f(1,2)", "", 30_000),
        many("SELECT * FROM a", " JOIN a", "", 30_000),
    ];
    // A guest's call has a small stack.
    let small = std::thread::Builder::new().stack_size(256 * 1024);
    let tried = small.spawn(move || {
        for sql in deep {
            for dialect in BOTH {
                let start = std::time::Instant::now();
                let error = checked(dialect, &sql, true).expect_err("too deep");
                let begins = sql.get(..24);
                // Or refused even before, as a mark that SQLite does not have.
                let kinds = [StoreErrorKind::Statement, StoreErrorKind::Denied];
                assert!(kinds.contains(&error.kind), "{begins:?}: {error}");
                assert!(start.elapsed().as_secs() < 20, "{begins:?}");
            }
        }
        // As deep as it may be.
        let longest = many("SELECT 1", "+1", "", tokens::DEPTH - 1);
        for dialect in BOTH {
            checked(dialect, &longest, true).expect("it is just short enough");
        }
        let nested = many("SELECT ", "(", "1", 40) + &")".repeat(40);
        checked(Dialect::Postgres, &nested, true).expect("forty parentheses");
        let list = many("DELETE FROM b WHERE id IN (1", ", -1", ")", 40_000);
        checked(Dialect::Postgres, &list, true).expect("a list is not deep");
    });
    tried.expect("a thread").join().expect("nothing overflows");
}
