//! The systems that stages tell in the roll call: address and secret of each are declared as what they are, runs
//! wait for their values, and an address that is not public is one that the stage names.

use callboard_core::client::Client;
use callboard_core::grants::Origin;
use callboard_core::pipeline::{Pipeline, Stage};
use callboard_core::rollcall::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use callboard_core::settings::SettingType;
use callboard_core::workspace::Defined;
use url::Url;

use super::{secret_key, url_key};

/// The handler that tells.
const TELLS: &str = "publish.webhook";
/// The key of its configuration that names a system.
const TO: &str = "to";
/// The key of its configuration that names origins which are not public.
const BESIDES: &str = "besides";

pub(crate) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let pipelines = scope.definitions.pipelines.values();
    let stages = pipelines.flat_map(|defined| {
        let stages = defined.value.stages.iter().enumerate();
        stages.flat_map(move |(index, stage)| told(scope, defined, index, stage))
    });
    stages.collect()
}

/// The settings of the system that a stage tells.
fn told(
    scope: &RollScope<'_>,
    defined: &Defined<Pipeline>,
    index: usize,
    stage: &Stage,
) -> Vec<Reference> {
    let handler = stage.handler.as_ref().map(|name| name.get_ref().as_str());
    let name = stage.config.get_ref().get(TO).and_then(|to| to.as_str());
    let Some(name) = name.filter(|_| handler == Some(TELLS)) else {
        return Vec::new();
    };
    let keys = [
        (url_key(name), SettingType::Url, "VALUE"),
        (secret_key(name), SettingType::Secret, "-"),
    ];
    let references = keys.map(|(key, kind, value)| {
        let miss = undeclared(scope, &key, kind).or_else(|| {
            let unset = !scope.settings.is_present(&key);
            let mend = format!("callboard settings set {key} {value}");
            unset.then(|| {
                let miss = Miss::new(format!("setting `{key}` is not set"), mend).unset([&key]);
                miss.waiting()
            })
        });
        let miss =
            miss.or_else(|| unreachable(scope, &key, stage).filter(|_| kind == SettingType::Url));
        let referrer = Referrer::Stage {
            pipeline: defined.value.name().to_owned(),
            stage: stage.id().to_owned(),
        };
        let reference = Reference::new(referrer, "config.to", ReferenceKind::Setting, key);
        let place = defined.at(&["stage", &index.to_string(), "config", TO]);
        reference.at(place).missed(miss)
    });
    references.into()
}

/// The miss of an address that no request of the stage goes to, as far as its text tells.
fn unreachable(scope: &RollScope<'_>, key: &str, stage: &Stage) -> Option<Miss> {
    let text = scope.settings.text(key).ok().flatten()?;
    let url: Url = text.parse().ok()?;
    let written = stage.config.get_ref().get(BESIDES);
    // What is no list of origins is told by its schema.
    let besides = written.map_or(Ok(Vec::new()), |it| serde_json::from_value(it.clone()));
    let besides: Vec<Origin> = besides.ok()?;
    let asked = Client::for_public(&besides);
    let refused = asked.policy().check("POST", &url).err()?;
    let origin = Origin::of(&url)?;
    let mend = if written.is_some() {
        format!("add \"{origin}\" to `config.{BESIDES}`, if it is yours")
    } else {
        format!("add `{BESIDES} = [\"{origin}\"]` to its `config`, if it is yours")
    };
    let problem = format!("setting `{key}` leads where the stage may not go: {refused}");
    Some(Miss::new(problem, mend))
}

/// One of another type is told with its declaration.
fn undeclared(scope: &RollScope<'_>, key: &str, kind: SettingType) -> Option<Miss> {
    let known = scope.definitions.settings.contains_key(key);
    (!known).then(|| {
        let mend =
            format!("add to settings.toml:\n[\"{key}\"]\ntype = \"{kind}\"\ndescription = \"…\"");
        Miss::new(format!("setting `{key}` is not declared"), mend)
    })
}
