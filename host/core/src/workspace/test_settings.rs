//! The settings as a test of the workspace sees them: its own and the defaults, no value of the workspace, and a
//! word in the place of secrets.

use std::collections::BTreeSet;

use super::{Definitions, TestCase};
use crate::settings::{Declaration, Secret, SettingType, Snapshot, fits};

/// What stands in the place of a secret where nobody is asked.
pub const STAND_IN: &str = "no secret";

impl Definitions {
    /// The settings as a test sees them: its own, and the defaults of all others.
    pub fn settings_of(&self, case: &TestCase) -> Snapshot {
        let secrets = self.stand_ins(case).into_iter();
        let secrets = secrets.map(|key| (key.to_owned(), Secret::new(STAND_IN.to_owned())));
        let values = case.settings.iter().filter(|(key, value)| {
            let declared = self.settings.get(*key).map(|it| it.value.kind);
            declared
                .is_some_and(|kind| kind != SettingType::Secret && fits(key, kind, value).is_ok())
        });
        let values = values.map(|(key, value)| (key.clone(), value.clone()));
        Snapshot::new(self.declarations(), values.collect(), secrets.collect())
    }

    /// The secrets in whose place a test that plays has a word: those beside what it sets and beside addresses
    /// and models that have a default, without which these would say half; those that plugins send; and those
    /// that are required. Nobody is asked with them.
    pub fn stand_ins(&self, case: &TestCase) -> Vec<&str> {
        let defaults = self.settings.iter().map(|(key, it)| (key, &it.value));
        let defaults = defaults.filter(|(_, it)| leads_somewhere(it));
        let keys = case.settings.keys().chain(defaults.map(|(key, _)| key));
        let groups: BTreeSet<&str> = keys.filter_map(|key| group(key)).collect();
        let asks = self.plugins.values();
        let asks = asks.flat_map(|plugin| &plugin.manifest.value.ask.credentials);
        let sent: BTreeSet<&str> = asks.map(|it| it.name.as_str()).collect();
        let secrets = self
            .settings
            .iter()
            .map(|(key, it)| (key.as_str(), &it.value));
        let stand_in = secrets.filter(|(key, it)| {
            let beside = || group(key).is_some_and(|it| groups.contains(it));
            it.kind == SettingType::Secret && (it.required || sent.contains(key) || beside())
        });
        stand_in.map(|(key, _)| key).collect()
    }
}

/// What the settings of one thing have in common: `roles.writer` of `roles.writer.url`.
pub fn group(key: &str) -> Option<&str> {
    key.rsplit_once('.').map(|(group, _)| group)
}

/// Whether a setting has a default that something is asked by.
fn leads_somewhere(declared: &Declaration) -> bool {
    let asked = matches!(declared.kind, SettingType::Url | SettingType::Model);
    asked && declared.default.as_ref().is_some_and(|it| !it.is_empty())
}
