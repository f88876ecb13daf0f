//! The server that makes pictures and the store that keeps them in the roll call: what the
//! settings say of them can be used, if a stage makes any.

use std::time::Instant;

use callboard_core::rollcall::{Miss, Reference, ReferenceKind, Referrer, RollScope};

use super::{Media, STORE};
use crate::images::Provider;
use crate::images::provider::PROVIDER;

/// The handler that asks the server and the store.
const MAKES: &str = "content.make_images";

pub(crate) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let pipelines = scope.definitions.pipelines.values();
    let mut stages = pipelines.flat_map(|pipeline| &pipeline.value.stages);
    let makes = stages.any(|stage| {
        let handler = stage.handler.as_ref();
        handler.is_some_and(|handler| handler.as_ref().as_str() == MAKES)
    });
    let declared = |key: &str| scope.definitions.settings.contains_key(key);
    if !makes || !declared(PROVIDER) || !declared(STORE) {
        return Vec::new();
    }
    let mend = "set what it names";
    let server = Provider::of(scope.settings).err();
    let server = server.map(|error| Miss::new(error.to_string(), mend));
    // A folder is made where it is used; here only what a bucket wants is asked.
    let store = Media::bucket(scope.settings, Instant::now()).err();
    let store = store.map(|error| Miss::new(error.to_string(), mend));
    let reference = |key: &str, miss| {
        let referrer = Referrer::Handler(MAKES.to_owned());
        Reference::new(referrer, "settings", ReferenceKind::Setting, key).missed(miss)
    };
    vec![reference(PROVIDER, server), reference(STORE, store)]
}
