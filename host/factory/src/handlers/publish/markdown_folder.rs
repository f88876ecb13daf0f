//! `publish.markdown_folder`: a published post as a Markdown document of a folder, with its pictures, for a
//! program that makes a site of such.
//!
//! The post is one that this run published, or was started for, whatever the key says. Each document says what it
//! was when it was written: one that somebody has edited since is left as it is, and that is a rejection. What the
//! folder has of posts that are shown no more, or have another address, goes with the next call. The same call
//! again changes nothing.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use callboard_core::blocking;
use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::changing;
use crate::media::{self, Media, StoreClient};
use crate::posts_folder::commit::{Committer, Uncommitted};
use crate::posts_folder::files::{self, sealed};
use crate::posts_folder::{self, HeadForm, MARK, Refused, Seal};
use crate::tables::post_slugs;
use crate::tables::posts::{self, Post};

struct MarkdownFolder;

callboard_core::register!(MarkdownFolder);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The folder: below the workspace, or below one that `publish_into` in callboard.toml names.
    folder: String,
    /// How the head of a document is written.
    #[serde(default)]
    front_matter: HeadForm,
    /// What stands before the name of a picture in a document; the pictures are in the folder `media` of
    /// `folder`.
    #[serde(default = "pictures_at")]
    pictures_at: String,
    /// Commit what is written, into the git repository that the folder is in. Nothing is pushed.
    #[serde(default)]
    commit: bool,
    /// Who is the author of a commit, `Name <address>`; whom git names, if absent.
    #[serde(default)]
    #[schemars(regex(pattern = "^[^<>\\n]+ <[^<>\\n]+>$"))]
    author: Option<String>,
    /// Who commits, in the same way; the author, if absent.
    #[serde(default)]
    #[schemars(regex(pattern = "^[^<>\\n]+ <[^<>\\n]+>$"))]
    committer: Option<String>,
}

/// The folder of the pictures.
const PICTURES: &str = "media";

fn pictures_at() -> String {
    format!("{PICTURES}/")
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The last part of the post's address.
    slug: String,
}

impl Handler for MarkdownFolder {
    type Config = Config;
    type Reads = Reads;
    type Writes = ();

    const SUMMARY: &'static str = "Writes a published post into a folder of Markdown documents";

    fn needs(&self) -> Needs {
        Needs::default()
            .acts_on("slug")
            .setting(media::STORE)
            .table("posts", &["select"])
            .table("post_slugs", &["select"])
            .table("tasks", &["select"])
    }

    async fn handle(&self, call: &Call, config: Config, reads: Reads) -> Handled<()> {
        let folder = placed(call, &config.folder)?;
        let committer = config.commit.then(|| Committer {
            folder: &folder,
            author: config.author.as_deref(),
            committer: config.committer.as_deref(),
            until: call.deadline,
        });
        if let Some(committer) = &committer {
            committer.is_ready().await.map_err(uncommitted)?;
        }
        let post = changing::post_at(call, &reads.slug).await?;
        let mut target = Target {
            marked: posts_folder::marked(call.resources.folder(), &folder),
            folder: folder.clone(),
            posts: call.read(posts::places()).await?,
            document: None,
            pictures: Vec::new(),
        };
        if let Some(post) = &post {
            target.document = Some(document(call, &config, post).await?);
            target.pictures = pictures(call, post).await?;
        }
        let written = blocking::wait_until(call.deadline, move || target.write()).await;
        let written = written.map_err(|lost| unwritten(&config.folder, &lost))?;
        let written = written.map_err(|problem| match problem {
            Problem::Io(path, cause) => {
                unwritten(&config.folder, &format!("{}: {cause}", path.display()))
            }
            Problem::Other(rule, detail) => Stop::rejected(rule, detail),
        })?;
        let committed = match &committer {
            Some(committer) => committer.commit(&message(post.as_ref())).await,
            None => Ok(false),
        };
        let committed = committed.map_err(uncommitted)?;
        if post.is_none() && written.removed == 0 && !committed {
            let reason = format!(
                "`{}` is published no more, and not in the folder",
                reads.slug
            );
            return Err(Stop::nothing_to_do(reason));
        }
        let left = written.left.into_iter();
        let done = left.fold(Done::new(()), |done, path| {
            let why = "its post has another address or is shown no more, and it was edited since it was written";
            done.fallback(path, why)
        });
        let effects = [
            ("documents_written", written.documents),
            ("documents_removed", written.removed),
            ("pictures_written", written.pictures),
            ("commits", u64::from(committed)),
        ];
        let effects = effects.into_iter().filter(|(_, count)| *count > 0);
        Ok(effects.fold(done, |done, (name, count)| done.effect(name, count)))
    }
}

