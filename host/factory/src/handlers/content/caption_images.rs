//! `content.caption_images`: what each picture shows, for who does not see it. The role looks at
//! the picture; without one the words that the picture was made from stay, which is told.

use callboard_core::handler::{Call, Handled, Handler, ModelImage, ModelRequest, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use callboard_core::shown::cut;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::asking::or_later;
use crate::draft::Draft;
use crate::images::WhichPicture;
use crate::images::plan::MadePicture;
use crate::markdown::pictures::{KEPT, captioned};
use crate::media::{self, Media, StoreClient};
use crate::tables::media as rows;

struct CaptionImages;

callboard_core::register!(CaptionImages);

const SYSTEM: &str = "You describe pictures for people who cannot see them. You say what is there, in one plain sentence of at most 120 characters, without `a picture of`.";
const ASKED: &str = "Say what it shows.";
/// The longest answer.
const TOKENS: u32 = 300;
/// Characters of an answer that are kept.
const LONGEST: usize = 250;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// The role that looks at the pictures.
    role: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            role: "vision".to_owned(),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    draft: Draft,
    images: Vec<MadePicture>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The draft with the words.
    draft: Draft,
    /// The pictures with them.
    images: Vec<MadePicture>,
}

impl Handler for CaptionImages {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Says what each picture of a draft shows";

    fn needs(&self) -> Needs {
        Needs::default()
            .role_key("role")
            .setting(media::STORE)
            .table("media", &["update"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let Reads {
            mut draft,
            mut images,
        } = reads;
        let (mut told, mut unseen) = (Vec::new(), Vec::new());
        let media = Media::open(
            &call.settings,
            call.resources.folder(),
            StoreClient::of(call),
        );
        let media = media.map_err(|error| error.to_string());
        // Nobody looks twice at a picture that was taken again, unless that is what was asked for.
        let unknown = |made: &&mut MadePicture| made.seen_by.is_empty() || call.sent_back;
        for made in images.iter_mut().filter(unknown) {
            match seen(call, &config.role, made, &media).await? {
                Ok((words, by)) => {
                    told.push(rows::caption(&made.id, &words, &by));
                    (made.image.alt, made.seen_by) = (words, by);
                }
                Err(why) => unseen.push(format!("{}: {why}", made.which)),
            }
        }
        let words = |src: &str| {
            let made = images.iter().find(|made| made.image.src == src)?;
            Some(made.image.alt.clone())
        };
        draft.markdown = captioned(&draft.markdown, words)
            .map_err(|error| Stop::failed(FailureKind::Input, error))?;
        let featured = images
            .iter()
            .find(|made| made.which == WhichPicture::Featured);
        if let Some(made) = featured {
            draft.featured = Some(made.image.clone());
        }
        let count = told.len() as u64;
        let mut done = Done::new(Writes { draft, images }).effect("pictures_captioned", count);
        done.writes = told;
        let role = format!("role {}", config.role);
        Ok(unseen
            .into_iter()
            .fold(done, |done, why| done.fallback(role.clone(), why)))
    }
}

/// What the role sees in a picture and the model that looked, or why none did. One that is busy defers the stage.
async fn seen(
    call: &Call,
    role: &str,
    made: &MadePicture,
    media: &Result<Media, String>,
) -> Result<Result<(String, String), String>, Stop> {
    let absent = |name: &str| Ok(Err(format!("the store has no {name} to look at")));
    let name = made.image.src.strip_prefix(KEPT).unwrap_or_default();
    let found = match media {
        Ok(media) => media.get(name).await,
        Err(cause) => return Ok(Err(cause.clone())),
    };
    let bytes = match found {
        Ok(Some(bytes)) => bytes.to_vec(),
        Ok(None) => return absent(name),
        Err(error) => return Ok(Err(error.to_string())),
    };
    let request = ModelRequest {
        system: SYSTEM.to_owned(),
        prompt: format!("It was to show: {}\n{ASKED}", made.prompt),
        images: vec![ModelImage {
            media_type: made.image.mime.clone(),
            bytes,
        }],
        max_tokens: TOKENS,
        timeout: call.remaining() * 3 / 4,
        ..ModelRequest::default()
    };
    match call.complete(role, request).await {
        Ok(Some(said)) => Ok(words(&said.text).map(|words| (words, said.model))),
        Ok(None) => Ok(Err(format!(
            "no model is set for it; the words that pictures were made from stay \
            (`callboard settings set roles.{role}.url`)"
        ))),
        Err(stop) => Ok(Err(or_later(role, stop)?)),
    }
}

/// An answer as one line that is not too long to be read out.
fn words(answer: &str) -> Result<String, String> {
    let line = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_matches('"');
    if line.is_empty() {
        return Err("the answer is empty".to_owned());
    }
    Ok(cut(line, LONGEST))
}
