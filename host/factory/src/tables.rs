//! The factory's tables: their migrations, their statements, and what is written in the host's own
//! commits.
//!
//! A function of a table only makes a query or a statement; a store, a transaction or a call of a
//! handler carries it out, where it is asked for. What is `async` and takes a store carries it out itself.

pub mod commits;
pub mod diary_days;
pub mod drafts;
pub mod embeddings;
pub mod items;
pub mod media;
pub mod post_slugs;
pub mod posts;
pub mod rail_trials;
pub mod sources;
pub mod tasks;
pub mod transitions;

use callboard_core::schema::Migration;
use callboard_core::store::health::{ReadableTable, plain};
use callboard_core::store::named::Noun;
use callboard_core::store::tenants::{CommitHooks, EndedRun, RunSubject};
use callboard_core::store::times::PastTime;
use callboard_core::store::{Dialect, StoreError};
use callboard_core::value::Statement;

pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    text: include_str!("../migrations/0001_initial.sql"),
}];

/// The tables that people look into.
pub(crate) const TABLES: &[ReadableTable] = &[
    plain::<tasks::Task>("task", "tasks WHERE TRUE", &["id"]),
    plain::<posts::Post>("post", "posts WHERE TRUE", &["id"]),
    plain::<commits::CommitRow>("commit", "commits WHERE TRUE", &["id"]),
    plain::<media::MediaRow>("picture", "media WHERE TRUE", &["id"]),
];

/// A task stands before the gates of its run, ends with it, and is taken up again with it.
pub(crate) const COMMITS: CommitHooks = CommitHooks {
    subject: RunSubject {
        key: "task",
        noun: &TASK,
    },
    gate_opened: tasks::gate_opened,
    gate_withdrawn: tasks::gate_withdrawn,
    gate_decided: tasks::gate_decided,
    runs_ended,
    run_reopened: tasks::run_reopened,
};

/// What a run was to make is left as it stands, and what it was to publish, too.
fn runs_ended(ended: &[EndedRun<'_>], dialect: Dialect) -> Result<Vec<Statement>, StoreError> {
    let mut statements = tasks::runs_ended(ended, dialect)?;
    statements.extend(posts::runs_ended(ended, dialect)?);
    Ok(statements)
}

/// Times by which lists and pages are ordered, and readers see.
pub(crate) const PAST: &[PastTime] = &[
    ("task", "tasks", "id", "created_at"),
    ("task", "tasks", "id", "updated_at"),
    ("draft", "drafts", "id", "created_at"),
    ("post", "posts", "slug", "published_at"),
    ("post", "posts", "slug", "updated_at"),
    ("post", "posts", "slug", "approved_at"),
    ("address", "post_slugs", "slug", "since"),
    ("picture", "media", "id", "made_at"),
    ("day", "diary_days", "subject", "decided_at"),
];

pub const TASK: Noun = Noun {
    name: "task",
    list: "callboard tasks list",
    rows: "SELECT id AS key, created_at AS moment FROM tasks",
    ids: true,
    none: (
        "there is no task yet",
        "`callboard tasks create TOPIC --pipeline PIPELINE` makes one, and so does a run that saves a draft",
    ),
};
pub const POST: Noun = Noun {
    name: "post",
    list: "callboard posts list",
    rows: "SELECT slug AS key, published_at AS moment FROM posts",
    ids: false,
    none: (
        "there is no post yet",
        "a task that is approved becomes one: `callboard tasks list`",
    ),
};

/// A picture: a JSON document in a row, and itself in a document.
mod picture {
    use serde_json::json;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::draft::Image;

    /// The document.
    pub(super) fn text(image: &Image) -> String {
        json!(image).to_string()
    }

    #[expect(clippy::ref_option, reason = "serde calls it with the field")]
    pub(super) fn serialize<S: Serializer>(
        image: &Option<Image>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match image {
            Some(image) if !serializer.is_human_readable() => {
                serializer.serialize_some(&text(image))
            }
            image => image.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Image>, D::Error> {
        let text = Option::<&str>::deserialize(deserializer)?;
        let read = text.map(serde_json::from_str).transpose();
        read.map_err(D::Error::custom)
    }
}
