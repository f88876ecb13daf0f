//! Why a plugin cannot be used. Each text names what mends it; which plugin it is, the roll call
//! tells by its referrer, and a run by its stage.

use crate::config::raise;

/// Why a plugin cannot be loaded or described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    #[error("the plugin runtime cannot start: {0}")]
    Runtime(String),
    #[error("its component cannot be read from the database: {cause}")]
    Unreadable { cause: String },
    #[error("the component is {what}; build one for `wasm32-wasip2`")]
    NotAComponent { what: String },
    #[error("the component does not compile: {cause}{}", sync(cause))]
    Compile { cause: String },
    #[error(
        "it was built for version {wanted} of the WIT contract, and this host serves {served}; rebuild it against {served}"
    )]
    Version { wanted: String, served: String },
    #[error("it imports `{import}`, which this host does not serve; {mend}")]
    UnknownImport { import: String, mend: String },
    #[error("it does not fit the WIT contract: {cause}; rebuild it with the current SDK")]
    Link { cause: String },
    #[error(
        "it cannot say what it is: {cause}; `describe` runs with nothing granted and has to answer from its own code"
    )]
    Describe { cause: String },
    #[error("the {which} schema of handler `{handler}` is no JSON Schema: {cause}")]
    Schema {
        handler: String,
        which: String,
        cause: String,
    },
    #[error(
        "it says too much of itself: {what} of the {limit} allowed; say less, or {}",
        raise(plugin, &format!("describe.{key}"))
    )]
    TooMuch {
        plugin: String,
        what: String,
        limit: u32,
        key: &'static str,
    },
}

/// What to do about a component that was built for the asynchronous calls of WASI 0.3, which those
/// of the contract are not.
fn sync(cause: &str) -> &'static str {
    if cause.contains("component model async") {
        "; build it for synchronous calls, e.g. with `--sync` of componentize-qjs"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::PluginError;

    #[test]
    fn a_component_with_asynchronous_calls_is_told_how_to_have_others() {
        let told = |cause: &str| {
            let cause = cause.to_owned();
            PluginError::Compile { cause }.to_string()
        };
        let asynchronous = told("`task.cancel` requires the component model async feature");
        assert!(asynchronous.contains("--sync"), "{asynchronous}");
        assert!(!told("a type is wrong").contains("--sync"));
    }
}
