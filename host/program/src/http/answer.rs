//! Status and headers of an answer. They are settled before a byte is sent: absent is 404,
//! removed is 410, and a store that does not answer is 503, which no cache may keep.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::shared;
use callboard_core::operations::OperationError;
use callboard_core::settings::hex;
use callboard_factory::site::{Site, SiteError};

/// What is sent: its media type, and how long it may be kept.
pub(super) struct ContentKind {
    pub(super) media: &'static str,
    keep: &'static str,
}

pub(super) const HTML: ContentKind = ContentKind {
    media: "text/html; charset=utf-8",
    keep: "public, max-age=60",
};
pub(super) const RSS: ContentKind = ContentKind {
    media: "application/rss+xml; charset=utf-8",
    keep: "public, max-age=300",
};
pub(super) const JSON_FEED: ContentKind = ContentKind {
    media: "application/feed+json; charset=utf-8",
    keep: "public, max-age=300",
};
pub(super) const XML: ContentKind = ContentKind {
    media: "application/xml; charset=utf-8",
    keep: "public, max-age=300",
};
/// Pages name the stylesheet with its digest, so that a changed one is fetched at once.
pub(super) const CSS: ContentKind = ContentKind {
    media: "text/css; charset=utf-8",
    keep: "public, max-age=86400",
};
/// The console's stylesheet, which comes with the program and changes with it.
pub(super) const CONSOLE_CSS: ContentKind = ContentKind {
    media: "text/css; charset=utf-8",
    keep: "no-cache",
};
/// A page of the console: true for the moment only.
pub(super) const MOMENT: ContentKind = ContentKind {
    media: "text/html; charset=utf-8",
    keep: "no-store",
};
pub(super) const JSON: ContentKind = ContentKind {
    media: "application/json",
    keep: "no-store",
};

pub(super) const PLAIN: &str = "text/plain; charset=utf-8";

/// Why there is no page.
pub(super) enum AnswerProblem {
    Absent,
    Gone,
    /// The post has another address now, by its slug.
    Moved(String),
    /// Too many pages are being rendered.
    Busy,
    /// The thread that rendered it is gone.
    Lost,
    Operation(OperationError),
    Site(SiteError),
}

impl From<OperationError> for AnswerProblem {
    fn from(error: OperationError) -> Self {
        AnswerProblem::Operation(error)
    }
}

impl From<SiteError> for AnswerProblem {
    fn from(error: SiteError) -> Self {
        AnswerProblem::Site(error)
    }
}

/// The page, or the page of its problem.
pub(super) fn finish(
    site: &Site,
    kind: &ContentKind,
    text: Result<String, AnswerProblem>,
) -> Response {
    match text {
        Ok(text) => found(kind, text),
        Err(problem) => explain(site, problem),
    }
}

/// 503: there is no site to take any page from. Why is for the log, not for readers.
pub(super) fn no_site(cause: &str) -> Response {
    tracing::error!(cause, "there is no site to show a reader");
    unavailable(
        PLAIN,
        "this site is being mended; try again later\n".to_owned(),
    )
}

