//! The pages of the public site, and the health endpoint.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use super::Face;
use super::answer::{CSS, HTML, JSON, JSON_FEED, Problem, RSS, XML, finish, found, unavailable};
use crate::site::{PER_PAGE, Site};
use crate::store::posts::{self, Post};
use crate::store::{Store, StoreError, StoreErrorKind};
use crate::value::Statement;

/// Posts in a feed.
const FEED: u32 = 20;
/// Posts on the page of a tag, and in the sitemap.
const TAGGED: u32 = 500;
const MAPPED: u32 = 10_000;
/// Longer names are no names of ours.
const NAME_LENGTH: usize = 200;
const HEALTH_LIMIT: Duration = Duration::from_secs(3);

/// A segment of the path, which may not even be text.
type Segment = Result<Path<String>, PathRejection>;
type Text = Result<String, Problem>;

pub(super) async fn index(State(face): State<Face>) -> Response {
    let (site, text) = of_newest(&face, per_page(), |site, posts| Ok(site.index(posts)?)).await;
    finish(&site, &HTML, text)
}

pub(super) async fn rss(State(face): State<Face>) -> Response {
    let (site, text) = of_newest(&face, FEED, |site, posts| Ok(site.rss(posts)?)).await;
    finish(&site, &RSS, text)
}

pub(super) async fn json_feed(State(face): State<Face>) -> Response {
    let (site, text) = of_newest(&face, FEED, |site, posts| Ok(site.json_feed(posts)?)).await;
    finish(&site, &JSON_FEED, text)
}

pub(super) async fn sitemap(State(face): State<Face>) -> Response {
    let (site, text) = of_newest(&face, MAPPED, |site, posts| Ok(site.sitemap(posts))).await;
    finish(&site, &XML, text)
}

pub(super) async fn post(State(face): State<Face>, slug: Segment) -> Response {
    let site = face.site();
    let text = post_text(&face.store, &site, slug).await;
    finish(&site, &HTML, text)
}

pub(super) async fn archive(State(face): State<Face>) -> Response {
    let site = face.site();
    let text = archive_text(&face.store, &site, 1).await;
    finish(&site, &HTML, text)
}

pub(super) async fn archive_page(State(face): State<Face>, page: Segment) -> Response {
    let site = face.site();
    let text = match name(page).and_then(|page| page_number(&page)) {
        Ok(page) => archive_text(&face.store, &site, page).await,
        Err(problem) => Err(problem),
    };
    finish(&site, &HTML, text)
}

pub(super) async fn tag(State(face): State<Face>, tag: Segment) -> Response {
    let site = face.site();
    let text = tag_text(&face.store, &site, tag).await;
    finish(&site, &HTML, text)
}

pub(super) async fn style(State(face): State<Face>) -> Response {
    found(&CSS, face.site().style().to_owned())
}

/// Whether this process can read its database.
pub(super) async fn health(State(face): State<Face>) -> Response {
    let question = face.store.query(Statement::new("SELECT 1 AS one"));
    let answer = tokio::time::timeout(HEALTH_LIMIT, question).await;
    let late = StoreError::new(
        StoreErrorKind::Timeout,
        "the database did not answer in time",
    );
    match answer.map_err(|_| late).and_then(|rows| rows) {
        Ok(_) => found(&JSON, "{\"status\":\"ok\"}\n".to_owned()),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            let text = "{\"status\":\"unavailable\",\"dependency\":\"database\"}\n";
            unavailable("application/json", text.to_owned())
        }
    }
}

async fn of_newest(
    face: &Face,
    limit: u32,
    render: impl FnOnce(&Site, &[Post]) -> Text,
) -> (Arc<Site>, Text) {
    let site = face.site();
    let text = match posts::newest(&face.store, limit, 0).await {
        Ok(posts) => render(&site, &posts),
        Err(error) => Err(error.into()),
    };
    (site, text)
}

async fn post_text(store: &Store, site: &Site, slug: Segment) -> Text {
    match posts::by_slug(store, &name(slug)?).await? {
        None => Err(Problem::Absent),
        Some(post) if post.removed => Err(Problem::Gone),
        Some(post) => Ok(site.post(&post)?),
    }
}

async fn archive_text(store: &Store, site: &Site, page: u32) -> Text {
    let count = posts::count(store).await?;
    let pages = count.div_ceil(u64::from(per_page())).max(1);
    let pages = u32::try_from(pages).unwrap_or(u32::MAX);
    if page > pages {
        return Err(Problem::Absent);
    }
    let offset = (page - 1).saturating_mul(per_page());
    let posts = posts::newest(store, per_page(), offset).await?;
    Ok(site.archive(&posts, page, pages)?)
}

async fn tag_text(store: &Store, site: &Site, tag: Segment) -> Text {
    let tag = name(tag)?;
    let posts = posts::tagged(store, &tag, TAGGED).await?;
    if posts.is_empty() {
        return Err(Problem::Absent);
    }
    Ok(site.tag(&tag, &posts)?)
}

/// A name that can be asked for. Anything else is absent without asking the store, which
/// might refuse it and make an odd address look like an outage.
fn name(segment: Segment) -> Result<String, Problem> {
    match segment {
        Ok(Path(name)) if name.len() <= NAME_LENGTH && !name.contains(char::is_control) => Ok(name),
        _ => Err(Problem::Absent),
    }
}

/// A page of the archive as the pages link it: `7`, not `07` or `+7`.
fn page_number(page: &str) -> Result<u32, Problem> {
    match page.parse::<u32>() {
        Ok(number) if number > 0 && number.to_string() == page => Ok(number),
        _ => Err(Problem::Absent),
    }
}

fn per_page() -> u32 {
    u32::try_from(PER_PAGE).unwrap_or(u32::MAX)
}
