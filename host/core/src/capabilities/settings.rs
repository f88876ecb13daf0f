//! `settings`: typed values from the snapshot of the run.

use wasmtime::component::HasData;

use crate::capability::{Capability, InstanceState, Opens, denied, heard};
use crate::settings::{SettingType, SettingValueState};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1",
        inline: "package callboard:settings-host; world imports { import callboard:plugin/settings@0.1.0; }",
        imports: { default: trappable },
    });
}
use bindings::callboard::plugin::settings::{self, Setting, SettingError};

inventory::submit! {
    Capability {
        interface: "settings",
        link: |linker| settings::add_to_linker::<_, Settings>(linker, |state| Settings(state)),
        granted: |grants| !grants.settings.keys.is_empty(),
        mend: Opens::Setting,
    }
}

struct Settings<'a>(&'a mut InstanceState);

impl HasData for Settings<'static> {
    type Data<'a> = Settings<'a>;
}

impl settings::Host for Settings<'_> {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Setting, SettingError>> {
        self.0.host_call()?;
        Ok(read(self.0, &heard::name(key)))
    }
}

fn read(state: &InstanceState, key: &str) -> Result<Setting, SettingError> {
    if !state.access.grants.settings.covers(key) {
        let plugin = &state.access.plugin;
        // Which others there are is not the plugin's to know.
        return Err(SettingError::Denied(denied::reading(plugin, key)));
    }
    let snapshot = &state.caller.settings;
    let Some(declaration) = snapshot.declaration(key) else {
        let text = format!(
            "setting `{key}` is not declared; correct the key, or declare it in settings.toml"
        );
        return Err(SettingError::Unknown(text));
    };
    match snapshot.state(key) {
        Ok(SettingValueState::Unset) => Ok(Setting::Unset),
        Ok(SettingValueState::Default(text) | SettingValueState::Set(text)) => {
            Ok(typed(declaration.kind, text))
        }
        Err(_) => Err(SettingError::Secret(format!(
            "setting `{key}` is a secret and cannot be read; name it as the credential of a request"
        ))),
    }
}

/// The value of a declared type. The empty text, which may be set on purpose, stays a text.
fn typed(kind: SettingType, text: String) -> Setting {
    let value = match kind {
        SettingType::Boolean => text.parse().ok().map(Setting::Boolean),
        SettingType::Integer => text.parse().ok().map(Setting::Integer),
        SettingType::Float => text.parse().ok().map(Setting::Float),
        SettingType::Duration => milliseconds(&text).map(Setting::Duration),
        SettingType::Json if !text.is_empty() => Some(Setting::Json(text.clone())),
        SettingType::Csv => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Some(Setting::Items(items.map(str::to_owned).collect()))
        }
        _ => None,
    };
    value.unwrap_or(Setting::Text(text))
}

fn milliseconds(text: &str) -> Option<u64> {
    let duration: jiff::SignedDuration = text.parse().ok()?;
    u64::try_from(duration.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_type_of_its_declaration() {
        assert!(matches!(
            typed(SettingType::Integer, "42".into()),
            Setting::Integer(42)
        ));
        assert!(matches!(
            typed(SettingType::Duration, "90s".into()),
            Setting::Duration(90_000)
        ));
        assert!(
            matches!(typed(SettingType::Csv, "a, b,".into()), Setting::Items(items) if items == ["a", "b"])
        );
        assert!(
            matches!(typed(SettingType::Integer, String::new()), Setting::Text(text) if text.is_empty())
        );
    }
}
