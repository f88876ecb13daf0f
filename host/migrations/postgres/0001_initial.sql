-- Times are microseconds since 1970-01-01T00:00:00Z. Structured values are JSON in TEXT.

-- Contents by SHA-256, shared by all revisions.
CREATE TABLE blobs (
    digest  TEXT PRIMARY KEY,
    content BYTEA NOT NULL
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
    sealed     BYTEA,
    key_id     TEXT,
    updated_at BIGINT NOT NULL,
    CHECK ((value IS NULL) <> (sealed IS NULL))
);

CREATE TABLE runs (
    id          TEXT PRIMARY KEY,
    pipeline    TEXT NOT NULL,
    revision    BIGINT REFERENCES revisions (id),
    status      TEXT NOT NULL CHECK (status IN (
        'queued', 'running', 'waiting', 'gated', 'done', 'nothing-to-do',
        'rejected', 'unavailable', 'failed', 'cancelled')),
    detail      TEXT NOT NULL,
    input       TEXT NOT NULL,
    settings    TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    wake_at     BIGINT NOT NULL,
    spent       BIGINT NOT NULL,
    finished_at BIGINT,
    fence       BIGINT NOT NULL,
    lease_until BIGINT NOT NULL
);

CREATE INDEX runs_claimable ON runs (wake_at) WHERE status IN ('queued', 'running', 'waiting');
CREATE INDEX runs_newest ON runs (created_at);

-- The checkpoints: one row a visit of a stage.
CREATE TABLE stage_runs (
    run         TEXT NOT NULL REFERENCES runs (id),
    stage       TEXT NOT NULL,
    visit       BIGINT NOT NULL,
    handler     TEXT NOT NULL,
    attempts    BIGINT NOT NULL,
    outcome     TEXT NOT NULL,
    follow      TEXT NOT NULL,
    report      TEXT NOT NULL,
    superseded  BOOLEAN NOT NULL,
    started_at  BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    PRIMARY KEY (run, stage, visit)
);

-- Questions to a person. An open gate has no decision.
CREATE TABLE gates (
    run        TEXT NOT NULL REFERENCES runs (id),
    stage      TEXT NOT NULL,
    visit      BIGINT NOT NULL,
    question   TEXT NOT NULL,
    task       TEXT,
    opened_at  BIGINT NOT NULL,
    decision   TEXT CHECK (decision IN ('approved', 'rejected')),
    feedback   TEXT,
    decided_by TEXT,
    decided_at BIGINT,
    PRIMARY KEY (run, stage, visit)
);

CREATE TABLE policy_runs (
    policy      TEXT PRIMARY KEY,
    run         TEXT NOT NULL,
    status      TEXT NOT NULL,
    finished_at BIGINT NOT NULL
);

-- One piece of content to be made. `subject` says what it is about, once: a second task
-- with the same subject is refused.
CREATE TABLE tasks (
    id         TEXT PRIMARY KEY,
    subject    TEXT NOT NULL UNIQUE,
    topic      TEXT NOT NULL,
    run        TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN (
        'drafted', 'awaiting-approval', 'rejected', 'published')),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE drafts (
    id         TEXT PRIMARY KEY,
    task       TEXT NOT NULL REFERENCES tasks (id),
    number     BIGINT NOT NULL,
    title      TEXT NOT NULL,
    excerpt    TEXT NOT NULL,
    markdown   TEXT NOT NULL,
    written_by TEXT NOT NULL,
    report     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (task, number)
);

CREATE TABLE posts (
    id           TEXT PRIMARY KEY,
    slug         TEXT NOT NULL UNIQUE,
    subject      TEXT NOT NULL UNIQUE,
    task         TEXT NOT NULL,
    title        TEXT NOT NULL,
    excerpt      TEXT NOT NULL,
    markdown     TEXT NOT NULL,
    tags         TEXT NOT NULL,
    written_by   TEXT NOT NULL,
    covers       TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('published', 'removed')),
    published_at BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);

CREATE INDEX posts_newest ON posts (published_at);

-- Days of a repository that need no further look, and why.
CREATE TABLE diary_days (
    subject    TEXT PRIMARY KEY,
    state      TEXT NOT NULL CHECK (state IN ('thin', 'published')),
    run        TEXT NOT NULL,
    decided_at BIGINT NOT NULL
);

-- Commits as a source of memory.
CREATE TABLE commits (
    id           TEXT PRIMARY KEY,
    repository   TEXT NOT NULL,
    author       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    body         TEXT NOT NULL,
    committed_at BIGINT NOT NULL
);

-- Memory: texts as vectors of little-endian 32-bit floats.
CREATE TABLE embeddings (
    id              TEXT PRIMARY KEY,
    source_table    TEXT NOT NULL,
    source_id       TEXT NOT NULL,
    content_hash    TEXT NOT NULL,
    chunk_index     BIGINT NOT NULL,
    text_preview    TEXT NOT NULL,
    embedding_model TEXT NOT NULL,
    dimensions      BIGINT NOT NULL,
    embedding       BYTEA NOT NULL,
    metadata        TEXT NOT NULL,
    writer          TEXT NOT NULL,
    origin_path     TEXT,
    is_summary      BOOLEAN NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    UNIQUE (source_table, source_id, chunk_index, embedding_model)
);

CREATE INDEX embeddings_age ON embeddings (source_table, is_summary, created_at);

-- Login roles that the host made for plugins, on databases that have roles.
CREATE TABLE plugin_logins (
    plugin   TEXT PRIMARY KEY,
    role     TEXT NOT NULL,
    password TEXT NOT NULL
);
