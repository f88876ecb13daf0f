//! Settings that the program itself reads, host or tenant: a contract of theirs, as a handler has
//! one, so that the roll call can hold the declarations against it.

use std::path::Path;

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
    /// Whether a text that is of its type is one that the reader can use.
    pub text: fn(&str) -> Result<(), SettingMisfit>,
    /// Whether it is one in the folder of a workspace, on this machine. The roll call asks the same of what is set.
    pub place: fn(&Path, &str) -> Result<(), SettingMisfit>,
}

/// Why a text is no value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingMisfit {
    pub problem: String,
    /// The value that was meant, if there is one much alike.
    pub meant: Option<String>,
}

impl SettingMisfit {
    pub fn new(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            meant: None,
        }
    }

    #[must_use]
    pub fn meant(self, meant: impl Into<Option<String>>) -> Self {
        Self {
            meant: meant.into(),
            ..self
        }
    }

    /// A text that is one of some words, or empty.
    pub fn word(text: &str, words: &[&str]) -> Result<(), Self> {
        if text.is_empty() || words.contains(&text) {
            return Ok(());
        }
        let text = text.escape_debug();
        let problem = format!("`{text}` is none of {}", words.join(", "));
        let meant = crate::near_name::nearest(&text.to_string(), words.iter().copied());
        Err(Self::new(problem).meant(meant.map(str::to_owned)))
    }
}

/// Whether `text` is a value of a setting: of the type that is declared, and one that the program can
/// use, if the program reads it.
pub fn fits(key: &str, kind: SettingType, text: &str) -> Result<(), SettingMisfit> {
    kind.check(text).map_err(SettingMisfit::new)?;
    read_of(key).map_or(Ok(()), |read| (read.text)(text))
}

/// The same of a text that somebody gives in a workspace, where it may name a place.
pub fn fits_in(
    workspace: &Path,
    key: &str,
    kind: SettingType,
    text: &str,
) -> Result<(), SettingMisfit> {
    fits(key, kind, text)?;
    read_of(key).map_or(Ok(()), |read| (read.place)(workspace, text))
}

/// All that a part of the program reads.
pub struct SettingReads(pub &'static [&'static [SettingRead]]);

inventory::collect!(SettingReads);

impl SettingRead {
    /// A setting whose every text of the type will do.
    pub const fn new(
        key: &'static str,
        kinds: &'static [SettingType],
        reader: &'static str,
    ) -> Self {
        Self {
            key,
            kinds,
            reader,
            text: |_| Ok(()),
            place: |_, _| Ok(()),
        }
    }

    /// The same, with what is asked of its text besides.
    #[must_use]
    pub const fn checked(self, text: fn(&str) -> Result<(), SettingMisfit>) -> Self {
        Self { text, ..self }
    }

    /// The same, with what is asked of the place that it names besides.
    #[must_use]
    pub const fn placed(self, place: fn(&Path, &str) -> Result<(), SettingMisfit>) -> Self {
        Self { place, ..self }
    }

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
