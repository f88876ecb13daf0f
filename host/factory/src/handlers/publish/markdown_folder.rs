//! `publish.markdown_folder`: a published post as a Markdown document of a folder, with its pictures, for a
//! program that makes a site of such.
//!
//! The post is one that this run published, or was started for, whatever the key says. Each document says what it
//! was when it was written: one that somebody has edited since is left as it is, and that is a rejection. What the
//! folder has of posts that are shown no more, or have another address, goes with the next call. The same call
//! again changes nothing.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use callboard_core::blocking;
use callboard_core::confined_folder::{FolderProblem, Refusal};
use callboard_core::handler::{Call, Handled, Handler, Needs};
use callboard_core::outcome::{Done, FailureKind, Stop};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::runtime::Handle;

use crate::changing;
use crate::front_matter::Language;
use crate::media::{self, Media, StoreClient, Unstored};
use crate::posts_folder::commit::{Committer, Uncommitted};
use crate::posts_folder::files::{PICTURES, PostsFiles, There};
use crate::posts_folder::{self, FolderPlace, Refused};
use crate::tables::post_slugs;
use crate::tables::posts::{self, Post};

struct PublishMarkdownFolder;

callboard_core::register!(PublishMarkdownFolder);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The folder: below the workspace, or below one that `publish_into` in callboard.toml names.
    folder: String,
    /// How the head of a document is written.
    #[serde(default)]
    front_matter: Language,
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

fn pictures_at() -> String {
    format!("{PICTURES}/")
}

#[derive(Deserialize, JsonSchema)]
struct Reads {
    /// The last part of the post's address.
    slug: String,
}

