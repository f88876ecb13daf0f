//! Pictures that documents of a folder show and that are files beside them: taken apart within bounds, like any other
//! picture, and kept in the media store under the name that says what each is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use callboard_core::app::App;
use callboard_core::blocking;
use callboard_core::confined_folder::ConfinedFolder;
use callboard_core::operations::OperationError;
use jiff::Timestamp;

use super::carried::{BroughtPicture, CarriedPost, ImportOrigin};
use crate::draft::Image;
use crate::images::WhichPicture;
use crate::images::picture::{self, Picture};
use crate::markdown::pictures::{self, KEPT};
use crate::media::{self, Media};
use crate::tables::media::MediaRow;

/// The most pixels that one is wide, as of those that are made for a post.
const WIDTH: u32 = 1600;
/// Who is said to have made it.
const BROUGHT: &str = "import";

/// Give a post the pictures that its document shows as files, and say which are not there, or are none.
pub(super) fn take(
    (files, document): (&ConfinedFolder, &str),
    (post, featured): (&mut CarriedPost, Option<String>),
    known: &mut BTreeMap<String, BroughtPicture>,
    left: &mut Vec<String>,
) {
    let mut brought = |src: &str, alt: &str| {
        let found = brought(files, document, src, alt);
        match found {
            Ok(picture) => {
                let image = picture.image.clone();
                let name = image.src.trim_start_matches(KEPT).to_owned();
                known.insert(name, picture);
                Some(image)
            }
            Err(why) => {
                left.push(format!("the picture `{src}` is not brought along: {why}"));
                None
            }
        }
    };
    let text = pictures::readdressed(&post.markdown, |src, alt| {
        let beside = !src.contains("://") && !src.starts_with(KEPT) && !src.starts_with("data:");
        let image = beside.then(|| brought(src, alt)).flatten();
        image.map(|image| image.src)
    });
    // What cannot be shown is refused by the checks of the post.
    post.markdown = text.unwrap_or_else(|_| post.markdown.clone());
    post.featured = featured.and_then(|src| brought(&src, &post.title));
}

fn brought(
    files: &ConfinedFolder,
    document: &str,
    src: &str,
    alt: &str,
) -> Result<BroughtPicture, String> {
    let path = beside(document, src).ok_or("it is outside of the folder")?;
    let picture = read(files, &path)?;
    Ok(BroughtPicture {
        image: Image {
            src: format!("{KEPT}{}", picture.name()),
            alt: alt.to_owned(),
            width: picture.width,
            height: picture.height,
            mime: picture.mime.to_owned(),
            bytes: picture.bytes.len() as u64,
        },
        digest: picture.digest,
        path,
    })
}

fn read(files: &ConfinedFolder, path: &str) -> Result<Picture, String> {
    let bytes = files.read(path, picture::BYTES as u64);
    let bytes = bytes.map_err(|refusal| refusal.problem.to_string())?;
    Picture::read(&bytes, WIDTH).map_err(|trouble| trouble.to_string())
}

/// Where the file of a picture is, below the folder: from its document on, or, with a slash before it, from the folder.
fn beside(document: &str, src: &str) -> Option<String> {
    let src = src.split(['?', '#']).next().unwrap_or_default();
    let mut parts: Vec<&str> = match src.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => document.split('/').collect(),
    };
    parts.pop();
    for part in src.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/")).filter(|path| !path.is_empty())
}

/// Put the pictures of a folder into the media store.
pub(super) async fn keep(app: &App, origin: &ImportOrigin) -> Result<(), OperationError> {
    if origin.pictures.is_empty() {
        return Ok(());
    }
    let media = Media::made(app).await?;
    for (name, brought) in &origin.pictures {
        let (folder, path) = (PathBuf::from(&origin.name), brought.path.clone());
        let work = blocking::wait(move || {
            let files = ConfinedFolder::open(Path::new(&folder), &[]);
            let files = files.map_err(|cause| cause.to_string())?;
            read(&files, &path)
        });
        let told = |why: &str| {
            let problem = format!(
                "{}/{}: {why}; nothing is imported",
                origin.name, brought.path
            );
            OperationError::failed(problem)
        };
        let picture = work.await.map_err(|lost| told(&lost.to_string()))?;
        let picture = picture.map_err(|why| told(&why))?;
        if picture.name() != *name {
            return Err(told("it has changed since it was looked at"));
        }
        media.put(name, picture.bytes).await?;
    }
    Ok(())
}

/// How the pictures of a post came here.
pub(super) fn rows(post: &CarriedPost, id: &str, origin: &ImportOrigin) -> Vec<MediaRow> {
    let names = media::names(&post.markdown, post.featured.as_ref());
    let inline = pictures::shown(&post.markdown).unwrap_or_default();
    let place = |name: &str| {
        let src = format!("{KEPT}{name}");
        let at = inline.iter().position(|it| it.src == src);
        let number = at.and_then(|at| u32::try_from(at + 1).ok());
        number.map_or(WhichPicture::Featured, WhichPicture::Inline)
    };
    let known = names
        .iter()
        .filter_map(|name| Some((name, origin.pictures.get(name)?)));
    let row = |(name, brought): (&String, &BroughtPicture)| MediaRow {
        id: format!("{BROUGHT}/{id}/{name}"),
        run: String::new(),
        task: None,
        post: Some(id.to_owned()),
        which: place(name),
        digest: brought.digest.clone(),
        path: name.clone(),
        width: i64::from(brought.image.width),
        height: i64::from(brought.image.height),
        bytes: i64::try_from(brought.image.bytes).unwrap_or(i64::MAX),
        mime: brought.image.mime.clone(),
        alt: brought.image.alt.chars().take(500).collect(),
        basis: String::new(),
        prompt: String::new(),
        asked: String::new(),
        seen_by: String::new(),
        provider: BROUGHT.to_owned(),
        model: String::new(),
        seed: 0,
        made_at: Timestamp::now(),
    };
    known.map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_beside_its_document_and_inside_of_the_folder() {
        for (document, src, wanted) in [
            ("a.md", "lamp.png", Some("lamp.png")),
            ("fog/index.md", "./b/c.png?x=1", Some("fog/b/c.png")),
            ("fog/index.md", "../c.png", Some("c.png")),
            ("fog/index.md", "/img/c.png", Some("img/c.png")),
            ("a.md", "../c.png", None),
            ("a.md", "b/../../c.png", None),
            ("a.md", "", None),
        ] {
            assert_eq!(beside(document, src).as_deref(), wanted, "{document} {src}");
        }
    }
}
