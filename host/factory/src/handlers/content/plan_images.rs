//! `content.plan_images`: which pictures a draft is to have, and what each is to show.
//!
//! Without a provider of pictures the plan is empty, and what follows has nothing to do. A role
//! may write the prompts; the built-in way makes them from title and headings. What an earlier visit planned
//! for the same words of the text stays as it was, so that its picture can be taken again.

use callboard_core::handler::{Call, Completion, Handled, Handler, ModelRequest, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::asking::or_later;
use crate::diary::answer::schema_of;
use crate::draft::Draft;
use crate::images::plan::planned;
use crate::images::{PictureProvider, PlannedPicture, WhichPicture, provider};
use crate::markdown::pictures;
use crate::tables::media::{self as rows, MediaRow};

struct PlanImages;

callboard_core::register!(PlanImages);

/// The prompt of the workspace that the role gets.
const PROMPT: &str = "image_prompts";
const SYSTEM: &str = "You say what pictures are to show. You answer with one JSON object.";
/// The longest answer.
const TOKENS: u32 = 800;
/// Characters of a prompt that is taken.
const LONGEST: usize = 600;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Whether the draft gets a picture that stands for it.
    featured: bool,
    /// The most pictures in the text.
    #[schemars(range(max = 20))]
    inline: usize,
    /// The role that writes what they are to show; the built-in way alone if it is empty.
    role: String,
    /// What every picture is told besides.
    style: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            featured: true,
            inline: 2,
            role: "writer".to_owned(),
            style: "Editorial illustration, calm colours, clear composition, no text and no logos."
                .to_owned(),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    draft: Draft,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The pictures to make.
    image_plan: Vec<PlannedPicture>,
}

/// What the role answers.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PlanAnswer {
    pictures: Vec<PicturePrompt>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PicturePrompt {
    which: WhichPicture,
    prompt: String,
}

impl Handler for PlanImages {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Plans the pictures of a draft, and what each is to show";

    fn needs(&self) -> Needs {
        Needs::default()
            .setting(provider::PROVIDER)
            .prompt(PROMPT, &["pictures"], &["title", "excerpt"])
            .role_key("role")
            .by_schema()
            .table("media", &["select"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let failed = |kind, error: &dyn std::fmt::Display| Stop::failed(kind, error);
        let provider = PictureProvider::of(&call.settings);
        if provider
            .map_err(|error| failed(FailureKind::Config, &error))?
            .is_none()
        {
            let image_plan = Vec::new();
            return Ok(Done::new(Writes { image_plan }));
        }
        let draft = &reads.draft;
        // Of an earlier round it has pictures, which say nothing of its text.
        let bare = pictures::place(&draft.markdown, &[]).map(|(bare, _)| bare);
        let sections = bare.and_then(|bare| pictures::sections(&bare));
        let sections = sections.map_err(|error| failed(FailureKind::Input, &error))?;
        let mut plan = planned(draft, &sections, (config.featured, config.inline));
        let made = if call.sent_back {
            Vec::new()
        } else {
            call.read(rows::of_run(&call.run)).await?
        };
        let mut new: Vec<_> = plan
            .iter_mut()
            .filter_map(|it| as_made(it, &made))
            .collect();
        let asked = ask(call, &config, draft, &mut new).await?;
        for picture in new {
            picture.prompt = format!("{}. {}", picture.prompt, config.style);
            picture.anew = call.sent_back;
        }
        let count = plan.len() as u64;
        let done = Done::new(Writes { image_plan: plan }).effect("pictures_planned", count);
        Ok(match asked {
            Ok(()) => done,
            Err(reason) => done.fallback(format!("role {}", config.role), reason),
        })
    }
}

/// A picture that shows what one did that was made for the same words; else it is given back, to be planned.
fn as_made<'p>(
    picture: &'p mut PlannedPicture,
    made: &[MediaRow],
) -> Option<&'p mut PlannedPicture> {
    let fits = |row: &&MediaRow| row.basis == picture.basis;
    let Some(row) = made.iter().find(fits) else {
        return Some(picture);
    };
    picture.prompt.clone_from(&row.prompt);
    picture.alt.clone_from(&row.alt);
    None
}

/// Let the role write what the pictures are to show. The plan stays as it is without a role, or if
/// its answer can't be used, and why is the error; one that is busy defers the stage.
async fn ask(
    call: &Call,
    config: &Config,
    draft: &Draft,
    plan: &mut [&mut PlannedPicture],
) -> Result<Result<(), String>, Stop> {
    if config.role.is_empty() || plan.is_empty() {
        return Ok(Ok(()));
    }
    let wanted = plan
        .iter()
        .map(|it| format!("- {}: {}", it.which, it.prompt));
    let variables = json!({
        "title": draft.title,
        "excerpt": draft.excerpt,
        "pictures": wanted.collect::<Vec<_>>().join("\n"),
    });
    let request = ModelRequest {
        system: SYSTEM.to_owned(),
        prompt: call.resources.prompt(PROMPT, &variables)?,
        max_tokens: TOKENS,
        schema: Some(schema_of::<PlanAnswer>()),
        timeout: call.remaining() * 3 / 4,
        ..ModelRequest::default()
    };
    match call.complete(&config.role, request).await {
        Ok(Some(completion)) => Ok(told(completion, plan)),
        Ok(None) => Ok(Ok(())),
        Err(stop) => Ok(Err(or_later(&config.role, stop)?)),
    }
}

/// The plan with what the role says of each picture in it.
fn told(completion: Completion, plan: &mut [&mut PlannedPicture]) -> Result<(), String> {
    let answer: PlanAnswer = serde_json::from_value(completion.json.unwrap_or_default())
        .map_err(|error| format!("the answer of {} can't be read: {error}", completion.model))?;
    let said = |which: WhichPicture| {
        let mut said = answer.pictures.iter().filter(|it| it.which == which);
        let text = said.next().map(|it| it.prompt.trim())?;
        Some(text.chars().take(LONGEST).collect::<String>()).filter(|text| !text.is_empty())
    };
    let missing = plan.iter().find(|picture| said(picture.which).is_none());
    if let Some(picture) = missing {
        return Err(format!("the answer has nothing for {}", picture.which));
    }
    for picture in plan {
        if let Some(text) = said(picture.which) {
            picture.prompt.clone_from(&text);
            picture.alt = text;
        }
    }
    Ok(())
}
