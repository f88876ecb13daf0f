//! `content.place_images`: the pictures that were made stand in the draft, each below its heading,
//! and the one that stands for it at its head. Placing them again changes nothing.

use callboard_core::handler::{Call, Handled, Handler};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::Draft;
use crate::images::WhichPicture;
use crate::images::plan::MadePicture;
use crate::markdown::pictures::{PictureBelow, place};

struct PlaceImages;

callboard_core::register!(PlaceImages);

#[derive(Deserialize, JsonSchema)]
struct Reads {
    draft: Draft,
    images: Vec<MadePicture>,
}

#[derive(Serialize, JsonSchema)]
struct Writes {
    /// The draft with its pictures.
    draft: Draft,
}

impl Handler for PlaceImages {
    type Config = ();
    type Reads = Reads;
    type Writes = Writes;

    const SUMMARY: &'static str = "Puts the pictures that were made into the draft";

    async fn handle(&self, _: &Call, _config: (), reads: Reads) -> Handled<Writes> {
        let Reads { mut draft, images } = reads;
        let featured = images.iter().find(|it| it.which == WhichPicture::Featured);
        draft.featured = featured.map(|made| made.image.clone());
        let inline = images.iter().filter_map(|made| {
            Some(PictureBelow {
                heading: made.heading.as_deref()?,
                src: &made.image.src,
                alt: &made.image.alt,
            })
        });
        let placed = place(&draft.markdown, &inline.collect::<Vec<_>>());
        let (markdown, lost) = placed.map_err(|error| Stop::failed(FailureKind::Input, error))?;
        draft.markdown = markdown;
        let count = images.len().saturating_sub(lost.len()) as u64;
        let done = Done::new(Writes { draft }).effect("pictures_placed", count);
        let tell = |done: Done<_>, heading: String| {
            let why = format!("the draft has no heading `{heading}` any more");
            done.fallback("a picture in the text", why)
        };
        Ok(lost.into_iter().fold(done, tell))
    }
}
