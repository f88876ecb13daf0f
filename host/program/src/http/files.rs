//! Files of the site that are served as they are, at their path below `site/`.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use callboard_factory::site::Asset;
use percent_encoding::percent_decode_str;

use super::Face;
use super::answer::{HTML, Problem, finish, no_site};

/// How long a file may be kept before its tag is asked for again.
const KEEP: &str = "public, max-age=300";

/// A file of the site; what is none is absent.
pub(super) async fn file(State(face): State<Face>, method: Method, uri: Uri) -> Response {
    let site = match face.site() {
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
        None => finish(&site, &HTML, Err(Problem::Absent)),
    }
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
    let mut response = (StatusCode::OK, headers, body).into_response();
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", asset.digest)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
