//! `settings`: declared keys and their values. Secrets are set, never shown.

mod carry;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use callboard_core::app::App;
use callboard_core::bounded;
use callboard_core::operations::settings::{
    self, SealedByAnother, SettingChangeView, SettingState, SettingType, SettingView,
};
use clap::Subcommand;

use super::output::{Answered, time};
use super::runs::Who;
use super::{Context, Failure};

#[derive(Debug, Subcommand)]
pub(super) enum Settings {
    /// Every declared setting with its state.
    List {
        /// Only those that nobody reads, values without a declaration among them.
        #[arg(long)]
        unread: bool,
    },
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
        #[command(flatten)]
        who: Who,
    },
    /// Take a value away, so that the default counts again.
    Unset {
        /// Its key.
        key: String,
        #[command(flatten)]
        who: Who,
    },
    /// What happened to values, newest first: of one setting, or of all.
    History {
        /// Its key.
        key: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// The values that are set, as a file that `import` reads. It names secrets and has none.
    Export,
    /// Hold a file of values against what is declared, and say what it would change.
    Import {
        /// What `export` printed, or the document of `export --format json`.
        file: PathBuf,
        /// Set the values, all of them or none.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        who: Who,
    },
}

impl Settings {
    pub(super) async fn run(self, context: &Context) -> Result<Answered, Failure> {
        let app = match self {
            Settings::Set { .. } | Settings::Import { yes: true, .. } => context.app_made().await?,
            _ => context.app().await?,
        };
        let output = context.output;
        let setting = match self {
            Settings::List { unread } => {
                let all = if unread {
                    settings::unread(&app).await?
                } else {
                    settings::list(&app).await?
                };
                return Ok(list(context, &all));
            }
            Settings::History { key, limit } => {
                let all = settings::history(&app, key.as_deref(), limit).await?;
                let header = ["at", "setting", "event", "was", "becomes", "who", "detail"];
                return Ok(output.newest(&header, &all, change));
            }
            Settings::Export => return carry::export(context, &app).await,
            Settings::Import { file, yes, who } => {
                return carry::import(context, &app, &file, yes, &who.by).await;
            }
            Settings::Get { key } => {
                let setting = settings::get(&app, &key).await?;
                output.say(setting.value.as_deref().unwrap_or("(unset)"));
                setting
            }
            Settings::Set { key, value, who } => {
                let value = if value == "-" {
                    from_input(&key, settings::kind(&app, &key).await?)?
                } else {
                    value
                };
                settings::set(&app, &key, value, &who.by).await?
            }
            Settings::Unset { key, who } => settings::unset(&app, &key, &who.by).await?,
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

fn change(change: &SettingChangeView) -> Vec<String> {
    let value = |value: &Option<String>| match value {
        Some(value) => format!("`{value}`"),
        None => String::new(),
    };
    let event = format!("{:?}", change.event).to_lowercase();
    let becomes = if change.secret {
        "(hidden)".to_owned()
    } else {
        value(&change.becomes)
    };
    vec![
        time(change.at),
        change.key.clone(),
        event,
        value(&change.was),
        becomes,
        change.who.clone(),
        change.detail.clone(),
    ]
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
    let text = bounded::text(std::io::stdin(), settings::LONGEST).map_err(unread)?;
    Ok(text.trim_end_matches('\n').to_owned())
}
