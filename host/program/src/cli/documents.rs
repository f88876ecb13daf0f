//! Documents of commands that ask nothing of the host, and of the demo, which asks for many things.

mod asked;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use callboard_core::operations::ProblemView;
use callboard_core::operations::runs::{RunStatus, RunView};
use callboard_factory::operations::memory::Memory;
use callboard_factory::operations::tasks::TaskDetails;

pub use self::asked::{DocumentedAnswer, all};
pub(super) use self::asked::{generator, nouns};

/// Why a command did not do what was asked, in place of what it answers with.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CommandFailure")]
pub(super) struct FailureDocument {
    #[serde(flatten)]
    pub(super) problem: ProblemView,
    /// The exit code.
    pub(super) code: u8,
}

/// A workspace that was written.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Initialised {
    /// The folder of the workspace.
    pub(super) folder: String,
    /// The files in it that the program brought.
    pub(super) files: Vec<String>,
}

/// A file as text.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TextFile {
    /// Its path, or what it is.
    pub(super) file: String,
    /// What is in it; bytes that are no text are replaced.
    pub(super) content: String,
}

/// Files that were written.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Written {
    /// Their names.
    pub(super) written: Vec<&'static str>,
}

/// A worker that has begun.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Working {
    /// Runs that it carries out at a time.
    pub(super) slots: u32,
}

/// Where a process serves.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Serving {
    /// The address for readers.
    pub(super) site: String,
    /// The address for people on this machine.
    pub(super) console: String,
}

/// What a demo came to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Demo")]
pub(super) struct DemoDocument {
    /// Its folder.
    pub(super) workspace: PathBuf,
    /// The run that wrote the post.
    pub(super) run: RunView,
    /// The article that a model wrote, if one was named.
    pub(super) article: Option<TaskDetails>,
    /// The upkeep, in the order in which it ran.
    pub(super) policies: Vec<PolicyEnded>,
    /// What the memory holds then.
    pub(super) memory: Memory,
    /// Where the site was written to, if it was.
    pub(super) exported: Option<ExportedSite>,
    /// Where it is served, if it is.
    pub(super) serving: Option<Serving>,
}

/// How a policy ended.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PolicyEnded {
    /// Its name.
    pub(super) policy: &'static str,
    /// The status of its run.
    pub(super) status: RunStatus,
    /// Why, for a person.
    pub(super) detail: String,
}

/// A site that was written as files.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ExportedSite {
    /// Where they are.
    pub(super) folder: PathBuf,
    /// How many files.
    pub(super) files: usize,
}
