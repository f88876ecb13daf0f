//! `plugin.toml`: who a plugin is and what it asks for.

use serde::Deserialize;
use toml::Spanned;

use crate::grants::Grants;

/// The file's name inside the plugin's folder.
pub const FILE: &str = "plugin.toml";
/// The folder of the WIT contract that this host serves.
pub const WIT: &str = "0.1";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The same as the folder's name.
    pub name: Spanned<String>,
    pub version: String,
    #[serde(default)]
    pub description: String,
    /// The WIT contract it was built for, e.g. `0.1`.
    pub wit: Spanned<String>,
    /// The component, a file beside the manifest.
    pub component: Spanned<String>,
    /// What it cannot work without; the operator's ceiling has to allow all of it.
    #[serde(default)]
    pub ask: Grants,
}
