//! The public site as pure functions: posts in, text out. `http` serves what this renders and
//! `export` writes it to files; neither the network nor the store is known here.
//!
//! The templates belong to the workspace, so [`Site::new`] renders every one of them once: a
//! misspelt name in a template is found when a revision is checked, not by a reader.

mod assets;
pub(crate) mod escape;
mod export;
mod feeds;
mod links;
mod markdown;
mod pages;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::{Environment, UndefinedBehavior};
use sha2::{Digest, Sha256};
use url::Url;

pub use self::assets::{Asset, Assets, PAGES};
pub use self::export::{ExportError, Exported, LIST, export};
use self::links::Links;
use self::pages::Pages;
use crate::settings::hex;
use crate::store::posts::Post;

/// Posts on one page of the archive.
pub const PER_PAGE: usize = 10;
/// The stylesheet, the one file of a site that is no template.
pub const STYLE: &str = "style.css";
/// The files that a site needs: its templates and its stylesheet.
pub const TEMPLATES: &[&str] = &[
    "base.html",
    "index.html",
    "post.html",
    "archive.html",
    "tag.html",
    "not_found.html",
    "gone.html",
    "unavailable.html",
    STYLE,
];

/// The files of the site that a new workspace starts with.
pub fn bundled() -> BTreeMap<String, String> {
    let texts = [
        include_str!("../workspace/site/base.html"),
        include_str!("../workspace/site/index.html"),
        include_str!("../workspace/site/post.html"),
        include_str!("../workspace/site/archive.html"),
        include_str!("../workspace/site/tag.html"),
        include_str!("../workspace/site/not_found.html"),
        include_str!("../workspace/site/gone.html"),
        include_str!("../workspace/site/unavailable.html"),
        include_str!("../workspace/site/style.css"),
    ];
    let files = TEMPLATES.iter().zip(texts);
    files
        .map(|(name, text)| ((*name).to_owned(), text.to_owned()))
        .collect()
}

/// What a site is called and where its readers find it.
#[derive(Debug, Clone)]
pub struct SiteInfo {
    pub name: String,
    pub description: String,
    /// The address of the front page, for feeds and canonical links. Its path is the prefix of
    /// every link; a proxy in front of the host takes it off again.
    pub address: Url,
}

/// A site that is ready to render. It holds its compiled templates and no posts.
#[derive(Debug)]
pub struct Site {
    info: SiteInfo,
    templates: Environment<'static>,
    style: String,
    style_digest: String,
    assets: Assets,
    not_found: String,
    gone: String,
    unavailable: String,
}

/// Why a site cannot be rendered; it names the template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    #[error("the site has no `{name}`; add the file to the folder `site` of the workspace")]
    Missing { name: String },
    #[error("template `{name}` of the site, line {line}: {cause}; mend it in the folder `site`")]
    Template {
        name: String,
        line: usize,
        cause: String,
    },
    #[error("the {name} of the site cannot be written: {cause}")]
    Feed { name: &'static str, cause: String },
}

impl Site {
    /// Compile the templates and try each of them on sample posts.
    pub fn new(info: SiteInfo, templates: &BTreeMap<String, String>) -> Result<Self, SiteError> {
        for name in TEMPLATES {
            if !templates.contains_key(*name) {
                let name = (*name).to_owned();
                return Err(SiteError::Missing { name });
            }
        }
        let style = templates.get(STYLE).cloned().unwrap_or_default();
        let mut site = Self {
            info,
            templates: compile(templates)?,
            style_digest: hex(&Sha256::digest(&style)).chars().take(8).collect(),
            style,
            assets: Assets::default(),
            not_found: String::new(),
            gone: String::new(),
            unavailable: String::new(),
        };
        site.not_found = site.pages().plain("not_found.html", "Not here")?;
        site.gone = site.pages().plain("gone.html", "Taken down")?;
        site.unavailable = site.pages().plain("unavailable.html", "Back in a moment")?;
        site.rehearse()?;
        Ok(site)
    }

    /// With files that are served as they are.
    #[must_use]
    pub fn with_assets(self, assets: Assets) -> Self {
        Self { assets, ..self }
    }

    /// The files that are served as they are.
    pub fn assets(&self) -> &Assets {
        &self.assets
    }

    /// The front page: the newest posts, newest first.
    pub fn index(&self, posts: &[Post]) -> Result<String, SiteError> {
        self.pages().index(posts)
    }

    /// The page of one post.
    pub fn post(&self, post: &Post) -> Result<String, SiteError> {
        self.pages().post(post)
    }

    /// One page of the archive; pages count from 1.
    pub fn archive(&self, posts: &[Post], page: u32, pages: u32) -> Result<String, SiteError> {
        self.pages().archive(posts, page, pages)
    }

    /// The posts of a tag.
    pub fn tag(&self, name: &str, posts: &[Post]) -> Result<String, SiteError> {
        self.pages().tag(name, posts)
    }

    /// The feed as RSS 2.0.
    pub fn rss(&self, posts: &[Post]) -> Result<String, SiteError> {
        feeds::rss(self, posts)
    }

    /// The feed as JSON Feed 1.1.
    pub fn json_feed(&self, posts: &[Post]) -> Result<String, SiteError> {
        feeds::json_feed(self, posts)
    }

    /// Every address of the site for search engines.
    pub fn sitemap(&self, posts: &[Post]) -> String {
        feeds::sitemap(self, posts)
    }

    /// The page of an address that never was.
    pub fn not_found(&self) -> &str {
        &self.not_found
    }

    /// The page of a post that was removed.
    pub fn gone(&self) -> &str {
        &self.gone
    }

    /// The page when posts cannot be read.
    pub fn unavailable(&self) -> &str {
        &self.unavailable
    }

    /// The stylesheet.
    pub fn style(&self) -> &str {
        &self.style
    }

    /// The pages with the links of a server at the site's address.
    fn pages(&self) -> Pages<'_> {
        Pages::new(self, Links::below(&self.root()))
    }

    /// Links that hold anywhere, for feeds.
    fn absolute(&self) -> Links {
        let address = &self.info.address;
        let origin = address.origin().ascii_serialization();
        Links::below(&format!("{origin}{}", self.root()))
    }

    /// The path of the address, without the slash at its end.
    fn root(&self) -> String {
        self.info.address.path().trim_end_matches('/').to_owned()
    }

    fn rehearse(&self) -> Result<(), SiteError> {
        let post = view::sample();
        let posts = std::slice::from_ref(&post);
        self.index(&[])?;
        self.index(posts)?;
        self.post(&post)?;
        self.archive(&[], 1, 1)?;
        self.archive(posts, 2, 3)?;
        self.tag("sample", posts)?;
        Ok(())
    }
}

fn compile(files: &BTreeMap<String, String>) -> Result<Environment<'static>, SiteError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(escape::formatter);
    let is_template = |name: &str| Path::new(name).extension().is_some_and(|end| end == "html");
    for (name, text) in files.iter().filter(|(name, _)| is_template(name)) {
        environment
            .add_template_owned(name.clone(), text.clone())
            .map_err(|error| in_template(name, &error))?;
    }
    Ok(environment)
}

fn in_template(name: &str, error: &minijinja::Error) -> SiteError {
    let cause = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    SiteError::Template {
        name: error.name().unwrap_or(name).to_owned(),
        line: error.line().unwrap_or_default(),
        cause,
    }
}
