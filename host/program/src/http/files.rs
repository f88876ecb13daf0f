//! Files of the site that are served as they are, at their path below `site/`.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use callboard_factory::operations::posts::{self, KeptPicture};
use callboard_factory::site::Asset;
use percent_encoding::percent_decode_str;

use super::WebState;
use super::answer::{AnswerProblem, HTML, finish, no_site};
use super::pages::Segment;

/// How long a file may be kept before its tag is asked for again.
const KEEP: &str = "public, max-age=300";
/// What is always the same under its name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A file of the site; what is none is absent.
pub(super) async fn file(State(web): State<WebState>, method: Method, uri: Uri) -> Response {
    let site = match web.site() {
        Ok(site) => site,
        Err(cause) => return no_site(&cause),
    };
    if let Some(page) = page_of_export(uri.path()) {
        return Redirect::permanent(&page).into_response();
    }
    let path = percent_decode_str(uri.path().trim_start_matches('/')).decode_utf8();
    let readable = [Method::GET, Method::HEAD].contains(&method);
    let asset = path.ok().filter(|_| readable);
    match asset.and_then(|path| site.assets().get(&path)) {
        Some(asset) => found(asset),
        None => finish(&site, &HTML, Err(AnswerProblem::Absent)),
    }
}

/// A kept picture. Its name says what it is, so it may be kept for ever; that it is not there may
/// be said again tomorrow.
pub(super) async fn picture(State(web): State<WebState>, name: Segment) -> Response {
    let site = match web.site() {
        Ok(site) => site,
        Err(cause) => return no_site(&cause),
    };
    let Ok(Path(name)) = name else {
        return finish(&site, &HTML, Err(AnswerProblem::Absent));
    };
    match posts::picture(&web.app, &name).await {
        Ok(Some(picture)) => whole(&name, picture),
        Ok(None) => finish(&site, &HTML, Err(AnswerProblem::Absent)),
        Err(error) => finish(&site, &HTML, Err(error.into())),
    }
}

/// It is read as its reader takes it, so that those who are slow take no memory.
fn whole(name: &str, picture: KeptPicture) -> Response {
    let headers = [
        (header::CONTENT_TYPE, picture.media),
        (header::CACHE_CONTROL, FOR_EVER),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let length = [(header::CONTENT_LENGTH, picture.bytes.to_string())];
    let body = Body::from_stream(picture.pieces);
    tagged(
        (StatusCode::OK, headers, length, body).into_response(),
        name,
    )
}

fn tagged(mut response: Response, digest: &str) -> Response {
    if let Ok(tag) = HeaderValue::try_from(format!("\"{digest}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Where a page is that an export has as a folder, from the address of that folder: the same name
/// without a slash at its end, so that a reader who knows one finds the other.
fn page_of_export(path: &str) -> Option<String> {
    let (above, name) = path.strip_suffix('/')?.rsplit_once('/')?;
    let is_page = match above {
        "" => name == "archive",
        "/archive" | "/posts" | "/tags" => true,
        _ => false,
    };
    (is_page && !name.is_empty()).then(|| format!("../{name}"))
}

fn found(asset: &Asset) -> Response {
    let headers = [
        (header::CONTENT_TYPE, asset.media.as_str()),
        (header::CACHE_CONTROL, KEEP),
        // What it is, is said; a browser is not to guess.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    // Nothing is copied: as many as take it share it.
    let body = Body::from(Bytes::from_owner(Arc::clone(&asset.content)));
    tagged(
        (StatusCode::OK, headers, body).into_response(),
        &asset.digest,
    )
}
