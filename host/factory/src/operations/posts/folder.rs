//! Posts from a folder of Markdown documents with front matter: each document as a post of the same form in which
//! posts are carried, so that it goes through the same checks.

use std::path::Path;

use callboard_core::confined_folder::ConfinedFolder;
use callboard_core::operations::OperationError;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value as Json;

use super::beside;
use super::carried::{CarriedPost, CarriedPosts, FORM, ImportOrigin, told};
use crate::documents::{self, Documents, LARGEST};
use crate::front_matter::{self, FrontMatterKeys};
use crate::tables::posts::PostStatus;

/// The most documents.
const MOST: usize = 5000;
/// The most problems that are told of a folder.
const PROBLEMS: usize = 100;
/// The most things that are told as left out.
const LEFT_OUT: usize = 5000;
/// The most words of a list in a head: no post has so many tags or addresses.
const WORDS: usize = 500;
/// Who wrote what names no author.
const NOBODY: &str = "an author who is not named";
/// The table of what only Callboard says.
const OWN: &str = "callboard";

/// The posts of a folder, where each is from, and what of it no post has.
pub(super) fn read(folder: &Path) -> Result<(CarriedPosts, ImportOrigin), OperationError> {
    let name = folder.display().to_string();
    let files = ConfinedFolder::open(folder, &[]);
    let files = files.map_err(|error| OperationError::usage(format!("{name}: {error}")))?;
    let (listed, missed) = documents::listed(&files);
    let mut problems: Vec<String> = missed
        .into_iter()
        .map(|it| format!("{name}/{}: {}", it.what, it.why))
        .collect();
    if listed.len() > MOST {
        problems.push(format!("{name} has more than {MOST} documents"));
    }
    let (mut posts, mut origin) = (Vec::new(), ImportOrigin::new(&name));
    let mut documents = Documents::of(&files);
    for path in listed.iter().take(MOST) {
        if problems.len() >= PROBLEMS {
            problems.push("and perhaps more".to_owned());
            break;
        }
        let file = format!("{name}/{path}");
        let read = documents.read(path, LARGEST);
        match read.and_then(|document| post(path, &document)) {
            // Nothing is brought from a folder with a problem, so nothing more of it is held.
            Ok(_) if !problems.is_empty() => {}
            Ok((mut post, image, mut left)) => {
                let known = &mut origin.pictures;
                beside::take((&files, path), (&mut post, image), known, &mut left);
                let left = left.into_iter().map(|what| format!("{file}: {what}"));
                let room = LEFT_OUT.saturating_sub(origin.left_out.len());
                origin.left_out.extend(left.take(room));
                if origin.left_out.len() == LEFT_OUT {
                    origin
                        .left_out
                        .push("and more, which is not listed".to_owned());
                }
                origin.files.push(file);
                posts.push(post);
            }
            Err(why) => problems.push(format!("{file}: {why}")),
        }
    }
    if posts.is_empty() && problems.is_empty() {
        problems.push(format!("{name} has no document that ends in `.md`"));
    }
    told(problems)?;
    Ok((CarriedPosts { form: FORM, posts }, origin))
}

