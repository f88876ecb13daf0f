//! Settings that the program itself reads, host or tenant: a contract of theirs, as a handler has
//! one, so that the roll call can hold the declarations against it.

use super::SettingType;

/// What reads a setting, and as what.
#[derive(Debug, Clone, Copy)]
pub struct SettingRead {
    /// Its key; a `*` in it stands for any one word.
    pub key: &'static str,
    /// The types that it may be declared as; the first is what to write.
    pub kinds: &'static [SettingType],
    /// Who reads it, in words.
    pub reader: &'static str,
}

/// All that a part of the program reads.
pub struct SettingReads(pub &'static [&'static [SettingRead]]);

inventory::collect!(SettingReads);

const ROLE: &str = "whoever asks a model";

inventory::submit! {
    SettingReads(&[&[
        SettingRead { key: "roles.*.url", kinds: &[SettingType::Url], reader: ROLE },
        SettingRead { key: "roles.*.model", kinds: &[SettingType::Model, SettingType::String], reader: ROLE },
        SettingRead { key: "roles.*.key", kinds: &[SettingType::Secret], reader: ROLE },
        SettingRead { key: "roles.*.provider", kinds: &[SettingType::String], reader: ROLE },
        SettingRead { key: "roles.*.fallback", kinds: &[SettingType::Csv, SettingType::String], reader: ROLE },
    ]])
}

impl SettingRead {
    fn is_of(&self, key: &str) -> bool {
        let Some((before, after)) = self.key.split_once('*') else {
            return self.key == key;
        };
        let word = key
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after));
        word.is_some_and(|word| !word.is_empty() && !word.contains('.'))
    }
}

/// Everything that the program reads.
pub fn reads() -> impl Iterator<Item = &'static SettingRead> {
    inventory::iter::<SettingReads>().flat_map(|reads| reads.0.iter().copied().flatten())
}

/// How the program reads a setting, if it does.
pub fn read_of(key: &str) -> Option<&'static SettingRead> {
    reads().find(|read| read.is_of(key))
}
