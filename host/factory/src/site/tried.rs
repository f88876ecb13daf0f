//! The site tried on the posts that there are, as `/health` does: what samples are unlike may stand in one of
//! them, and a page that fails on it is no page for readers.

use std::sync::Arc;

use callboard_core::blocking;
use callboard_core::rollcall::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use callboard_core::store::{Store, StoreError};
use callboard_core::workspace::Place;
use futures_util::future::BoxFuture;
use url::Url;

use super::{PER_PAGE, Site, SiteError, SiteInfo, files, mistakes};
use crate::tables::posts::{self, Post};

/// What is wrong with templates on the front page and on that of the newest post.
pub(super) async fn failing(store: &Store, site: Arc<Site>) -> Result<Vec<SiteError>, StoreError> {
    let most = u32::try_from(PER_PAGE).unwrap_or(u32::MAX);
    let newest = posts::newest(store, most, 0).await?;
    let tried = blocking::wait(move || on(&site, &newest));
    let lost = |error| StoreError::internal(format!("the site was not tried to its end: {error}"));
    tried.await.map_err(lost)
}

/// A post that can't be shown is no mistake of a template, and told of by itself.
fn on(site: &Site, newest: &[Post]) -> Vec<SiteError> {
    let mut failing = Vec::new();
    let pages = [
        Some(site.index(newest)),
        newest.first().map(|it| site.post(it)),
    ];
    for page in pages.into_iter().flatten() {
        if let Err(error @ SiteError::Template { .. }) = page
            && !failing.contains(&error)
        {
            failing.push(error);
        }
    }
    failing
}

/// The pages of the posts that are there in the roll call, unless samples have found a mistake already.
pub(crate) fn list(scope: RollScope<'_>) -> BoxFuture<'_, Result<Vec<Reference>, StoreError>> {
    Box::pin(async move {
        let Ok(local) = Url::parse("http://localhost/") else {
            return Ok(Vec::new());
        };
        let info = SiteInfo::of(&scope.definitions.config.value, scope.settings, local);
        let templates = files::templates(scope.definitions);
        if !mistakes(info.clone(), &templates).is_empty() {
            return Ok(Vec::new());
        }
        let Ok(site) = Site::new(info, &templates) else {
            return Ok(Vec::new());
        };
        // A database without posts has nothing to try the site on, and one that does not answer is told of.
        let Ok(failing) = failing(scope.store, Arc::new(site)).await else {
            return Ok(Vec::new());
        };
        Ok(failing.into_iter().filter_map(missed).collect())
    })
}

fn missed(error: SiteError) -> Option<Reference> {
    let SiteError::Template {
        name, line, cause, ..
    } = error
    else {
        return None;
    };
    let file = format!("site/{name}");
    let place = Place {
        line: line.max(1),
        ..Place::start(&file)
    };
    let problem = format!("the page cannot be rendered with the posts that there are: {cause}");
    let referrer = Referrer::Tenant(format!("template {name}"));
    let reference = Reference::new(referrer, "posts", ReferenceKind::Template, file);
    let miss = Miss::new(problem, "correct the template");
    Some(reference.at(place).missed(Some(miss)))
}
