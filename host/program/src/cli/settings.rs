//! `settings`: declared keys and their values. Secrets are set, never shown.

use std::io::IsTerminal as _;

use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;

use super::output::Answered;
use super::{Context, Failure, find};
use callboard_core::app::{App, AppError};
use callboard_core::secrets::Key;
use callboard_core::settings::{Secret, SettingType, Snapshot, State};
use callboard_core::store::settings::{self as values, Content};

#[derive(Debug, Subcommand)]
pub(super) enum Settings {
    /// Every declared setting with its state.
    List,
    /// The value or default of one.
    Get {
        /// Its key.
        key: String,
    },
    /// Set a value. An empty one is a value, not the default.
    Set {
        /// Its key.
        key: String,
        /// The value; for a secret better `-`, which reads it from standard input and shows
        /// nothing of what is typed.
        value: String,
    },
    /// Take a value away, so that the default counts again.
    Unset {
        /// Its key.
        key: String,
    },
}

impl Settings {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = match self {
            Settings::Set { .. } => context.app_made().await?,
            _ => context.app().await?,
        };
        let snapshot = app.settings().await?;
        match self {
            Settings::List => {
                let answered = list(context, &snapshot);
                for value in snapshot.unfit() {
                    let text = format!("{}: {}; {}", value.key, value.problem, value.mend);
                    context.output.progress(text);
                }
                Ok(answered)
            }
            Settings::Get { key } => {
                known(&snapshot, &key)?;
                let state = snapshot.state(&key);
                let text = match state.map_err(|error| Failure::usage(error.to_string()))? {
                    State::Set(text) | State::Default(text) => Some(text),
                    State::Unset => None,
                };
                context.output.say(text.as_deref().unwrap_or("(unset)"));
                Ok(context.output.json(&text))
            }
            Settings::Set { key, value } => {
                set(&app, &snapshot, &key, value).await?;
                Ok(context.output.json(&json!({ "key": key, "state": "set" })))
            }
            Settings::Unset { key } => {
                // A value may be there that nobody declares any more.
                if !snapshot.unfit().any(|unfit| unfit.key == key) {
                    known(&snapshot, &key)?;
                }
                app.store().execute(values::unset(&key)).await?;
                Ok(context
                    .output
                    .json(&json!({ "key": key, "state": "unset" })))
            }
        }
    }
}

fn list(context: &Context, snapshot: &Snapshot) -> Answered {
    let all = snapshot.declarations().iter().map(|(key, declared)| {
        let (state, value) = match snapshot.state(key) {
            Ok(State::Set(text)) => ("set", text),
            Ok(State::Default(text)) => ("default", text),
            Ok(State::Unset) => ("unset", String::new()),
            Err(_) => match snapshot.secret(key) {
                Ok(Some(_)) => ("set", "(hidden)".to_owned()),
                Ok(None) => ("unset", String::new()),
                Err(_) => ("unreadable", String::new()),
            },
        };
        (key, declared, state, value)
    });
    let rows = all.clone().map(|(key, declared, state, value)| {
        let kind = declared.kind.to_string();
        vec![
            key.clone(),
            kind,
            state.to_owned(),
            value,
            declared.description.clone(),
        ]
    });
    let json: Vec<_> = all.map(|(key, declared, state, value)| {
        json!({ "key": key, "type": declared.kind, "state": state, "value": value })
    }).collect();
    let header = ["setting", "type", "state", "value", "description"];
    context.output.show(&header, rows.collect(), &json)
}

fn known(snapshot: &Snapshot, key: &str) -> Result<SettingType, Failure> {
    let declared = snapshot.declaration(key).ok_or_else(|| {
        let keys = snapshot.declarations().keys().map(String::as_str);
        let otherwise = "declare it in settings.toml";
        Failure::usage(format!("setting `{key}` is not declared"))
            .help(find::meant(key, keys, otherwise))
    })?;
    Ok(declared.kind)
}

async fn set(app: &App, snapshot: &Snapshot, key: &str, value: String) -> Result<(), Failure> {
    let kind = known(snapshot, key)?;
    let value = if value == "-" {
        from_input(key, kind)?
    } else {
        value
    };
    let content = if kind == SettingType::Secret {
        if value.is_empty() {
            let text = format!("the secret `{key}` would be empty");
            let help = format!(
                "give it on standard input; `callboard settings unset {key}` takes it away"
            );
            return Err(Failure::usage(text).help(help));
        }
        let key_file = Key::load_or_make(&app.key_file()).map_err(AppError::from)?;
        let sealed = key_file
            .seal(key, &Secret::new(value))
            .map_err(AppError::from)?;
        Content::Sealed {
            bytes: sealed.bytes,
            key_id: sealed.key_id,
        }
    } else {
        kind.check(&value).map_err(Failure::usage)?;
        Content::Text(value)
    };
    let statement = values::set(key, &content, Timestamp::now());
    app.store().execute(statement).await?;
    Ok(())
}

fn from_input(key: &str, kind: SettingType) -> Result<String, Failure> {
    let unread = |error| Failure::usage(format!("standard input: {error}"));
    if kind == SettingType::Secret && std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("{key}: ")).map_err(unread);
    }
    let text = std::io::read_to_string(std::io::stdin()).map_err(unread)?;
    Ok(text.trim_end_matches('\n').to_owned())
}
