//! The folders into which posts are written in the roll call: each is one that may be written into, and can be
//! a folder.

use std::path::Path;

use callboard_core::config;
use callboard_core::rollcall::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use callboard_core::workspace::is_own_name;

use super::{Refused, allowed, place};
use crate::readers::SiteConfig;

/// The handler that writes.
const WRITES: &str = "publish.markdown_folder";
/// The key of its configuration that names a folder.
const FOLDER: &str = "folder";
/// The key of `callboard.toml` that names folders outside of the workspace.
const ALLOWED: &str = "publish_into";

pub(crate) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = allowed_folders(scope);
    for defined in scope.definitions.pipelines.values() {
        for (index, stage) in defined.value.stages.iter().enumerate() {
            let handler = stage.handler.as_ref().map(|name| name.get_ref().as_str());
            let named = stage.config.get_ref().get(FOLDER);
            let Some(folder) = named.and_then(|it| it.as_str()) else {
                continue;
            };
            if handler != Some(WRITES) {
                continue;
            }
            let miss = unwritable(scope, folder);
            let referrer = Referrer::Stage {
                pipeline: defined.value.name().to_owned(),
                stage: stage.id().to_owned(),
            };
            let key = format!("config.{FOLDER}");
            let reference = Reference::new(referrer, key, ReferenceKind::Config, folder);
            let place = defined.at(&["stage", &index.to_string(), "config", FOLDER]);
            references.push(reference.at(place).missed(miss));
        }
    }
    references
}

/// Folders of `callboard.toml`.
fn allowed_folders(scope: &RollScope<'_>) -> Vec<Reference> {
    let config = &scope.definitions.config;
    let folders = config.value.part::<SiteConfig>().publish_into.iter();
    let references = folders.enumerate().map(|(index, folder)| {
        let refused = allowed(folder).err().map(missed);
        let miss = refused.or_else(|| no_folder(folder));
        let referrer = Referrer::Tenant(config::FILE.to_owned());
        let target = folder.to_string_lossy();
        let reference = Reference::new(referrer, ALLOWED, ReferenceKind::Config, target);
        reference
            .at(config.at(&[ALLOWED, &index.to_string()]))
            .missed(miss)
    });
    references.collect()
}

/// Why no post can be written into a folder of a configuration.
fn unwritable(scope: &RollScope<'_>, folder: &str) -> Option<Miss> {
    let path = match place(&scope.definitions.config.value, scope.folder, folder) {
        Ok(path) => path,
        Err(refused) => return Some(missed(refused)),
    };
    let first = folder.split('/').next().unwrap_or_default();
    if path.starts_with(scope.folder) && is_own_name(&scope.definitions.config.value, first) {
        let problem = format!("`{first}` is a file of the host");
        let mend = "name a folder of its own in the workspace, such as `content/posts`";
        return Some(Miss::new(problem, mend));
    }
    no_folder(&path)
}

/// The miss of a path on whose way something stands that is no folder.
fn no_folder(path: &Path) -> Option<Miss> {
    let there = path.ancestors().find(|it| it.symlink_metadata().is_ok())?;
    (!there.is_dir()).then(|| {
        let problem = format!("`{}` is there, and is no folder", there.display());
        Miss::new(problem, "name another folder, or move what is there away")
    })
}

fn missed(refused: Refused) -> Miss {
    let Refused { problem, mend } = refused;
    Miss::new(problem, mend)
}
