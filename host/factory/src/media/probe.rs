//! What the doctor asks about pictures: whether the server that makes them is well, whether what keeps
//! them answers, and whether those that are shown are there. What the settings lack is said by the roll
//! call.

use std::collections::BTreeSet;
use std::time::Duration;

use callboard_core::app::doctor::Symptom;
use callboard_core::app::{App, AppError};
use callboard_core::client::Client;
use callboard_core::settings::Snapshot;
use futures_util::future::BoxFuture;

use super::{Media, PUT_BACK_OR_MAKE, missing};
use crate::images::{PictureProvider, PictureTrouble};
use crate::tables::tasks::{self, TaskStatus};
use crate::tables::{drafts, posts};

/// Of how many posts, and of how many drafts, the pictures are looked at: the newest.
const LOOKED_AT: u32 = 1_000;
/// The name of a picture that no store has: a store that is well says so.
const NEVER_THERE: &str = "00000000000000000000000000000000.png";
/// How long the server may take to say how it is.
const WAIT: Duration = Duration::from_secs(5);

/// The server and the store of the settings, if a server is named.
pub(crate) fn probe(app: &App) -> BoxFuture<'_, Result<Vec<Symptom>, AppError>> {
    Box::pin(async move {
        let loaded = app.active().await?;
        match app.snapshot(&loaded.definitions).await {
            Ok(settings) => {
                let mut symptoms = symptoms(app, &settings).await;
                symptoms.extend(absent(app).await?);
                Ok(symptoms)
            }
            // It is said by the check of the secrets.
            Err(AppError::Secret(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    })
}

async fn symptoms(app: &App, settings: &Snapshot) -> Vec<Symptom> {
    let mut symptoms = Vec::new();
    match PictureProvider::of(settings) {
        // What the settings lack is said by the roll call.
        Ok(None) | Err(_) => {}
        Ok(Some(provider)) => {
            if let Err(trouble) = well(app, &provider).await {
                let mend =
                    "see to the server; runs that want a picture end on this cause until then";
                symptoms.push(Symptom::problem("server", trouble.to_string(), mend));
            }
        }
    }
    symptoms
}

/// Pictures that posts, and drafts that wait for approval, show, and that are not where they are kept.
async fn absent(app: &App) -> Result<Option<Symptom>, AppError> {
    let store = app.store();
    let mut names = BTreeSet::new();
    for entry in posts::list(store, None, LOOKED_AT).await? {
        if let Some(post) = entry.known() {
            names.extend(super::names(&post.markdown, post.featured.as_ref()));
        }
    }
    let waiting = tasks::newest(Some(TaskStatus::AwaitingApproval), LOOKED_AT);
    for entry in store.entries("id", waiting).await? {
        let Some(task) = entry.known() else { continue };
        let row = store
            .read_first(drafts::numbered(&task.id, task.draft))
            .await?;
        if let Some(draft) = row.and_then(|row| row.text().ok()) {
            names.extend(super::names(&draft.markdown, draft.featured.as_ref()));
        }
    }
    Ok(lost(app, names).await)
}

/// What to say of the pictures of these names.
async fn lost(app: &App, names: BTreeSet<String>) -> Option<Symptom> {
    let problem = |problem: String| Some(Symptom::problem("pictures", problem, PUT_BACK_OR_MAKE));
    let (media, first) = match (Media::in_all(app).await, names.first()) {
        (Ok(Some(media)), first) => (media, first),
        (Ok(None), Some(first)) => {
            return problem(format!("the folder of `{first}` and others is not there"));
        }
        (Err(error), Some(_)) => return problem(error.to_string()),
        // There is no picture yet, and what the settings lack is said by the roll call.
        (Ok(None) | Err(_), None) => return None,
    };
    let Some(first) = first else {
        let asked = media.has(NEVER_THERE).await;
        return asked.err().and_then(|error| problem(error.to_string()));
    };
    match super::absent(Some(&media), &names).await {
        Ok(absent) => missing(&absent, names.len()).and_then(problem),
        Err(error) => problem(format!("`{first}` and others: {error}")),
    }
}

async fn well(app: &App, provider: &PictureProvider) -> Result<(), PictureTrouble> {
    let client = Client::for_operator(&provider.url).over(&app.network());
    let response = client.send(provider.health(WAIT)).await?;
    provider.is_well(&response)
}
