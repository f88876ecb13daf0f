//! What the run of a test lacks: values of settings that its pipeline wants, and that the test does not give. A
//! test sees no value of the workspace, so all of it is known before it is run.

use std::collections::BTreeMap;

use super::DefinedTest;
use crate::pipeline::Pipeline;
use crate::rollcall::{
    Concern, FirstMiss, Miss, Misses, Reference, ReferenceKind, Referrer, RollRules, RollScope,
    named, settings,
};
use crate::settings::{SettingType, Snapshot};
use crate::store::runs::RunStatus;

/// References about values, by the settings of the test that they were called with: most tests have the same.
pub(super) type Asked<'a> = BTreeMap<&'a BTreeMap<String, String>, Vec<Reference>>;

/// The misses of a test whose run would be blocked, but for one that is to be.
pub(super) fn list<'a>(
    case: &DefinedTest<'a>,
    pipeline: &'a Pipeline,
    asked: &mut Asked<'a>,
    slip: Option<&FirstMiss>,
) -> Vec<Reference> {
    let test = &case.defined.value;
    if test.expect.status == RunStatus::Blocked {
        return Vec::new();
    }
    let definitions = case.scope.definitions;
    let references = asked
        .entry(&test.settings)
        .or_insert_with(|| unset(case.scope, &definitions.settings_of(test)));
    let plugins = definitions.plugins.iter();
    let plugins = plugins.map(|(name, plugin)| (name.as_str(), &plugin.manifest.value.ask));
    let concern = Concern {
        pipeline,
        registry: case.scope.registry,
        grants: plugins.collect(),
    };
    let misses = Misses::of(references.iter());
    let lacking = concern.roots(&misses).into_iter().filter_map(|reference| {
        let miss = reference.miss.as_ref()?;
        let keys = named(miss.unset.iter().map(String::as_str));
        let who = who(&reference.referrer);
        let problem = format!("the test does not give {keys}, which {who} needs");
        let mend = added(case, &miss.unset);
        let place = case.defined.at(&["settings"]);
        let lacks = Reference::new(&case.referrer, "settings", ReferenceKind::Setting, keys);
        let miss = Miss::new(problem, mend).because(slip.cloned());
        Some(lacks.at(place).missed(Some(miss)))
    });
    lacking.collect()
}

/// What does not answer only because settings have no value.
fn unset(scope: &RollScope<'_>, settings: &Snapshot) -> Vec<Reference> {
    let scope = RollScope { settings, ..*scope };
    let rules = inventory::iter::<RollRules>().flat_map(|rules| rules.0);
    let mut references = settings::list(&scope);
    references.extend(rules.flat_map(|rule| rule(&scope)));
    references.retain(|reference| {
        let miss = reference.miss.as_ref();
        miss.is_some_and(|miss| !miss.unset.is_empty() && !miss.warns)
    });
    references
}

fn who(referrer: &Referrer) -> String {
    match referrer {
        Referrer::Role(role) => format!("role `{role}`"),
        Referrer::Declaration(key) => format!("`{key}`"),
        other => other.to_string(),
    }
}

/// How a test gives values. A secret is none that could stand there: it has a word in its place once what it is
/// sent with is said.
fn added(case: &DefinedTest<'_>, keys: &[String]) -> String {
    let settings = &case.scope.definitions.settings;
    let declared = |key: &String| settings.get(key).map(|it| it.value.kind);
    let lines = keys.iter().filter_map(|key| match declared(key)? {
        SettingType::Secret => None,
        kind => Some(format!("\n\"{key}\" = \"…\"  # {kind}")),
    });
    let lines: String = lines.collect();
    let file = &case.defined.at(&[]).file;
    let text = case.defined.text.whole();
    if lines.is_empty() {
        return "give the address that it is sent to below `[settings]`".to_owned();
    }
    if text.lines().any(|line| line.trim() == "[settings]") {
        return format!("write under [settings] in {file}:{lines}");
    }
    format!("add to {file}:\n[settings]{lines}")
}
