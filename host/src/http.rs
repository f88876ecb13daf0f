//! The faces over HTTP: the public site and the console. An axum function here is a `page` or
//! an `endpoint`. What a page says is rendered by `site`; here it gets its status and headers.

mod answer;
pub mod console;
mod files;
mod observe;
mod pages;
mod serve;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

use self::console::Console;
pub use self::serve::serve;
use crate::site::Site;
use crate::store::Store;

/// What the pages are made from. The site is swapped when a revision becomes active.
#[derive(Clone)]
pub struct Face {
    pub store: Store,
    pub site: watch::Receiver<Arc<Site>>,
    pub console: Arc<dyn Console>,
}

impl Face {
    fn site(&self) -> Arc<Site> {
        Arc::clone(&self.site.borrow())
    }
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error(
        "port {} of {} is in use; stop the process that has it, or choose another with `--listen`",
        address.port(),
        address.ip()
    )]
    InUse { address: SocketAddr },
    #[error("this user may not listen on {address}; choose a port above 1023 with `--listen`")]
    Denied { address: SocketAddr },
    #[error(
        "cannot listen on {address}: {cause}; choose an address of this machine with `--listen`"
    )]
    Listen {
        address: SocketAddr,
        cause: io::Error,
    },
}

/// Every address that is served.
pub fn router(face: Face) -> Router {
    Router::new()
        .route("/", get(pages::index))
        .route("/posts/{slug}", get(pages::post))
        .route("/archive", get(pages::archive))
        .route("/archive/{page}", get(pages::archive_page))
        .route("/tags/{tag}", get(pages::tag))
        .route("/feed.xml", get(pages::rss))
        .route("/feed.json", get(pages::json_feed))
        .route("/sitemap.xml", get(pages::sitemap))
        .route("/style.css", get(pages::style))
        .route("/console", get(console::page))
        .route("/console.json", get(console::endpoint))
        .route("/console/style.css", get(console::style))
        .route("/health", get(pages::health))
        .fallback(files::file)
        .with_state(face)
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(from_fn(answer::conditional))
        .layer(from_fn(observe::observe))
}

/// Listen on an address. The error says what to do about a port that is taken.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, HttpError> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| match cause.kind() {
            io::ErrorKind::AddrInUse => HttpError::InUse { address },
            io::ErrorKind::PermissionDenied => HttpError::Denied { address },
            _ => HttpError::Listen { address, cause },
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_mend() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let first = bind(any).await.expect("a free port");
        let address = first.local_addr().expect("its address");
        let error = bind(address).await.expect_err("taken").to_string();
        assert!(error.contains(&address.port().to_string()), "{error}");
        assert!(error.contains("--listen"), "{error}");
    }
}
