//! The public site of the active revision.

use std::fmt;
use std::sync::Arc;

use super::{App, AppError};
use crate::site::{Assets, Shown, Site, SiteError, SiteInfo};
use crate::store::{StoreError, findings};

/// The kind, and the key, of the finding that there is no site.
const NO_SITE: &str = "site";

impl App {
    /// The public site of the active revision, reached at `address` unless callboard.toml
    /// says another.
    pub async fn site(&self, address: impl fmt::Display) -> Result<Site, AppError> {
        let company = self.active().await?;
        let settings = self.snapshot(&company.definitions).await?;
        let local = url::Url::parse(&format!("http://{address}/")).map_err(|error| {
            StoreError::internal(format!(
                "the site has no address, `{address}` is none ({error}); write `site` in {}",
                crate::config::FILE
            ))
        })?;
        let info = SiteInfo::of(self.config(), &settings, local);
        let definitions = Arc::clone(&company.definitions);
        // Every page is tried, which takes as long as the templates will.
        let made = tokio::task::spawn_blocking(move || {
            let site = Site::new(info, &definitions.templates)?;
            Ok(site.with_assets(Assets::new(&definitions.assets)))
        });
        let made = made.await.map_err(|error| {
            StoreError::internal(format!("the site was not made to its end: {error}"))
        })?;
        made.map_err(|error: SiteError| error.into())
    }

    /// The site as it can be shown. Why it can't be made is a finding until it can; a database
    /// that does not answer is an error, and says nothing about the site.
    pub async fn shown(&self, address: impl fmt::Display) -> Result<Shown, AppError> {
        let cause = match self.site(address).await {
            Ok(site) => {
                let open = findings::open(self.store()).await?;
                if open.iter().any(|finding| finding.key == NO_SITE) {
                    findings::close(self.store(), NO_SITE).await?;
                }
                return Ok(Ok(Arc::new(site)));
            }
            Err(AppError::Store(error)) => return Err(error.into()),
            Err(error) => error.to_string(),
        };
        tracing::error!(cause, "the site can't be shown");
        findings::raise(self.store(), NO_SITE, NO_SITE, "site", &cause).await?;
        Ok(Err(cause))
    }
}
