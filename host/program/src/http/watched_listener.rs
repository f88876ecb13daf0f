//! The listeners of a daemon, each a task that is watched. One
//! that ends by itself listens anew, at the same address.

use std::net::SocketAddr;

use axum::Router;
use callboard_core::{fault, supervision};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::rules::ConnectionRules;
use super::serve;

inventory::submit! { fault::Points(&[SITE.point, CONSOLE.point]) }

/// A listener among the tasks of the process.
#[derive(Debug, Clone, Copy)]
pub struct WatchedListener {
    task: &'static str,
    /// Where a test ends it.
    point: &'static str,
}

/// That of readers.
pub const SITE: WatchedListener = WatchedListener {
    task: "the listener of the site",
    point: "before-site",
};

/// That of people on this machine.
pub const CONSOLE: WatchedListener = WatchedListener {
    task: "the listener of the console",
    point: "before-console",
};

impl WatchedListener {
    /// Let people in by `listener`, which listens at `address`, until `stop`.
    pub fn keep_open(
        self,
        listener: TcpListener,
        address: SocketAddr,
        router: Router,
        rules: &ConnectionRules,
        stop: &CancellationToken,
    ) -> JoinHandle<()> {
        let (rules, stop, stopped) = (rules.clone(), stop.clone(), stop.clone());
        let mut first = Some(listener);
        supervision::keep(
            self.task,
            move || stopped.is_cancelled(),
            move || {
                let (listener, router) = (first.take(), router.clone());
                let (rules, stop) = (rules.clone(), stop.clone());
                async move {
                    fault::point(self.point);
                    let listener = match listener {
                        Some(listener) => Ok(listener),
                        None => TcpListener::bind(address).await,
                    };
                    match listener {
                        Ok(listener) => serve(listener, router, &rules, stop.cancelled()).await,
                        Err(error) => tracing::error!(%address, %error, "nobody listens there"),
                    }
                }
            },
        )
    }
}
