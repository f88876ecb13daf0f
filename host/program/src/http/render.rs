//! Pages are rendered beside the workers that answer, a few at a time. A template that takes long
//! keeps those waiting who want a page, and no other reader.

use std::sync::Arc;
use std::time::Duration;

use callboard_core::app::App;
use callboard_core::blocking;
use callboard_factory::operations::pages::FailingPages;
use callboard_factory::site::{Site, SiteError};
use tokio::sync::Semaphore;

use super::answer::AnswerProblem;

/// Pages that are rendered at a time.
const AT_ONCE: usize = 8;
/// How long a page waits for its turn.
const TURN: Duration = Duration::from_secs(2);

/// Where the pages of one listener are rendered.
#[derive(Clone)]
pub struct Renderings {
    places: Arc<Semaphore>,
    failing: Arc<FailingPages>,
}

impl Default for Renderings {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
            failing: Arc::default(),
        }
    }
}

impl Renderings {
    /// What `render` makes of a site. It keeps its place until it has ended, even if the request
    /// that waits for it is dropped.
    pub(super) async fn page(
        &self,
        site: &Arc<Site>,
        render: impl FnOnce(&Site) -> Result<String, SiteError> + Send + 'static,
    ) -> Result<String, AnswerProblem> {
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.places).acquire_owned()).await;
        // It is never closed.
        let Ok(Ok(place)) = turn else {
            return Err(AnswerProblem::Busy);
        };
        let site = Arc::clone(site);
        // What is rendered is bounded by its templates and by the posts that can be shown.
        let rendered = blocking::wait(move || {
            let page = render(&site);
            drop(place);
            page
        });
        rendered
            .await
            .map_err(|_| AnswerProblem::Lost)?
            .map_err(AnswerProblem::Site)
    }

    /// Take note of what came of an address of the site.
    pub(super) async fn note(
        &self,
        app: &App,
        address: &str,
        came: &Result<String, AnswerProblem>,
    ) {
        let error = match came {
            Err(AnswerProblem::Site(error)) => Some(error),
            // Nothing was rendered, which says nothing of it.
            Err(AnswerProblem::Busy | AnswerProblem::Lost | AnswerProblem::Operation(_)) => return,
            Ok(_) | Err(_) => None,
        };
        if let Err(problem) = self.failing.note(app, address, error).await {
            tracing::error!(%problem, address, "no finding is kept of a page that can't be shown");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use url::Url;

    use super::*;
    use callboard_factory::site::{SiteInfo, bundled};

    fn site() -> Arc<Site> {
        let info = SiteInfo {
            name: "x".to_owned(),
            description: String::new(),
            address: Url::parse("http://localhost/").expect("an address"),
        };
        Arc::new(Site::new(info, &bundled()).expect("a site"))
    }

    #[tokio::test]
    async fn a_page_that_takes_long_keeps_its_place_and_nobody_else_but_pages() {
        let (site, renderings) = (site(), Renderings::default());
        let (end, ends) = mpsc::channel::<()>();
        let ends = Arc::new(std::sync::Mutex::new(ends));
        for _ in 0..AT_ONCE {
            let (site, renderings, ends) = (site.clone(), renderings.clone(), ends.clone());
            let page = async move {
                let page = renderings.page(&site, move |_| {
                    ends.lock().expect("its turn").recv().ok();
                    Ok(String::new())
                });
                page.await.is_ok()
            };
            // The request that asked for it goes away; the page goes on.
            let given_up = tokio::time::timeout(Duration::from_millis(1), page).await;
            assert!(given_up.is_err());
        }
        let busy = renderings.page(&site, |_| Ok(String::new())).await;
        assert!(matches!(busy, Err(AnswerProblem::Busy)));
        drop(end);
        let page = renderings.page(&site, |site| site.index(&[])).await;
        assert!(page.is_ok());
    }
}
