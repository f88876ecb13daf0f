//! The public site of the active revision.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use callboard_core::app::current::Made;
use callboard_core::app::doctor::Symptom;
use callboard_core::app::{App, AppError};
use callboard_core::blocking;
use callboard_core::config;
use callboard_core::store::{StoreError, findings};
use futures_util::future::BoxFuture;

use super::{Site, SiteError, SiteInfo, SiteNow, files};

/// The kind, and the key, of the finding that there is no site.
const NO_SITE: &str = "site";

/// Why there is no site.
#[derive(Debug, thiserror::Error)]
pub enum Unshown {
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Site(#[from] SiteError),
}

/// Stands for the address of a site that no reader is shown.
const NOWHERE: &str = "localhost";

/// The public site of the active revision, reached at `address` unless callboard.toml says
/// another.
pub async fn current(app: &App, address: impl fmt::Display) -> Result<Site, Unshown> {
    let loaded = app.active().await?;
    let settings = app.snapshot(&loaded.definitions).await?;
    let local = url::Url::parse(&format!("http://{address}/")).map_err(|error| {
        AppError::from(StoreError::internal(format!(
            "the site has no address, `{address}` is none ({error}); write `site` in {}",
            config::FILE
        )))
    })?;
    let info = SiteInfo::of(app.config(), &settings, local);
    let definitions = Arc::clone(&loaded.definitions);
    // Every page is tried, which takes as long as the templates will.
    let made = blocking::wait(move || {
        let site = Site::new(info, &files::templates(&definitions))?;
        Ok(site.with_assets(files::assets(&definitions)))
    });
    let made = made.await.map_err(|error| {
        AppError::from(StoreError::internal(format!(
            "the site was not made to its end: {error}"
        )))
    })?;
    made.map_err(|error: SiteError| error.into())
}

/// The site as it can be shown. Why it can't be made is a finding until it can; a database that
/// does not answer is an error, and says nothing about the site.
async fn shown(app: &App, address: SocketAddr) -> Result<SiteNow, AppError> {
    let cause = match current(app, address).await {
        Ok(site) => {
            let open = findings::open(app.store()).await?;
            if open.iter().any(|finding| finding.key == NO_SITE) {
                findings::close(app.store(), NO_SITE).await?;
            }
            return Ok(Ok(Arc::new(site)));
        }
        Err(Unshown::App(AppError::Store(error))) => return Err(error.into()),
        Err(error) => error.to_string(),
    };
    tracing::error!(cause, "the site can't be shown");
    findings::raise(app.store(), NO_SITE, NO_SITE, "site", &cause).await?;
    Ok(Err(cause))
}

/// What is rebuilt of the factory: the site, as it can be [`SiteNow`].
pub(crate) fn made(app: &App, address: SocketAddr) -> BoxFuture<'_, Result<Made, AppError>> {
    Box::pin(async move { Ok(Arc::new(shown(app, address).await?) as Made) })
}

/// The site can be shown, with the settings as they stand.
pub(crate) fn probe(app: &App) -> BoxFuture<'_, Result<Vec<Symptom>, AppError>> {
    Box::pin(async move {
        match current(app, NOWHERE).await {
            Ok(_) => Ok(Vec::new()),
            Err(Unshown::Site(error)) => {
                let mend = "mend the template or the setting; readers get 503 until then";
                Ok(vec![Symptom::problem("site", error.to_string(), mend)])
            }
            // What else keeps it away is said by the checks of the roll call and of the secrets.
            Err(Unshown::App(AppError::Secret(_))) => Ok(Vec::new()),
            Err(Unshown::App(error)) => Err(error),
        }
    })
}
