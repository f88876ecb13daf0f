//! All at once: what the host tells of itself, and the tasks that its open gates are about.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use callboard_core::app::App;
use callboard_core::operations::{OperationError, overview};

use super::tasks::{self, TaskView};

/// Everything at a moment.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct FactoryOverview {
    #[serde(flatten)]
    pub host: overview::Overview,
    /// The tasks that the open gates are about, by id.
    pub tasks: BTreeMap<String, TaskView>,
}

/// Everything as it stands now.
pub async fn show(app: &App) -> Result<FactoryOverview, OperationError> {
    let host = overview::show(app).await?;
    let subjects = host.gates.iter().filter_map(|gate| gate.subject.as_deref());
    let mut tasks = BTreeMap::new();
    for subject in subjects {
        if let Some(task) = tasks::by_id(app, subject).await? {
            tasks.insert(task.id.clone(), task);
        }
    }
    Ok(FactoryOverview { host, tasks })
}
