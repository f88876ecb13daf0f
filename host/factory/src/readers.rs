//! Where readers find posts, as `callboard.toml` says.

use std::path::PathBuf;

use callboard_core::config::Config;
use serde::Deserialize;
use url::Url;

/// What `callboard.toml` says of where posts are read.
#[derive(Debug, Deserialize)]
pub struct SiteConfig {
    /// Where readers find the site, for the addresses in its feeds.
    #[serde(default)]
    pub site: Option<Url>,
    /// Folders outside of the workspace into which posts may be written, and below.
    #[serde(default)]
    pub publish_into: Vec<PathBuf>,
    /// The folder of an export that is kept current, relative to the workspace; none, if absent.
    #[serde(default)]
    pub export_into: Option<PathBuf>,
}

/// The address of a post; `None` if nothing says where the site is.
pub fn address(config: &Config, slug: &str) -> Option<Url> {
    let mut address = config.part::<SiteConfig>().site.clone()?;
    let mut path = address.path_segments_mut().ok()?;
    path.pop_if_empty().extend(["posts", slug]);
    drop(path);
    Some(address)
}
