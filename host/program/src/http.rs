//! The faces over HTTP: the public site, and the console on a listener of its own. An axum
//! function here is a `page` or an `endpoint`. What a page says is rendered by `site`; here it
//! gets its status and headers.

mod answer;
mod connection_slots;
mod console;
mod files;
mod health;
mod listen;
mod named;
mod observe;
mod pages;
mod render;
mod rules;
mod serve;
mod shared;
mod socket;
mod watched_listener;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use callboard_core::app::App;
use callboard_core::app::current::Current;
use callboard_factory::site::SiteNow;
use tower_http::catch_panic::CatchPanicLayer;

pub use self::listen::{HttpError, bind, bind_here};
pub use self::render::Renderings;
pub use self::rules::{ConnectionRules, ConsoleRules, Listeners};
pub use self::serve::serve;
pub use self::watched_listener::{CONSOLE, SITE};

/// What the pages are made from.
#[derive(Clone)]
pub struct WebState {
    pub app: App,
    /// What is swapped when a revision becomes active, the site among it.
    pub current: Current,
    pub renderings: Renderings,
}

impl WebState {
    fn site(&self) -> SiteNow {
        let shown = self.current.get::<SiteNow>();
        let shown = shown.expect("the pack of the factory makes it");
        SiteNow::clone(&shown)
    }
}

/// Every address that is served to readers.
pub fn site(web: WebState) -> Router {
    let router = Router::new()
        .route("/", get(pages::index))
        .route("/posts/{slug}", get(pages::post))
        .route("/archive", get(pages::archive))
        .route("/archive/{page}", get(pages::archive_page))
        .route("/tags/{tag}", get(pages::tag))
        .route("/media/{name}", get(files::picture))
        .route("/feed.xml", get(pages::rss))
        .route("/feed.json", get(pages::json_feed))
        .route("/sitemap.xml", get(pages::sitemap))
        .route("/style.css", get(pages::style))
        .route("/health", get(health::endpoint))
        .fallback(files::file)
        .with_state(web);
    observed(router)
}

/// Every address that is served to people on this machine, under its own names and `names`.
pub fn console(web: WebState, names: &[String]) -> Router {
    let router = Router::new()
        .route("/", get(console::front))
        .route("/console", get(console::page))
        .route("/console.json", get(console::endpoint))
        .route("/console/style.css", get(console::style))
        .route("/health", get(health::endpoint))
        .fallback(console::not_found)
        .with_state(web)
        .layer(from_fn_with_state(Arc::from(names), named::known));
    observed(router)
}

fn observed(router: Router) -> Router {
    router
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(from_fn(answer::conditional))
        .layer(from_fn(observe::observe))
}
