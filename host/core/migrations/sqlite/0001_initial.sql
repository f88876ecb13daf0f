-- Times are microseconds since 1970-01-01T00:00:00Z. Structured values are JSON in TEXT.

-- Plugins may be granted a table only if the line before it says so.
-- Contents by SHA-256, shared by all revisions.
CREATE TABLE blobs (
    digest  TEXT PRIMARY KEY,
    content BLOB NOT NULL
);

-- Immutable, checked snapshots of a workspace.
CREATE TABLE revisions (
    id         BIGINT PRIMARY KEY,
    digest     TEXT NOT NULL UNIQUE,
    note       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE revision_files (
    revision BIGINT NOT NULL REFERENCES revisions (id),
    path     TEXT NOT NULL,
    digest   TEXT NOT NULL REFERENCES blobs (digest),
    PRIMARY KEY (revision, path)
);

-- The newest row names the active revision.
CREATE TABLE activations (
    id           BIGINT PRIMARY KEY,
    revision     BIGINT NOT NULL REFERENCES revisions (id),
    reason       TEXT NOT NULL CHECK (reason IN ('apply', 'rollback')),
    activated_at BIGINT NOT NULL
);

-- Values of settings. A secret has `sealed` and `key_id`, everything else `value`.
CREATE TABLE settings (
    key        TEXT PRIMARY KEY,
    value      TEXT,
    sealed     BLOB,
    key_id     TEXT,
    updated_at BIGINT NOT NULL,
    CHECK ((value IS NULL) <> (sealed IS NULL))
);

-- The settings that runs began with, without secrets, by digest.
CREATE TABLE settings_snapshots (
    digest     TEXT PRIMARY KEY,
    content    TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

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
    stop_detail  TEXT
);

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
);

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
    superseded  BOOLEAN NOT NULL,
    log         TEXT,
    wake_at     BIGINT,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    PRIMARY KEY (run, stage, visit)
);

CREATE INDEX stage_runs_large ON stage_runs (digest) WHERE digest IS NOT NULL;

-- Questions to a person. An open gate has no decision. It holds no lease.
CREATE TABLE gates (
    run        TEXT NOT NULL,
    stage      TEXT NOT NULL,
    visit      BIGINT NOT NULL,
    question   TEXT NOT NULL,
    subject    TEXT,
    opened_at  BIGINT NOT NULL,
    expires_at BIGINT,
    decision   TEXT CHECK (decision IN ('approved', 'rejected', 'regenerated', 'expired', 'withdrawn')),
    part       TEXT,
    feedback   TEXT,
    decided_by TEXT,
    decided_at BIGINT,
    PRIMARY KEY (run, stage, visit)
);

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
);

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
);

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
);

CREATE TABLE policy_runs (
    policy      TEXT PRIMARY KEY,
    run         TEXT NOT NULL,
    status      TEXT NOT NULL,
    finished_at BIGINT NOT NULL
);

-- Login roles that the host made for plugins, on databases that have roles, and a digest of the
-- password of each. The password itself is derived, and is not stored.
CREATE TABLE plugin_logins (
    plugin   TEXT PRIMARY KEY,
    role     TEXT NOT NULL,
    digest   TEXT NOT NULL
);

-- Workers that have not ended by themselves, and when each was last seen: about once a minute.
CREATE TABLE workers (
    name    TEXT PRIMARY KEY,
    seen_at INTEGER NOT NULL
);

-- What one process at a time may do, on databases where several write at once.
CREATE TABLE locks (
    name TEXT PRIMARY KEY
);

INSERT INTO locks (name) VALUES ('claims'), ('logins'), ('schedules'), ('probe');
