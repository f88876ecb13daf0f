//! Who reads JSON by itself.

/// Files that read JSON by themselves, and whose it is. What others say is read by `value::json_in`,
/// which knows what it takes in memory before there is a tree of it.
pub(super) const OWN_JSON: &[(&str, &str)] = &[
    ("host/core/src/value.rs", "it is the door"),
    ("host/core/src/value/form.rs", "columns that the host wrote"),
    (
        "host/core/src/workspace/plugins.rs",
        "contracts of a revision, written by the host",
    ),
    ("host/core/src/plugin/runtime.rs", "the cache of the host"),
    (
        "host/core/src/store/stage_runs.rs",
        "checkpoints, counted where they are read",
    ),
    (
        "host/core/src/store/settings_snapshots.rs",
        "settings that the host wrote",
    ),
    (
        "host/core/src/store/storable.rs",
        "counted before it is stored",
    ),
    ("host/core/src/settings.rs", "a value that a person sets"),
    ("host/factory/src/tables.rs", "columns that the host wrote"),
    (
        "host/factory/src/tables/drafts.rs",
        "columns that the host wrote",
    ),
    (
        "host/factory/src/operations/tasks/view.rs",
        "columns that the host wrote",
    ),
    (
        "host/factory/src/rails/trial.rs",
        "cases that come with the program or its workspace",
    ),
    (
        "host/program/src/cli/run.rs",
        "what a person writes on a line",
    ),
];
