//! The pages of the public site.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use callboard_factory::operations::posts::{self, Post, PostAddress};
use callboard_factory::site::{PER_PAGE, Site, SiteError};

use super::WebState;
use super::answer::{AnswerProblem, CSS, ContentKind, HTML, JSON_FEED, RSS, XML, finish, no_site};

/// Posts in a feed.
const FEED: u32 = 20;
/// Posts on the page of a tag, and in the sitemap.
const TAGGED: u32 = 500;
const MAPPED: u32 = 10_000;
/// Longer names are no names of ours.
const NAME_LENGTH: usize = 200;

/// A segment of the path, which may not even be text.
pub(super) type Segment = Result<Path<String>, PathRejection>;
type PageText = Result<String, AnswerProblem>;
type RenderedPage = Result<String, SiteError>;

pub(super) async fn index(State(web): State<WebState>) -> Response {
    of_newest(&web, ("/", &HTML), per_page(), Site::index).await
}

pub(super) async fn rss(State(web): State<WebState>) -> Response {
    of_newest(&web, ("/feed.xml", &RSS), FEED, Site::rss).await
}

pub(super) async fn json_feed(State(web): State<WebState>) -> Response {
    of_newest(&web, ("/feed.json", &JSON_FEED), FEED, Site::json_feed).await
}

pub(super) async fn sitemap(State(web): State<WebState>) -> Response {
    page(&web, ("/sitemap.xml", &XML), async |site| {
        let posts = posts::addresses(&web.app, MAPPED).await?;
        let map = move |site: &Site| Ok(site.sitemap(&posts));
        web.renderings.page(site, map).await
    })
    .await
}

pub(super) async fn post(State(web): State<WebState>, at: Uri, slug: Segment) -> Response {
    page(&web, (at.path(), &HTML), async |site| {
        post_text(&web, site, slug).await
    })
    .await
}

pub(super) async fn archive(State(web): State<WebState>) -> Response {
    page(&web, ("/archive", &HTML), async |site| {
        archive_text(&web, site, 1).await
    })
    .await
}

pub(super) async fn archive_page(
    State(web): State<WebState>,
    at: Uri,
    number: Segment,
) -> Response {
    page(&web, (at.path(), &HTML), async |site| {
        let number = page_number(&name(number)?)?;
        archive_text(&web, site, number).await
    })
    .await
}

pub(super) async fn tag(State(web): State<WebState>, at: Uri, tag: Segment) -> Response {
    page(&web, (at.path(), &HTML), async |site| {
        tag_text(&web, site, tag).await
    })
    .await
}

pub(super) async fn style(State(web): State<WebState>) -> Response {
    page(&web, ("/style.css", &CSS), async |site| {
        Ok(site.style().to_owned())
    })
    .await
}

/// A page of the site as it is now; unavailable, while there is none.
async fn page(
    web: &WebState,
    (address, kind): (&str, &ContentKind),
    text: impl AsyncFnOnce(&Arc<Site>) -> PageText,
) -> Response {
    match web.site() {
        Ok(site) => {
            let text = text(&site).await;
            web.renderings.note(&web.app, address, &text).await;
            finish(&site, kind, text)
        }
        Err(cause) => no_site(&cause),
    }
}

async fn of_newest(
    web: &WebState,
    kind: (&str, &ContentKind),
    limit: u32,
    render: fn(&Site, &[Post]) -> RenderedPage,
) -> Response {
    page(web, kind, async |site| {
        let posts = posts::newest(&web.app, limit, 0).await?;
        let render = move |site: &Site| render(site, &posts);
        web.renderings.page(site, render).await
    })
    .await
}

async fn post_text(web: &WebState, site: &Arc<Site>, slug: Segment) -> PageText {
    match posts::at(&web.app, &name(slug)?).await? {
        PostAddress::Absent => Err(AnswerProblem::Absent),
        PostAddress::Gone => Err(AnswerProblem::Gone),
        PostAddress::Moved(slug) => Err(AnswerProblem::Moved(slug)),
        PostAddress::Here(post) => {
            let slug = post.slug.clone();
            let render = move |site: &Site| site.post(&post);
            let shown = web.renderings.page(site, render).await;
            if let Err(AnswerProblem::Site(error @ SiteError::Post { .. })) = &shown
                && let Err(problem) = posts::unshown(&web.app, &slug, error).await
            {
                tracing::error!(%problem, slug, "no finding is kept of a post that can't be shown");
            }
            shown
        }
    }
}

async fn archive_text(web: &WebState, site: &Arc<Site>, page: u32) -> PageText {
    let count = posts::count(&web.app).await?;
    let pages = count.div_ceil(u64::from(per_page())).max(1);
    let pages = u32::try_from(pages).unwrap_or(u32::MAX);
    if page > pages {
        return Err(AnswerProblem::Absent);
    }
    let offset = (page - 1).saturating_mul(per_page());
    let posts = posts::newest(&web.app, per_page(), offset).await?;
    let render = move |site: &Site| site.archive(&posts, page, pages);
    web.renderings.page(site, render).await
}

async fn tag_text(web: &WebState, site: &Arc<Site>, tag: Segment) -> PageText {
    let tag = name(tag)?;
    let posts = posts::tagged(&web.app, &tag, TAGGED).await?;
    if posts.is_empty() {
        return Err(AnswerProblem::Absent);
    }
    let render = move |site: &Site| site.tag(&tag, &posts);
    web.renderings.page(site, render).await
}

/// A name that can be asked for. Anything else is absent without asking the store, which
/// might refuse it and make an odd address look like an outage.
fn name(segment: Segment) -> Result<String, AnswerProblem> {
    match segment {
        Ok(Path(name)) if name.len() <= NAME_LENGTH && !name.contains(char::is_control) => Ok(name),
        _ => Err(AnswerProblem::Absent),
    }
}

/// A page of the archive as the pages link it: `7`, not `07` or `+7`.
fn page_number(page: &str) -> Result<u32, AnswerProblem> {
    match page.parse::<u32>() {
        Ok(number) if number > 0 && number.to_string() == page => Ok(number),
        _ => Err(AnswerProblem::Absent),
    }
}

pub(super) fn per_page() -> u32 {
    u32::try_from(PER_PAGE).unwrap_or(u32::MAX)
}
