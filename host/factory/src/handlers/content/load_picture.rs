//! `content.load_picture`: a picture of a task is to be made anew, or all of them. The draft is the one
//! that is published, or will be; what a picture is to show is what a person says, or what the one
//! before it was made from.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::images::plan::{PlannedPicture, WhichPicture, head};
use crate::markdown::pictures::{KEPT, PlacedPicture, shown};
use crate::tables::{drafts, media, tasks};

struct LoadPicture;

callboard_core::register!(LoadPicture);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The id of the task.
    task: String,
    /// `featured`, `inline:N`, or `all` for every one that there is.
    which: Chosen,
    /// What it is to show; as before, if it is absent or empty.
    prompt: Option<String>,
}

/// Which pictures of a draft.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
enum Chosen {
    All,
    One(WhichPicture),
}

impl TryFrom<String> for Chosen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "all" => Ok(Chosen::All),
            one => one.parse().map(Chosen::One),
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The draft that has it.
    draft: Draft,
    /// The pictures to make.
    image_plan: Vec<PlannedPicture>,
}

impl Handler for LoadPicture {
    type Config = ();
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Finds the pictures of a task that are to be made anew";

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
        let found = call.read_first(tasks::by_id(&task)).await?;
        let found = found.ok_or_else(|| wrong(format!("there is no task {task}")))?;
        let kept = call
            .read_first(drafts::numbered(&task, found.draft))
            .await?;
        let kept = kept.ok_or_else(|| wrong(format!("task {task} has no draft yet")))?;
        let draft = kept
            .text()
            .map_err(|error| wrong(format!("the draft of task {task} can't be read: {error}")))?;
        let said = prompt.filter(|text| !text.trim().is_empty());
        let mut image_plan = Vec::new();
        for which in chosen(&draft, which)? {
            image_plan.push(planned(call, (&task, &draft), which, said.as_deref()).await?);
        }
        if image_plan.is_empty() {
            return Err(wrong(format!("the draft of task {task} has no picture")));
        }
        Ok(Done::new(Writes { draft, image_plan }))
    }
}

/// The pictures that are meant.
fn chosen(draft: &Draft, chosen: Chosen) -> Result<Vec<WhichPicture>, Stop> {
    if let Chosen::One(which) = chosen {
        return Ok(vec![which]);
    }
    let inline = shown(&draft.markdown).map_err(|error| Stop::failed(FailureKind::Input, error))?;
    let inline = (1..)
        .zip(&inline)
        .map(|(number, _)| WhichPicture::Inline(number));
    let featured = draft.featured.iter().map(|_| WhichPicture::Featured);
    Ok(featured.chain(inline).collect())
}

/// What a picture is to show: what is said, or what the one before it was made from.
async fn planned(
    call: &Call,
    (task, draft): (&str, &Draft),
    which: WhichPicture,
    said: Option<&str>,
) -> Result<PlannedPicture, Stop> {
    let old = old(draft, which)?;
    let before = match &old {
        Some(old) => before(call, &old.0, task, which).await?,
        None => None,
    };
    let alt = match (said, &old) {
        (Some(prompt), _) => prompt.to_owned(),
        (None, Some((_, alt))) if !alt.is_empty() => alt.clone(),
        _ => head(draft),
    };
    let prompt = said.map(str::to_owned).or(before);
    Ok(PlannedPicture {
        which,
        heading: None,
        basis: String::new(),
        prompt: prompt.unwrap_or_else(|| alt.clone()),
        anew: false,
        alt,
    })
}

/// Where the picture is that is there now, and what is said of it. One in the text has to be there;
/// one that stands for the text need not.
fn old(draft: &Draft, which: WhichPicture) -> Result<Option<(String, String)>, Stop> {
    let WhichPicture::Inline(number) = which else {
        let featured = draft.featured.as_ref();
        return Ok(featured.map(|image| (image.src.clone(), image.alt.clone())));
    };
    let wrong = |error: &dyn std::fmt::Display| Stop::failed(FailureKind::Input, error);
    let all = shown(&draft.markdown).map_err(|error| wrong(&error))?;
    let count = all.len();
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    let found = all.into_iter().nth(index.saturating_sub(1));
    let PlacedPicture { src, alt, .. } = found.ok_or_else(|| {
        wrong(&format!(
            "the draft has no {which}; it has {count} pictures in its text"
        ))
    })?;
    Ok(Some((src, alt)))
}

/// What the picture of an address was made from, that stands there in the text of a task.
async fn before(
    call: &Call,
    src: &str,
    task: &str,
    which: WhichPicture,
) -> Result<Option<String>, Stop> {
    let Some(name) = src.strip_prefix(KEPT) else {
        return Ok(None);
    };
    let made = call.read_first(media::shown(name, task, which)).await?;
    Ok(made.map(|row| row.prompt))
}
