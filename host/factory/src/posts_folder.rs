//! Posts as Markdown documents of a folder, for programs that make sites of such: what is written, whether it is
//! still as it was written, where it may be, and how it is committed; `files` reads and writes there. No other IO.

pub mod commit;
pub mod files;
pub mod roll;

use std::path::{Path, PathBuf};

use callboard_core::config::Config;
use callboard_core::relative_path::stays_inside;
use callboard_core::settings::hex;
use callboard_core::workspace::folders_read;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::documents::LARGEST;
use crate::front_matter::{self, Formless, FrontMatterKeys, Language};
use crate::markdown::{Unshowable, pictures};
use crate::readers::SiteConfig;
use crate::tables::posts::Post;

/// The table of what only Callboard says in a head, and its key of the digest.
const OWN: &str = "callboard";
const DIGEST: &str = "digest";

/// What marks the folder as ours, so that the workspace does not take it for a mistake.
pub const MARK: &str = ".callboard-posts";

/// The folder of a repository that is git's own.
const GIT: &str = ".git";
/// The most bytes of a name that file systems take.
const LONGEST: usize = 255;

/// Why a post is no document.
#[derive(Debug, thiserror::Error)]
pub enum Undocumented {
    #[error("its text cannot be read: {0}")]
    Text(#[from] Unshowable),
    #[error(transparent)]
    Head(#[from] Formless),
    /// What is written has to be known again.
    #[error("the document could not be read back: {0}")]
    Unreadable(String),
}

/// The head of a document: what programs that make sites know, and a table of what only Callboard says.
#[derive(Serialize)]
struct DocumentHead<'p> {
    title: &'p str,
    slug: &'p str,
    date: String,
    lastmod: String,
    description: &'p str,
    tags: &'p [String],
    aliases: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    seo_title: &'p str,
    callboard: Own<'p>,
}

#[derive(Serialize)]
struct Own<'p> {
    id: &'p str,
    subject: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    covers: &'p str,
    written_by: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    edited_by: &'p str,
    #[serde(skip_serializing_if = "str::is_empty")]
    approved_by: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_at: Option<String>,
    /// Of the whole document, with zeros in its own place.
    digest: &'p str,
}

/// A post as a document that says what it was when it was written. `former` are addresses of before, and
/// `at` stands before the name of a picture.
pub fn document(
    post: &Post,
    former: &[String],
    (language, at): (Language, &str),
) -> Result<String, Undocumented> {
    let text = pictures::moved(&post.markdown, |name| format!("{at}{name}"))?;
    // Git may write the ends of lines in its own way, and one in the text is an end of a line like any other.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let image = post.featured.as_ref().map(|image| {
        let name = image.src.strip_prefix(pictures::KEPT);
        name.map_or_else(|| image.src.clone(), |name| format!("{at}{name}"))
    });
    let zeros = zeros();
    let head = DocumentHead {
        title: &post.title,
        slug: &post.slug,
        date: second(post.published_at),
        lastmod: second(post.updated_at),
        description: &post.excerpt,
        tags: &post.tags,
        aliases: former.iter().map(|slug| format!("/posts/{slug}")).collect(),
        image,
        seo_title: &post.seo_title,
        callboard: Own {
            id: &post.id,
            subject: &post.subject,
            covers: &post.covers,
            written_by: &post.written_by,
            edited_by: &post.edited_by,
            approved_by: &post.approved_by,
            approved_at: post.approved_at.map(second),
            digest: &zeros,
        },
    };
    let head = keys(&head);
    let open = format!(
        "{}\n{}\n",
        front_matter::written(&head, language)?,
        text.trim_end()
    );
    let document = sealed(&open, language);
    read_back(&document, &post.id, (head, &text)).map_err(Undocumented::Unreadable)?;
    Ok(document)
}

/// The keys of a head as a reader of it has them.
fn keys(head: &DocumentHead<'_>) -> FrontMatterKeys {
    // A struct of texts and lists of texts cannot fail to be written.
    match serde_json::to_value(head) {
        Ok(Json::Object(keys)) => keys,
        _ => FrontMatterKeys::new(),
    }
}

