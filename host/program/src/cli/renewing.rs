//! The export that is kept: by a daemon for as long as it goes on, by a command once it has changed something.

use callboard_core::app::App;
use callboard_core::supervision;
use callboard_factory::operations::posts;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Command, Context, LOOK};
use crate::http::Listeners;

/// Keep the export current until `stop`, if there is one.
pub(super) fn start(app: &App, stop: &CancellationToken) -> Option<JoinHandle<()>> {
    posts::kept_export(app)?;
    let (app, stop, stopped) = (app.clone(), stop.clone(), stop.clone());
    Some(supervision::keep(
        "what keeps the export current",
        move || stopped.is_cancelled(),
        move || keep(app.clone(), stop.clone()),
    ))
}

async fn keep(app: App, stop: CancellationToken) {
    loop {
        let local = &app.config().part::<Listeners>().listen;
        match posts::renew(&app, local).await {
            Ok(None) => {}
            Ok(Some(exported)) => tracing::info!(files = exported.files, "the site is exported"),
            Err(error) => tracing::error!(%error, "the export stays as it was"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Whether a command may change what the site shows.
pub(super) fn may_change(command: &Command) -> bool {
    matches!(
        command,
        Command::Apply(_)
            | Command::Revisions(_)
            | Command::Run(_)
            | Command::Runs(_)
            | Command::Tasks(_)
            | Command::Gates(_)
            | Command::Posts(_)
            | Command::Settings(_)
    )
}

/// Write the export anew behind a command, if it is not of what is here now. The command has done what it was to do
/// either way.
pub(super) async fn after(context: &Context) {
    let Some(app) = context.opened.get().filter(|app| !app.is_nowhere()) else {
        return;
    };
    let local = &app.config().part::<Listeners>().listen;
    match posts::renew(app, local).await {
        Ok(None) => {}
        Ok(Some(exported)) => {
            let folder = posts::kept_export(app).unwrap_or_default();
            let (files, folder) = (exported.files, folder.display());
            let told = format_args!("exported the site anew: {files} files in {folder}");
            context.output.progress(told);
        }
        Err(error) => {
            let told = format_args!("the export stays as it was: {error}");
            context.output.warn(told);
        }
    }
}
