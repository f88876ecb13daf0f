//! The statements and expressions that grow, and those that stay short.

/// `LARGE` is a text of the largest size.
pub(super) const LARGE: &[&str] = &[
    "repeat('x', 900000000)",
    "repeat(repeat('x', 10000), 100000)",
    "lpad('x', 900000000)",
    "rpad('x', 900000000, 'ab')",
    "replace(LARGE, 'v', repeat('b', 800))",
    "regexp_replace(LARGE, 'v', repeat('b', 800), 'g')",
    "regexp_replace(LARGE, '.*', repeat('\\&', 800))",
    "translate(LARGE, 'v', '😀')",
    "overlay(LARGE PLACING LARGE FROM 1 FOR 0)",
    "LARGE || LARGE",
    "1 || LARGE || LARGE",
    "convert_to(LARGE, 'UTF8') || convert_to(LARGE, 'UTF8')",
    "encode(convert_to(LARGE, 'UTF8'), 'hex')",
    "convert_from(convert_to(LARGE, 'UTF8') || '\\x7676', 'LATIN1') || LARGE",
    "CAST(convert_to(LARGE, 'UTF8') AS text)",
    "concat(LARGE, LARGE)",
    "concat_ws(LARGE, 1, 2, 3)",
    "to_char(now(), replace(LARGE, 'v', 'Mon'))",
    "to_char(now(), LARGE)",
    "to_char(now(), substr(LARGE, 1, 100000))",
    "to_json(repeat(chr(1), 1000000))",
    "to_jsonb(LARGE) || to_jsonb(LARGE)",
    "json_build_array(LARGE, LARGE)",
    "json_build_object('a', LARGE, 'b', LARGE)",
    "jsonb_build_array(LARGE, LARGE)",
    "jsonb_build_object('a', LARGE, 'b', LARGE)",
    "jsonb_set(jsonb_build_array(substr(LARGE, 9)), '{1}', to_jsonb(substr(LARGE, 9)))",
    "jsonb_insert(jsonb_build_array(substr(LARGE, 9)), '{1}', to_jsonb(substr(LARGE, 9)))",
    "json_object(ARRAY['a', repeat(chr(1), 500000)])",
    "CAST('[' || repeat('[],', 340000) || '1]' AS jsonb)",
    "ARRAY[LARGE, LARGE]",
    "array_append(ARRAY[substr(LARGE, 99)], substr(LARGE, 99))",
    "array_cat(ARRAY[substr(LARGE, 99)], ARRAY[substr(LARGE, 99)])",
    "ARRAY[substr(LARGE, 99)] || ARRAY[substr(LARGE, 99)]",
    "array_to_string(string_to_array(repeat('a,', 30000), ','), repeat('x', 50000))",
    "string_to_array(replace(LARGE, 'v', ','), ',')",
    "regexp_split_to_array(replace(LARGE, 'v', ','), ',')",
    "regexp_match(LARGE, repeat('(', 300) || 'v*' || repeat(')', 300))",
    "CAST(replace('{V}', 'V', repeat('1,', 400000) || '1') AS int[])",
    "(SELECT string_agg(s.name, '') FROM scratch AS s, generate_series(1, 3))",
    "(SELECT max(s) FROM (WITH RECURSIVE d (i, s) AS (SELECT 1, 'x' UNION ALL \
        SELECT i + 1, s || s FROM d WHERE i < 31) SELECT s FROM d) AS d)",
    "(SELECT count(m) FROM regexp_matches(LARGE, repeat('(', 300) || 'v*' || repeat(')', 300), 'g') AS m)",
];

/// Statements that made the server keep gigabytes.
pub(super) const GATHERING: &[&str] = &[
    "SELECT length(string_agg(name, ',')) FROM scratch, generate_series(1, 1000000)",
    "SELECT length(string_agg('', repeat('x', 1000))) FROM generate_series(1, 1000000)",
    "SELECT length(string_agg('x', 'y')) FROM generate_series(1, 1000000)",
    "SELECT cardinality(array_agg(i)) FROM generate_series(1, 1000000) AS i",
    "SELECT cardinality(array_agg(1)) FROM generate_series(1, 1000000)",
    "SELECT cardinality(array_agg(ARRAY[i, i])) FROM generate_series(1, 1000000) AS i",
    "SELECT length(CAST(json_agg(i) AS text)) FROM generate_series(1, 1000000) AS i",
    "SELECT jsonb_array_length(jsonb_agg(i)) FROM generate_series(1, 1000000) AS i",
    "SELECT length(CAST(json_object_agg(i, i) AS text)) FROM generate_series(1, 1000000) AS i",
    "SELECT length(CAST(jsonb_object_agg(i, i) AS text)) FROM generate_series(1, 1000000) AS i",
    "SELECT count(*) FROM (SELECT string_agg(name, ',') FROM scratch, generate_series(1, 1000000) AS i \
        GROUP BY i % 100) AS g",
    "SELECT count(*) FROM (SELECT array_agg(name) OVER (ORDER BY i) FROM scratch, generate_series(1, 1000000) AS i) AS g",
];

pub(super) const COMPARING: &[&str] = &[
    "SELECT count(*) FROM generate_series(1, 10) AS a WHERE CAST(a AS text) NOT IN \
        (SELECT repeat('x', 100000) || i FROM generate_series(1, 10000) AS i)",
    "SELECT CAST(a AS text) IN (SELECT repeat('x', 100000) || i FROM generate_series(1, 10000) AS i) \
        FROM generate_series(1, 10) AS a",
    "SELECT CAST(a AS text) = ANY (SELECT v FROM (SELECT repeat('x', 100000) || i AS v \
        FROM generate_series(1, 10000) AS i) AS d) FROM generate_series(1, 10) AS a",
    "WITH RECURSIVE t (i, a) AS (SELECT 1, repeat('x', 100000) UNION SELECT i + 1, a FROM t WHERE i < 10000) \
        SELECT count(*) FROM t",
];

