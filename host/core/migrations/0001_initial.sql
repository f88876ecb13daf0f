-- Times are microseconds since 1970-01-01T00:00:00Z. Structured values are JSON in TEXT.

-- Plugins may be granted a table only if the line before it says so.
-- Contents by SHA-256, shared by all revisions.
CREATE TABLE blobs (
    digest  TEXT PRIMARY KEY,
    content {{bytes}} NOT NULL
){{strict}};

-- Immutable, checked snapshots of a workspace.
CREATE TABLE revisions (
    id         BIGINT PRIMARY KEY,
    digest     TEXT NOT NULL UNIQUE,
    note       TEXT NOT NULL,
    created_at BIGINT NOT NULL
){{strict}};

CREATE TABLE revision_files (
    revision BIGINT NOT NULL REFERENCES revisions (id),
    path     TEXT NOT NULL,
    digest   TEXT NOT NULL REFERENCES blobs (digest),
    PRIMARY KEY (revision, path)
){{strict}};

-- The newest row names the active revision.
CREATE TABLE activations (
    id           BIGINT PRIMARY KEY,
    revision     BIGINT NOT NULL REFERENCES revisions (id),
    reason       TEXT NOT NULL CHECK (reason IN ('apply', 'rollback')),
    activated_at BIGINT NOT NULL
){{strict}};

-- Values of settings. A secret has `sealed` and `key_id`, everything else `value`.
CREATE TABLE settings (
    key        TEXT PRIMARY KEY,
    value      TEXT,
    sealed     {{bytes}},
    key_id     TEXT,
    updated_at BIGINT NOT NULL,
    CHECK ((value IS NULL) <> (sealed IS NULL))
){{strict}};

-- What happened to values of settings, by a person or with a revision. Of a secret neither value is kept.
CREATE TABLE setting_changes (
    id      TEXT PRIMARY KEY,
    key     TEXT NOT NULL,
    event   TEXT NOT NULL CHECK (event IN ('set', 'unset', 'import', 'follow', 'repair')),
    secret  {{flag}} NOT NULL,
    was     TEXT,
    becomes TEXT,
    who     TEXT NOT NULL,
    detail  TEXT NOT NULL,
    at      BIGINT NOT NULL
){{strict}};

CREATE INDEX setting_changes_at ON setting_changes (at);

-- The settings that runs began with, without secrets, by digest.
CREATE TABLE settings_snapshots (
    digest     TEXT PRIMARY KEY,
    content    TEXT NOT NULL,
    created_at BIGINT NOT NULL
){{strict}};

-- Runs that have not ended: the hot table, as small as the work at hand. `fence` grows with
-- each change of hands. `at_once`, `rate` and `rate_window` are the limits of `limit_key`; `lease` is
-- the length of a lease, past which `lease_until` cannot be.
CREATE TABLE open_runs (
    id           TEXT PRIMARY KEY,
    pipeline     TEXT NOT NULL,
    revision     BIGINT NOT NULL REFERENCES revisions (id),
    status       TEXT NOT NULL CHECK (status IN (
        'queued', 'running', 'waiting', 'gated', 'paused', 'blocked')),
    detail       TEXT NOT NULL,
    input        TEXT NOT NULL,
    settings     TEXT,
    origin       TEXT NOT NULL CHECK (origin = 'cli' OR origin LIKE 'schedule %'
        OR origin LIKE 'policy %' OR origin LIKE 'fork of %'),
    priority     BIGINT NOT NULL,
    limit_key    TEXT,
    at_once      BIGINT,
    rate         BIGINT,
    rate_window  BIGINT,
    created_at   BIGINT NOT NULL,
    started_at   BIGINT,
    wake_at      BIGINT NOT NULL,
    spent        BIGINT NOT NULL,
    fence        BIGINT NOT NULL,
    lease_until  BIGINT NOT NULL,
    lease        BIGINT NOT NULL DEFAULT 0,
    worker       TEXT,
    recoveries   BIGINT NOT NULL,
    signals      BIGINT NOT NULL,
    stop_request         TEXT CHECK (stop_request IN ('cancel', 'pause')),
    stop_detail  TEXT,
    stop_by      TEXT
){{strict}};
-- {{postgres}}
ALTER TABLE open_runs SET (fillfactor = 60);
-- {{all}}