/// Where the folder is.
fn placed(call: &Call, folder: &str) -> Result<PathBuf, Stop> {
    let (own, workspace) = (call.resources.config(), call.resources.folder());
    let placed = posts_folder::place(own, workspace, folder);
    placed.map_err(|Refused { problem, mend }| {
        let told = format!("config.folder: {problem}; {mend}");
        Stop::failed(FailureKind::Config, told)
    })
}

/// What a commit says.
fn message(post: Option<&Post>) -> String {
    match post {
        Some(post) => format!("Publish {}", post.title.split_whitespace().collect::<Vec<_>>().join(" ")),
        None => "Remove what is published no more".to_owned(),
    }
}

fn uncommitted(why: Uncommitted) -> Stop {
    match why {
        Uncommitted::Config(told) => Stop::failed(FailureKind::Config, told),
        Uncommitted::Refused(rule, told) => Stop::rejected(rule, told),
        Uncommitted::Unavailable(told) => Stop::unavailable("git", told),
    }
}

fn unwritten(folder: &str, cause: &dyn std::fmt::Display) -> Stop {
    Stop::unavailable(format!("folder {folder}"), cause)
}

/// The name and the text of the document.
async fn document(call: &Call, config: &Config, post: &Post) -> Result<(String, String), Stop> {
    let addresses = call.read(post_slugs::of_post(&post.id)).await?;
    let mut former: Vec<String> = addresses.into_iter().map(|it| it.slug).collect();
    former.retain(|slug| *slug != post.slug);
    former.sort();
    let form = (config.front_matter, config.pictures_at.as_str());
    let text = posts_folder::document(post, &former, form).map_err(|cause| {
        let text = format!("the text of `{}` cannot be read: {cause}", post.title);
        Stop::failed(FailureKind::Input, text)
    })?;
    Ok((format!("{}.md", post.slug), text))
}

/// The pictures that it shows, by their names.
async fn pictures(call: &Call, post: &Post) -> Result<Vec<(String, Bytes)>, Stop> {
    changing::pictured(call, &post.markdown, post.featured.as_ref()).await?;
    let unavailable = |cause: &dyn std::fmt::Display| Stop::unavailable("media store", cause);
    let client = StoreClient::of(call);
    let media = Media::existing(&call.settings, call.resources.folder(), client);
    let media = media.map_err(|error| unavailable(&error))?;
    let mut pictures = Vec::new();
    for name in media::names(&post.markdown, post.featured.as_ref()) {
        let Some(media) = &media else { break };
        let found = media
            .get(&name)
            .await
            .map_err(|error| unavailable(&error))?;
        let found = found.ok_or_else(|| unavailable(&format!("`{name}` is not there")))?;
        pictures.push((name, found));
    }
    Ok(pictures)
}

/// What is to be in the folder.
struct Target {
    folder: PathBuf,
    /// Where it says whose it is.
    marked: PathBuf,
    /// All posts by their ids, each with its address and whether it is shown.
    posts: Vec<(String, String, bool)>,
    document: Option<(String, String)>,
    pictures: Vec<(String, Bytes)>,
}

