//! Stages and policies name handlers, and every handler is named by something. The files of
//! native handlers and the registered names are the same set.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{FirstMiss, Miss, Reference, ReferenceKind, Referrer, RefusedPlugin, RollScope};
use crate::registry::{HandlerOrigin, nearest};
use crate::workspace::Place;

/// Gives the place of a key.
type Locate<'a> = Box<dyn Fn(&[&str]) -> Place + 'a>;

/// A stage or policy that names a handler.
pub(super) struct Use<'a> {
    pub(super) referrer: Referrer,
    pub(super) handler: &'a str,
    pub(super) config: &'a Json,
    /// The file that it is written in.
    text: &'a str,
    at: Locate<'a>,
}

impl Use<'_> {
    /// The place of a key of the stage or policy.
    pub(super) fn at(&self, path: &[&str]) -> Place {
        (self.at)(path)
    }

    /// What to do for its configuration to have a key below a path, in the way in which it is written.
    pub(super) fn addition(&self, path: &[String], key: &str) -> String {
        if !path.is_empty() {
            return format!("add `{key} = …` to `config.{}`", path.join("."));
        }
        let place = self.at(&["config"]);
        let line = self.text.lines().nth(place.line - 1);
        let line = line.unwrap_or_default().trim();
        if line.starts_with('[') && line.contains("config") {
            return format!("add `{key} = …` under {line}");
        }
        let table = line.strip_prefix("config");
        if table.is_some_and(|it| it.trim_start().starts_with('=')) {
            return format!("add `{key} = …` inside `config = {{ … }}`");
        }
        format!("add `config.{key} = …` on the line below `handler`")
    }

    /// A reference that a key of its configuration makes.
    pub(super) fn configured(&self, key: &str, kind: ReferenceKind, target: &str) -> Reference {
        let reference = Reference::new(&self.referrer, format!("config.{key}"), kind, target);
        reference.at(self.at(&["config", key]))
    }
}

/// Every use of a handler, stages first.
pub(super) fn uses<'a>(scope: &RollScope<'a>) -> Vec<Use<'a>> {
    let mut uses = Vec::new();
    for (name, pipeline) in &scope.definitions.pipelines {
        for (index, stage) in pipeline.value.stages.iter().enumerate() {
            let Some(handler) = &stage.handler else {
                continue;
            };
            uses.push(Use {
                referrer: Referrer::stage(name, stage.id()),
                handler: handler.get_ref(),
                config: stage.config.get_ref(),
                text: pipeline.text.whole(),
                at: Box::new(move |path| {
                    let index = index.to_string();
                    pipeline.at(&[&["stage", &index], path].concat())
                }),
            });
        }
    }
    for (name, policy) in &scope.definitions.policies {
        uses.push(Use {
            referrer: Referrer::policy(name),
            handler: policy.value.handler.get_ref(),
            config: &policy.value.config,
            text: policy.text.whole(),
            at: Box::new(move |path| policy.at(path)),
        });
    }
    uses
}

pub(super) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let uses = uses(scope);
    let mut references: Vec<_> = uses.iter().map(|used| named(scope, used)).collect();
    references.extend(unreferenced(scope, &uses));
    references.extend(native_files(scope));
    references
}

fn named(scope: &RollScope<'_>, used: &Use<'_>) -> Reference {
    let known = scope.registry.get(used.handler).is_some();
    Reference::new(
        &used.referrer,
        "handler",
        ReferenceKind::Handler,
        used.handler,
    )
    .at(used.at(&["handler"]))
    .missed((!known).then(|| unknown(scope, used.handler)))
}

