-- The content factory's own tables. Times are microseconds since 1970-01-01T00:00:00Z; structured
-- values are JSON in TEXT. Plugins may be granted a table only if the line before it says so; what they may write
-- has a length.

-- One piece of content to be made. `subject` says what it is about, once: a second task
-- with the same subject is refused, and so is a second one with the same `key`, which whoever asked
-- for it chose. `status` is moved by the table of transitions alone (`tables/tasks/transitions.rs`),
-- `previous` is where it stood before, and each move counts `step` up. `draft` is the number of the
-- text that is published once its run comes to that.
-- grantable to read
CREATE TABLE tasks (
    id         TEXT PRIMARY KEY,
    key        TEXT UNIQUE CHECK ({{octets(}}key{{)}} <= 500),
    subject    TEXT NOT NULL UNIQUE CHECK ({{octets(}}subject{{)}} <= 4000),
    asked      TEXT NOT NULL CHECK ({{octets(}}asked{{)}} <= 1000),
    topic      TEXT NOT NULL CHECK ({{octets(}}topic{{)}} <= 1000),
    run        TEXT NOT NULL,
    pipeline   TEXT NOT NULL DEFAULT '',
    draft      BIGINT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN (
        'in-progress', 'drafted', 'awaiting-approval', 'approved', 'rejected', 'halted',
        'cancelled', 'published')),
    previous   TEXT,
    step       BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
){{strict}};

CREATE INDEX tasks_run ON tasks (run);

-- Every move of a task: from where, by which event, who made it (nobody, if its run did), and why.
-- grantable to read
CREATE TABLE task_history (
    task        TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    step        BIGINT NOT NULL,
    from_status TEXT,
    to_status   TEXT NOT NULL,
    event       TEXT NOT NULL CHECK (event IN (
        'create', 'save', 'ask', 'withdraw', 'approve', 'reject', 'send-back', 'edit', 'illustrate', 'publish', 'cancel',
        'halt', 'finish', 'resume')),
    run         TEXT NOT NULL,
    draft       BIGINT NOT NULL,
    who         TEXT NOT NULL,
    detail      TEXT NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (task, step)
){{strict}};

-- The texts of a task, numbered from 1: what is approved and published is one of them, as it stands
-- here. `origin` says whose it is, `editor` who edited or merged it, `parent` which one it was made
-- from, `details` what a draft has besides its text, as JSON. `conflicts` counts marked places where
-- a person and the pipeline say different things. What is shown to a person, or to readers, is
-- bounded here, whoever writes it.
-- grantable to read
CREATE TABLE drafts (
    id         TEXT PRIMARY KEY,
    task       TEXT NOT NULL REFERENCES tasks (id),
    number     BIGINT NOT NULL,
    parent     BIGINT,
    origin     TEXT NOT NULL CHECK (origin IN ('pipeline', 'person', 'merge')),
    editor     TEXT NOT NULL CHECK ({{octets(}}editor{{)}} <= 1000),
    run        TEXT NOT NULL,
    title      TEXT NOT NULL CHECK ({{octets(}}title{{)}} <= 1000),
    excerpt    TEXT NOT NULL CHECK ({{octets(}}excerpt{{)}} <= 10000),
    markdown   TEXT NOT NULL CHECK ({{octets(}}markdown{{)}} <= 131072),
    written_by TEXT NOT NULL CHECK ({{octets(}}written_by{{)}} <= 1000),
    details    TEXT NOT NULL CHECK ({{octets(}}details{{)}} <= 262144),
    report     TEXT NOT NULL,
    conflicts  BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (task, number)
){{strict}};

-- A text for readers. `status` is moved by its table of transitions alone (`tables/posts/transitions.rs`),
-- `previous` is where it stood before, and each move counts `step` up. `slug` is its address now; all that it
-- ever had are in `post_slugs`. `run` is the one that publishes it at `scheduled_at`.
-- grantable to read
CREATE TABLE posts (
    id           TEXT PRIMARY KEY CHECK ({{octets(}}id{{)}} <= 1000),
    slug         TEXT NOT NULL UNIQUE CHECK ({{octets(}}slug{{)}} <= 500),
    subject      TEXT NOT NULL UNIQUE CHECK ({{octets(}}subject{{)}} <= 4000),
    task         TEXT NOT NULL CHECK ({{octets(}}task{{)}} <= 1000),
    title        TEXT NOT NULL CHECK ({{octets(}}title{{)}} <= 1000),
    -- The title that search engines show; its own, if empty.
    seo_title    TEXT NOT NULL DEFAULT '' CHECK ({{octets(}}seo_title{{)}} <= 1000),
    excerpt      TEXT NOT NULL CHECK ({{octets(}}excerpt{{)}} <= 10000),
    markdown     TEXT NOT NULL CHECK ({{octets(}}markdown{{)}} <= 131072),
    tags         TEXT NOT NULL CHECK ({{octets(}}tags{{)}} <= 4000),
    written_by   TEXT NOT NULL CHECK ({{octets(}}written_by{{)}} <= 1000),
    covers       TEXT NOT NULL CHECK ({{octets(}}covers{{)}} <= 500),
    -- The picture that stands for it, as JSON.
    featured     TEXT CHECK ({{octets(}}featured{{)}} <= 10000),
    status       TEXT NOT NULL CHECK (status IN (
        'unpublished', 'scheduled', 'published', 'archived', 'removed')),
    previous     TEXT,
    step         BIGINT NOT NULL DEFAULT 1,
    scheduled_at BIGINT,
    run          TEXT NOT NULL DEFAULT '',
    published_at BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    edited_by    TEXT NOT NULL DEFAULT '' CHECK ({{octets(}}edited_by{{)}} <= 1000),
    approved_by  TEXT NOT NULL DEFAULT '' CHECK ({{octets(}}approved_by{{)}} <= 1000),
    approved_at  BIGINT,
    CHECK ((status = 'scheduled') = (scheduled_at IS NOT NULL))
){{strict}};