CREATE INDEX open_runs_claimable ON open_runs (pipeline, priority DESC, wake_at, id)
    WHERE status IN ('queued', 'waiting', 'blocked');
-- Of a sum, so that only the question when the next run is due finds it: claims go by the other.
CREATE INDEX open_runs_due ON open_runs ((wake_at + 0))
    WHERE status IN ('queued', 'waiting', 'blocked');
CREATE INDEX open_runs_rate ON open_runs (limit_key, started_at) WHERE limit_key IS NOT NULL;
CREATE INDEX open_runs_running ON open_runs (pipeline) WHERE status = 'running';
CREATE INDEX open_runs_newest ON open_runs (created_at);
CREATE INDEX open_runs_scheduled ON open_runs (origin) WHERE origin LIKE 'schedule %';
-- Runs that lost a worker: which of them are carried out alone is asked every second.
CREATE INDEX open_runs_suspects ON open_runs (wake_at)
    WHERE recoveries > 0 AND status IN ('queued', 'waiting', 'blocked');

-- Runs that have ended.
CREATE TABLE history (
    id           TEXT PRIMARY KEY,
    pipeline     TEXT NOT NULL,
    revision     BIGINT NOT NULL REFERENCES revisions (id),
    status       TEXT NOT NULL CHECK (status IN (
        'done', 'nothing-to-do', 'rejected', 'unavailable', 'failed', 'cancelled')),
    detail       TEXT NOT NULL,
    input        TEXT NOT NULL,
    settings     TEXT,
    origin       TEXT NOT NULL CHECK (origin = 'cli' OR origin LIKE 'schedule %'
        OR origin LIKE 'policy %' OR origin LIKE 'fork of %'),
    priority     BIGINT NOT NULL,
    limit_key    TEXT,
    at_once      BIGINT,
    rate         BIGINT,
    rate_window  BIGINT,
    created_at   BIGINT NOT NULL,
    started_at   BIGINT,
    spent        BIGINT NOT NULL,
    fence        BIGINT NOT NULL,
    signals      BIGINT NOT NULL,
    finished_at  BIGINT NOT NULL
){{strict}};

CREATE INDEX history_newest ON history (created_at);
CREATE INDEX history_finished ON history (finished_at);
CREATE INDEX history_rate ON history (limit_key, started_at) WHERE rate IS NOT NULL;

-- Every run, wherever it stands.
CREATE VIEW runs AS
    SELECT id, pipeline, revision, status, detail, input, settings, origin, priority, limit_key,
        at_once, rate, rate_window, created_at, started_at, wake_at, spent, fence, signals,
        lease_until, worker, recoveries, stop_request, stop_detail, CAST(NULL AS BIGINT) AS finished_at
    FROM open_runs
    UNION ALL
    SELECT id, pipeline, revision, status, detail, input, settings, origin, priority, limit_key,
        at_once, rate, rate_window, created_at, started_at, finished_at, spent, fence, signals,
        0, NULL, 0, NULL, NULL, finished_at
    FROM history;

-- The checkpoints: one row a visit of a stage, in the order of `step`. A held visit keeps one
-- row, with how often it was held. A large report lies in `blobs`, under its digest. A gate's has no
-- `handler`; `undone` says that a person undid it.
CREATE TABLE stage_runs (
    run         TEXT NOT NULL,
    stage       TEXT NOT NULL,
    visit       BIGINT NOT NULL,
    step        BIGINT NOT NULL,
    fence       BIGINT NOT NULL,
    handler     TEXT,
    attempts    BIGINT NOT NULL,
    holds       BIGINT NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN (
        'done', 'nothing-to-do', 'deferred', 'rejected', 'unavailable', 'failed')),
    follow      TEXT NOT NULL CHECK (
        follow IN ('continue', 'skip', 'end', 'fail', 'hold') OR follow LIKE 'goto:%'),
    undone      TEXT CHECK (undone IN ('retried', 'migrated')),
    report      TEXT NOT NULL,
    digest      TEXT,
    superseded  {{flag}} NOT NULL,
    log         TEXT,
    wake_at     BIGINT,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    PRIMARY KEY (run, stage, visit)
){{strict}};

CREATE INDEX stage_runs_large ON stage_runs (digest) WHERE digest IS NOT NULL;