/// Why a handler does not answer: its plugin did not load, it is another name, or nothing.
fn unknown(scope: &RollScope<'_>, name: &str) -> Miss {
    let giver = scope.refused.iter().find(|refused| {
        let plugin = scope.definitions.plugins.get(&refused.plugin);
        let mut contracts = plugin
            .and_then(|plugin| plugin.contracts.as_ref())
            .into_iter()
            .flatten();
        contracts.any(|contract| contract.name == name)
    });
    if let Some(refused) = giver {
        let problem = format!(
            "handler `{name}` is of plugin {}, which did not load",
            refused.plugin
        );
        return Miss::new(problem, refused.mend.clone()).because(not_loaded(refused));
    }
    let problem = format!("no handler is called `{name}`");
    if let Some(refused) = scope.refused.first() {
        let mend = format!(
            "plugin {} did not load; mend it first, if the handler is one of its own",
            refused.plugin
        );
        return Miss::new(problem, mend).because(not_loaded(refused));
    }
    if let Some(near) = scope.registry.nearest(name) {
        return Miss::new(problem, format!("write `handler = \"{near}\"`"));
    }
    let config = &scope.definitions.config.value;
    let mut granted = config.grants.keys().filter(|name| *name != "*");
    // Something is granted to a plugin that is not there: it was to give the handler, perhaps.
    if let Some(lost) = granted.find(|name| !scope.definitions.plugins.contains_key(*name)) {
        let mend = format!(
            "add plugins/{lost}, which is granted something and is not there, if it gives the \
             handler; or name one of `callboard handlers list`"
        );
        let cause = FirstMiss::new(Referrer::Ceiling(lost.clone()), format!("grants.{lost}"));
        return Miss::new(problem, mend).because(cause);
    }
    let mend =
        "name one of `callboard handlers list`, or add the plugin that gives it below plugins/";
    Miss::new(problem, mend)
}

fn not_loaded(refused: &RefusedPlugin) -> FirstMiss {
    FirstMiss::new(Referrer::plugin(&refused.plugin), "name")
}

/// Notes on handlers that no stage and no policy names.
fn unreferenced(scope: &RollScope<'_>, uses: &[Use<'_>]) -> Vec<Reference> {
    let busy: BTreeSet<&str> = uses.iter().map(|used| used.handler).collect();
    let idle = scope
        .registry
        .iter()
        .filter(|entry| !busy.contains(entry.contract.name.as_str()));
    idle.map(|entry| {
        let referrer = Referrer::handler(&entry.contract.name);
        let target = format!("{}: no stage and no policy names it", entry.origin);
        Reference::new(referrer, "name", ReferenceKind::Unreferenced, target)
    })
    .collect()
}

fn native_files(scope: &RollScope<'_>) -> Vec<Reference> {
    let files: BTreeSet<String> = scope
        .native_files
        .iter()
        .map(|file| handler_of(file))
        .collect();
    let native = scope
        .registry
        .iter()
        .filter(|entry| matches!(entry.origin, HandlerOrigin::Native { .. }));
    let registered: BTreeSet<&str> = native.map(|entry| entry.contract.name.as_str()).collect();
    let mut references = Vec::new();
    for file in scope.native_files {
        let name = handler_of(file);
        let miss = (!registered.contains(name.as_str())).then(|| {
            let problem =
                format!("the file is there, but `{name}` is not registered in this program");
            Miss::new(
                problem,
                "add `register!` to the file, and check that the linker kept it",
            )
        });
        let reference = Reference::new(
            Referrer::NativeFile((*file).to_owned()),
            "register!",
            ReferenceKind::NativeFile,
            name,
        );
        references.push(reference.missed(miss));
    }
    for name in registered.iter().filter(|name| !files.contains(**name)) {
        let near = nearest(name, files.iter().map(String::as_str)).unwrap_or("none");
        let miss = Miss::new(
            format!(
                "`{name}` is registered, but has no file below handlers/ (the nearest is {near})"
            ),
            "build the program again, so that its list of files is new",
        );
        let reference = Reference::new(
            Referrer::handler(*name),
            "file",
            ReferenceKind::NativeFile,
            *name,
        );
        references.push(reference.missed(Some(miss)));
    }
    references
}

/// `…/retention/ttl_prune.rs` is `retention.ttl_prune`.
pub(crate) fn handler_of(file: &str) -> String {
    let mut segments = file.trim_end_matches(".rs").rsplit('/');
    let name = segments.next().unwrap_or_default();
    let surface = segments.next().unwrap_or_default();
    format!("{surface}.{name}")
}
