//! A bucket of a server that speaks S3, asked through the one HTTP client.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::client::{Client, Network};
use callboard_core::exchange::{ClientError, ClientErrorKind, Reach, Request, Response};
use callboard_core::handler::{Call, Resources};
use callboard_core::settings::{SettingError, Snapshot};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

/// Where the server is.
pub(super) const ENDPOINT: &str = "media.endpoint";
pub(super) const REGION: &str = "media.region";
pub(super) const ACCESS_KEY: &str = "media.access_key";
pub(super) const SECRET_KEY: &str = "media.secret_key";

/// The most bytes of a picture that is read.
const BODY: u64 = 32 << 20;
/// Headers that the client writes itself.
const OWN: [&str; 2] = ["host", "content-length"];
/// Headers of an answer that the store reads.
const READ: [&str; 5] = [
    "content-range",
    "content-type",
    "etag",
    "last-modified",
    "x-amz-version-id",
];

/// How long the server is waited for.
#[derive(Debug, Clone, Copy)]
pub enum Patience {
    /// All that is asked of it has to be answered by then.
    Until(Instant),
    /// Each request may take so long: a reader takes a picture at his own pace.
    Each(Duration),
}

impl Patience {
    fn left(self) -> Duration {
        match self {
            Patience::Until(until) => until.saturating_duration_since(Instant::now()),
            Patience::Each(time) => time,
        }
    }
}

/// Why there is no bucket to ask.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("a bucket needs setting `{0}`; set it with `callboard settings set {0} VALUE`")]
    Missing(&'static str),
    #[error("setting `{ENDPOINT}`: `{0}` is no address")]
    Address(String),
    #[error(transparent)]
    Store(#[from] object_store::Error),
}

/// By what the store is asked, and for how long.
#[derive(Clone)]
pub enum StoreClient {
    /// By a stage, as all that it asks, until it has to have ended.
    Stage(Arc<dyn Resources>, Instant),
    /// By the program itself, for as long as its asker waits.
    Program(Network, Patience),
}

impl StoreClient {
    pub fn of(call: &Call) -> Self {
        let until = call.deadline;
        StoreClient::Stage(Arc::clone(&call.resources), until)
    }

    /// The same for so long at most.
    pub fn within(call: &Call, longest: Duration) -> Self {
        StoreClient::Stage(Arc::clone(&call.resources), Instant::now() + longest)
    }

    async fn send(&self, to: &Url, request: HttpRequest) -> Result<Response, HttpError> {
        let sent = match self {
            StoreClient::Stage(resources, until) => {
                let left = until.saturating_duration_since(Instant::now());
                let request = ours(request, left).await?;
                resources.send(Reach::Origin(to), request).await
            }
            StoreClient::Program(network, patience) => {
                let request = ours(request, patience.left()).await?;
                Client::for_operator(to).over(network).send(request).await
            }
        };
        sent.map_err(failed)
    }
}

impl fmt::Debug for StoreClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreClient")
    }
}

/// The bucket of the settings.
pub(super) fn open(
    settings: &Snapshot,
    bucket: &str,
    client: StoreClient,
) -> Result<Arc<dyn ObjectStore>, BucketError> {
    let text = |key: &'static str| settings.text(key)?.ok_or(BucketError::Missing(key));
    let endpoint = text(ENDPOINT)?;
    let url: Url = endpoint
        .parse()
        .map_err(|_| BucketError::Address(endpoint))?;
    let secret = settings.secret(SECRET_KEY)?;
    let secret = secret.ok_or(BucketError::Missing(SECRET_KEY))?;
    // The stage asks again, and says so; nothing in between does.
    let once = RetryConfig {
        max_retries: 0,
        ..RetryConfig::default()
    };
    let store = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_endpoint(url.as_str().trim_end_matches('/'))
        .with_region(text(REGION)?)
        .with_access_key_id(text(ACCESS_KEY)?)
        .with_secret_access_key(secret.expose())
        .with_virtual_hosted_style_request(false)
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_retry(once)
        .with_http_connector(Sender { url, client });
    Ok(Arc::new(store.build()?))
}

/// Makes the store ask through our client.
#[derive(Debug, Clone)]
struct Sender {
    url: Url,
    client: StoreClient,
}

impl HttpConnector for Sender {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Sender {
    fn call<'s, 'a>(
        &'s self,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>>
    where
        's: 'a,
        Self: 'a,
    {
        Box::pin(async move { theirs(self.client.send(&self.url, request).await?) })
    }
}

async fn ours(request: HttpRequest, deadline: Duration) -> Result<Request, HttpError> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter();
    let headers = headers.filter(|(name, _)| !OWN.contains(&name.as_str()));
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    // Who is asked for a piece may not answer with the whole.
    let range = parts
        .headers
        .get("range")
        .map(|range| text(range.as_bytes()));
    let max_body = match range {
        Some(range) => length(&range).unwrap_or_default().min(BODY),
        None => BODY,
    };
    Ok(Request {
        method: parts.method.to_string(),
        url: parts.uri.to_string(),
        headers: headers
            .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
            .collect(),
        body: body.collect().await?.to_bytes().to_vec(),
        credential: None,
        deadline,
        max_body,
        cut: false,
        redirects: 0,
        fresh_connection: false,
    })
}

/// The bytes of a range such as `bytes=0-9`.
fn length(range: &str) -> Option<u64> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    Some(last.checked_sub(first)? + 1)
}

fn theirs(response: Response) -> Result<HttpResponse, HttpError> {
    let mut answer = HttpResponse::new(response.body.clone().into());
    let unread = |cause: &dyn fmt::Display| {
        failed(ClientError::new(
            ClientErrorKind::Unknown,
            cause.to_string(),
        ))
    };
    *answer.status_mut() = response.status.try_into().map_err(|error| unread(&error))?;
    answer
        .headers_mut()
        .insert("content-length", response.body.len().into());
    for name in READ {
        if let Some(value) = response.header(name) {
            let value = value.parse().map_err(|error| unread(&error))?;
            answer.headers_mut().insert(name, value);
        }
    }
    Ok(answer)
}

fn failed(error: ClientError) -> HttpError {
    let kind = match error.kind {
        ClientErrorKind::Unreachable | ClientErrorKind::Dns | ClientErrorKind::Tls => {
            HttpErrorKind::Connect
        }
        ClientErrorKind::Timeout => HttpErrorKind::Timeout,
        ClientErrorKind::Reset => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
