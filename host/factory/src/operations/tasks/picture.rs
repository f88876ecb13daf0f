//! A picture of a task that is made anew, by a run of its own.

use std::path::Path;

use callboard_core::app::App;
use callboard_core::operations::OperationError;
use callboard_core::operations::runs::{self, RunView, Start};
use callboard_core::outcome::Patch;
use serde_json::Value as Json;

use super::found;
use crate::tables::tasks::{TASKS, TaskEvent};
use crate::tables::transitions::StoredWord;

pub use crate::images::WhichPicture;

/// The pipeline that makes it.
const PIPELINE: &str = "image_rebuild";

/// A picture to make anew.
#[derive(Debug)]
pub struct Regenerated<'a> {
    pub which: WhichPicture,
    /// What it is to show; as before, if absent.
    pub prompt: Option<&'a str>,
    /// Who asks.
    pub by: &'a str,
    /// The folder of the command.
    pub folder: &'a Path,
}

/// Queue the run that makes a picture of a task anew. It takes its place in the draft, and in the
/// post if there is one, when the run ends well, and in nothing before.
pub async fn regen_image(
    app: &App,
    wanted: &str,
    picture: Regenerated<'_>,
) -> Result<RunView, OperationError> {
    let task = found(app, wanted).await?;
    let (short, status) = (&task.short, task.status);
    if task.draft == 0 || TASKS.to(Some(status), TaskEvent::Illustrate).is_none() {
        let status = status.word();
        let problem = format!("task {short} is {status}, and has no picture to make anew now");
        return Err(OperationError::usage(problem));
    }
    let texts = [
        ("task", task.id.as_str()),
        ("which", &picture.which.to_string()),
        ("prompt", picture.prompt.unwrap_or_default()),
        ("by", picture.by),
    ];
    let input: Patch = texts
        .into_iter()
        .map(|(key, text)| (key.to_owned(), Json::from(text)))
        .collect();
    let start = Start {
        pipeline: PIPELINE,
        input,
        folder: picture.folder,
    };
    runs::start(app, start).await
}
