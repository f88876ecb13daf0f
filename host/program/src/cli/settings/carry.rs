//! `settings export|import`: the values that are set, as a file.

use std::path::Path;

use callboard_core::app::App;
use callboard_core::operations::given;
use callboard_core::operations::settings::{self, CarriedForm};

use crate::cli::output::Answered;
use crate::cli::{Context, Failure};

/// Print the file: TOML.
pub(super) async fn export(context: &Context, app: &App) -> Result<Answered, Failure> {
    let file = settings::set_values(app).await?;
    let output = context.output;
    let form = if output.is_json() {
        CarriedForm::Json
    } else {
        CarriedForm::Toml
    };
    for line in file.written(form)?.lines() {
        output.say(line);
    }
    Ok(output.json(&file))
}

pub(super) async fn import(
    context: &Context,
    app: &App,
    path: &Path,
    keep: bool,
    by: &str,
) -> Result<Answered, Failure> {
    let text = given::text(path, settings::LONGEST).await?;
    let imported = settings::import(app, settings::parse(&text)?, keep, by).await?;
    let output = context.output;
    for change in &imported.changes {
        let was = change
            .was
            .as_ref()
            .map_or_else(|| "the default".to_owned(), |was| format!("`{was}`"));
        let (key, becomes) = (&change.key, &change.becomes);
        output.say(format_args!("{key}: {was} becomes `{becomes}`"));
    }
    for key in &imported.secrets {
        output.warn(format_args!(
            "secret {key} is not set here, and no file has it: `callboard settings set {key} -`"
        ));
    }
    let many = imported.changes.len();
    if keep {
        output.say(format_args!("{many} settings changed"));
    } else {
        output.say(format_args!(
            "{many} settings would change; nothing was kept"
        ));
        if many > 0 {
            output.next(format_args!("settings import {} --yes", path.display()));
        }
    }
    Ok(output.json(&imported))
}
