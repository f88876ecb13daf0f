//! What is read from the network for research: pages, feeds and searches. robots.txt is obeyed, at
//! every redirect, and a host is asked at a pace.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::blocking::{self, ComputeBudget};
use callboard_core::exchange::{ClientError, ClientErrorKind, Reach, Request, Response};
use callboard_core::grants::Origin;
use callboard_core::handler::Call;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, OnceCell};
use url::Url;

use crate::research::feed::{self, ParsedFeed};
use crate::research::robots::{self, Robots};
use crate::research::search::{self, Hit};
use crate::research::{ReadPage, page};

/// What robots.txt knows this program by.
pub const AGENT: &str = "callboard";
/// The most redirects that are followed.
const REDIRECTS: usize = 5;
/// The most bytes of a feed, and of an answer of a search.
const FEED: u64 = 8 << 20;

/// How the network is asked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FetchRules {
    /// Origins besides the public ones that may be asked, wherever they are: `http://wiki.lan:8080`.
    pub besides: Vec<Origin>,
    /// Milliseconds between two requests to one host.
    pub pause_ms: u64,
    /// Seconds that one request may take.
    #[schemars(range(min = 1))]
    pub wait_seconds: u64,
}

impl Default for FetchRules {
    fn default() -> Self {
        Self {
            besides: Vec::new(),
            pause_ms: 1000,
            wait_seconds: 20,
        }
    }
}

/// Why a site was not asked what it allows, and how one that may not be asked is.
fn unasked(url: &Url, error: &ClientError) -> String {
    if error.kind != ClientErrorKind::Denied {
        return format!("its robots.txt: {error}");
    }
    let origin = url.origin().ascii_serialization();
    format!("{error}; if it is yours, write `config.fetch.besides = [\"{origin}\"]`")
}

/// Asks the network for one call of a handler.
pub struct Fetcher<'c> {
    call: &'c Call,
    rules: &'c FetchRules,
    /// When each host may be asked next.
    next: Mutex<BTreeMap<String, Instant>>,
    /// What each origin allows, or why it did not say. Each is asked once, and none waits for another.
    robots: Mutex<BTreeMap<String, Arc<OnceCell<Result<Robots, String>>>>>,
}

impl<'c> Fetcher<'c> {
    pub fn new(call: &'c Call, rules: &'c FetchRules) -> Self {
        Self {
            call,
            rules,
            next: Mutex::default(),
            robots: Mutex::default(),
        }
    }

    /// The readable text of a page.
    pub async fn page(&self, url: &str) -> Result<ReadPage, String> {
        let response = self.get(url, page::MOST).await?;
        let media = response
            .header("content-type")
            .unwrap_or_default()
            .to_owned();
        let read = move |clock: &mut ComputeBudget| {
            page::read(&response.body, &response.url, &media, clock)
        };
        self.beside(read).await
    }

    /// The first items of a feed.
    pub async fn feed(&self, url: &str, most: usize) -> Result<ParsedFeed, String> {
        let response = self.get(url, FEED).await?;
        let read =
            move |clock: &mut ComputeBudget| feed::read(&response.body, &response.url, most, clock);
        self.beside(read).await
    }

    /// What is read of an answer, in the time that it may take to come.
    async fn beside<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut ComputeBudget) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let most = Duration::from_secs(self.rules.wait_seconds);
        let until = self.call.deadline.min(Instant::now() + most);
        let read = blocking::compute(until, move |clock| Ok(read(clock))).await;
        read.map_err(|error| format!("it was not read: {error}"))?
    }

    /// What the operator's search server finds. It is asked without robots.txt: it is a service of
    /// the operator.
    pub async fn search(&self, server: &Url, query: &str, most: usize) -> Result<Vec<Hit>, String> {
        let url = search::asked(server, query);
        let request = self.request(url.as_str(), FEED);
        let answer = self.call.send(Reach::Origin(server), request).await;
        let answer = answer.map_err(|error| error.to_string())?;
        match answer.status {
            200 => self.beside(move |_| search::read(&answer.body, most)).await,
            status => Err(format!("status {status}")),
        }
    }

    /// A success at an address or where it redirects to, each asked only if its site lets it.
    async fn get(&self, url: &str, most: u64) -> Result<Response, String> {
        let mut url = Url::parse(url).map_err(|error| format!("it is no address: {error}"))?;
        for _ in 0..=REDIRECTS {
            self.allowed(&url).await?;
            let response = self
                .send(&url, self.request(url.as_str(), most))
                .await
                .map_err(|error| error.to_string())?;
            match response.status {
                200..=299 => return Ok(response),
                300..=399 => {
                    let place = response.header("location").unwrap_or_default();
                    url = url.join(place).map_err(|error| {
                        format!("status {}, which leads nowhere: {error}", response.status)
                    })?;
                }
                status => return Err(format!("status {status}")),
            }
        }
        Err(format!("it redirects more than {REDIRECTS} times"))
    }

    async fn allowed(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("{} addresses are not read", url.scheme()));
        }
        let origin = url.origin().ascii_serialization();
        let known = Arc::clone(self.robots.lock().await.entry(origin).or_default());
        let robots = known.get_or_init(|| self.robots(url)).await;
        let robots = robots.as_ref().map_err(Clone::clone)?;
        let query = url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let path = format!("{}{query}", url.path());
        if robots.allows(&path) {
            return Ok(());
        }
        Err("its robots.txt does not let programs read it".to_owned())
    }

    /// What an origin allows. One that has no such file allows all; one that cannot say, nothing.
    async fn robots(&self, url: &Url) -> Result<Robots, String> {
        let mut url = url.join("/robots.txt").map_err(|error| error.to_string())?;
        url.set_query(None);
        for _ in 0..=REDIRECTS {
            let request = Request {
                cut: true,
                ..self.request(url.as_str(), robots::MOST as u64 + 1)
            };
            let sent = self.send(&url, request).await;
            let response = sent.map_err(|error| unasked(&url, &error))?;
            match response.status {
                200..=299 => {
                    let file = String::from_utf8_lossy(robots::read_of(&response.body));
                    return Ok(Robots::read(&file, AGENT));
                }
                300..=399 => match url.join(response.header("location").unwrap_or_default()) {
                    Ok(next) => url = next,
                    Err(_) => return Ok(Robots::default()),
                },
                429 | 500.. => return Ok(Robots::closed()),
                _ => return Ok(Robots::default()),
            }
        }
        Ok(Robots::default())
    }

    async fn send(&self, url: &Url, request: Request) -> Result<Response, ClientError> {
        self.turn(url).await;
        self.call
            .send(Reach::Public(&self.rules.besides), request)
            .await
    }

    /// Wait until the host may be asked.
    async fn turn(&self, url: &Url) {
        let host = url.host_str().unwrap_or_default().to_owned();
        let pause = Duration::from_millis(self.rules.pause_ms);
        let at = {
            let mut next = self.next.lock().await;
            let at = next
                .get(&host)
                .copied()
                .unwrap_or_else(Instant::now)
                .max(Instant::now());
            next.insert(host, at + pause);
            at
        };
        tokio::time::sleep_until(at.into()).await;
    }

    fn request(&self, url: &str, most: u64) -> Request {
        let accept = "text/html, application/xhtml+xml, application/feed+json, application/xml;q=0.9, text/plain;q=0.8, */*;q=0.5";
        Request {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: vec![("accept".to_owned(), accept.to_owned())],
            body: Vec::new(),
            credential: None,
            deadline: Duration::from_secs(self.rules.wait_seconds),
            max_body: most,
            cut: false,
            redirects: 0,
            fresh_connection: false,
        }
    }
}
