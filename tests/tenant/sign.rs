//! The sign at its door: who is on the list, as the active revision has it. It is rebuilt when
//! another one becomes active.

use std::net::SocketAddr;
use std::sync::Arc;

use callboard_core::app::current::TenantState;
use callboard_core::app::{App, AppError};
use futures_util::future::BoxFuture;
use serde::Deserialize;

/// What `callboard.toml` says of the door.
#[derive(Debug, Deserialize)]
pub(crate) struct Door {
    #[serde(default)]
    pub(crate) door: String,
}

pub(crate) struct Sign(pub(crate) String);

pub(crate) fn made(app: &App, address: SocketAddr) -> BoxFuture<'_, Result<TenantState, AppError>> {
    Box::pin(async move {
        let active = app.active().await?;
        let list = active.definitions.folders.get(super::LIST);
        let list = list.map(|list| String::from_utf8_lossy(list).trim().to_owned());
        let door = &app.config().part::<Door>().door;
        let list = list.unwrap_or_default();
        Ok(Arc::new(Sign(format!("{door} door, {address}: {list}"))) as TenantState)
    })
}