/// A document as a post, and what of it no post has.
fn post(path: &str, document: &str) -> Result<(CarriedPost, Option<String>, Vec<String>), String> {
    let (head, text) = front_matter::parted(document)?;
    let head = head.ok_or("it has no front matter: a head between lines of `---` or `+++`")?;
    let mut said = ReadHead::of(head);
    let mut own = ReadHead::of(said.table(OWN)?);
    let (day, stem) = named(path);
    let image = said.file("image");
    let (heading, text) = headed(text, said.text(&["title"])?);
    let slug = said.text(&["slug"])?.unwrap_or_else(|| stem.to_owned());
    let at = said.moment(&["date", "publishdate", "published_at"])?;
    let at = at.or_else(|| day.and_then(|day| midnight(day).ok()));
    let at = at.ok_or("its front matter has no `date`")?;
    let draft = said.flag("draft")? == Some(true) || said.flag("published")? == Some(false);
    let (former, mut left) = former(said.list(&["aliases", "redirect_from"])?, &slug);
    let written_by = match own.text(&["written_by"])? {
        Some(writer) => writer,
        None => said.list(&["author", "authors"])?.join(", "),
    };
    let post = CarriedPost {
        former,
        subject: own
            .text(&["subject"])?
            .unwrap_or_else(|| format!("markdown:{slug}")),
        slug,
        title: heading,
        seo_title: said.text(&["seo_title"])?.unwrap_or_default(),
        excerpt: said
            .text(&["description", "summary", "excerpt"])?
            .unwrap_or_default(),
        markdown: text.to_owned(),
        tags: said.list(&["tags"])?,
        written_by: Some(written_by)
            .filter(|it| !it.is_empty())
            .unwrap_or_else(|| NOBODY.to_owned()),
        covers: own.text(&["covers"])?.unwrap_or_default(),
        featured: None,
        status: if draft {
            PostStatus::Unpublished
        } else {
            PostStatus::Published
        },
        scheduled_at: None,
        published_at: at,
        updated_at: said
            .moment(&["lastmod", "updated", "last_modified_at"])?
            .unwrap_or(at),
        edited_by: own.text(&["edited_by"])?.unwrap_or_default(),
        approved_by: own.text(&["approved_by"])?.unwrap_or_default(),
        approved_at: own.moment(&["approved_at"])?,
    };
    left.extend(said.left().map(|key| format!("`{key}` is read by nothing")));
    Ok((post, image, left))
}

/// Title and text of a document; a first heading that is the title is no part of the text.
fn headed(text: &str, title: Option<String>) -> (String, &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let heading = first.strip_prefix("# ").map(str::trim);
    match (heading, title) {
        (Some(heading), title) if title.as_deref().is_none_or(|title| title == heading) => {
            (heading.to_owned(), rest.trim_start_matches(['\r', '\n']))
        }
        (_, title) => (title.unwrap_or_default(), text),
    }
}

/// The day and the name that the path of a document says: `2026-03-02-hello.md`, `hello/index.md`.
fn named(path: &str) -> (Option<Date>, &str) {
    let stem = path.get(..path.len() - ".md".len()).unwrap_or(path);
    let name = match stem.rsplit_once('/') {
        Some((folder, "index")) => folder.rsplit('/').next().unwrap_or(folder),
        Some((_, name)) => name,
        None => stem,
    };
    let parts = name
        .get(..10)
        .zip(name.get(10..).and_then(|rest| rest.strip_prefix('-')));
    let dated = parts.and_then(|(day, rest)| Some((day.parse().ok()?, rest)));
    dated.map_or((None, name), |(day, rest)| (Some(day), rest))
}

/// The addresses of before that posts can have, and what is told of the others.
fn former(aliases: Vec<String>, slug: &str) -> (Vec<String>, Vec<String>) {
    let (mut former, mut left) = (Vec::new(), Vec::new());
    for alias in aliases {
        let bare = alias.trim_matches('/');
        let bare = bare.strip_prefix("posts/").unwrap_or(bare);
        match bare {
            "" => {}
            other if other.contains('/') => {
                left.push(format!("`{alias}` is no address that a post can have here"));
            }
            other if other == slug || former.iter().any(|it| it == other) => {}
            other => former.push(other.to_owned()),
        }
    }
    (former, left)
}

fn midnight(day: Date) -> Result<Timestamp, String> {
    let at = day.to_zoned(TimeZone::UTC);
    at.map(|at| at.timestamp())
        .map_err(|error| error.to_string())
}

/// A date, or a time, with its zone or in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse::<Timestamp>().ok().or_else(|| {
        let zoned = jiff::Zoned::strptime("%Y-%m-%d %H:%M:%S %z", text);
        let local = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
        zoned.ok().or_else(local).map(|at| at.timestamp())
    })
}

/// What a head says, and what of it nothing has read.
struct ReadHead(FrontMatterKeys);

impl ReadHead {
    /// Keys whose letters may be large or small.
    fn of(head: FrontMatterKeys) -> Self {
        let keys = head.into_iter();
        Self(
            keys.map(|(key, value)| (key.to_lowercase(), value))
                .collect(),
        )
    }

