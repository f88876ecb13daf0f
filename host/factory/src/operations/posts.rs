//! Posts: what is published.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use callboard_core::address::Address;
use callboard_core::app::App;
use callboard_core::beside;
use callboard_core::operations::{Broken, ErrorKind, ListEntry, OperationError, named};
use callboard_core::store::findings;

use crate::images;
use crate::media::{self, Media, Pieces, Unstored};
use crate::site::{self, SiteError, Unshown};
use crate::tables::POST;
use crate::tables::{media as rows, posts};

pub use crate::tables::posts::Post;

/// Pictures by their names.
type Pictures = BTreeMap<String, Arc<[u8]>>;

/// A post that was taken off the site.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Removed {
    /// The end of its address.
    pub slug: String,
}

/// What an export came to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Exported {
    /// How many files.
    pub files: usize,
    /// All of them together.
    pub bytes: u64,
    /// Posts that cannot be read or shown, and are left out.
    pub left_out: Vec<Broken>,
    /// Slugs that are no names of folders: their posts are left out, too.
    pub no_folders: Vec<String>,
    /// Names of pictures that posts show and the media store does not have.
    pub no_pictures: Vec<String>,
    /// The address that feeds, sitemap and canonical links lead to, if it is the one of this
    /// machine because the workspace names none.
    pub leads_to: Option<String>,
}

/// Published posts, newest first; one that cannot be read is among them.
pub async fn list(app: &App, limit: u32) -> Result<Vec<ListEntry<Post>>, OperationError> {
    Ok(posts::list(app.store(), limit).await?)
}

/// The published post that `wanted` names.
pub async fn show(app: &App, wanted: &str) -> Result<Post, OperationError> {
    let slug = named::key(app.store(), &POST, wanted).await?;
    let post = posts::by_slug(app.store(), &slug).await?;
    post.filter(|post| !post.removed)
        .ok_or_else(|| OperationError::usage(format!("post `{slug}` was removed just now")))
}

/// Published posts that can be read, newest first, from the one at `offset` on.
pub async fn newest(app: &App, limit: u32, offset: u32) -> Result<Vec<Post>, OperationError> {
    Ok(posts::newest(app.store(), limit, offset).await?)
}

/// Published posts without their texts, newest first: as much as a list of addresses needs.
pub async fn addresses(app: &App, limit: u32) -> Result<Vec<Post>, OperationError> {
    Ok(posts::addresses(app.store(), limit).await?)
}

/// Make a finding of a post that can't be shown, the first time that a reader asks for it.
pub async fn unshown(app: &App, slug: &str, cause: &SiteError) -> Result<(), OperationError> {
    let key = format!("post:{slug}");
    let open = findings::open(app.store()).await?;
    if !open.iter().any(|finding| finding.key == key) {
        findings::raise(app.store(), &key, "post", slug, &cause.to_string()).await?;
    }
    Ok(())
}

/// Published posts of a tag, newest first.
pub async fn tagged(app: &App, tag: &str, limit: u32) -> Result<Vec<Post>, OperationError> {
    Ok(posts::tagged(app.store(), tag, limit).await?)
}

/// How many posts are published.
pub async fn count(app: &App) -> Result<u64, OperationError> {
    Ok(posts::count(app.store()).await?)
}

/// The post of a slug, also one that was removed.
pub async fn by_slug(app: &App, slug: &str) -> Result<Option<Post>, OperationError> {
    Ok(posts::by_slug(app.store(), slug).await?)
}

/// Take a post off the site. Its address says "gone" from then on.
pub async fn remove(app: &App, wanted: &str) -> Result<Removed, OperationError> {
    let slug = show(app, wanted).await?.slug;
    let remove = posts::remove(&slug, Timestamp::now());
    app.store().execute(remove).await?;
    Ok(Removed { slug })
}

