//! The public site as pure functions: posts in, text out. `http` serves what this renders and
//! `export` writes it to files; neither the network nor the store is known here.
//!
//! The templates belong to the workspace, so the roll call and [`Site::new`] render every page
//! on samples: a misspelt name is found when a revision is checked, not by a reader.

mod assets;
mod bodies;
mod current;
mod export;
mod feeds;
mod files;
mod links;
mod pages;
mod rehearse;
mod rules;
#[cfg(test)]
mod tests;
mod tried;
mod view;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use callboard_core::config::Config;
use callboard_core::settings::{SettingRead, SettingType, Snapshot, hex};
use callboard_core::{html, template};
use minijinja::Environment;
use sha2::{Digest, Sha256};
use url::Url;

pub use self::assets::{Asset, Assets, PAGES};
use self::bodies::Bodies;
pub(crate) use self::current::{FINDING, failing_key, made, probe};
pub use self::current::{Unshown, current};
pub use self::export::{
    ExportError, LIST, Pictures, REDIRECTS, WrittenSite, export, hold, note_written, written_of,
};
use self::links::SiteLinks;
pub use self::links::is_file_name;
use self::pages::Pages;
pub use self::rehearse::{Mistake, mistakes};
pub(crate) use self::rules::list as rules;
pub(crate) use self::tried::list as live_rules;
pub use crate::readers::SiteConfig;
use crate::tables::posts::Post;

/// Where its files lie in a workspace.
pub const FOLDER: &str = "site";
/// Posts on one page of the archive.
pub const PER_PAGE: usize = 10;
/// The stylesheet, which every page links to.
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
    let files = crate::bundle::FILES.iter().filter_map(|(path, content)| {
        let name = path.strip_prefix(FOLDER)?.strip_prefix('/')?;
        Some((
            name.to_owned(),
            String::from_utf8_lossy(content).into_owned(),
        ))
    });
    files.collect()
}

/// Settings that the site reads, each as a text of its pages.
pub const SETTINGS: &[SettingRead] = &[
    SettingRead::new(TITLE, &[SettingType::String], READER),
    SettingRead::new(DESCRIPTION, &[SettingType::String], READER),
];

const TITLE: &str = "site.title";
const DESCRIPTION: &str = "site.description";
const READER: &str = "the site";

/// What a site is called and where its readers find it.
#[derive(Debug, Clone)]
pub struct SiteInfo {
    pub name: String,
    pub description: String,
    /// The address of the front page, for feeds and canonical links. Its path is the prefix of
    /// every link; a proxy in front of the host takes it off again.
    pub address: Url,
}

impl SiteInfo {
    /// As configuration and settings have it. `local` is where it is reached if the
    /// configuration names no address for readers.
    pub fn of(config: &Config, settings: &Snapshot, local: Url) -> Self {
        let text = |key: &str| settings.text(key).ok().flatten();
        Self {
            name: text(TITLE).unwrap_or_else(|| config.name.clone()),
            description: text(DESCRIPTION).unwrap_or_default(),
            address: config.part::<SiteConfig>().site.clone().unwrap_or(local),
        }
    }
}

/// The site as it can be shown now, or why there is none.
pub type SiteNow = Result<Arc<Site>, String>;

/// A site that is ready to render. It holds its compiled templates, and of posts only what their texts
/// came to.
#[derive(Debug)]
pub struct Site {
    info: SiteInfo,
    templates: Environment<'static>,
    style: String,
    style_digest: String,
    assets: Assets,
    bodies: Bodies,
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
        /// The undefined name, as the template writes it.
        undefined: Option<String>,
    },
    #[error("the text of post `{title}` cannot be shown: {cause}")]
    Post { title: String, cause: String },
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
        let mut site = Self::bare(info, compile(templates)?, templates);
        if let Some((_, mistake)) = site.rehearse().into_iter().next() {
            return Err(mistake);
        }
        site.not_found = site.pages().plain("not_found.html", "Not here")?;
        site.gone = site.pages().plain("gone.html", "Taken down")?;
        site.unavailable = site.pages().plain("unavailable.html", "Back in a moment")?;
        Ok(site)
    }

    /// A site whose pages have not been tried.
    fn bare(
        info: SiteInfo,
        compiled: Environment<'static>,
        templates: &BTreeMap<String, String>,
    ) -> Self {
        let style = templates.get(STYLE).cloned().unwrap_or_default();
        Self {
            info,
            templates: compiled,
            style_digest: hex(&Sha256::digest(&style)).chars().take(8).collect(),
            style,
            assets: Assets::default(),
            bodies: Bodies::default(),
            not_found: String::new(),
            gone: String::new(),
            unavailable: String::new(),
        }
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

    /// The path of a post on a server at the site's address.
    pub fn place(&self, slug: &str) -> String {
        SiteLinks::below(&self.root()).post(slug)
    }

    /// Where readers find the front page.
    pub fn address(&self) -> &Url {
        &self.info.address
    }

    /// The stylesheet.
    pub fn style(&self) -> &str {
        &self.style
    }

    /// The pages with the links of a server at the site's address.
    fn pages(&self) -> Pages<'_> {
        Pages::new(self, SiteLinks::below(&self.root()))
    }

    /// Links that hold anywhere, for feeds.
    fn absolute(&self) -> SiteLinks {
        let address = &self.info.address;
        let origin = address.origin().ascii_serialization();
        SiteLinks::below(&format!("{origin}{}", self.root()))
    }

    /// The path of the address, without the slash at its end.
    fn root(&self) -> String {
        self.info.address.path().trim_end_matches('/').to_owned()
    }
}

/// Texts of the site that are rendered; style sheets and scripts are served as they are.
fn pages(files: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    let is_template = |name: &str| Path::new(name).extension().is_some_and(|end| end == "html");
    let files = files.iter().filter(move |(name, _)| is_template(name));
    files.map(|(name, text)| (name.as_str(), text.as_str()))
}

/// Where templates are rendered: what is not there is an error that says its name.
fn environment() -> Environment<'static> {
    let mut environment = template::environment();
    environment.set_formatter(html::formatter);
    environment
}

fn compile(files: &BTreeMap<String, String>) -> Result<Environment<'static>, SiteError> {
    let mut environment = environment();
    for (name, text) in pages(files) {
        add(&mut environment, name, text)?;
    }
    Ok(environment)
}

fn add(environment: &mut Environment<'static>, name: &str, text: &str) -> Result<(), SiteError> {
    let added = template::bounded(text).and_then(|text| {
        let name = name.to_owned();
        template::on_deep_stack(|| environment.add_template_owned(name, text))
    });
    added.map_err(|error| in_template(name, &error))
}

fn in_template(name: &str, error: &minijinja::Error) -> SiteError {
    SiteError::Template {
        // What was found before it had a name is of this one.
        name: error
            .name()
            .filter(|name| !name.is_empty())
            .unwrap_or(name)
            .to_owned(),
        line: error.line().unwrap_or_default(),
        cause: template::reason(error),
        undefined: rehearse::undefined(error),
    }
}