/// 200 with a digest of the body as its tag; 503 while others have not taken too much.
pub(super) fn found(kind: &ContentKind, text: String) -> Response {
    let digest = hex(&Sha256::digest(&text));
    let tag = format!("\"{}\"", digest.get(..32).unwrap_or_default());
    let Some(content) = shared::content(&digest, text) else {
        tracing::error!("readers have not taken what they asked for, and one was sent away");
        return unavailable(
            PLAIN,
            "too much is on its way; try again later\n".to_owned(),
        );
    };
    let mut response = send(StatusCode::OK, kind.media, kind.keep, content);
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn explain(site: &Site, problem: AnswerProblem) -> Response {
    match problem {
        AnswerProblem::Absent => send(
            StatusCode::NOT_FOUND,
            HTML.media,
            "no-cache",
            site.not_found().to_owned(),
        ),
        AnswerProblem::Gone => send(
            StatusCode::GONE,
            HTML.media,
            "public, max-age=300",
            site.gone().to_owned(),
        ),
        AnswerProblem::Moved(slug) => moved(&site.place(&slug)),
        AnswerProblem::Operation(error) => {
            tracing::error!(%error, "the store did not answer a reader");
            unavailable(HTML.media, site.unavailable().to_owned())
        }
        AnswerProblem::Busy => {
            tracing::error!("pages take long to render, and a reader was sent away");
            unavailable(HTML.media, site.unavailable().to_owned())
        }
        AnswerProblem::Lost => broken("this page cannot be shown; the log of callboard says why\n"),
        AnswerProblem::Site(error) => defect(&error),
    }
}

/// 301: what was here is there. It may move once more, so that it is not kept for ever.
fn moved(place: &str) -> Response {
    let text = format!("this post is at {place} now\n");
    let keep = "public, max-age=300";
    let mut response = send(StatusCode::MOVED_PERMANENTLY, PLAIN, keep, text);
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

/// 503: ask again soon, and do not keep this.
pub(super) fn unavailable(media: &'static str, text: String) -> Response {
    let mut response = send(StatusCode::SERVICE_UNAVAILABLE, media, "no-store", text);
    let soon = HeaderValue::from_static("5");
    response.headers_mut().insert(header::RETRY_AFTER, soon);
    response
}

/// 500: a defect, of a template or of the program.
pub(super) fn broken(text: &'static str) -> Response {
    plain(StatusCode::INTERNAL_SERVER_ERROR, text.to_owned())
}

/// 500: what was asked for cannot be rendered.
pub(super) fn defect(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "a page could not be rendered");
    broken("this page cannot be shown; the log of callboard says why\n")
}

/// 404, where there is no site to say it.
pub(super) fn absent(text: &'static str) -> Response {
    plain(StatusCode::NOT_FOUND, text.to_owned())
}

/// 413: no handler here reads that much.
pub(super) fn too_large(most: u32) -> Response {
    let text = format!("a request carries at most {most} bytes here, and says how many\n");
    let mut response = plain(StatusCode::PAYLOAD_TOO_LARGE, text);
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

/// 421: it was asked for under a name that is not this machine's.
pub(super) fn misdirected(asked: &str) -> Response {
    let text = format!(
        "this is the console of one machine, and {asked} was asked for; ask for localhost, or add \
         the name to `names` in [console] of callboard.toml\n"
    );
    plain(StatusCode::MISDIRECTED_REQUEST, text)
}

fn plain(status: StatusCode, text: String) -> Response {
    send(status, PLAIN, "no-store", text)
}

fn send(
    status: StatusCode,
    media: &'static str,
    keep: &'static str,
    text: impl Into<Bytes>,
) -> Response {
    let headers: [(HeaderName, &str); 2] =
        [(header::CONTENT_TYPE, media), (header::CACHE_CONTROL, keep)];
    (status, headers, Body::from(text.into())).into_response()
}

/// Turns a page that the reader already has into 304.
pub(super) async fn conditional(request: Request, next: Next) -> Response {
    let readable = [Method::GET, Method::HEAD].contains(request.method());
    let known = readable.then(|| known_tags(request.headers()));
    let response = next.run(request).await;
    match (known, response.headers().get(header::ETAG)) {
        (Some(known), Some(tag)) if is_known(&known, tag) => unchanged(response),
        _ => response,
    }
}

fn known_tags(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter();
    let texts = lines.filter_map(|line| line.to_str().ok());
    let tags = texts.flat_map(|line| line.split(','));
    tags.map(|tag| tag.trim().trim_start_matches("W/").to_owned())
        .collect()
}

fn is_known(known: &[String], tag: &HeaderValue) -> bool {
    known
        .iter()
        .any(|known| known == "*" || known.as_bytes() == tag.as_bytes())
}

fn unchanged(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.body_mut() = Body::empty();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().remove(header::CONTENT_TYPE);
    response
}
