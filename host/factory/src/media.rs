//! Where pictures are kept: in a folder, or in a bucket of a server that speaks S3. A name says
//! what the picture is, so nothing is ever written over with something else.

mod bucket;
pub(crate) mod probe;
pub(crate) mod roll;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::iter;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use callboard_core::app::App;
use callboard_core::app::AppError;
use callboard_core::settings::{SettingError, SettingMisfit, SettingRead, SettingType, Snapshot};
use callboard_core::workspace::folders_read;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _};
use tokio::runtime::Handle;

pub use self::bucket::{BucketError, Patience, StoreClient};
use crate::draft::Image;
use crate::images::picture;
use crate::markdown::{self, pictures::KEPT};

/// Where they are kept: a folder, or `s3://BUCKET/PREFIX`.
pub const STORE: &str = "media.store";
/// What marks the folder as ours, so that the workspace does not take it for a mistake.
pub const MARK: &str = ".callboard-media";
/// Where it is, if no setting says.
const FOLDER: &str = "media";

/// How long a reader of the site waits for the store.
const WAIT: Duration = Duration::from_secs(10);

const READER: &str = "the store of pictures";

/// What it reads.
pub(crate) const READS: [SettingRead; 5] = [
    SettingRead::new(STORE, &[SettingType::String], READER)
        .checked(is_store)
        .placed(is_place),
    SettingRead::new(bucket::ENDPOINT, &[SettingType::Url], READER),
    SettingRead::new(bucket::REGION, &[SettingType::String], READER),
    SettingRead::new(bucket::ACCESS_KEY, &[SettingType::String], READER),
    SettingRead::new(bucket::SECRET_KEY, &[SettingType::Secret], READER),
];

/// A picture as it comes from the store.
pub type Pieces = BoxStream<'static, Result<Bytes, Unstored>>;

/// The same, each waited for.
pub type WaitedPieces = Box<dyn Iterator<Item = Result<Bytes, Unstored>>>;

/// Bytes of a picture that are in memory for a reader: each piece is asked for once the one before it was
/// taken.
const PIECE: u64 = 256 << 10;
/// The most bytes of a picture that is given to anybody.
const LARGEST: u64 = 32 << 20;

/// What begins the name of a bucket.
const BUCKET: &str = "s3://";

/// Whether a text can be where pictures are kept: a folder that holds nothing else, or a bucket.
fn is_store(text: &str) -> Result<(), SettingMisfit> {
    let shown = text.escape_debug();
    if let Some(place) = text.strip_prefix(BUCKET) {
        let named = !place.starts_with('/') && !place.is_empty();
        let problem = format!("`{shown}` names no bucket, as `s3://BUCKET/PREFIX` does");
        return if named {
            Ok(())
        } else {
            Err(SettingMisfit::new(problem))
        };
    }
    if let Some((scheme, rest)) = text.split_once(':')
        && scheme.chars().all(|mark| mark.is_ascii_alphanumeric())
    {
        let problem = format!("`{shown}` is no folder and no `s3://BUCKET/PREFIX`");
        let place = rest.trim_start_matches('/');
        let bucket = scheme.eq_ignore_ascii_case("s3") && !place.is_empty();
        return Err(SettingMisfit::new(problem).meant(bucket.then(|| format!("{BUCKET}{place}"))));
    }
    if text.starts_with('~') {
        let problem = format!("`{shown}`: nobody reads `~` as a home; write the whole path");
        return Err(SettingMisfit::new(problem));
    }
    if text.is_empty() || Path::new(text).is_absolute() {
        return Ok(());
    }
    taken(Path::new(text)).map_or(Ok(()), |problem| Err(SettingMisfit::new(problem)))
}

/// Why a folder of a workspace, relative to it, can hold no pictures.
fn taken(folder: &Path) -> Option<String> {
    let mut inside = PathBuf::new();
    for part in folder.components() {
        match part {
            Component::ParentDir if !inside.pop() => return None,
            Component::Normal(name) => inside.push(name),
            _ => {}
        }
    }
    let shown = folder.display().to_string();
    let shown = shown.escape_debug();
    let Some(first) = inside.iter().next() else {
        return Some(format!(
            "`{shown}` is the workspace itself; name a folder in it"
        ));
    };
    let read = folders_read().any(|read| first == read);
    read.then(|| {
        format!("`{shown}` is read as a part of the workspace, which holds no pictures; name another folder")
    })
}

