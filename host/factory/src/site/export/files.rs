//! The content of every file of an export, by its path. Nothing here touches a disk.

use std::collections::{BTreeMap, BTreeSet};

use callboard_core::html;

use super::{ExportError, REDIRECTS};
use crate::markdown::Places;
use crate::media;
use crate::site::links::{SiteLinks, folder, is_file_name};
use crate::site::pages::Pages;
use crate::site::{PER_PAGE, STYLE, Site, SiteError};
use crate::tables::posts::{Post, PostStatus};

/// Posts on the front page and in the feeds.
const NEWEST: usize = 20;

type SiteFiles = BTreeMap<String, Vec<u8>>;

/// Published posts that can be shown, and the slugs of the others.
pub(super) fn showable(site: &Site, posts: &[Post]) -> (Vec<Post>, Vec<(String, SiteError)>) {
    let (mut shown, mut left_out) = (Vec::new(), Vec::new());
    for post in posts.iter().filter(|post| post.status.is_shown()) {
        match site.bodies.of(post, Places::default()) {
            Ok(_) => shown.push(post.clone()),
            Err(error) => left_out.push((post.slug.clone(), error)),
        }
    }
    (shown, left_out)
}

/// Addresses of before that are names of folders and lead to a post that is here.
pub(super) fn leading_on<'m>(
    posts: &[Post],
    moved: &'m [(String, String)],
) -> Vec<&'m (String, String)> {
    let here = |slug: &String| posts.iter().any(|post| post.slug == *slug);
    let moved = moved.iter();
    moved
        .filter(|(old, new)| is_file_name(old) && here(new) && !here(old))
        .collect()
}

/// The names of the kept pictures that posts show.
pub(super) fn pictures(posts: &[Post]) -> BTreeSet<String> {
    let names = posts
        .iter()
        .flat_map(|post| media::names(&post.markdown, post.featured.as_ref()));
    names.collect()
}

/// Where a picture is.
pub(super) fn place(picture: &str) -> String {
    format!("media/{picture}")
}

pub(super) fn all(
    site: &Site,
    mut posts: Vec<Post>,
    moved: &[&(String, String)],
) -> Result<SiteFiles, ExportError> {
    posts.sort_by(|a, b| (b.published_at, &b.id).cmp(&(a.published_at, &a.id)));
    if let Some(post) = posts.iter().find(|post| !is_file_name(&post.slug)) {
        let slug = post.slug.clone();
        return Err(ExportError::Slug { slug });
    }
    let mut files = SiteFiles::new();
    let assets = site.assets().iter();
    files.extend(assets.map(|(path, asset)| (path.to_owned(), asset.content.to_vec())));
    for post in &posts {
        let html = pages(site, "../../").post(post)?;
        files.insert(format!("posts/{}/index.html", post.slug), html.into_bytes());
    }
    redirects(site, moved, &mut files);
    // What is archived is at its address, and in no list.
    posts.retain(|post| post.status == PostStatus::Published);
    top(site, &posts, &mut files)?;
    archive(site, &posts, &mut files)?;
    tags(site, &posts, &mut files)?;
    Ok(files)
}

/// A page at each address of before, for any server of files, and the list that some hosts answer 301 by,
/// behind what the workspace has of its own there.
fn redirects(site: &Site, moved: &[&(String, String)], files: &mut SiteFiles) {
    let mut list = String::new();
    for (old, new) in moved {
        files.insert(
            format!("posts/{old}/index.html"),
            leads_to(site, new).into_bytes(),
        );
        let (old, new) = (site.place(old), site.place(new));
        list.push_str(&format!("{old} {new} 301\n{old}/ {new} 301\n"));
    }
    if !list.is_empty() {
        let own = files.entry(REDIRECTS.to_owned()).or_default();
        if own.last().is_some_and(|last| *last != b'\n') {
            own.push(b'\n');
        }
        own.extend(list.into_bytes());
    }
}

fn leads_to(site: &Site, slug: &str) -> String {
    let near = html::escaped(&SiteLinks::files("../../").post(slug));
    let canonical = html::escaped(&site.absolute().post(slug));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>This post has moved</title>\n\
        <link rel=\"canonical\" href=\"{canonical}\">\n\
        <meta http-equiv=\"refresh\" content=\"0; url={near}\">\n\
        <p>This post is <a href=\"{near}\">at another address</a> now.</p>\n</html>\n"
    )
}

fn top(site: &Site, posts: &[Post], files: &mut SiteFiles) -> Result<(), SiteError> {
    let newest = posts.get(..NEWEST).unwrap_or(posts);
    let front = posts.get(..PER_PAGE).unwrap_or(posts);
    // A server shows this page at any depth, so its links start from the site's address.
    let lost = pages(site, &format!("{}/", site.root()));
    let texts = [
        ("index.html", pages(site, "").index(front)?),
        ("404.html", lost.plain("not_found.html", "Not here")?),
        ("feed.xml", site.rss(newest)?),
        ("feed.json", site.json_feed(newest)?),
        ("sitemap.xml", site.sitemap(posts)),
        (STYLE, site.style().to_owned()),
    ];
    files.extend(texts.map(|(name, text)| (name.to_owned(), text.into_bytes())));
    Ok(())
}

fn archive(site: &Site, posts: &[Post], files: &mut SiteFiles) -> Result<(), SiteError> {
    let none: &[Post] = &[];
    let mut parts: Vec<_> = posts.chunks(PER_PAGE).collect();
    if parts.is_empty() {
        parts.push(none);
    }
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    for (number, part) in (1..=count).zip(parts) {
        let (name, up) = match number {
            1 => ("archive/index.html".to_owned(), "../"),
            _ => (format!("archive/{number}/index.html"), "../../"),
        };
        files.insert(
            name,
            pages(site, up).archive(part, number, count)?.into_bytes(),
        );
    }
    Ok(())
}

fn tags(site: &Site, posts: &[Post], files: &mut SiteFiles) -> Result<(), SiteError> {
    let mut by_tag: BTreeMap<&str, Vec<Post>> = BTreeMap::new();
    for post in posts {
        for tag in &post.tags {
            by_tag.entry(tag).or_default().push(post.clone());
        }
    }
    for (tag, posts) in by_tag {
        let html = pages(site, "../../").tag(tag, &posts)?;
        files.insert(
            format!("tags/{}/index.html", folder(tag)),
            html.into_bytes(),
        );
    }
    Ok(())
}

fn pages<'s>(site: &'s Site, up: &str) -> Pages<'s> {
    Pages::new(site, SiteLinks::files(up))
}
