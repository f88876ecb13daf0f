//! The public site of the active revision.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use callboard_core::app::current::TenantState;
use callboard_core::app::doctor::Symptom;
use callboard_core::app::{App, AppError};
use callboard_core::blocking;
use callboard_core::config;
use callboard_core::store::{StoreError, findings};
use futures_util::future::BoxFuture;

use super::{Site, SiteError, SiteInfo, SiteNow, files, tried};

/// The kind of findings about the site.
pub(crate) const FINDING: &str = "site";
/// The key of the finding that there is no site.
const NO_SITE: &str = FINDING;
/// What the keys of findings about templates begin with.
const FAILING: &str = "site:";

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
            let site = Arc::new(site);
            looked_at(app, &site).await?;
            return Ok(Ok(site));
        }
        Err(Unshown::App(AppError::Store(error))) => return Err(error.into()),
        Err(error) => error.to_string(),
    };
    tracing::error!(cause, "the site can't be shown");
    findings::raise(app.store(), NO_SITE, NO_SITE, "site", &cause).await?;
    Ok(Err(cause))
}

/// A site that can be shown: what was found of the one before is over, and what this one fails on with the
/// posts that there are is a finding each.
async fn looked_at(app: &App, site: &Arc<Site>) -> Result<(), AppError> {
    // Posts that can't be read keep nobody from the pages of others.
    let failing = tried::failing(app.store(), Arc::clone(site)).await;
    let failing = failing.unwrap_or_else(|error| {
        tracing::warn!(%error, "the site is not tried on its posts");
        Vec::new()
    });
    let keys: Vec<String> = failing.iter().filter_map(failing_key).collect();
    let is_ours = |key: &str| key == NO_SITE || key.starts_with(FAILING);
    for finding in findings::open(app.store()).await? {
        if is_ours(&finding.key) && !keys.contains(&finding.key) {
            findings::close(app.store(), &finding.key).await?;
        }
    }
    for (key, error) in keys.iter().zip(&failing) {
        tracing::error!(%error, "a page can't be shown");
        findings::raise(app.store(), key, FINDING, "site", &error.to_string()).await?;
    }
    Ok(())
}

/// The key of the finding about a mistake in a template; none, of anything else.
pub(crate) fn failing_key(error: &SiteError) -> Option<String> {
    match error {
        SiteError::Template { name, line, .. } => Some(format!("{FAILING}{name}:{line}")),
        _ => None,
    }
}

/// What is rebuilt of the factory: the site, as it can be [`SiteNow`].
pub(crate) fn made(app: &App, address: SocketAddr) -> BoxFuture<'_, Result<TenantState, AppError>> {
    Box::pin(async move { Ok(Arc::new(shown(app, address).await?) as TenantState) })
}

/// The site can be shown, with the settings as they stand and the posts that there are.
pub(crate) fn probe(app: &App) -> BoxFuture<'_, Result<Vec<Symptom>, AppError>> {
    Box::pin(async move {
        match current(app, NOWHERE).await {
            Ok(site) => {
                let failing = tried::failing(app.store(), Arc::new(site)).await?;
                let mend = "mend the template; readers of the page get 500 until then";
                let symptom = |error: SiteError| Symptom::problem("site", error.to_string(), mend);
                Ok(failing.into_iter().map(symptom).collect())
            }
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