-- Questions to a person. An open gate has no decision. It holds no lease.
CREATE TABLE gates (
    run        TEXT NOT NULL,
    stage      TEXT NOT NULL,
    visit      BIGINT NOT NULL,
    question   TEXT NOT NULL,
    shows      TEXT NOT NULL DEFAULT '{}',
    subject    TEXT,
    opened_at  BIGINT NOT NULL,
    expires_at BIGINT,
    decision   TEXT CHECK (decision IN ('approved', 'rejected', 'regenerated', 'expired', 'withdrawn')),
    part       TEXT,
    feedback   TEXT,
    decided_by TEXT,
    decided_at BIGINT,
    PRIMARY KEY (run, stage, visit)
){{strict}};

CREATE INDEX gates_open ON gates (opened_at) WHERE decision IS NULL;
CREATE INDEX gates_subject ON gates (subject, opened_at);

-- When each schedule of the active revision fires next; a row is locked by whoever fires it.
-- Occurrences up to `last_at` are handled. With a `pause`, a run is due that long after the one
-- before has ended.
CREATE TABLE schedules (
    name     TEXT PRIMARY KEY,
    pipeline TEXT NOT NULL,
    pause    BIGINT,
    last_at  BIGINT NOT NULL,
    last_run TEXT,
    next_at  BIGINT,
    skipped  BIGINT NOT NULL,
    dropped  BIGINT NOT NULL
){{strict}};

-- The ledger of effects: how each scheduled handler fares, and each that may fall back.
CREATE TABLE effects (
    pipeline      TEXT NOT NULL,
    handler       TEXT NOT NULL,
    run           TEXT NOT NULL,
    outcome       TEXT NOT NULL,
    last_at       BIGINT NOT NULL,
    last_success  BIGINT,
    last_effect   BIGINT,
    without       BIGINT NOT NULL,
    fallbacks     BIGINT NOT NULL,
    fallback      TEXT,
    PRIMARY KEY (pipeline, handler)
){{strict}};

-- Something a person may want to know, once a dedup key until it is resolved.
CREATE TABLE findings (
    key        TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    subject    TEXT NOT NULL,
    message    TEXT NOT NULL,
    times      BIGINT NOT NULL,
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    resolved_at BIGINT
){{strict}};

CREATE TABLE policy_runs (
    policy      TEXT PRIMARY KEY,
    run         TEXT NOT NULL,
    status      TEXT NOT NULL,
    finished_at BIGINT NOT NULL
){{strict}};

-- What models were asked: the role, the role whose provider it was, what it took and cost (`microcents`
-- are millionths of a cent), and how it came out. What nobody has heard the end of is `asked`, with an estimate.
CREATE TABLE model_calls (
    id                TEXT PRIMARY KEY,
    run               TEXT NOT NULL,
    stage             TEXT NOT NULL,
    role              TEXT NOT NULL,
    provider          TEXT NOT NULL,
    model             TEXT NOT NULL,
    prompt_tokens     BIGINT NOT NULL CHECK (prompt_tokens BETWEEN 0 AND 4398046511104),
    completion_tokens BIGINT NOT NULL CHECK (completion_tokens BETWEEN 0 AND 4398046511104),
    estimated         {{flag}} NOT NULL,
    microcents        BIGINT NOT NULL CHECK (microcents BETWEEN 0 AND 4398046511104),
    duration_ms       BIGINT NOT NULL,
    outcome           TEXT NOT NULL,
    at                BIGINT NOT NULL
){{strict}};

CREATE INDEX model_calls_at ON model_calls (at);
CREATE INDEX model_calls_run ON model_calls (run);

-- Login roles that the host made for plugins, on databases that have roles, and a digest of the
-- password of each. The password itself is derived, and is not stored.
CREATE TABLE plugin_logins (
    plugin   TEXT PRIMARY KEY,
    role     TEXT NOT NULL,
    digest   TEXT NOT NULL
){{strict}};

-- Workers that have not ended by themselves, and when each was last seen: about once a minute.
CREATE TABLE workers (
    name    TEXT PRIMARY KEY,
    seen_at BIGINT NOT NULL
){{strict}};

-- What one process at a time may do, on databases where several write at once.
CREATE TABLE locks (
    name TEXT PRIMARY KEY
){{strict}};

INSERT INTO locks (name) VALUES ('claims'), ('logins'), ('schedules'), ('probe');

