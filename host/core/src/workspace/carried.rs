//! What becomes of the values of settings when another revision becomes active: a value that was nothing but the
//! default of the one before follows the default of the new one, and an empty one that is no value goes.

use std::collections::BTreeMap;

use super::{Definitions, SETTINGS};
use crate::settings::{Declaration, SettingType};
use crate::store::setting_changes::{PlannedChange, SettingEvent};
use crate::store::settings::{SettingContent, StoredSetting};

type Declared = BTreeMap<String, Declaration>;

/// As [`CarryOver`](crate::store::setting_changes::CarryOver) says.
pub fn carried(old: Option<&[u8]>, new: &[u8], stored: &[StoredSetting]) -> Vec<PlannedChange> {
    let old = declared(old.unwrap_or_default());
    carried_over(&old, &declared(new), stored)
}

/// The same with what is declared before and after.
pub fn carried_over(
    old: &Declared,
    new: &Declared,
    stored: &[StoredSetting],
) -> Vec<PlannedChange> {
    let texts = stored.iter().filter_map(|stored| match &stored.content {
        SettingContent::Text(text) => Some((stored.key.as_str(), text.as_str())),
        SettingContent::Sealed { .. } | SettingContent::Unreadable(_) => None,
    });
    let wanted = texts.filter_map(|(key, text)| {
        let now = new.get(key).filter(|it| it.kind != SettingType::Secret)?;
        let (event, detail) = event(old.get(key), now, text)?;
        Some(PlannedChange {
            key: key.to_owned(),
            content: None,
            event,
            who: String::new(),
            detail,
        })
    });
    wanted.collect()
}

fn declared(text: &[u8]) -> Declared {
    let files = [(SETTINGS.to_owned(), text.to_vec())].into();
    Definitions::declared_in(&files)
}

/// What happens to a value that is set, if anything does, and why.
fn event(
    old: Option<&Declaration>,
    new: &Declaration,
    text: &str,
) -> Option<(SettingEvent, String)> {
    if text.is_empty() && new.kind.check(text).is_err() {
        let detail = format!("empty is no value of type {}", new.kind);
        return Some((SettingEvent::Repair, detail));
    }
    let (before, now) = (old?.default.as_deref(), new.default.as_deref()?);
    // Where there was no default, empty was what stood for none.
    let was = before.unwrap_or_default();
    let follows = text == was && before != Some(now) && text != now;
    follows.then(|| {
        let detail = format!("the default was `{was}`, and is `{now}`");
        (SettingEvent::Follow, detail)
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn stored(key: &str, text: &str) -> StoredSetting {
        StoredSetting {
            key: key.to_owned(),
            content: SettingContent::Text(text.to_owned()),
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_default_is_followed_and_a_choice_is_kept() {
        let old = b"a = { type = \"string\", default = \"x\", description = \"d\" }\n\
            b = { type = \"string\", description = \"d\" }\n\
            c = { type = \"integer\", default = \"1\", description = \"d\" }\n\
            d = { type = \"string\", default = \"x\", description = \"d\" }\n";
        let new = b"a = { type = \"string\", default = \"y\", description = \"d\" }\n\
            b = { type = \"string\", default = \"y\", description = \"d\" }\n\
            c = { type = \"integer\", default = \"1\", description = \"d\" }\n\
            d = { type = \"string\", description = \"d\" }\n";
        let become_of = |key: &str, text: &str| {
            let wanted = carried(Some(old), new, &[stored(key, text)]);
            wanted.first().map(|wanted| wanted.event)
        };
        let follow = Some(SettingEvent::Follow);
        let repair = Some(SettingEvent::Repair);
        for (key, text, event) in [
            ("a", "x", follow),
            ("a", "mine", None),
            ("a", "y", None),
            ("a", "", None),
            ("b", "", follow),
            ("b", "mine", None),
            ("c", "1", None),
            ("c", "", repair),
            ("d", "x", None),
            ("undeclared", "x", None),
        ] {
            assert_eq!(become_of(key, text), event, "{key} {text:?}");
        }
    }
}
