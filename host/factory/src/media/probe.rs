//! What the doctor asks about pictures: whether the server that makes them is well. What the settings
//! say of it, and of what keeps them, is asked by the roll call.

use std::time::Duration;

use callboard_core::app::doctor::Symptom;
use callboard_core::app::{App, AppError};
use callboard_core::client::Client;
use callboard_core::settings::Snapshot;
use futures_util::future::BoxFuture;

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
        // What the settings lack is said by the roll call.
        Ok(None) | Err(_) => {}
        Ok(Some(provider)) => {
            if let Err(trouble) = well(&provider).await {
                let mend =
                    "see to the server; runs that want a picture end on this cause until then";
                symptoms.push(Symptom::problem("server", trouble.to_string(), mend));
            }
        }
    }
    symptoms
}

async fn well(provider: &Provider) -> Result<(), Trouble> {
    let client = Client::for_operator(&provider.url);
    let response = client.send(provider.health(WAIT)).await?;
    provider.is_well(&response)
}
