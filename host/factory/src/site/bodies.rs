//! The texts of posts as HTML, each made once: a feed that is polled, or a post that many read,
//! costs nothing more, and neither does one that can't be shown.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use callboard_core::shown::cut;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::SiteError;
use crate::markdown::{self, Places};
use crate::tables::posts::Post;

/// The most bytes that are kept; all are made anew when there are more.
const KEPT: usize = 16 << 20;
/// What keeping one costs besides, in bytes.
const EACH: usize = 1 << 10;
/// The most characters of a title that a refusal quotes.
const TITLE: usize = 100;

type RenderedBody = Result<Arc<str>, SiteError>;

#[derive(Debug, Default)]
pub(super) struct Bodies(Mutex<CachedBodies>);

#[derive(Debug, Default)]
struct CachedBodies {
    bytes: usize,
    bodies: BTreeMap<Vec<u8>, RenderedBody>,
}

impl Bodies {
    /// The body of a post, with what it names where that is.
    pub(super) fn of(&self, post: &Post, places: Places<'_>) -> RenderedBody {
        let key = key(post, places);
        let kept = |kept: &CachedBodies| kept.bodies.get(&key).cloned();
        if let Some(body) = kept(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return body;
        }
        let html = markdown::to_html_at(&post.markdown, &post.title, places);
        let body = html.map(Arc::from).map_err(|cause| SiteError::Post {
            title: cut(&post.title, TITLE),
            cause: cause.to_string(),
        });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.keep(key, body.clone());
        body
    }
}

impl CachedBodies {
    fn keep(&mut self, key: Vec<u8>, body: RenderedBody) {
        let bytes = EACH + body.as_ref().map_or(0, |body| body.len());
        if self.bytes + bytes > KEPT {
            *self = Self::default();
        }
        self.bytes += bytes;
        self.bodies.insert(key, body);
    }
}

/// What a body is made from.
fn key(post: &Post, places: Places<'_>) -> Vec<u8> {
    let mut digest = Sha256::new();
    let base = places.base.map_or("", Url::as_str);
    let media = places.media.unwrap_or_default();
    for part in [base, media, &post.title, &post.markdown] {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finalize().to_vec()
}