pub(super) const HASHING: &[&str] = &[
    "SELECT count(*) FROM (SELECT repeat('x', 100000) || i FROM generate_series(1, 5000) AS i \
        INTERSECT SELECT repeat('x', 100000) || i FROM generate_series(1, 5000) AS i) AS q",
    "SELECT count(v) FROM (SELECT i % 5000 AS g, max(CASE WHEN i < 5000 THEN 'a' ELSE repeat('x', 100000) END) AS v \
        FROM generate_series(1, 20000) AS i GROUP BY 1) AS q",
    "SELECT count(*) FROM many WHERE NOT EXISTS (SELECT 1 FROM (SELECT CAST(i / 100000 AS text) AS k, \
        CAST(i / 100000 AS text) AS k2, repeat('x', 100000) || i AS v \
        FROM generate_series(1, (SELECT 5000)) AS i OFFSET 0) AS b \
        WHERE many.name = b.k AND many.name = b.k2 AND v > many.name LIMIT 1)",
    "SELECT count(*) FROM (SELECT EXISTS (SELECT 1 FROM (SELECT repeat('x', 100000) || i AS k \
        FROM generate_series(1, 5000) AS i OFFSET 0) AS b WHERE b.k = many.name) AS e FROM many LIMIT 5) AS q WHERE e",
];

/// A query, the name of its column, and what is in it.
pub(super) const SHORT: &[(&str, &str, &str)] = &[
    ("SELECT repeat('ab', 2)", "repeat", "Text(\"abab\")"),
    (
        "SELECT lpad('x', 3) || rpad('y', 3, '-') AS x",
        "x",
        "Text(\"  xy--\")",
    ),
    (
        "SELECT replace('aXbX', 'X', 'yy')",
        "replace",
        "Text(\"ayybyy\")",
    ),
    (
        "SELECT regexp_replace('aXbX', '(X)', '<\\1>', 'g')",
        "regexp_replace",
        "Text(\"a<X>b<X>\")",
    ),
    (
        "SELECT overlay('abc' PLACING 'x' FROM 2)",
        "overlay",
        "Text(\"axc\")",
    ),
    ("SELECT CAST(1 + 1 AS text)", "text", "Text(\"2\")"),
    ("SELECT CAST(id AS text) FROM scratch", "id", "Text(\"1\")"),
    (
        "SELECT CAST('[1, 2]' || '' AS jsonb)",
        "jsonb",
        "Json(\"[1, 2]\")",
    ),
    (
        "SELECT CASE WHEN TRUE THEN 'x' ELSE lower('Y') END",
        "lower",
        "Text(\"x\")",
    ),
    (
        "SELECT concat('a', 1, NULL, 'b')",
        "concat",
        "Text(\"a1b\")",
    ),
    (
        "SELECT json_build_object('a', 1)",
        "json_build_object",
        "Json(\"{\\\"a\\\" : 1}\")",
    ),
    (
        "SELECT array_to_string(ARRAY[1, 2] || 3 || ARRAY[4], '-')",
        "array_to_string",
        "Text(\"1-2-3-4\")",
    ),
    (
        "SELECT array_to_string(string_to_array('a,b', ','), '-', NULL)",
        "array_to_string",
        "Text(\"a-b\")",
    ),
    (
        "SELECT (regexp_match('ab', '(a)(b)'))[2] AS m",
        "m",
        "Text(\"b\")",
    ),
    (
        "SELECT string_agg(DISTINCT i || '', ',' ORDER BY i || '' DESC) FROM generate_series(1, 3) AS i",
        "string_agg",
        "Text(\"3,2,1\")",
    ),
    (
        "SELECT array_to_string(array_agg(i ORDER BY i DESC) FILTER (WHERE i > 1), ',') FROM generate_series(1, 3) AS i",
        "array_to_string",
        "Text(\"3,2\")",
    ),
    (
        "SELECT to_char(DATE '2026-03-02', 'YYYY')",
        "to_char",
        "Text(\"2026\")",
    ),
    ("SELECT 1 || 'a' || (2 || '')", "?column?", "Text(\"1a2\")"),
    ("SELECT 'a' || NULL AS x", "x", "Null"),
    (
        "SELECT count(*) FROM many WHERE name IN (SELECT name FROM many WHERE id < 10)",
        "count",
        "Integer(9)",
    ),
    (
        "SELECT count(*) FROM many WHERE id NOT IN (SELECT i + 1 FROM generate_series(1, 9) AS i)",
        "count",
        "Integer(99991)",
    ),
    (
        "SELECT count(*) FROM many AS m WHERE EXISTS (SELECT 1 FROM many AS n JOIN scratch AS s ON s.id = n.id WHERE n.id = m.id)",
        "count",
        "Integer(1)",
    ),
    (
        "WITH RECURSIVE t (i) AS (SELECT 1 UNION SELECT (i + 1) % 5 FROM t) SELECT count(*) FROM t",
        "count",
        "Integer(5)",
    ),
    (
        "SELECT CAST(CAST('x' AS char(3)) AS varchar(2)) || '.' AS x",
        "x",
        "Text(\"x.\")",
    ),
    (
        "SELECT CAST(1.25 AS numeric(3, 1)) + CAST(TRUE AS integer) = 2.3 AS x",
        "x",
        "Boolean(true)",
    ),
];