    /// The first of these keys that is there; the others are read, too.
    fn take(&mut self, keys: &[&'static str]) -> Option<(&'static str, Json)> {
        let mut found = None;
        for key in keys {
            let value = self.0.remove(*key).filter(|value| !value.is_null());
            found = found.or(value.map(|value| (*key, value)));
        }
        found
    }

    fn text(&mut self, keys: &[&'static str]) -> Result<Option<String>, String> {
        self.take(keys)
            .map(|(key, value)| word(key, value))
            .transpose()
    }

    /// A file that is named; what says more of it, or is elsewhere, is left.
    fn file(&mut self, key: &'static str) -> Option<String> {
        let named = self.0.get(key)?.as_str()?.trim().to_owned();
        let here = !named.is_empty() && !named.contains("://");
        here.then(|| self.0.remove(key)).flatten().map(|_| named)
    }

    fn list(&mut self, keys: &[&'static str]) -> Result<Vec<String>, String> {
        let words: Vec<String> = match self.take(keys) {
            None => Vec::new(),
            Some((key, Json::Array(values))) => {
                let words = values.into_iter().map(|value| word(key, value));
                words.collect::<Result<_, _>>()?
            }
            Some((key, value)) => word(key, value)?.split(',').map(str::to_owned).collect(),
        };
        if words.len() > WORDS {
            let names = keys.join("`, `");
            return Err(format!("`{names}` has more than {WORDS} words"));
        }
        let words = words.iter().map(|word| word.trim().to_owned());
        Ok(words.filter(|word| !word.is_empty()).collect())
    }

    fn moment(&mut self, keys: &[&'static str]) -> Result<Option<Timestamp>, String> {
        let Some((key, value)) = self.take(keys) else {
            return Ok(None);
        };
        let text = word(key, value)?;
        let read = moment(&text);
        let wrong = || format!("`{key}`: `{text}` is no time such as `2026-03-02T08:00:00Z`");
        read.map(Some).ok_or_else(wrong)
    }

    fn flag(&mut self, key: &'static str) -> Result<Option<bool>, String> {
        match self.take(&[key]) {
            None => Ok(None),
            Some((_, Json::Bool(flag))) => Ok(Some(flag)),
            Some(_) => Err(format!("`{key}` is neither `true` nor `false`")),
        }
    }

    fn table(&mut self, key: &'static str) -> Result<FrontMatterKeys, String> {
        match self.take(&[key]) {
            None => Ok(FrontMatterKeys::new()),
            Some((_, Json::Object(table))) => Ok(table),
            Some(_) => Err(format!("`{key}` is no table")),
        }
    }

    fn left(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }
}

fn word(key: &str, value: Json) -> Result<String, String> {
    match value {
        Json::String(text) => Ok(text.trim().to_owned()),
        Json::Number(number) => Ok(number.to_string()),
        Json::Bool(flag) => Ok(flag.to_string()),
        _ => Err(format!("`{key}` is no text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_a_name_and_perhaps_a_day() {
        for (path, day, name) in [
            ("hello.md", None, "hello"),
            ("2026/2026-03-02-hello.md", Some("2026-03-02"), "hello"),
            ("posts/hello/index.md", None, "hello"),
            ("2026-13-02-hello.md", None, "2026-13-02-hello"),
            ("ümläut-ünd.md", None, "ümläut-ünd"),
        ] {
            let wanted = day.map(|day| day.parse::<Date>().expect("a day"));
            assert_eq!(named(path), (wanted, name), "{path}");
        }
    }

    #[test]
    fn a_head_has_no_more_words_than_a_post_may_have() {
        let document = |words: usize| {
            let tags = vec!["a"; words].join(",");
            format!("---\ntitle: T\ndate: 2026-03-02\ntags: [{tags}]\n---\nText.\n")
        };
        assert!(post("t.md", &document(WORDS)).is_ok());
        let error = post("t.md", &document(WORDS + 1)).expect_err("too many");
        assert!(error.contains("more than 500 words"), "{error}");
    }

    #[test]
    fn times_are_read_as_sites_write_them() {
        for (text, read) in [
            ("2026-03-02", "2026-03-02T00:00:00Z"),
            ("2026-03-02T08:00:00+02:00", "2026-03-02T06:00:00Z"),
            ("2026-03-02 08:00:00 +0200", "2026-03-02T06:00:00Z"),
            ("2026-03-02 08:00:00", "2026-03-02T08:00:00Z"),
        ] {
            assert_eq!(
                moment(text).map(|at| at.to_string()).as_deref(),
                Some(read),
                "{text}"
            );
        }
        assert_eq!(moment("yesterday"), None);
    }
}
