//! Words of tenants and of the program, which the host does not know.

/// Words that only the factory and the program know. `core` names none of them. `task` and `listen` are
/// none of these: what tokio runs is a task, too, and the store listens to PostgreSQL.
pub(super) const WORDS_OF_TENANTS: &[&str] = &[
    "blog",
    "console",
    "diary",
    "diaries",
    "draft",
    "embedding",
    "export",
    "feed",
    "image",
    "post",
    "rail",
    "site",
];

/// Pieces of lines in which such a word means another thing: the file, or the folder, the piece, and
/// what it means there.
pub(super) const EXCEPTED: &[(&str, &str, &str)] = &[
    ("host/core/src/", "POST", "a method of HTTP"),
    ("host/core/src/", "post_json", "the same"),
    ("host/core/src/client.rs", "Method::POST", "the same"),
    ("host/core/src/grants/http.rs", "Post,", "the same"),
    ("host/core/src/grants/http.rs", "Method::Post", "the same"),
    ("host/core/src/handler", "Image", "what a model looks at"),
    ("host/core/src/capabilities/model.rs", "Image", "the same"),
    ("host/core/src/capabilities/model.rs", "image", "the same"),
    ("host/core/src/handler", "image", "the same"),
    ("host/core/src/model", "image", "the same"),
    ("host/core/src/model", "embedding", "a word of the protocol"),
    (
        "host/core/src/client/address.rs",
        "site-local",
        "a range of IPv6",
    ),
    (
        "host/core/src/",
        "#[macro_export]",
        "an attribute of the language",
    ),
    (
        "host/core/src/plugin/bindings.rs",
        "export",
        "what a component gives",
    ),
];
