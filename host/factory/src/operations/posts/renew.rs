//! An export that is kept: written anew by whoever sees that a post, the revision or a setting is another than when it
//! was written last. What it was written of lies beside it, so that nobody has to remember.

use std::path::{Path, PathBuf};

use callboard_core::address::Address;
use callboard_core::app::App;
use callboard_core::blocking;
use callboard_core::operations::OperationError;
use callboard_core::settings::hex;
use callboard_core::store::findings;
use sha2::{Digest as _, Sha256};

use super::{ExportView, export_held};
use crate::readers::SiteConfig;
use crate::site;
use crate::tables::posts;

/// The kind, and the key, of the finding that the export cannot be kept.
const FINDING: &str = "export";

/// Where the kept export is; `None` if callboard.toml names none.
pub fn kept_export(app: &App) -> Option<PathBuf> {
    let folder = app.config().part::<SiteConfig>().export_into.as_ref()?;
    Some(app.folder().join(folder))
}

/// Write the kept export anew, if it is not of what is here. Why that can't be is a finding until it can. `None` if there
/// is none, or it is as it should be.
pub async fn renew(app: &App, local: &Address) -> Result<Option<ExportView>, OperationError> {
    let Some(folder) = kept_export(app) else {
        return Ok(None);
    };
    let renewed = renewed(app, &folder, local).await;
    let about = folder.display().to_string();
    match &renewed {
        Ok(None) => {}
        Ok(Some(_)) => drop(findings::close(app.store(), FINDING).await?),
        Err(error) => {
            let told = error.to_string();
            findings::raise(app.store(), FINDING, FINDING, &about, &told).await?;
        }
    }
    renewed
}

async fn renewed(
    app: &App,
    folder: &Path,
    local: &Address,
) -> Result<Option<ExportView>, OperationError> {
    if site::written_of(folder).as_deref() == Some(&state(app, local).await?) {
        return Ok(None);
    }
    let failed = |error: &dyn std::fmt::Display| OperationError::failed(error.to_string());
    let path = folder.to_owned();
    let held = blocking::wait(move || site::hold(&path)).await;
    let held = held
        .map_err(|error| failed(&error))?
        .map_err(|error| failed(&error))?;
    // What happens from now on is seen by the next look.
    let state = state(app, local).await?;
    if site::written_of(folder).as_deref() == Some(&state) {
        return Ok(None);
    }
    let exported = export_held(app, folder, local).await?;
    let note = site::note_written(folder, &state);
    drop(held);
    note.map_err(|error| failed(&error))?;
    Ok(Some(exported))
}

/// What an export is of. Each change of a post, its pictures among them, is a step of its history.
async fn state(app: &App, local: &Address) -> Result<String, OperationError> {
    let steps = posts::steps(app.store()).await?;
    let loaded = app.active().await?;
    let settings = app.snapshot(&loaded.definitions).await?.digest();
    let address = match &app.config().part::<SiteConfig>().site {
        Some(site) => site.to_string(),
        None => local.to_string(),
    };
    let program = env!("CARGO_PKG_VERSION");
    let of = format!("{steps} {} {settings} {address} {program}", loaded.revision);
    Ok(hex(&Sha256::digest(of)))
}