impl Handler for PublishMarkdownFolder {
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
        let (own, workspace) = (call.resources.config(), call.resources.folder());
        let folder = placed(call, &config.folder)?;
        let committer = committer(call, &config, &folder);
        if let Some(committer) = &committer {
            committer.is_ready().await.map_err(uncommitted)?;
        }
        let place = FolderPlace::of(own, workspace, &folder);
        let root = place.root.clone();
        let post = changing::post_at(call, &reads.slug).await?;
        let posts = call.read(posts::places()).await?.into_iter();
        let (document, pictures) = match &post {
            Some(post) => (
                Some(document(call, &config, post).await?),
                pictures(call, post).await?,
            ),
            None => (None, PostPictures::default()),
        };
        let target = FolderTarget {
            place,
            posts: posts.map(|(id, at, shown)| (id, (at, shown))).collect(),
            addresses: call.read(post_slugs::all()).await?.into_iter().collect(),
            document,
            pictures,
        };
        let gone = target.gone(post.as_ref(), &reads.slug);
        let written = blocking::wait_until(call.deadline, move || target.write()).await;
        let written = written.map_err(|lost| unwritten(&config.folder, &lost))?;
        let written = written.map_err(|trouble| trouble.stop(&config.folder, &root))?;
        let committed = match &committer {
            Some(committer) => committer.commit(&message(post.as_ref())).await,
            None => Ok(false),
        };
        let committed = committed.map_err(uncommitted)?;
        if let Some(gone) = gone {
            let changed = committed || written.removed > 0;
            written.rid_of(&gone, changed, &reads.slug, &root)?;
        }
        let left = written.left.into_iter();
        let done = left.fold(Done::new(()), |done, left| {
            let why = format!(
                "its post has another address or is shown no more, and {}",
                left.why
            );
            done.fallback(shown(&root, &left.path), why)
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

/// Who commits, if what is written is committed.
fn committer<'c>(call: &Call, config: &'c Config, folder: &'c Path) -> Option<Committer<'c>> {
    config.commit.then_some(Committer {
        folder,
        author: config.author.as_deref(),
        committer: config.committer.as_deref(),
        until: call.deadline,
    })
}

/// What a commit says.
fn message(post: Option<&Post>) -> String {
    match post {
        Some(post) => format!(
            "Publish {}",
            post.title.split_whitespace().collect::<Vec<_>>().join(" ")
        ),
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
        let text = format!("`{}` cannot be written as a document: {cause}", post.title);
        Stop::failed(FailureKind::Input, text)
    })?;
    Ok((format!("{}.md", post.slug), text))
}

/// What gives the pictures of a post.
#[derive(Default)]
struct PostPictures {
    names: Vec<String>,
    from: Option<(Media, Handle)>,
}

/// The pictures that it shows. Each is in memory by the piece.
async fn pictures(call: &Call, post: &Post) -> Result<PostPictures, Stop> {
    changing::pictured(call, &post.markdown, post.featured.as_ref()).await?;
    let client = StoreClient::of(call);
    let media = Media::existing(&call.settings, call.resources.folder(), client);
    let media = media.map_err(|error| Stop::unavailable("media store", error))?;
    Ok(PostPictures {
        names: media::names(&post.markdown, post.featured.as_ref()),
        from: media.map(|media| (media, Handle::current())),
    })
}

impl PostPictures {
    fn write(&self, name: &str, files: &PostsFiles) -> Result<(), FolderTrouble> {
        let found = match &self.from {
            Some((media, runtime)) => media.waited(runtime, name)?,
            None => None,
        };
        let pieces = found.ok_or_else(|| FolderTrouble::NoPicture(name.to_owned()))?;
        files.write_picture(name, |file| {
            for piece in pieces {
                let written = file.write_all(&piece?);
                written.map_err(|cause| Refusal {
                    path: files.path(&format!("{PICTURES}/{name}")),
                    problem: FolderProblem::Unwritten(cause),
                })?;
            }
            Ok(())
        })
    }
}

/// What is to be in the folder.
struct FolderTarget {
    place: FolderPlace,
    /// All posts by their ids, each with its address and whether it is shown.
    posts: BTreeMap<String, (String, bool)>,
    /// The addresses that posts have and had, each with the post's id.
    addresses: BTreeMap<String, String>,
    document: Option<(String, String)>,
    pictures: PostPictures,
}

/// What came of it.
#[derive(Default)]
struct Wrote {
    documents: u64,
    removed: u64,
    pictures: u64,
    /// What should be gone, and is not.
    left: Vec<LeftDocument>,
}

/// A document that stays.
struct LeftDocument {
    path: String,
    /// The id of its post.
    post: String,
    rule: &'static str,
    why: String,
}

/// A post that is published no more: its id, and whether readers have it all the same.
struct Gone {
    id: Option<String>,
    is_shown: bool,
}

/// Why the folder is not as it is to be.
enum FolderTrouble {
    Files(Refusal),
    Store(Unstored),
    NoPicture(String),
    /// A rule, and what speaks against writing: the path of the document, and why it stays.
    Rule(&'static str, String, String),
}

impl From<Refusal> for FolderTrouble {
    fn from(refusal: Refusal) -> Self {
        FolderTrouble::Files(refusal)
    }
}

impl From<Unstored> for FolderTrouble {
    fn from(error: Unstored) -> Self {
        FolderTrouble::Store(error)
    }
}

impl FolderTrouble {
    fn stop(self, folder: &str, root: &Path) -> Stop {
        match self {
            FolderTrouble::Files(Refusal { path, problem }) => {
                let told = format!("{} {problem}", shown(root, &path));
                match problem {
                    FolderProblem::Absent
                    | FolderProblem::Failed(_)
                    | FolderProblem::Unwritten(_) => unwritten(folder, &told),
                    // Trying again changes nothing.
                    lasting => {
                        Stop::failed(FailureKind::Config, format!("{told}; {}", lasting.mend()))
                    }
                }
            }
            FolderTrouble::Store(error) => Stop::unavailable("media store", error),
            FolderTrouble::NoPicture(name) => {
                Stop::unavailable("media store", format!("`{name}` is not there"))
            }
            FolderTrouble::Rule(rule, path, why) => {
                Stop::rejected(rule, format!("{} {why}", shown(root, &path)))
            }
        }
    }
}

/// A path as it is told.
fn shown(root: &Path, path: &str) -> String {
    root.join(path).display().to_string()
}

const EDITED: &str =
    "was edited since it was written, and is left as it is; move it away to have it written anew";

impl FolderTarget {
    /// Pictures first, so that no document shows one that is not there yet.
    fn write(self) -> Result<Wrote, FolderTrouble> {
        let mut wrote = Wrote::default();
        let files = PostsFiles::made(&self.place)?;
        if let Some((name, text)) = &self.document {
            let is_new = is_new(&files, name, text)?;
            for name in &self.pictures.names {
                if !files.has_picture(name)? {
                    self.pictures.write(name, &files)?;
                    wrote.pictures += 1;
                }
            }
            if is_new {
                files.write(name, text)?;
                wrote.documents = 1;
            }
        }
        self.remove_stale(&files, &mut wrote)?;
        Ok(wrote)
    }

    /// Documents of posts that are shown no more, or elsewhere. One that is not known as a post's by its head may
    /// be one by its address.
    fn remove_stale(&self, files: &PostsFiles, wrote: &mut Wrote) -> Result<(), FolderTrouble> {
        for (slug, there) in files.all()? {
            let name = format!("{slug}.md");
            let (id, intact, rule, why) = match there {
                There::Nothing => continue,
                There::Ours(seal, _) => {
                    let why = "it was edited since it was written".to_owned();
                    (Some(seal.post), seal.intact, "edited", why)
                }
                There::Other(why) => (self.addresses.get(&slug).cloned(), false, "foreign", why),
            };
            // Of a post that is not here it is another installation's.
            let post = id.and_then(|id| Some((self.posts.get(&id)?, id)));
            let Some(((address, shown), id)) = post else {
                continue;
            };
            if *shown && *address == slug {
                continue;
            }
            if intact {
                wrote.removed += u64::from(files.remove(&name)?);
                continue;
            }
            wrote.left.push(LeftDocument {
                path: files.path(&name),
                post: id,
                rule,
                why,
            });
        }
        Ok(())
    }

    /// The post of an address, if it is none that is written.
    fn gone(&self, post: Option<&Post>, slug: &str) -> Option<Gone> {
        if post.is_some() {
            return None;
        }
        let id = self.addresses.get(changing::slug(slug)).cloned();
        let found = id.as_ref().and_then(|id| self.posts.get(id));
        Some(Gone {
            is_shown: found.is_some_and(|(_, shown)| *shown),
            id,
        })
    }
}

impl Wrote {
    /// Whether the folder has nothing of a post any more, or why it has.
    fn rid_of(&self, gone: &Gone, changed: bool, slug: &str, root: &Path) -> Result<(), Stop> {
        let mut left = self.left.iter();
        if let Some(left) = left.find(|left| gone.id.as_ref() == Some(&left.post)) {
            let path = shown(root, &left.path);
            let why = &left.why;
            let detail = format!(
                "`{slug}` is published no more, and {path} is still there: {why}; remove it, or move it away"
            );
            return Err(Stop::rejected(left.rule, detail));
        }
        let reason = match gone {
            _ if changed => return Ok(()),
            Gone { id: None, .. } => "is no address that a post has or had",
            Gone { is_shown: true, .. } => "is archived: what the folder has of it stays as it is",
            Gone { .. } => "is published no more, and not in the folder",
        };
        Err(Stop::nothing_to_do(format!("`{slug}` {reason}")))
    }
}

/// Whether the document is to be written; what somebody else wrote there is not written over.
fn is_new(files: &PostsFiles, name: &str, text: &str) -> Result<bool, FolderTrouble> {
    let path = || files.path(name);
    match files.there(name)? {
        There::Nothing => Ok(true),
        There::Ours(_, there) if there == text => Ok(false),
        There::Ours(seal, _) if seal.intact => Ok(true),
        There::Ours(..) => Err(FolderTrouble::Rule("edited", path(), EDITED.to_owned())),
        There::Other(why) => {
            let told = format!(
                "is not known as Callboard's ({why}), and is left as it is; move it away to have it written"
            );
            Err(FolderTrouble::Rule("foreign", path(), told))
        }
    }
}