-- {{postgres}}
-- What statements of plugins call where the server would make a value of any length. A connection
-- of a plugin says in `callboard.value_bytes` how long one may be: `before` and `after` it is made
-- its bytes are told, and nothing larger is made or given. All of them are the same in one session, so
-- the server may work them out ahead.
DO $make$
DECLARE
    made record;
    schema text := current_schema();
BEGIN
    FOR made IN SELECT * FROM (VALUES
        ('bounded(text)', 'text', 'octet_length($1)', '$1', NULL),
        ('bounded(bytea)', 'bytea', 'octet_length($1)', '$1', NULL),
        ('bounded(json)', 'json', 'octet_length($1::text)', '$1', NULL),
        ('bounded(jsonb)', 'jsonb', 'pg_column_size($1)', '$1', NULL),
        ('bounded(anyarray)', 'anyarray', 'pg_column_size($1)', '$1', NULL),
        ('joined(text, text)', 'text', 'octet_length($1)::bigint + octet_length($2)', '$1 || $2', NULL),
        ('joined(anynonarray, text)', 'text', 'octet_length($1::text)::bigint + octet_length($2)', '$1 || $2', NULL),
        ('joined(text, anynonarray)', 'text', 'octet_length($1)::bigint + octet_length($2::text)', '$1 || $2', NULL),
        ('joined(bytea, bytea)', 'bytea', 'octet_length($1)::bigint + octet_length($2)', '$1 || $2', NULL),
        ('joined(jsonb, jsonb)', 'jsonb', 'pg_column_size($1)::bigint + pg_column_size($2)', '$1 || $2', NULL),
        ('joined(anycompatiblearray, anycompatiblearray)', 'anycompatiblearray',
            'pg_column_size($1)::bigint + pg_column_size($2)', '$1 || $2', NULL),
        ('joined(anycompatiblearray, anycompatible)', 'anycompatiblearray',
            'pg_column_size($1)::bigint + pg_column_size($2)', '$1 || $2', NULL),
        ('joined(anycompatible, anycompatiblearray)', 'anycompatiblearray',
            'pg_column_size($1)::bigint + pg_column_size($2)', '$1 || $2', NULL),
        ('array_append(anycompatiblearray, anycompatible)', 'anycompatiblearray',
            'pg_column_size($1)::bigint + pg_column_size($2)', 'array_append($1, $2)', NULL),
        ('array_cat(anycompatiblearray, anycompatiblearray)', 'anycompatiblearray',
            'pg_column_size($1)::bigint + pg_column_size($2)', 'array_cat($1, $2)', NULL),
        ('array_to_string(anyarray, text)', 'text',
            'cardinality($1)::bigint * octet_length($2)', 'array_to_string($1, $2)', 'octet_length(value)'),
        ('array_to_string(anyarray, text, text)', 'text',
            'cardinality($1)::bigint * (octet_length($2) + coalesce(octet_length($3), 0))',
            'array_to_string($1, $2, $3)', 'octet_length(value)'),
        ('as_json(text)', 'json', NULL, '$1::json', 'octet_length(value::text)'),
        ('as_json(json)', 'json', NULL, '$1', 'octet_length(value::text)'),
        ('as_json(jsonb)', 'json', NULL, '$1::json', 'octet_length(value::text)'),
        ('as_jsonb(text)', 'jsonb', NULL, '$1::jsonb', 'pg_column_size(value)'),
        ('as_jsonb(json)', 'jsonb', NULL, '$1::jsonb', 'pg_column_size(value)'),
        ('as_jsonb(jsonb)', 'jsonb', NULL, '$1', NULL),
        ('convert_from(bytea, name)', 'text', NULL, 'convert_from($1, $2)', 'octet_length(value)'),
        ('convert_to(text, name)', 'bytea', NULL, 'convert_to($1, $2)', 'octet_length(value)'),
        ('encode(bytea, text)', 'text', NULL, 'encode($1, $2)', 'octet_length(value)'),
        ('json_object(text[])', 'json', NULL, 'json_object($1)', 'octet_length(value::text)'),
        ('json_object(text[], text[])', 'json', NULL, 'json_object($1, $2)', 'octet_length(value::text)'),
        ('jsonb_insert(jsonb, text[], jsonb)', 'jsonb', NULL, 'jsonb_insert($1, $2, $3)', 'pg_column_size(value)'),
        ('jsonb_insert(jsonb, text[], jsonb, boolean)', 'jsonb', NULL, 'jsonb_insert($1, $2, $3, $4)',
            'pg_column_size(value)'),
        ('jsonb_set(jsonb, text[], jsonb)', 'jsonb', NULL, 'jsonb_set($1, $2, $3)', 'pg_column_size(value)'),
        ('jsonb_set(jsonb, text[], jsonb, boolean)', 'jsonb', NULL, 'jsonb_set($1, $2, $3, $4)',
            'pg_column_size(value)'),
        -- A letter may have four bytes.
        ('lpad(text, integer)', 'text', 'greatest($2, 0)', 'lpad($1, $2)', 'octet_length(value)'),
        ('lpad(text, integer, text)', 'text', 'greatest($2, 0)', 'lpad($1, $2, $3)', 'octet_length(value)'),
        ('rpad(text, integer)', 'text', 'greatest($2, 0)', 'rpad($1, $2)', 'octet_length(value)'),
        ('rpad(text, integer, text)', 'text', 'greatest($2, 0)', 'rpad($1, $2, $3)', 'octet_length(value)'),
        ('overlay(text, text, integer)', 'text', NULL, 'overlay($1, $2, $3)', 'octet_length(value)'),
        ('overlay(text, text, integer, integer)', 'text', NULL, 'overlay($1, $2, $3, $4)', 'octet_length(value)'),
        ('overlay(bytea, bytea, integer)', 'bytea', NULL, 'overlay($1, $2, $3)', 'octet_length(value)'),
        ('overlay(bytea, bytea, integer, integer)', 'bytea', NULL, 'overlay($1, $2, $3, $4)', 'octet_length(value)'),
        -- Each group may hold all of the text.
        ('regexp_match(text, text)', 'text[]',
            'octet_length($1)::bigint * (octet_length($2) - octet_length(replace($2, ''('', ''''))) / 8',
            'regexp_match($1, $2)', 'pg_column_size(value)'),
        ('regexp_match(text, text, text)', 'text[]',
            'octet_length($1)::bigint * (octet_length($2) - octet_length(replace($2, ''('', ''''))) / 8',
            'regexp_match($1, $2, $3)', 'pg_column_size(value)'),
        ('regexp_matches(text, text)', 'SETOF text[]',
            'octet_length($1)::bigint * (octet_length($2) - octet_length(replace($2, ''('', ''''))) / 8',
            'QUERY SELECT regexp_matches($1, $2)', NULL),
        ('regexp_matches(text, text, text)', 'SETOF text[]',
            'octet_length($1)::bigint * (octet_length($2) - octet_length(replace($2, ''('', ''''))) / 8',
            'QUERY SELECT regexp_matches($1, $2, $3)', NULL),
        -- Each backslash of what is put in may stand for all of the text.
        ('regexp_replace(text, text, text)', 'text',
            'octet_length($3) + octet_length($1)::bigint
                * (octet_length($3) - octet_length(replace($3, ''\'', ''''))) / 8',
            'regexp_replace($1, $2, $3)', 'octet_length(value)'),
        ('regexp_replace(text, text, text, text)', 'text',
            'octet_length($1)::bigint * (octet_length($3) - octet_length(replace($3, ''\'', ''''))) / 8
                + octet_length($3)::bigint * CASE WHEN strpos($4, ''g'') = 0 OR $3 = '''' THEN 1
                    ELSE (SELECT count(*) FROM regexp_matches($1, $2, $4)) END',
            'regexp_replace($1, $2, $3, $4)', 'octet_length(value)'),
        ('regexp_split_to_array(text, text)', 'text[]', NULL, 'regexp_split_to_array($1, $2)', 'pg_column_size(value)'),
        ('regexp_split_to_array(text, text, text)', 'text[]', NULL, 'regexp_split_to_array($1, $2, $3)',
            'pg_column_size(value)'),
        ('repeat(text, integer)', 'text', 'octet_length($1)::bigint * greatest($2, 0)', 'repeat($1, $2)', NULL),
        ('replace(text, text, text)', 'text',
            'CASE WHEN octet_length($3) <= octet_length($2) OR $2 = '''' THEN 0 ELSE octet_length($1)
                + (octet_length($1) - octet_length(replace($1, $2, '''')))::bigint / octet_length($2)
                * (octet_length($3) - octet_length($2)) END',
            'replace($1, $2, $3)', NULL),
        ('string_to_array(text, text)', 'text[]', NULL, 'string_to_array($1, $2)', 'pg_column_size(value)'),
        ('string_to_array(text, text, text)', 'text[]', NULL, 'string_to_array($1, $2, $3)', 'pg_column_size(value)'),
        -- Each letter of a template may become a long number, and a large note while it is read.
        ('template(text)', 'text', 'octet_length($1)::bigint * 64', '$1', NULL),
        ('to_json(anyelement)', 'json', NULL, 'to_json($1)', 'octet_length(value::text)'),
        ('to_jsonb(anyelement)', 'jsonb', NULL, 'to_jsonb($1)', 'pg_column_size(value)'),
        ('translate(text, text, text)', 'text', NULL, 'translate($1, $2, $3)', 'octet_length(value)')
    ) AS made (signature, gives, before, value, after) LOOP
        EXECUTE format(
            'CREATE FUNCTION %I.callboard_%s RETURNS %s LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $body$
            DECLARE
                most bigint := coalesce(nullif(current_setting(''callboard.value_bytes'', true), ''''), ''1048576'')::bigint;
                bytes bigint := %s;
                %s
            BEGIN
                %s
                IF bytes > most THEN
                    RAISE program_limit_exceeded USING MESSAGE = ''value too large: ''
                        || bytes || '' bytes, of '' || most || '' that a value of a plugin may have; ''
                        || ''divide it, or raise `value_bytes` under [limits] in callboard.toml'';
                END IF;
                RETURN %s;
            END $body$',
            schema, made.signature, made.gives, coalesce(made.before, '0'),
            CASE WHEN made.after IS NOT NULL THEN format('value %s;', made.gives) ELSE '' END,
            CASE WHEN made.after IS NOT NULL
                THEN format('IF bytes <= most THEN value := %s; bytes := %s; END IF;', made.value, made.after)
                ELSE '' END,
            CASE WHEN made.after IS NOT NULL THEN 'value' ELSE made.value END);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I.callboard_%s TO PUBLIC', schema, made.signature);
    END LOOP;
    FOR made IN SELECT * FROM (VALUES
        ('text', 'text'), ('anynonarray', 'text'), ('text', 'anynonarray'), ('bytea', 'bytea'), ('jsonb', 'jsonb'),
        ('anycompatiblearray', 'anycompatiblearray'), ('anycompatiblearray', 'anycompatible'),
        ('anycompatible', 'anycompatiblearray')
    ) AS made (one, other) LOOP
        EXECUTE format('CREATE OPERATOR %I.|| (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %1$I.callboard_joined)',
            schema, made.one, made.other);
    END LOOP;
END $make$;

-- What the server keeps in memory until a statement ends: each value of it passes here, and all of one
-- statement together have at most `callboard.row_bytes`. What was counted is known by the moment at
-- which the statement came. An entry takes some bytes itself.
DO $make$
DECLARE
    kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['text', 'bytea', 'json', 'jsonb', 'anyelement'] LOOP
        EXECUTE format(
            'CREATE FUNCTION %1$I.callboard_kept(%2$s) RETURNS %2$s LANGUAGE plpgsql VOLATILE AS $body$
            DECLARE
                most bigint := coalesce(nullif(current_setting(''callboard.row_bytes'', true), ''''), ''1048576'')::bigint;
                moment text := replace(statement_timestamp()::text, '' '', ''T'');
                noted text := current_setting(''callboard.kept'', true);
                bytes bigint := coalesce(octet_length(%3$s), 0) + 64;
            BEGIN
                IF split_part(noted, '' '', 1) = moment THEN
                    bytes := bytes + split_part(noted, '' '', 2)::bigint;
                END IF;
                IF bytes > most THEN
                    RAISE program_limit_exceeded USING MESSAGE = ''value too large: the statement collects more than ''
                        || most || '' bytes in aggregates, or in subqueries that are compared with; ''
                        || ''ask for less, or raise `row_bytes` under [limits] in callboard.toml'';
                END IF;
                noted := set_config(''callboard.kept'', moment || '' '' || bytes, true);
                RETURN $1;
            END $body$',
            current_schema(), kind, CASE WHEN kind IN ('text', 'bytea') THEN '$1' ELSE '$1::text' END);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I.callboard_kept(%s) TO PUBLIC', current_schema(), kind);
    END LOOP;
END $make$;
