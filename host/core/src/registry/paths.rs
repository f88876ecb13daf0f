//! Keys that are paths of this machine. Which they are, the handlers that read them say in their
//! schemas, as `"format": "path"`; where a relative one begins is settled once, where it is
//! written: at the folder of the command that starts a run, or at the workspace for a definition.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value as Json;

use super::Registry;
use crate::outcome::Patch;
use crate::pipeline::Pipeline;

impl Registry {
    /// Have relative paths in the input of a run begin at `folder`, which is absolute.
    pub fn settle_paths(&self, pipeline: &Pipeline, input: &mut Patch, folder: &Path) {
        for key in self.paths(pipeline) {
            if let Some(value) = input.get_mut(&key) {
                begin_at(value, folder);
            }
        }
    }

    /// Have relative paths in a definition begin at `folder`, which is absolute.
    pub fn settle_definition(&self, pipeline: &mut Pipeline, folder: &Path) {
        let paths = self.paths(pipeline);
        for (_, declared) in pipeline
            .input
            .iter_mut()
            .filter(|(key, _)| paths.contains(*key))
        {
            if let Some(default) = &mut declared.default {
                begin_at(default, folder);
            }
        }
        let inputs = pipeline.schedules.iter_mut();
        for (key, value) in inputs.flat_map(|schedule| schedule.input.iter_mut()) {
            if paths.contains(key) {
                begin_at(value, folder);
            }
        }
    }

    /// The keys that handlers of a pipeline read as paths.
    fn paths(&self, pipeline: &Pipeline) -> BTreeSet<String> {
        let handlers = pipeline
            .stages
            .iter()
            .filter_map(|stage| stage.handler.as_ref());
        let entries = handlers.filter_map(|name| self.get(name.get_ref()));
        let read = entries.filter_map(|entry| entry.contract.reads.get("properties")?.as_object());
        let paths = read.flatten().filter(|(_, schema)| {
            let format = schema.get("format").and_then(Json::as_str);
            format == Some("path")
        });
        paths.map(|(key, _)| key.clone()).collect()
    }
}

/// A text that is no absolute path, and not empty, begins at `folder`.
fn begin_at(value: &mut Json, folder: &Path) {
    let Some(path) = value.as_str().map(str::trim) else {
        return;
    };
    if path.is_empty() || Path::new(path).is_absolute() {
        return;
    }
    // What is no text stays relative, and is refused by what reads it.
    if let Some(path) = folder.join(path).to_str() {
        *value = Json::from(path);
    }
}
