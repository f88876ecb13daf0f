//! Scheduled posts that nobody publishes: the run of one is gone, has ended or stands, and its time passes.

use callboard_core::app::doctor::Symptom;
use callboard_core::app::{App, AppError};
use callboard_core::store::runs::{self, ListedRun, RunStatus};
use futures_util::future::BoxFuture;

use super::{Post, PostStatus, list};

/// Of how many posts the runs are looked at.
const LOOKED_AT: u32 = 1_000;

/// The posts that are scheduled, each with its run.
pub(crate) fn probe(app: &App) -> BoxFuture<'_, Result<Vec<Symptom>, AppError>> {
    Box::pin(async move {
        let mut symptoms = Vec::new();
        for entry in list(app.store(), Some(PostStatus::Scheduled), LOOKED_AT).await? {
            let Some(post) = entry.known() else { continue };
            let run = runs::listed(app.store(), &post.run).await?;
            symptoms.extend(stuck(run.as_ref()).map(|why| symptom(post, why)));
        }
        Ok(symptoms)
    })
}

/// Why a run publishes nothing, if it does not.
fn stuck(run: Option<&ListedRun>) -> Option<&'static str> {
    match run {
        None => Some("gone"),
        Some(ListedRun::Unreadable(_)) => Some("unreadable"),
        Some(ListedRun::Run(run)) => match run.status {
            RunStatus::Queued | RunStatus::Running | RunStatus::Waiting | RunStatus::Gated => None,
            RunStatus::Paused => Some("paused"),
            RunStatus::Blocked => Some("blocked"),
            RunStatus::Done
            | RunStatus::NothingToDo
            | RunStatus::Rejected
            | RunStatus::Unavailable
            | RunStatus::Failed
            | RunStatus::Cancelled => Some("over"),
        },
    }
}

fn symptom(post: &Post, why: &str) -> Symptom {
    let slug = &post.slug;
    let problem = format!("post `{slug}` is scheduled, and the run that is to publish it is {why}");
    let mend = format!(
        "`callboard posts schedule {slug} --at TIME` begins another, `callboard posts publish {slug}` \
        publishes it now"
    );
    Symptom::problem(slug.clone(), problem, mend)
}
