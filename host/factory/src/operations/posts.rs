//! Posts: what is published, what was, and what will be.

mod beside;
mod carried;
mod carry;
mod folder;
mod renew;
mod retitle;
mod steps;
mod view;

use std::path::Path;

use callboard_core::address::Address;
use callboard_core::app::App;
use callboard_core::blocking;
use callboard_core::operations::{
    ErrorKind, ListEntry, Newest, OperationError, UnreadableRow, named,
};
use callboard_core::store::findings;
use tokio::runtime::Handle;

use crate::images;
use crate::media::{self, Media, Pieces, Unstored};
use crate::site::{self, ExportError, SiteError, Unshown};
use crate::tables::transitions::StoredWord;
use crate::tables::{POST, media as rows, post_slugs, posts};

pub use self::carried::{CarriedPost, CarriedPosts, ImportOrigin};
pub use self::carry::{DumpedPosts, ImportedPosts, dump, import, read, written};
pub use self::renew::{kept_export, renew};
pub use self::retitle::{NewTitle, retitle};
pub use self::steps::{archive, history, publish, remove, restore, schedule, unpublish};
pub use self::view::{ExportView, MovedPost, PostMoveView};
pub use crate::tables::posts::{Post, PostStatus};

/// What is at an address of a post.
pub enum PostAddress {
    /// Nothing, or what is not on the site yet.
    Absent,
    /// What was there was taken off the site.
    Gone,
    /// The post had it, and has this one now.
    Moved(String),
    Here(Box<Post>),
}

/// The statuses of posts, as they are written.
pub fn statuses() -> impl Iterator<Item = &'static str> {
    PostStatus::ALL.iter().map(|status| status.word())
}

/// Posts of one status, or all but those that were removed, newest first; one that cannot be read is among
/// them.
pub async fn list(
    app: &App,
    status: Option<&str>,
    limit: u32,
) -> Result<Newest<ListEntry<Post>>, OperationError> {
    let mut all = PostStatus::ALL.iter().copied();
    let status = status.and_then(|name| all.find(|status| status.word() == name));
    let asked = Newest::<Post>::asked(limit);
    let all = posts::list(app.store(), status, asked).await?;
    Ok(Newest::of(all, limit))
}

/// The post that `wanted` names, whatever its status.
pub async fn show(app: &App, wanted: &str) -> Result<Post, OperationError> {
    found(app, wanted).await
}

/// The post that is named, be it by an address that it had before.
async fn found(app: &App, wanted: &str) -> Result<Post, OperationError> {
    if let Some(post) = posts::by_slug(app.store(), wanted).await? {
        return Ok(post);
    }
    let slug = named::key(app.store(), &POST, wanted).await?;
    let post = posts::by_slug(app.store(), &slug).await?;
    post.ok_or_else(|| named::gone("post", &slug))
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

/// What a reader finds at an address.
pub async fn at(app: &App, slug: &str) -> Result<PostAddress, OperationError> {
    let post = posts::by_slug(app.store(), slug).await?;
    Ok(match post {
        Some(post) if post.status == PostStatus::Removed => PostAddress::Gone,
        Some(post) if post.status.is_shown() && post.slug != slug => PostAddress::Moved(post.slug),
        Some(post) if post.status.is_shown() => PostAddress::Here(Box::new(post)),
        Some(_) | None => PostAddress::Absent,
    })
}

/// Write the published site into a folder, as static files. `local` is the address of this machine
/// at which it is served.
pub async fn export(
    app: &App,
    folder: &Path,
    local: &Address,
) -> Result<ExportView, OperationError> {
    let path = folder.to_owned();
    let failed = |error: &dyn std::fmt::Display| OperationError::failed(error.to_string());
    let held = blocking::wait(move || site::hold(&path)).await;
    let held = held.map_err(|lost| failed(&lost))??;
    let exported = export_held(app, folder, local).await;
    drop(held);
    exported
}

/// The same in a folder that nobody else writes into meanwhile.
async fn export_held(
    app: &App,
    folder: &Path,
    local: &Address,
) -> Result<ExportView, OperationError> {
    let (mut all, mut left_out, mut no_folders) = (Vec::new(), Vec::new(), Vec::new());
    for entry in posts::shown(app.store()).await? {
        match entry {
            ListEntry::Known(post) if site::is_file_name(&post.slug) => all.push(post),
            ListEntry::Known(post) => no_folders.push(post.slug),
            ListEntry::Broken(broken) => left_out.push(broken),
        }
    }
    let site = site::current(app, local).await?;
    let pictures = pictures(app, &all).await?;
    let moved = post_slugs::moved(app.store()).await?;
    let target = folder.to_owned();
    let work = blocking::wait(move || site::export(&site, &all, &moved, &target, &*pictures));
    let written = work.await;
    let written = written.map_err(|lost| OperationError::failed(lost.to_string()))??;
    let unshown = written
        .left_out
        .into_iter()
        .map(|(id, error)| UnreadableRow {
            id,
            status: "unreadable",
            detail: error.to_string(),
        });
    left_out.extend(unshown);
    let leads_to = app.config().part::<site::SiteConfig>().site.is_none();
    Ok(ExportView {
        files: written.files,
        bytes: written.bytes,
        redirects: written.redirects,
        left_out,
        no_folders,
        no_pictures: written.no_pictures,
        leads_to: leads_to.then(|| format!("http://{local}/")),
    })
}

/// What gives the pictures that posts show, piece by piece; a store is asked only if they show any.
async fn pictures(app: &App, all: &[Post]) -> Result<Box<site::Pictures>, OperationError> {
    let mut shown = all.iter();
    let shows = shown.any(|post| !media::names(&post.markdown, post.featured.as_ref()).is_empty());
    let media = if shows { Media::of(app).await? } else { None };
    let runtime = Handle::current();
    Ok(Box::new(move |name: &str| match &media {
        Some(media) => media.waited(&runtime, name),
        None => Ok(None),
    }))
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

impl From<ExportError> for OperationError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Picture(error) => error.into(),
            ExportError::Write { ref cause, .. } => {
                let kind = ErrorKind::of_write(cause.kind(), ErrorKind::Failed);
                OperationError::new(kind, error.to_string())
            }
            error => OperationError::failed(error.to_string()),
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
