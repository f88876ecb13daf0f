//! Who refers to something. What depends on a reference follows from who makes it, so this is a
//! type, and its text is made from it here and never read again.

use std::fmt;

use serde::{Serialize, Serializer};

/// Who says a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Referrer {
    Pipeline(String),
    Stage {
        pipeline: String,
        stage: String,
    },
    Policy(String),
    Handler(String),
    Plugin(String),
    /// A prompt, without its ending.
    Prompt(String),
    /// A test of the workspace.
    TestCase(String),
    /// Something of a tenant's, in its words; no part of a run.
    Tenant(String),
    /// A value in the database, by the key of its setting.
    Value(String),
    /// A declaration in `settings.toml`, by its key.
    Declaration(String),
    /// The settings that a role resolves to.
    Role(String),
    /// A file of a native handler, `<surface>/<name>.rs`.
    NativeFile(String),
    /// A table of `callboard.toml` about a plugin that may not be there.
    Ceiling(String),
    /// A file or folder of the workspace that nothing reads.
    Unread(String),
}

impl Referrer {
    pub(super) fn pipeline(name: impl Into<String>) -> Self {
        Referrer::Pipeline(name.into())
    }

    pub(super) fn stage(pipeline: impl Into<String>, stage: impl Into<String>) -> Self {
        Referrer::Stage {
            pipeline: pipeline.into(),
            stage: stage.into(),
        }
    }

    pub(super) fn policy(name: impl Into<String>) -> Self {
        Referrer::Policy(name.into())
    }

    pub(super) fn handler(name: impl Into<String>) -> Self {
        Referrer::Handler(name.into())
    }

    pub(super) fn plugin(name: impl Into<String>) -> Self {
        Referrer::Plugin(name.into())
    }
}

impl fmt::Display for Referrer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Referrer::Pipeline(name) => write!(f, "pipeline {name}"),
            Referrer::Stage { pipeline, stage } => write!(f, "stage {pipeline}/{stage}"),
            Referrer::Policy(name) => write!(f, "policy {name}"),
            Referrer::Handler(name) => write!(f, "handler {name}"),
            Referrer::Plugin(name) => write!(f, "plugin {name}"),
            Referrer::Prompt(name) => write!(f, "prompt {name}"),
            Referrer::TestCase(name) => write!(f, "test {name}"),
            Referrer::Tenant(name) => f.write_str(name),
            Referrer::Value(_) => f.write_str("database"),
            Referrer::Declaration(_) | Referrer::Role(_) => f.write_str("settings.toml"),
            Referrer::NativeFile(file) => write!(f, "handlers/{file}"),
            Referrer::Ceiling(_) => f.write_str(crate::config::FILE),
            Referrer::Unread(path) => f.write_str(path),
        }
    }
}

/// As its text, which is what scripts see.
impl Serialize for Referrer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<&Referrer> for Referrer {
    fn from(referrer: &Referrer) -> Self {
        referrer.clone()
    }
}