CREATE INDEX posts_newest ON posts (published_at);
CREATE INDEX posts_run ON posts (run);

-- Every address that posts have or had, each one's for good: that of another post leads to nothing else.
-- grantable to read
CREATE TABLE post_slugs (
    slug  TEXT PRIMARY KEY CHECK ({{octets(}}slug{{)}} <= 500),
    post  TEXT NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    since BIGINT NOT NULL
){{strict}};

CREATE INDEX post_slugs_post ON post_slugs (post);

-- Every move of a post and each change of what is shown of it: by which event, who made it, and why.
-- grantable to read
CREATE TABLE post_history (
    post        TEXT NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
    step        BIGINT NOT NULL,
    from_status TEXT,
    to_status   TEXT NOT NULL,
    event       TEXT NOT NULL CHECK (event IN (
        'keep', 'publish', 'schedule', 'lapse', 'unpublish', 'archive', 'remove', 'restore', 'retitle',
        'edit')),
    slug        TEXT NOT NULL,
    title       TEXT NOT NULL,
    who         TEXT NOT NULL,
    detail      TEXT NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (post, step)
){{strict}};

-- What was read before a post was written, kept with its subject.
-- grantable to read
CREATE TABLE sources (
    id         TEXT PRIMARY KEY,
    subject    TEXT NOT NULL,
    run        TEXT NOT NULL,
    number     TEXT NOT NULL,
    url        TEXT NOT NULL,
    title      TEXT NOT NULL,
    site       TEXT NOT NULL,
    published  TEXT NOT NULL,
    text       TEXT NOT NULL,
    fetched_at BIGINT NOT NULL
){{strict}};

CREATE INDEX sources_subject ON sources (subject);

-- Pictures that were made, each with how. The file itself is in the media store, under its name.
-- grantable to read
CREATE TABLE media (
    id       TEXT PRIMARY KEY,
    run      TEXT NOT NULL,
    task     TEXT,
    post     TEXT,
    which    TEXT NOT NULL,
    digest   TEXT NOT NULL,
    path     TEXT NOT NULL,
    width    BIGINT NOT NULL,
    height   BIGINT NOT NULL,
    bytes    BIGINT NOT NULL,
    mime     TEXT NOT NULL,
    alt      TEXT NOT NULL CHECK ({{octets(}}alt{{)}} <= 4000),
    basis    TEXT NOT NULL CHECK ({{octets(}}basis{{)}} <= 10000),
    prompt   TEXT NOT NULL CHECK ({{octets(}}prompt{{)}} <= 10000),
    asked    TEXT NOT NULL,
    seen_by  TEXT NOT NULL CHECK ({{octets(}}seen_by{{)}} <= 1000),
    provider TEXT NOT NULL,
    model    TEXT NOT NULL CHECK ({{octets(}}model{{)}} <= 1000),
    seed     BIGINT NOT NULL,
    made_at  BIGINT NOT NULL
){{strict}};

CREATE INDEX media_task ON media (task);
CREATE INDEX media_run ON media (run);
CREATE INDEX media_path ON media (path);

-- What taps found elsewhere, such as items of feeds and documents of a folder, each once by where it
-- was found (`origin`) and what it is called there (`name`). `digest` changes with title and text.
-- grantable
CREATE TABLE items (
    id        TEXT PRIMARY KEY CHECK ({{octets(}}id{{)}} <= 1000),
    origin    TEXT NOT NULL CHECK ({{octets(}}origin{{)}} <= 8000),
    name      TEXT NOT NULL CHECK ({{octets(}}name{{)}} <= 8000),
    url       TEXT NOT NULL CHECK ({{octets(}}url{{)}} <= 8000),
    title     TEXT NOT NULL CHECK ({{octets(}}title{{)}} <= 8000),
    published TEXT NOT NULL CHECK ({{octets(}}published{{)}} <= 8000),
    text      TEXT NOT NULL CHECK ({{octets(}}text{{)}} <= 16777216),
    digest    TEXT NOT NULL CHECK ({{octets(}}digest{{)}} <= 1000),
    found_at  BIGINT NOT NULL
){{strict}};

