//! The folders into which posts are written in the roll call: each is one that may be written into.

use callboard_core::rollcall::{Miss, Reference, ReferenceKind, Referrer, RollScope};

use super::{Refused, place};

/// The handler that writes.
const WRITES: &str = "publish.markdown_folder";
/// The key of its configuration that names a folder.
const FOLDER: &str = "folder";

pub(crate) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let mut references = Vec::new();
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
            let refused = place(&scope.definitions.config.value, scope.folder, folder).err();
            let miss = refused.map(|Refused { problem, mend }| Miss::new(problem, mend));
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
