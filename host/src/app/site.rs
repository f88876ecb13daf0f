//! The public site of the active revision.

use std::net::SocketAddr;

use super::{App, AppError};
use crate::site::{Assets, Site, SiteInfo};
use crate::store::StoreError;

impl App {
    /// The public site of the active revision, reached at `address` unless callboard.toml
    /// says another.
    pub async fn site(&self, address: SocketAddr) -> Result<Site, AppError> {
        let company = self.active().await?;
        let settings = self.snapshot(&company.definitions).await?;
        let text = |key: &str| settings.text(key).ok().flatten();
        let local = url::Url::parse(&format!("http://{address}/"));
        let address = self.config().site.clone().or(local.ok());
        let address = address.ok_or_else(|| {
            StoreError::internal(format!(
                "the site has no address; write `site` in {}",
                crate::config::FILE
            ))
        })?;
        let info = SiteInfo {
            name: text("site.title").unwrap_or_else(|| self.config().name.clone()),
            description: text("site.description").unwrap_or_default(),
            address,
        };
        let definitions = &company.definitions;
        let site = Site::new(info, &definitions.templates)?;
        Ok(site.with_assets(Assets::new(&definitions.assets)))
    }
}
