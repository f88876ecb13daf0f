//! Tells Restate of this worker, and of the runs that are due. The store is the outbox: what
//! Restate does not know, or has lost, is announced again for as long as it is due.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::client::{Client, ClientError, ClientErrorKind, Request, Response};
use callboard_core::config::RestateRules;
use callboard_core::store::Store;
use callboard_core::store::claims::offered::{self, DueRun};
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use url::Url;

/// Runs that are announced at once at most.
const MOST: usize = 128;
/// Announcements on their way at once.
const AT_ONCE: usize = 16;
/// Looks that are asked for together are one.
const TOGETHER: Duration = Duration::from_millis(10);
/// After so long a run that is still due is announced once more.
const AGAIN: Duration = Duration::from_secs(10);
/// The pause after Restate did not answer.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// How long Restate may take to answer; it calls the worker back when one registers.
const DEADLINE: Duration = Duration::from_secs(20);
/// The most of an answer that is read.
const ANSWER: u64 = 1 << 20;

pub(super) struct Announcer {
    store: Store,
    /// How many workers a run has lost that is not announced, for it is carried out alone.
    suspect: u32,
    ingress: Url,
    admin: Url,
    advertise: Url,
    to_ingress: Client,
    to_admin: Client,
    registered: bool,
    /// What was announced, and when.
    announced: BTreeMap<DueRun, Instant>,
}

impl Announcer {
    /// For a worker that listens at `bound`.
    pub(super) fn new(
        store: &Store,
        rules: &RestateRules,
        suspect: u32,
        bound: SocketAddr,
    ) -> Self {
        let own = Url::parse(&format!("http://{bound}"));
        let own = own.unwrap_or_else(|_| rules.admin.clone());
        Self {
            store: store.clone(),
            suspect,
            ingress: rules.ingress.clone(),
            admin: rules.admin.clone(),
            advertise: rules.advertise.clone().unwrap_or(own),
            to_ingress: Client::for_operator(&rules.ingress),
            to_admin: Client::for_operator(&rules.admin),
            registered: false,
            announced: BTreeMap::new(),
        }
    }

    /// Announce runs whenever a run may be due, until `stop`.
    pub(super) async fn announce(mut self, look: Arc<Notify>, stop: CancellationToken) {
        let announce = async {
            loop {
                if let Err(problem) = self.round().await {
                    tracing::warn!(problem, "Restate is not told of runs that are due");
                    tokio::time::sleep(AFTER_FAILURE).await;
                    continue;
                }
                look.notified().await;
                tokio::time::sleep(TOGETHER).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = announce => {}
        }
    }

    async fn round(&mut self) -> Result<(), String> {
        if !self.registered {
            self.register().await.map_err(|error| error.to_string())?;
            self.registered = true;
            self.announced.clear();
        }
        let due = offered::due(&self.store, self.suspect, MOST).await;
        let due = due.map_err(|error| error.to_string())?;
        self.announced
            .retain(|known, at| at.elapsed() < AGAIN && due.contains(known));
        let news = due.into_iter();
        let news = news.filter(|due| !self.announced.contains_key(due));
        let sends: Vec<_> = news.map(|due| self.send(due)).collect();
        let sent = stream::iter(sends).buffer_unordered(AT_ONCE);
        let sent: Vec<_> = sent.collect().await;
        let mut problem = None;
        for (due, sent) in sent {
            match sent {
                Ok(()) => drop(self.announced.insert(due, Instant::now())),
                Err(error) => problem = Some(error),
            }
        }
        let Some(error) = problem else { return Ok(()) };
        // It does not know of turns (any more).
        self.registered = error.kind != ClientErrorKind::Status(404);
        Err(error.to_string())
    }

    /// Have Restate look up what this worker serves.
    async fn register(&self) -> Result<(), ClientError> {
        let url = below(&self.admin, &["deployments"]);
        let body = json!({ "uri": self.advertise, "force": true });
        self.to_admin.post_json(&url, None, &body, DEADLINE).await?;
        tracing::info!(at = %self.advertise, "registered with Restate");
        Ok(())
    }

    /// Queue a turn of a run. Several workers announce the same: while a turn of that key waits
    /// or is under way, Restate heeds no other.
    async fn send(&self, due: DueRun) -> (DueRun, Result<(), ClientError>) {
        let path = ["CallboardRun", &due.run, "advance", "send"];
        let key = format!("{}/{}/{}", due.run, due.fence, due.wake_at);
        let request = Request {
            method: "POST".to_owned(),
            url: below(&self.ingress, &path).to_string(),
            headers: vec![("idempotency-key".to_owned(), key)],
            body: Vec::new(),
            credential: None,
            deadline: DEADLINE,
            max_body: ANSWER,
            cut: false,
            redirects: 0,
            fresh_connection: false,
        };
        let answer = self.to_ingress.send(request).await;
        (due, answer.and_then(accepted))
    }
}

fn accepted(response: Response) -> Result<(), ClientError> {
    match response.status {
        200..300 => Ok(()),
        status => Err(ClientError {
            kind: ClientErrorKind::Status(status),
            message: String::from_utf8_lossy(&response.body).into_owned(),
        }),
    }
}

fn below(address: &Url, path: &[&str]) -> Url {
    let mut url = address.clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}