/// What came of it.
#[derive(Default)]
struct Wrote {
    documents: u64,
    removed: u64,
    pictures: u64,
    /// Documents that should be gone, and were edited.
    left: Vec<String>,
}

enum Problem {
    Io(PathBuf, io::Error),
    /// A rule, and what speaks against writing.
    Other(&'static str, String),
}

impl Target {
    /// Pictures first, so that no document shows one that is not there yet.
    fn write(self) -> Result<Wrote, Problem> {
        let mut wrote = Wrote::default();
        made(&self.folder, &self.marked)?;
        if let Some((name, text)) = &self.document {
            let is_new = self.is_new(name, text)?;
            for (name, bytes) in &self.pictures {
                let path = self.folder.join(PICTURES).join(name);
                // A name says what the picture is.
                if !path.is_file() {
                    put(&path, bytes)?;
                    wrote.pictures += 1;
                }
            }
            if is_new {
                put(&self.folder.join(name), text.as_bytes())?;
                wrote.documents = 1;
            }
        }
        self.remove_stale(&mut wrote)?;
        Ok(wrote)
    }

    /// Whether the document is to be written; what somebody else wrote there is not written over.
    fn is_new(&self, name: &str, text: &str) -> Result<bool, Problem> {
        let path = self.folder.join(name);
        let there = match files::text(&path) {
            Ok(there) => there,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(cause) if cause.kind() == io::ErrorKind::InvalidData => {
                let told = format!("{}: {cause}; it is left as it is", path.display());
                return Err(Problem::Other("foreign", told));
            }
            Err(cause) => return Err(Problem::Io(path, cause)),
        };
        if there == text {
            return Ok(false);
        }
        let shown = path.display();
        match Seal::of(&there) {
            Some(seal) if seal.intact => Ok(true),
            Some(_) => Err(Problem::Other(
                "edited",
                format!(
                    "{shown} was edited since it was written, and is left as it is; move it away to have it written anew"
                ),
            )),
            None => Err(Problem::Other(
                "foreign",
                format!(
                    "{shown} was not written by Callboard, and is left as it is; move it away to have it written"
                ),
            )),
        }
    }

    /// Documents of posts that are shown no more, or elsewhere.
    fn remove_stale(&self, wrote: &mut Wrote) -> Result<(), Problem> {
        let failed = |cause| Problem::Io(self.folder.clone(), cause);
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let slug = name.and_then(|name| name.strip_suffix(".md"));
            let Some(slug) = slug else {
                continue;
            };
            let Some(seal) = sealed(&path).map_err(failed)? else {
                continue;
            };
            let mut posts = self.posts.iter();
            // Of a post that is not here it is another installation's.
            let post = posts.find(|(id, ..)| *id == seal.post);
            if post.is_none_or(|(_, address, shown)| *shown && address == slug) {
                continue;
            }
            if seal.intact {
                fs::remove_file(&path).map_err(|cause| Problem::Io(path, cause))?;
                wrote.removed += 1;
            } else {
                wrote.left.push(path.display().to_string());
            }
        }
        Ok(())
    }
}

/// The folder is there, and says whose it is.
fn made(folder: &Path, marked: &Path) -> Result<(), Problem> {
    let failed = |cause| Problem::Io(folder.to_owned(), cause);
    fs::create_dir_all(folder.join(PICTURES)).map_err(failed)?;
    let mark = marked.join(MARK);
    if !mark.exists() {
        fs::write(&mark, "Posts as Markdown, written by callboard.\n").map_err(failed)?;
    }
    Ok(())
}

/// A file as a whole or not at all.
fn put(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let failed = |cause| Problem::Io(path.to_owned(), cause);
    let mut aside = tempfile::Builder::new();
    aside
        .prefix(".callboard-")
        .permissions(fs::Permissions::from_mode(0o644));
    let mut file = aside
        .tempfile_in(path.parent().unwrap_or(path))
        .map_err(failed)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.as_file().sync_all());
    written.map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