/// Whether a document says what it was made of, and is known as ours.
fn read_back(document: &str, post: &str, made: (FrontMatterKeys, &str)) -> Result<(), String> {
    if document.len() as u64 > LARGEST {
        return Err(format!("it has more than {LARGEST} bytes"));
    }
    let (head, text) = front_matter::parted(document)?;
    let mut head = head.ok_or("it has no head")?;
    let (mut said, own) = made;
    // The seal comes last, and is looked at by itself.
    for keys in [&mut head, &mut said] {
        if let Some(Json::Object(own)) = keys.get_mut(OWN) {
            own.remove(DIGEST);
        }
    }
    let seal = Seal::of(document)?;
    let is_ours = seal.is_some_and(|seal| seal.intact && seal.post == post);
    match (head == said, text.trim() == own.trim(), is_ours) {
        (true, true, true) => Ok(()),
        (false, ..) => Err("its head says something else".to_owned()),
        (_, false, _) => Err("its text is another one".to_owned()),
        (.., false) => Err("its seal does not hold".to_owned()),
    }
}

/// Times to the second: what some programs read.
fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whose a document is, and whether it is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The id of its post.
    pub post: String,
    pub intact: bool,
}

impl Seal {
    /// Of a document that was written here; `None` of any other. The error says why a head cannot be read.
    pub fn of(document: &str) -> Result<Option<Self>, String> {
        let (head, _) = front_matter::parted(document)?;
        Ok(head.and_then(|head| Self::said(head, document)))
    }

    fn said(mut head: FrontMatterKeys, document: &str) -> Option<Self> {
        let own = head.remove(OWN)?;
        let text = |key: &str| own.get(key).and_then(Json::as_str).map(str::to_owned);
        let (post, said) = (text("id")?, text(DIGEST)?);
        // Git may write the ends of lines in its own way.
        let open = document.replace("\r\n", "\n").replacen(&said, &zeros(), 1);
        let intact = said == digest(&open);
        Some(Self { post, intact })
    }
}

fn zeros() -> String {
    "0".repeat(64)
}

fn digest(open: &str) -> String {
    hex(&Sha256::digest(open))
}

/// A document with its digest in the place of zeros. No text in the head looks like the key: its quotes are escaped.
fn sealed(open: &str, language: Language) -> String {
    let line = |digest: &str| match language {
        Language::Yaml => format!("\"{DIGEST}\": \"{digest}\""),
        Language::Toml => format!("{DIGEST} = \"{digest}\""),
    };
    open.replacen(&line(&zeros()), &line(&digest(open)), 1)
}

/// Why a folder is none to write into, and the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub problem: String,
    pub mend: String,
}

impl Refused {
    fn of<T>(path: &str, problem: &str, mend: impl Into<String>) -> Result<T, Self> {
        Err(Self {
            problem: format!("`{}` {problem}", path.escape_debug()),
            mend: mend.into(),
        })
    }
}

/// What a folder may be called, wherever it is.
fn named(path: &str) -> Result<(), Refused> {
    let mut parts = path.split('/');
    if path.starts_with('~') {
        let problem = "begins with `~`, which stands for no folder here";
        return Refused::of(path, problem, "write it in full, such as `/home/ada/blog`");
    }
    if parts.clone().any(|part| part.eq_ignore_ascii_case(GIT)) {
        let mend = "name the folder in which the `.git` is, or another one in it";
        return Refused::of(path, "is where git keeps what it knows", mend);
    }
    if parts.any(|part| part.len() > LONGEST) {
        let problem = format!("has a name of more than {LONGEST} bytes");
        return Refused::of(path, &problem, "name it shorter");
    }
    Ok(())
}

/// Whether a folder of `callboard.toml` is one in which posts may be.
pub fn allowed(folder: &Path) -> Result<(), Refused> {
    let text = folder.to_string_lossy();
    named(&text)?;
    if !folder.is_absolute() {
        let mend = "write it from `/` on; a folder of the workspace needs no such line";
        return Refused::of(&text, "is no whole path", mend);
    }
    if text.split('/').any(|part| matches!(part, "." | "..")) {
        return Refused::of(
            &text,
            "leads elsewhere on its way",
            "write it without `.` and `..`",
        );
    }
    if folder.parent().is_none() {
        let mend = "name the folder into which posts are written";
        return Refused::of(&text, "is all of this machine", mend);
    }
    Ok(())
}

