//! What is wrong with a workspace, and the mend.

use std::path::Path;

use super::OperationError;
use crate::app::doctor;

pub use crate::app::doctor::{Diagnosis, Symptom, SymptomLevel};

/// Look at the workspace in `folder`, and change nothing. `database` wins over the address that its
/// callboard.toml names.
pub async fn examine(folder: &Path, database: Option<&str>) -> Result<Diagnosis, OperationError> {
    Ok(doctor::examine(folder, database).await?)
}
