//! What the doctor asks about pictures: whether the server that makes them is well, and whether
//! what keeps them can be used.

use std::time::{Duration, Instant};

use callboard_core::app::doctor::Symptom;
use callboard_core::app::{App, AppError};
use callboard_core::client::Client;
use callboard_core::settings::Snapshot;
use futures_util::future::BoxFuture;

use super::Media;
use crate::images::{Provider, Trouble};

/// How long the server may take to say how it is.
const WAIT: Duration = Duration::from_secs(5);

/// The server and the store of the settings, if a server is named.
pub(crate) fn probe(app: &App) -> BoxFuture<'_, Result<Vec<Symptom>, AppError>> {
    Box::pin(async move {
        let loaded = app.active().await?;
        match app.snapshot(&loaded.definitions).await {
            Ok(settings) => Ok(symptoms(&settings).await),
            // It is said by the check of the secrets.
            Err(AppError::Secret(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    })
}

async fn symptoms(settings: &Snapshot) -> Vec<Symptom> {
    let mut symptoms = Vec::new();
    match Provider::of(settings) {
        // A workspace that does not declare it makes no pictures.
        Ok(None) | Err(crate::images::provider::Unset::Setting(_)) => return symptoms,
        Err(error) => {
            let mend = "set what it names; no picture is made until then";
            symptoms.push(Symptom::problem("server", error.to_string(), mend));
        }
        Ok(Some(provider)) => {
            if let Err(trouble) = well(&provider).await {
                let mend =
                    "see to the server; runs that want a picture end on this cause until then";
                symptoms.push(Symptom::problem("server", trouble.to_string(), mend));
            }
        }
    }
    if let Err(error) = Media::bucket(settings, Instant::now()) {
        let mend = "set what it names; no picture is kept until then";
        symptoms.push(Symptom::problem("store", error.to_string(), mend));
    }
    symptoms
}

async fn well(provider: &Provider) -> Result<(), Trouble> {
    let client = Client::for_operator(&provider.url);
    let response = client.send(provider.health(WAIT)).await?;
    provider.is_well(&response)
}
