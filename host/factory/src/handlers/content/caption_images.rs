//! `content.caption_images`: what each picture shows, for who does not see it. The role looks at
//! the picture; without one the words that the picture was made from stay, which is told.

use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::images::Which;
use crate::images::plan::Made;
use crate::markdown::pictures::captioned;
use crate::tables::media;

struct CaptionImages;

callboard_core::register!(CaptionImages);

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
    images: Vec<Made>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The draft with the words.
    draft: Draft,
    /// The pictures with them.
    images: Vec<Made>,
}

impl Handler for CaptionImages {
    type Config = Config;
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Says what each picture of a draft shows";

    fn needs(&self) -> Needs {
        Needs::default()
            .role_key("role")
            .table("media", &["update"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<Writes> {
        let Reads {
            mut draft,
            mut images,
        } = reads;
        let (mut told, mut unseen) = (Vec::new(), None);
        for made in &mut images {
            match seen(call, &config.role, made).await {
                Ok(words) => {
                    made.image.alt.clone_from(&words);
                    told.push(media::caption(&made.id, &words));
                }
                Err(why) => unseen = Some(why),
            }
        }
        let words = |src: &str| {
            let made = images.iter().find(|made| made.image.src == src)?;
            Some(made.image.alt.clone())
        };
        draft.markdown = captioned(&draft.markdown, words)
            .map_err(|error| Stop::failed(FailureKind::Input, error))?;
        let featured = images.iter().find(|made| made.which == Which::Featured);
        if let Some(made) = featured {
            draft.featured = Some(made.image.clone());
        }
        let count = told.len() as u64;
        let mut done = Done::new(Writes { draft, images }).effect("pictures_captioned", count);
        done.writes = told;
        Ok(match unseen {
            Some(why) => done.fallback(format!("role {}", config.role), why),
            None => done,
        })
    }
}

/// What the role sees in a picture, or why nobody looked.
async fn seen(_call: &Call, role: &str, _made: &Made) -> Result<String, String> {
    Err(format!(
        "no model of the role `{role}` looks at pictures; the words that they were made from stay"
    ))
}
