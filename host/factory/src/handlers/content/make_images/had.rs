//! The pictures of a plan: which are there already, and what is handed on of all.

use callboard_core::outcome::Done;
use callboard_core::value::Statement;

use super::Writes;
use crate::draft::Image;
use crate::images::plan::MadePicture;
use crate::images::{PictureTrouble, PlannedPicture, WhichPicture};
use crate::markdown::pictures::KEPT;
use crate::tables::media::{self as rows, MediaRow};

/// A picture of the plan, with the row of the one that is there already.
pub(super) type PicturePlace<'p> = (&'p PlannedPicture, Option<MediaRow>);

/// One that is there, and whether it was before.
pub(super) struct Had {
    made: MadePicture,
    before: Option<(WhichPicture, String)>,
}

/// Those that are there already, and the others, which one trouble keeps away.
pub(super) fn parted(
    plan: Vec<PicturePlace<'_>>,
    trouble: &PictureTrouble,
) -> (Vec<Had>, Vec<(WhichPicture, PictureTrouble)>) {
    let (mut made, mut missing) = (Vec::new(), Vec::new());
    for (planned, row) in plan {
        match row {
            Some(row) => made.push(Had::again(row, planned)),
            None => missing.push((planned.which, trouble.clone())),
        }
    }
    (made, missing)
}

/// The pictures, with what is said of those that were taken again, and why others are missing.
pub(super) fn handed_on(
    had: Vec<Had>,
    missing: Vec<(WhichPicture, PictureTrouble)>,
) -> Done<Writes> {
    let again = had.iter().filter(|it| it.before.is_some()).count() as u64;
    let new = had.len() as u64 - again;
    let moved = had.iter().filter_map(Had::moved).collect();
    let images = had.into_iter().map(|it| it.made).collect();
    let mut done = Done::new(Writes { images }).effect("pictures_made", new);
    if again > 0 {
        done = done.effect("pictures_taken_again", again);
    }
    done.writes = moved;
    let tell = |done: Done<_>, (which, trouble): (WhichPicture, PictureTrouble)| {
        done.fallback(format!("picture {which}"), trouble.to_string())
    };
    missing.into_iter().fold(done, tell)
}

impl Had {
    pub(super) fn new(row: MediaRow, planned: &PlannedPicture) -> Self {
        Self {
            made: made(row, planned),
            before: None,
        }
    }

    /// What a model saw in it is as true as it was.
    pub(super) fn again(row: MediaRow, planned: &PlannedPicture) -> Self {
        let before = (row.which, row.alt.clone());
        let alt = if row.seen_by.is_empty() {
            planned.alt.clone()
        } else {
            row.alt.clone()
        };
        Self {
            made: made(MediaRow { alt, ..row }, planned),
            before: Some(before),
        }
    }

    /// The row of one that was taken again says where it is now.
    fn moved(&self) -> Option<Statement> {
        let (which, alt) = self.before.as_ref()?;
        let made = &self.made;
        let is_there = *which == made.which && *alt == made.image.alt;
        (!is_there).then(|| rows::moved(&made.id, made.which, &made.image.alt))
    }
}

fn made(row: MediaRow, planned: &PlannedPicture) -> MadePicture {
    let pixels = |number: i64| u32::try_from(number).unwrap_or_default();
    MadePicture {
        id: row.id,
        which: planned.which,
        heading: planned.heading.clone(),
        image: Image {
            src: format!("{KEPT}{}", row.path),
            alt: row.alt,
            width: pixels(row.width),
            height: pixels(row.height),
            mime: row.mime,
            bytes: row.bytes.unsigned_abs(),
        },
        prompt: row.prompt,
        seen_by: row.seen_by,
    }
}
