//! What a workspace or a revision says about a plugin.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::place::{Defined, Misread, Place};
use super::{Files, mistakes, stays_inside};
use crate::handler::Contract;
use crate::plugin::manifest::{self, Manifest};
use crate::settings::hex;

/// What `describe` said when the workspace was applied, as a file of the revision beside the
/// manifest. It is never read from an operator's folder.
pub const CONTRACTS: &str = "contracts.json";

/// A plugin as it is written down.
#[derive(Debug, Clone)]
pub struct PluginFiles {
    pub manifest: Defined<Manifest>,
    /// The component; `None` if the file is not there.
    pub component: Option<Component>,
    /// What it gives, as applied; `None` before that.
    pub contracts: Option<Vec<Contract>>,
}

/// A component: what it is, and its bytes if they are at hand. Those of a revision stay in the
/// store until a guest is called.
#[derive(Debug, Clone)]
pub struct Component {
    /// SHA-256 of the bytes.
    pub digest: String,
    pub bytes: Option<Arc<[u8]>>,
}

impl PluginFiles {
    /// SHA-256 of the component; empty if it is not there.
    pub fn digest(&self) -> &str {
        let component = self.component.as_ref();
        component.map_or("", |component| &component.digest)
    }

    /// `stored` are the components that are not among the files, as path and digest.
    pub(super) fn parse(
        folder: &str,
        text: &str,
        files: &Files,
        stored: &BTreeMap<String, String>,
    ) -> (Option<Self>, Vec<Misread>) {
        let file = format!("plugins/{folder}/{}", manifest::FILE);
        let (value, mut misreads) = mistakes::parse::<Manifest>(&file, text);
        let Some(value) = value else {
            return (None, misreads);
        };
        let manifest = Defined {
            file,
            text: text.into(),
            path: Vec::new(),
            value,
        };
        misreads.extend(wrong_name(folder, &manifest));
        misreads.extend(wrong_component(&manifest));
        let path = format!("plugins/{folder}/{}", manifest.value.component.get_ref());
        let (contracts, misread) = contracts(folder, files);
        misreads.extend(misread);
        let plugin = Self {
            manifest,
            component: component(&path, files, stored),
            contracts,
        };
        (Some(plugin), misreads)
    }
}

fn component(path: &str, files: &Files, stored: &BTreeMap<String, String>) -> Option<Component> {
    let here = files.get(path).map(|bytes| Component {
        digest: hex(&Sha256::digest(bytes)),
        bytes: Some(Arc::from(bytes.as_slice())),
    });
    let stored = || {
        let digest = stored.get(path)?.clone();
        Some(Component {
            digest,
            bytes: None,
        })
    };
    here.or_else(stored)
}

fn wrong_name(folder: &str, manifest: &Defined<Manifest>) -> Option<Misread> {
    let name = manifest.value.name.get_ref();
    (name != folder).then(|| {
        let message = format!("plugin `{name}` is in the folder plugins/{folder}");
        // To rename the folder may take the place of one that is there.
        let mend = format!("write `name = \"{folder}\"`");
        Misread::new(manifest.at(&["name"]), message, mend)
    })
}

fn wrong_component(manifest: &Defined<Manifest>) -> Option<Misread> {
    let component = manifest.value.component.get_ref();
    let reserved = [manifest::FILE, CONTRACTS].contains(&component.as_str());
    (reserved || !stays_inside(component)).then(|| {
        let message = format!("component `{component}` is not a file beside the manifest");
        let mend = "copy the component into the plugin's folder and write its name, without `..` or a leading `/`";
        Misread::new(manifest.at(&["component"]), message, mend)
    })
}

fn contracts(folder: &str, files: &Files) -> (Option<Vec<Contract>>, Option<Misread>) {
    let file = format!("plugins/{folder}/{CONTRACTS}");
    let Some(bytes) = files.get(&file) else {
        return (None, None);
    };
    match serde_json::from_slice(bytes) {
        Ok(contracts) => (Some(contracts), None),
        Err(error) => {
            let message = format!("the contracts of the revision do not read: {error}");
            let misread = Misread::new(Place::start(&file), message, "apply the workspace again");
            (None, Some(misread))
        }
    }
}
