//! The memory: what the factory knows of what happened, as vectors.

use schemars::JsonSchema;
use serde::Serialize;

use callboard_core::app::App;
use callboard_core::operations::OperationError;

use crate::tables::{commits, embeddings};

/// How much is remembered.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub struct Memory {
    /// Commits that were collected.
    pub commits: u64,
    /// Vectors of single texts.
    pub embeddings: u64,
    /// Vectors that stand for several that were collapsed.
    pub summaries: u64,
}

/// Count what is remembered.
pub async fn counts(app: &App) -> Result<Memory, OperationError> {
    let mut memory = Memory {
        commits: app.store().read_one(commits::count()).await?,
        ..Memory::default()
    };
    for count in app.store().read(embeddings::counts()).await? {
        if count.is_summary {
            memory.summaries += count.rows;
        } else {
            memory.embeddings += count.rows;
        }
    }
    Ok(memory)
}