/// Write the published site into a folder, as static files. `local` is the address of this machine
/// at which it is served.
pub async fn export(app: &App, folder: &Path, local: &Address) -> Result<Exported, OperationError> {
    let count = u32::try_from(posts::count(app.store()).await?).unwrap_or(u32::MAX);
    let (mut all, mut left_out, mut no_folders) = (Vec::new(), Vec::new(), Vec::new());
    for entry in posts::list(app.store(), count).await? {
        match entry {
            ListEntry::Known(post) if post.removed || site::is_file_name(&post.slug) => {
                all.push(post);
            }
            ListEntry::Known(post) => no_folders.push(post.slug),
            ListEntry::Broken(broken) => left_out.push(broken),
        }
    }
    let site = site::current(app, local).await?;
    let (pictures, no_pictures) = pictures(app, &all).await?;
    let assets = site.assets().clone().with_pictures(&pictures);
    let site = site.with_assets(assets);
    let target = folder.to_owned();
    let work = beside::wait(move || site::export(&site, &all, &target));
    let failed = |error: &dyn std::fmt::Display| OperationError::failed(error.to_string());
    let written = work.await.map_err(|error| failed(&error))?;
    let written = written.map_err(|error| failed(&error))?;
    let unshown = written.left_out.into_iter().map(|(id, error)| Broken {
        id,
        status: "unreadable",
        detail: error.to_string(),
    });
    left_out.extend(unshown);
    let leads_to = app.config().part::<site::Written>().site.is_none();
    Ok(Exported {
        files: written.files,
        bytes: written.bytes,
        left_out,
        no_folders,
        no_pictures,
        leads_to: leads_to.then(|| format!("http://{local}/")),
    })
}

/// The pictures that posts show, by their names, and those that are not there.
async fn pictures(app: &App, all: &[Post]) -> Result<(Pictures, Vec<String>), OperationError> {
    let names: BTreeSet<String> = all
        .iter()
        .filter(|post| !post.removed)
        .flat_map(|post| media::names(&post.markdown, post.featured.as_ref()))
        .collect();
    let (mut found, mut absent) = (Pictures::new(), Vec::new());
    if names.is_empty() {
        return Ok((found, absent));
    }
    let media = Media::of(app).await?;
    for name in names {
        let kept = match &media {
            Some(media) => media.get(&name).await?,
            None => None,
        };
        match kept {
            Some(bytes) => {
                found.insert(name, Arc::from(bytes.as_ref()));
            }
            None => absent.push(name),
        }
    }
    Ok((found, absent))
}

/// A kept picture for a reader.
pub struct KeptPicture {
    pub media: &'static str,
    pub bytes: u64,
    pub pieces: Pieces,
}

/// A kept picture; `None` if there is none of that name. One that was kept, and that the store does not
/// have, is no absence.
pub async fn picture(app: &App, name: &str) -> Result<Option<KeptPicture>, OperationError> {
    let Some(mime) = images::picture::mime(name) else {
        return Ok(None);
    };
    let found = match Media::of(app).await? {
        Some(media) => media.stream(name).await?,
        None => None,
    };
    let kept = found.map(|(bytes, pieces)| KeptPicture {
        media: mime,
        bytes,
        pieces,
    });
    if kept.is_none() && app.store().read_first(rows::of_path(name)).await?.is_some() {
        let problem = format!("the media store: `{name}` was kept, and is not there");
        return Err(OperationError::new(ErrorKind::Unavailable, problem).mend(media::PUT_BACK));
    }
    Ok(kept)
}

impl From<Unstored> for OperationError {
    fn from(error: Unstored) -> Self {
        match error {
            Unstored::App(error) => (*error).into(),
            error => {
                OperationError::new(ErrorKind::Unavailable, format!("the media store: {error}"))
            }
        }
    }
}

impl From<Unshown> for OperationError {
    fn from(error: Unshown) -> Self {
        match error {
            Unshown::App(error) => error.into(),
            Unshown::Site(error) => OperationError::failed(error.to_string()),
        }
    }
}
