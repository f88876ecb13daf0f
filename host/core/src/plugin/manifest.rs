//! `plugin.toml`: who a plugin is and what it asks for.

use serde::Deserialize;
use toml::Spanned;

use crate::grants::Grants;

/// The file's name inside the plugin's folder.
pub const FILE: &str = "plugin.toml";
/// The folder of the WIT contract that this host serves.
pub const WIT: &str = "0.1";

/// Whether this host serves a contract: its folder, `0.1`, or a version that lies there, `0.1.0`,
/// as the package of the contract says of itself.
pub fn served(wit: &str) -> bool {
    let patch = wit.strip_prefix(WIT).map(|rest| rest.strip_prefix('.'));
    match patch {
        Some(Some(patch)) => patch.parse::<u32>().is_ok(),
        Some(None) => wit == WIT,
        None => false,
    }
}

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

#[cfg(test)]
mod tests {
    use super::served;

    #[test]
    fn a_contract_is_named_by_its_folder_or_by_its_version() {
        for wit in ["0.1", "0.1.0", "0.1.7"] {
            assert!(served(wit), "{wit}");
        }
        for wit in ["0.2", "0.10", "0.1.", "0.1.x", "0.1.0.0", "1", ""] {
            assert!(!served(wit), "{wit}");
        }
    }
}
