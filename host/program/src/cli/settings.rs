//! `settings`: declared keys and their values. Secrets are set, never shown.

use std::io::IsTerminal as _;

use callboard_core::app::App;
use callboard_core::operations::settings::{
    self, SealedByAnother, SettingState, SettingType, SettingView,
};
use clap::Subcommand;

use super::output::Answered;
use super::{Context, Failure};

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
        let output = context.output;
        let setting = match self {
            Settings::List => {
                let all = settings::list(&app).await?;
                return Ok(list(context, &all));
            }
            Settings::Get { key } => {
                let setting = settings::get(&app, &key).await?;
                output.say(setting.value.as_deref().unwrap_or("(unset)"));
                setting
            }
            Settings::Set { key, value } if value == "-" => {
                let kind = settings::kind(&app, &key).await?;
                settings::set(&app, &key, from_input(&key, kind)?).await?
            }
            Settings::Set { key, value } => settings::set(&app, &key, value).await?,
            Settings::Unset { key } => settings::unset(&app, &key).await?,
        };
        if setting.is_hidden() {
            warn_of_others(context, &app).await?;
        }
        Ok(output.json(&setting))
    }
}

/// Name the secrets that another key seals.
async fn warn_of_others(context: &Context, app: &App) -> Result<(), Failure> {
    let file = app.key_file();
    for sealed in settings::sealed_by_others(app).await? {
        let SealedByAnother {
            own,
            other,
            settings,
        } = &sealed;
        context.output.warn(format_args!(
            "{} holds key {own}, which does not open what key {other} sealed: {}; put the file \
             with key {other} back and set this one again, or set those again",
            file.display(),
            settings.join(", ")
        ));
    }
    Ok(())
}

fn list(context: &Context, all: &Vec<SettingView>) -> Answered {
    let declared = all
        .iter()
        .filter(|setting| setting.state != SettingState::Undeclared);
    let header = ["setting", "type", "state", "value", "description"];
    let rows = declared.map(row).collect();
    let answered = context.output.show(&header, rows, all);
    for setting in all {
        if let (Some(problem), Some(mend)) = (&setting.problem, &setting.mend) {
            let text = format!("{}: {problem}; {mend}", setting.key);
            context.output.progress(text);
        }
    }
    answered
}

fn row(setting: &SettingView) -> Vec<String> {
    let value = if setting.is_hidden() {
        "(hidden)"
    } else {
        setting.value.as_deref().unwrap_or_default()
    };
    vec![
        setting.key.clone(),
        setting
            .kind
            .map(|kind| kind.to_string())
            .unwrap_or_default(),
        setting.state.as_str().to_owned(),
        value.to_owned(),
        setting.description.clone(),
    ]
}

fn from_input(key: &str, kind: SettingType) -> Result<String, Failure> {
    let unread = |error| Failure::usage(format!("standard input: {error}"));
    if kind == SettingType::Secret && std::io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("{key}: ")).map_err(unread);
    }
    let text = std::io::read_to_string(std::io::stdin()).map_err(unread)?;
    Ok(text.trim_end_matches('\n').to_owned())
}
