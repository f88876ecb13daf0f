//! `content.load_picture`: one picture of a task is to be made anew. The draft is the one that is
//! published, or will be; what the picture is to show is what a person says, or what the one
//! before it was made from.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::images::plan::{Planned, Which, head};
use crate::markdown::pictures::{KEPT, Shown, shown};
use crate::tables::{drafts, media, tasks};

struct LoadPicture;

callboard_core::register!(LoadPicture);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The id of the task.
    task: String,
    which: Which,
    /// What it is to show; as before, if it is absent or empty.
    prompt: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The draft that has it.
    draft: Draft,
    /// The one picture.
    image_plan: Vec<Planned>,
}

impl Handler for LoadPicture {
    type Config = ();
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Finds the picture of a task that is to be made anew";

    fn needs(&self) -> Needs {
        Needs::default()
            .table("tasks", &["select"])
            .table("drafts", &["select"])
            .table("media", &["select"])
    }

    async fn handle(&self, call: &Call, _config: (), reads: Reads) -> Handled<Writes> {
        let Reads {
            task,
            which,
            prompt,
        } = reads;
        let wrong = |text: String| Stop::failed(FailureKind::Input, text);
        let found = call.read_first(tasks::one(&task)).await?;
        let found = found.ok_or_else(|| wrong(format!("there is no task {task}")))?;
        let kept = call
            .read_first(drafts::numbered(&task, found.draft))
            .await?;
        let kept = kept.ok_or_else(|| wrong(format!("task {task} has no draft yet")))?;
        let draft = kept
            .text()
            .map_err(|error| wrong(format!("the draft of task {task} can't be read: {error}")))?;
        let old = old(&draft, which)?;
        let before = match &old {
            Some(old) => before(call, &old.0).await?,
            None => None,
        };
        let said = prompt.filter(|text| !text.trim().is_empty());
        let alt = match (&said, &old) {
            (Some(prompt), _) => prompt.clone(),
            (None, Some((_, alt))) if !alt.is_empty() => alt.clone(),
            _ => head(&draft),
        };
        let prompt = said.or(before).unwrap_or_else(|| alt.clone());
        let planned = Planned {
            which,
            heading: None,
            prompt,
            alt,
        };
        Ok(Done::new(Writes {
            draft,
            image_plan: vec![planned],
        }))
    }
}

/// Where the picture is that is there now, and what is said of it. One in the text has to be there;
/// one that stands for the text need not.
fn old(draft: &Draft, which: Which) -> Result<Option<(String, String)>, Stop> {
    let Which::Inline(number) = which else {
        let featured = draft.featured.as_ref();
        return Ok(featured.map(|image| (image.src.clone(), image.alt.clone())));
    };
    let wrong = |error: &dyn std::fmt::Display| Stop::failed(FailureKind::Input, error);
    let all = shown(&draft.markdown).map_err(|error| wrong(&error))?;
    let count = all.len();
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    let found = all.into_iter().nth(index.saturating_sub(1));
    let Shown { src, alt, .. } = found.ok_or_else(|| {
        wrong(&format!(
            "the draft has no {which}; it has {count} pictures in its text"
        ))
    })?;
    Ok(Some((src, alt)))
}

/// What the picture of an address was made from.
async fn before(call: &Call, src: &str) -> Result<Option<String>, Stop> {
    let Some(name) = src.strip_prefix(KEPT) else {
        return Ok(None);
    };
    let made = call.read_first(media::of_path(name)).await?;
    Ok(made.map(|row| row.prompt))
}