/// Whether a text names a place in which pictures can be kept here.
fn is_place(workspace: &Path, text: &str) -> Result<(), SettingMisfit> {
    if text.starts_with(BUCKET) {
        return Ok(());
    }
    let problem = unfit(workspace, &workspace.join(text));
    problem.map_or(Ok(()), |problem| Err(SettingMisfit::new(problem)))
}

/// Why a folder can keep no pictures, however it is written: it is a part of the workspace, or no folder.
fn unfit(workspace: &Path, folder: &Path) -> Option<String> {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| whole(path));
    let ways = [
        (whole(folder), whole(workspace)),
        (real(folder), real(workspace)),
    ];
    let mut inside = ways
        .iter()
        .filter_map(|(folder, workspace)| folder.strip_prefix(workspace).ok());
    let problem = inside.find_map(taken);
    problem.or_else(|| file_on_the_way(folder))
}

/// A store of pictures.
#[derive(Debug, Clone)]
pub struct Media {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    near: bool,
}

/// A picture as the store has it.
#[derive(Debug, Clone)]
pub struct StoredPicture {
    pub name: String,
    pub bytes: u64,
    /// When it was put there.
    pub since: Timestamp,
}

/// Why a picture is not kept, or not given.
#[derive(Debug, thiserror::Error)]
pub enum Unstored {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("setting `{STORE}`: {0}")]
    Bucket(#[from] BucketError),
    #[error("cannot write {}: {cause}; check that the folder can be written", path.display())]
    Folder {
        path: PathBuf,
        cause: std::io::Error,
    },
    #[error("`{0}` is no name of a picture")]
    Name(String),
    #[error("the picture `{0}` has {1} bytes, more than {most} MiB", most = LARGEST >> 20)]
    Large(String, u64),
    #[error("the picture `{0}` is not what the store said of it, or has changed under its reader")]
    Changed(String),
    #[error(transparent)]
    Store(#[from] object_store::Error),
    #[error(transparent)]
    App(#[from] Box<AppError>),
}

impl Media {
    /// The store of the settings. A relative folder begins at the workspace.
    pub fn open(
        settings: &Snapshot,
        workspace: &Path,
        client: StoreClient,
    ) -> Result<Self, Unstored> {
        if let Some(bucket) = Self::bucket(settings, client)? {
            return Ok(bucket);
        }
        let folder = place(settings, workspace)?;
        prepare(&folder)?;
        Self::folder(folder)
    }

    fn folder(folder: PathBuf) -> Result<Self, Unstored> {
        Ok(Self {
            store: Arc::new(LocalFileSystem::new_with_prefix(folder)?),
            prefix: String::new(),
            near: true,
        })
    }

    /// The bucket of the settings; `None` if they name a folder.
    fn bucket(settings: &Snapshot, client: StoreClient) -> Result<Option<Self>, Unstored> {
        let named = settings.text(STORE)?.unwrap_or_default();
        let Some(place) = named.strip_prefix(BUCKET) else {
            return Ok(None);
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        Ok(Some(Self {
            store: bucket::open(settings, bucket, client)?,
            prefix: prefix.trim_matches('/').to_owned(),
            near: false,
        }))
    }

    /// The store of a workspace, for its readers, who make no folder; `None` if there is none yet.
    pub async fn of(app: &App) -> Result<Option<Self>, Unstored> {
        Self::with(app, Patience::Each(WAIT)).await
    }

    /// The same for who waits no longer for all that he asks.
    pub(crate) async fn in_all(app: &App) -> Result<Option<Self>, Unstored> {
        Self::with(app, Patience::Until(Instant::now() + WAIT)).await
    }

    async fn with(app: &App, patience: Patience) -> Result<Option<Self>, Unstored> {
        let settings = async {
            let loaded = app.active().await?;
            app.snapshot(&loaded.definitions).await
        };
        let settings = settings.await.map_err(Box::new)?;
        let client = StoreClient::Program(app.network(), patience);
        Self::existing(&settings, app.folder(), client)
    }

    /// The store of a workspace for who puts something there: its folder is made.
    pub async fn made(app: &App) -> Result<Self, Unstored> {
        let settings = async {
            let loaded = app.active().await?;
            app.snapshot(&loaded.definitions).await
        };
        let settings = settings.await.map_err(Box::new)?;
        let client = StoreClient::Program(app.network(), Patience::Each(WAIT));
        Self::open(&settings, app.folder(), client)
    }

    /// The same of these settings.
    pub fn existing(
        settings: &Snapshot,
        workspace: &Path,
        client: StoreClient,
    ) -> Result<Option<Self>, Unstored> {
        if let Some(bucket) = Self::bucket(settings, client)? {
            return Ok(Some(bucket));
        }
        let folder = place(settings, workspace)?;
        folder.is_dir().then(|| Self::folder(folder)).transpose()
    }

    /// Whether it is a folder, so that a look costs nothing.
    pub(crate) fn is_near(&self) -> bool {
        self.near
    }

    /// Keep a picture; what is there already is the same.
    pub async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), Unstored> {
        self.store.put(&self.key(name)?, bytes.into()).await?;
        Ok(())
    }

    /// A picture; `None` if it is not there.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, Unstored> {
        let found = piece(&*self.store, &self.key(name)?, None).await;
        Ok(there(found)?.map(|(bytes, _)| bytes))
    }

    /// The same, piece by piece as its reader takes it: no more of it is in memory. With its bytes.
    pub async fn stream(&self, name: &str) -> Result<Option<(u64, Pieces)>, Unstored> {
        let key = self.key(name)?;
        let Some((first, size)) = there(piece(&*self.store, &key, Some(0..PIECE)).await)? else {
            return Ok(None);
        };
        let from = (Arc::clone(&self.store), key, first.len() as u64);
        let rest = stream::try_unfold(from, move |(store, key, at)| async move {
            if at >= size {
                return Ok(None);
            }
            let (bytes, now) = piece(&*store, &key, Some(at..at + PIECE)).await?;
            if now != size {
                return Err(Unstored::Changed(key.to_string()));
            }
            let next = at + bytes.len() as u64;
            Ok(Some((bytes, (store, key, next))))
        });
        let first = stream::once(async move { Ok(first) });
        Ok(Some((size, first.chain(rest).into_stream().boxed())))
    }

    /// The same for a thread that waits for each piece.
    pub fn waited(&self, runtime: &Handle, name: &str) -> Result<Option<WaitedPieces>, Unstored> {
        let Some((_, mut pieces)) = runtime.block_on(self.stream(name))? else {
            return Ok(None);
        };
        let runtime = runtime.clone();
        let next = move || runtime.block_on(pieces.next());
        Ok(Some(Box::new(iter::from_fn(next))))
    }

    /// Whether a picture is there.
    pub async fn has(&self, name: &str) -> Result<bool, Unstored> {
        match self.store.head(&self.key(name)?).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The pictures that are kept.
    pub async fn list(&self) -> Result<Vec<StoredPicture>, Unstored> {
        let parts = self.prefix.split('/').filter(|part| !part.is_empty());
        let prefix: Key = parts.collect();
        let found = self.store.list_with_delimiter(Some(&prefix)).await?;
        let pictures = found.objects.into_iter().filter_map(|it| {
            let name = it.location.filename()?.to_owned();
            let since = Timestamp::from_second(it.last_modified.timestamp()).ok()?;
            let bytes = it.size;
            picture::mime(&name)
                .is_some()
                .then_some(StoredPicture { name, bytes, since })
        });
        Ok(pictures.collect())
    }

    /// Remove a picture; one that is gone is.
    pub async fn remove(&self, name: &str) -> Result<(), Unstored> {
        match self.store.delete(&self.key(name)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn key(&self, name: &str) -> Result<Key, Unstored> {
        if picture::mime(name).is_none() {
            return Err(Unstored::Name(name.to_owned()));
        }
        let parts = self.prefix.split('/').filter(|part| !part.is_empty());
        Ok(parts.chain([name]).collect())
    }
}

/// What to do where pictures are not there.
pub(crate) const PUT_BACK: &str = "put them back: copy the folder or the bucket of a backup, or see to setting \
    `media.store`";
/// And what to do as long as a draft, or a post, can have others.
pub(crate) const PUT_BACK_OR_MAKE: &str = "put them back: copy the folder or the bucket of a backup, or see to \
    setting `media.store`; `callboard tasks regen-image` makes one anew";

/// Which of these pictures are not where they are kept.
pub(crate) async fn absent(
    media: Option<&Media>,
    names: &BTreeSet<String>,
) -> Result<Vec<String>, Unstored> {
    let mut absent = Vec::new();
    for name in names {
        let there = match media {
            Some(media) => media.has(name).await?,
            None => false,
        };
        if !there {
            absent.push(name.clone());
        }
    }
    Ok(absent)
}

/// What to say of pictures of `all` that are not there; nothing, if none is missing.
pub(crate) fn missing(absent: &[String], all: usize) -> Option<String> {
    let (count, first) = (absent.len(), absent.first()?);
    Some(format!(
        "{count} of {all} pictures that are shown are not there: `{first}`"
    ))
}

/// What was asked for, if it is there.
fn there<T>(found: Result<T, Unstored>) -> Result<Option<T>, Unstored> {
    match found {
        Err(Unstored::Store(object_store::Error::NotFound { .. })) => Ok(None),
        found => found.map(Some),
    }
}

/// These bytes of a picture, or all of one that is not too large, and how many it has in all.
#[expect(clippy::disallowed_methods, reason = "how much it is was looked at")]
async fn piece(
    store: &dyn ObjectStore,
    key: &Key,
    range: Option<Range<u64>>,
) -> Result<(Bytes, u64), Unstored> {
    let options = GetOptions {
        range: range.map(GetRange::Bounded),
        ..GetOptions::default()
    };
    let found = store.get_opts(key, options).await?;
    let (size, most) = (found.meta.size, found.range.end - found.range.start);
    if size > LARGEST {
        let name = key.filename().unwrap_or_default();
        return Err(Unstored::Large(name.to_owned(), size));
    }
    let bytes = found.bytes().await?;
    // A server that says one thing and does another has an end.
    if bytes.is_empty() || bytes.len() as u64 != most {
        return Err(Unstored::Changed(key.to_string()));
    }
    Ok((bytes, size))
}

/// Whether an image is where kept pictures are, and called as they are.
pub fn is_kept(image: &Image) -> bool {
    let name = image.src.strip_prefix(KEPT);
    name.is_some_and(|name| picture::mime(name).is_some())
}

/// The names of the kept pictures that a text shows. One that can't be read shows none.
pub fn names(text: &str, featured: Option<&Image>) -> Vec<String> {
    let inline = markdown::pictures::shown(text).unwrap_or_default();
    let inline = inline.into_iter().map(|picture| picture.src);
    let sources = featured
        .map(|image| image.src.clone())
        .into_iter()
        .chain(inline);
    let names = sources.filter_map(|src| src.strip_prefix(KEPT).map(str::to_owned));
    names.filter(|name| picture::mime(name).is_some()).collect()
}

/// The folder of the settings.
fn place(settings: &Snapshot, workspace: &Path) -> Result<PathBuf, SettingError> {
    let named = settings.text(STORE)?;
    Ok(workspace.join(named.as_deref().unwrap_or(FOLDER)))
}

/// Why a folder cannot be written, or could not be made. Nothing of what is tried stays.
fn unwritable(folder: &Path) -> Option<String> {
    let there = folder.ancestors().find(|path| path.exists())?;
    // Rights alone do not say it: there are file systems that take nothing from anybody.
    let tried = tempfile::tempdir_in(there).err()?;
    Some(format!("{} cannot be written: {tried}", there.display()))
}

/// The file that a folder is, or that it would be in.
fn file_on_the_way(folder: &Path) -> Option<String> {
    let there = folder.ancestors().find(|path| path.exists())?;
    (!there.is_dir()).then(|| format!("{} is a file", there.display()))
}

/// The folder is there, and says whose it is.
fn prepare(folder: &Path) -> Result<(), Unstored> {
    let mark = folder.join(MARK);
    let made = fs::create_dir_all(folder).and_then(|()| {
        if mark.exists() {
            return Ok(());
        }
        fs::write(&mark, "Pictures of posts, kept by callboard.\n")
    });
    made.map_err(|cause| Unstored::Folder {
        path: folder.to_owned(),
        cause,
    })
}