CREATE INDEX items_found ON items (found_at);
-- Both may be longer than what an index of PostgreSQL takes.
-- {{sqlite}}
CREATE INDEX items_origin ON items (origin);
CREATE INDEX items_url ON items (url);
-- {{postgres}}
CREATE INDEX items_origin ON items USING hash (origin);
CREATE INDEX items_url ON items USING hash (url);
-- {{all}}

-- How far a rail that asks a model agreed with people about drafts of a corpus. `question` is the digest of
-- all that its verdicts depend on besides the model; whether it may move a draft is asked of its newest row. It is
-- the host's own, so that no plugin can vouch for a model.
CREATE TABLE rail_trials (
    id                TEXT PRIMARY KEY,
    rail              TEXT NOT NULL,
    model             TEXT NOT NULL,
    question          TEXT NOT NULL,
    corpus            TEXT NOT NULL,
    drafts            BIGINT NOT NULL,
    unanswered        BIGINT NOT NULL,
    good_passed       BIGINT NOT NULL,
    good_failed       BIGINT NOT NULL,
    bad_passed        BIGINT NOT NULL,
    bad_failed        BIGINT NOT NULL,
    kappa             BIGINT,
    spread            BIGINT NOT NULL,
    prompt_tokens     BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    microcents        BIGINT NOT NULL,
    passed            {{flag}} NOT NULL,
    made_at           BIGINT NOT NULL
){{strict}};

CREATE INDEX rail_trials_rail ON rail_trials (rail, made_at);

-- Days of a repository that need no further look, and why.
-- grantable
CREATE TABLE diary_days (
    subject    TEXT PRIMARY KEY CHECK ({{octets(}}subject{{)}} <= 4000),
    state      TEXT NOT NULL CHECK (state IN ('thin', 'published')),
    run        TEXT NOT NULL CHECK ({{octets(}}run{{)}} <= 1000),
    decided_at BIGINT NOT NULL
){{strict}};

-- Commits as a source of memory.
-- grantable
CREATE TABLE commits (
    id           TEXT PRIMARY KEY CHECK ({{octets(}}id{{)}} <= 1000),
    repository   TEXT NOT NULL CHECK ({{octets(}}repository{{)}} <= 8000),
    author       TEXT NOT NULL CHECK ({{octets(}}author{{)}} <= 8000),
    subject      TEXT NOT NULL CHECK ({{octets(}}subject{{)}} <= 8000),
    body         TEXT NOT NULL CHECK ({{octets(}}body{{)}} <= 16777216),
    committed_at BIGINT NOT NULL
){{strict}};

-- Memory: texts as vectors of little-endian 32-bit floats.
-- grantable
CREATE TABLE embeddings (
    id              TEXT PRIMARY KEY CHECK ({{octets(}}id{{)}} <= 1000),
    source_table    TEXT NOT NULL CHECK ({{octets(}}source_table{{)}} <= 1000),
    source_id       TEXT NOT NULL CHECK ({{octets(}}source_id{{)}} <= 8000),
    content_hash    TEXT NOT NULL CHECK ({{octets(}}content_hash{{)}} <= 1000),
    chunk_index     BIGINT NOT NULL,
    text_preview    TEXT NOT NULL CHECK ({{octets(}}text_preview{{)}} <= 131072),
    embedding_model TEXT NOT NULL CHECK ({{octets(}}embedding_model{{)}} <= 1000),
    dimensions      BIGINT NOT NULL,
    embedding       {{bytes}} NOT NULL,
    metadata        TEXT NOT NULL CHECK ({{octets(}}metadata{{)}} <= 1048576),
    writer          TEXT NOT NULL CHECK ({{octets(}}writer{{)}} <= 1000),
    origin_path     TEXT CHECK ({{octets(}}origin_path{{)}} <= 8000),
    is_summary      BOOLEAN NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    UNIQUE (source_table, source_id, chunk_index, embedding_model)
-- {{sqlite}}
    -- As strict as the others, with a column that is read as a flag.
    , CHECK (typeof(id) = 'text' AND typeof(source_table) = 'text' AND typeof(source_id) = 'text'
        AND typeof(content_hash) = 'text' AND typeof(chunk_index) = 'integer'
        AND typeof(text_preview) = 'text' AND typeof(embedding_model) = 'text'
        AND typeof(dimensions) = 'integer' AND typeof(embedding) = 'blob'
        AND typeof(metadata) = 'text' AND typeof(writer) = 'text'
        AND typeof(origin_path) IN ('text', 'null') AND is_summary IN (0, 1)
        AND typeof(is_summary) = 'integer' AND typeof(created_at) = 'integer'
        AND typeof(updated_at) = 'integer')
-- {{all}}
);

CREATE INDEX embeddings_age ON embeddings (source_table, is_summary, created_at);