/// Where a folder of a configuration is: below the workspace, or where `callboard.toml` lets it be. What counts is where
/// the path leads, and not how it is written.
pub fn place(config: &Config, workspace: &Path, folder: &str) -> Result<PathBuf, Refused> {
    let path = Path::new(folder);
    let refused = |problem: String, mend: String| Refused::of(folder, &problem, mend);
    named(folder)?;
    let mend = "name a folder of its own in the workspace, such as `content/posts`";
    let plain = !folder.split('/').any(|part| part == "..");
    if !plain || path.is_relative() && !stays_inside(folder) {
        return refused(
            "is no folder below the workspace".to_owned(),
            mend.to_owned(),
        );
    }
    let whole = workspace.join(path);
    let lead = files::resolved(&whole).and_then(|to| Ok((to, files::resolved(workspace)?)));
    let (to, home) = match lead {
        Ok(lead) => lead,
        Err(cause) => return refused(format!("cannot be looked up: {cause}"), mend.to_owned()),
    };
    if let Ok(inside) = to.strip_prefix(&home)
        && path.is_relative()
    {
        let first = inside.iter().next().unwrap_or_default();
        if first.is_empty() || folders_read().any(|read| first == read) {
            let problem = "is read as a part of the workspace";
            return refused(problem.to_owned(), mend.to_owned());
        }
        return Ok(whole);
    }
    let within = config.part::<SiteConfig>().publish_into.iter();
    let mut within = within.filter_map(|allowed| files::resolved(&workspace.join(allowed)).ok());
    if within.any(|allowed| to.starts_with(allowed)) {
        return Ok(whole);
    }
    let to = to.display();
    let mend = format!("write `publish_into = [\"{to}\"]` in callboard.toml");
    let problem = if to.to_string() == folder {
        "is outside of the workspace".to_owned()
    } else {
        format!("leads to {to}, outside of the workspace")
    };
    refused(problem, mend)
}

/// Where a folder says whose it is: in the workspace, the one of its folders that it is or is in.
pub fn marked(workspace: &Path, folder: &Path) -> PathBuf {
    let inside = folder.strip_prefix(workspace).ok();
    let first = inside.and_then(|path| path.components().next());
    first.map_or_else(|| folder.to_owned(), |first| workspace.join(first))
}

/// A folder to write into, by its path below one that the operator named: above it links may lead, below it none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderPlace {
    pub root: PathBuf,
    pub folder: String,
    /// Where it says whose it is.
    pub mark: String,
}

impl FolderPlace {
    pub fn of(config: &Config, workspace: &Path, folder: &Path) -> Self {
        let allowed = config.part::<SiteConfig>().publish_into.iter();
        let mut roots = allowed.map(PathBuf::as_path).chain([workspace]);
        let root = roots.find(|root| folder.strip_prefix(root).is_ok());
        let root = root.unwrap_or(folder);
        let below = |path: &Path| {
            let inner = path.strip_prefix(root).ok()?;
            let parts = inner.iter().map(|part| part.to_string_lossy());
            Some(parts.collect::<Vec<_>>().join("/"))
        };
        let own = below(folder).unwrap_or_default();
        let marked = below(&marked(workspace, folder)).unwrap_or_else(|| own.clone());
        Self {
            root: root.to_owned(),
            folder: own,
            mark: format!("{marked}/{MARK}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::posts::PostStatus;

    fn post() -> Post {
        let text = str::to_owned;
        Post {
            id: text("p1"),
            slug: text("lamp"),
            subject: text("s"),
            task: String::new(),
            title: text("The \"lamp\": part 1"),
            seo_title: String::new(),
            excerpt: text("One\nline"),
            markdown: text("Text.\n\n![A](/media/a.png)\n\n+++\n"),
            tags: vec![text("a"), text("b")],
            written_by: text("built-in composer"),
            covers: String::new(),
            featured: None,
            status: PostStatus::Published,
            scheduled_at: None,
            run: String::new(),
            published_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            edited_by: String::new(),
            approved_by: text("Ada"),
            approved_at: Some(Timestamp::UNIX_EPOCH),
        }
    }

    #[test]
    fn a_document_knows_whether_it_is_as_it_was_written() {
        for form in [Language::Yaml, Language::Toml] {
            let post = post();
            let former = ["old".to_owned()];
            let document = document(&post, &former, (form, "media/")).expect("a document");
            let (head, text) = front_matter::parted(&document).expect("a head");
            let head = head.expect("a head");
            assert_eq!(head["title"], post.title, "{document}");
            assert_eq!(head["description"], post.excerpt, "{document}");
            assert_eq!(head["tags"], serde_json::json!(["a", "b"]));
            assert_eq!(head["aliases"], serde_json::json!(["/posts/old"]));
            assert!(text.contains("![A](media/a.png)"), "{document}");
            let seal = |intact| {
                Ok(Some(Seal {
                    post: "p1".to_owned(),
                    intact,
                }))
            };
            assert_eq!(Seal::of(&document), seal(true), "{document}");
            assert_eq!(Seal::of(&document.replace('\n', "\r\n")), seal(true));
            for (old, new) in [("Text.", "Text!"), ("part 1", "part 2"), ("Ada", "Eve")] {
                assert_eq!(Seal::of(&document.replace(old, new)), seal(false), "{old}");
            }
            assert_eq!(Seal::of(text), Ok(None));
        }
    }
}
