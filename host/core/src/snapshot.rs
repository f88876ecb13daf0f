//! Declarations and stored values to the snapshot that runs read.

use std::collections::BTreeMap;

use crate::secrets::{Sealed, SecretError, SecretKey};
use crate::settings::{Declaration, Secret, SettingType, Snapshot, UnfitValue, fits};
use crate::store::settings::{SettingContent, StoredSetting};

/// The snapshot of what is declared and stored. A stored value that does not fit stays in it as
/// that: the roll call misses it, and a caller that asks for it is refused.
pub fn build(
    declarations: BTreeMap<String, Declaration>,
    stored: &[StoredSetting],
    key: Option<&SecretKey>,
) -> Snapshot {
    let mut values = BTreeMap::new();
    let mut secrets = BTreeMap::new();
    let mut unfit = Vec::new();
    for stored in stored {
        match take(declarations.get(&stored.key), stored, key) {
            Ok(TakenValue::Text(text)) => drop(values.insert(stored.key.clone(), text)),
            Ok(TakenValue::Secret(secret)) => drop(secrets.insert(stored.key.clone(), secret)),
            Err(problem) => unfit.push(problem),
        }
    }
    Snapshot::new(declarations, values, secrets).with_unfit(unfit)
}

enum TakenValue {
    Text(String),
    Secret(Secret),
}

fn take(
    declaration: Option<&Declaration>,
    stored: &StoredSetting,
    key: Option<&SecretKey>,
) -> Result<TakenValue, UnfitValue> {
    let name = &stored.key;
    let Some(declaration) = declaration else {
        let mend = format!("declare it in settings.toml, or run `callboard settings unset {name}`");
        return Err(unfit(name, "has a value, but is not declared".into(), mend));
    };
    // A secret is given by its standard input: what is typed stays in the shell's history.
    let value = match declaration.kind {
        SettingType::Secret => "-",
        _ => "VALUE",
    };
    let again = format!("callboard settings set {name} {value}");
    match &stored.content {
        SettingContent::Unreadable(problem) => Err(unfit(name, problem.clone(), again)),
        SettingContent::Sealed { bytes, key_id } if declaration.kind == SettingType::Secret => {
            let sealed = Sealed {
                bytes: bytes.clone(),
                key_id: key_id.clone(),
            };
            let opened = match key {
                Some(key) => key.open(name, &sealed),
                None => Err(SecretError::NoKey {
                    name: name.clone(),
                    key_id: sealed.key_id,
                }),
            };
            opened
                .map(TakenValue::Secret)
                .map_err(|error| unfit(name, error.to_string(), again))
        }
        SettingContent::Text(_) if declaration.kind == SettingType::Secret => {
            let problem = "is a secret, but its value is stored in the clear";
            Err(unfit(name, problem.into(), again))
        }
        SettingContent::Sealed { .. } => {
            let problem = format!("is of type {}, but its value is sealed", declaration.kind);
            Err(unfit(name, problem, again))
        }
        SettingContent::Text(text) => match fits(name, declaration.kind, text) {
            Ok(()) => Ok(TakenValue::Text(text.clone())),
            Err(misfit) => {
                let meant = misfit.meant;
                let meant = meant.map(|meant| format!("callboard settings set {name} {meant}"));
                Err(unfit(name, misfit.problem, meant.unwrap_or(again)))
            }
        },
    }
}

fn unfit(key: &str, problem: String, mend: String) -> UnfitValue {
    UnfitValue {
        key: key.to_owned(),
        problem,
        mend,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn declared(kind: SettingType) -> Declaration {
        Declaration {
            kind,
            default: None,
            required: false,
            description: String::new(),
        }
    }

    fn stored(key: &str, content: SettingContent) -> StoredSetting {
        StoredSetting {
            key: key.into(),
            content,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn values_that_do_not_fit_are_refused_and_reported() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = SecretKey::load_or_make(&folder.path().join("k")).expect("a key");
        let sealed = key.seal("s", &Secret::new("hush".into())).expect("sealed");
        let sealed = || SettingContent::Sealed {
            bytes: sealed.bytes.clone(),
            key_id: sealed.key_id.clone(),
        };
        let text = |text: &str| SettingContent::Text(text.into());
        let declarations = || {
            let kinds = [
                ("n", SettingType::Integer),
                ("m", SettingType::Integer),
                ("s", SettingType::Secret),
                ("t", SettingType::Secret),
            ];
            kinds
                .map(|(key, kind)| (key.to_owned(), declared(kind)))
                .into()
        };
        let values = [
            stored("gone", text("1")),
            stored("m", text("many")),
            stored("n", text("5")),
            stored("s", sealed()),
            stored("t", text("clear")),
        ];
        let snapshot = build(declarations(), &values, Some(&key));
        assert_eq!(snapshot.text("n"), Ok(Some("5".into())));
        assert!(snapshot.text("m").is_err(), "neither unset nor a default");
        let opened = snapshot
            .secret("s")
            .map(|secret| secret.map(Secret::expose));
        assert_eq!(opened, Ok(Some("hush")));
        let unfit: Vec<_> = snapshot.unfit().collect();
        let keys: Vec<_> = unfit.iter().map(|unfit| unfit.key.as_str()).collect();
        assert_eq!(keys, ["gone", "m", "t"]);
        assert!(unfit[0].mend.contains("callboard settings unset gone"));
        let snapshot = build(declarations(), &values, None);
        let error = snapshot.secret("s").expect_err("no key").to_string();
        assert!(error.contains(key.id()), "{error}");
    }
}
