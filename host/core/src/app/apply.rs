//! Apply a workspace: read it, call the roll, and keep it as the active revision.

use jiff::Timestamp;

use super::{App, AppError, AppFuture, Inspection};
use crate::rollcall::RollReport;
use crate::store::revisions;
use crate::store::setting_changes::SettingChange;
use crate::workspace::{self, Files};

/// What an apply did.
pub struct Applied {
    pub revision: i64,
    pub digest: String,
    /// Whether the revision was active before.
    pub unchanged: bool,
    /// Values of settings that went with the revision before.
    pub settings: Vec<SettingChange>,
    pub roll: RollReport,
}

impl App {
    /// Call the roll over the folder as it stands, keeping nothing.
    pub fn check(&self) -> AppFuture<'_, Inspection> {
        Box::pin(async move { self.inspect(&self.read()?).await })
    }

    /// Make the folder as it stands the active revision, if everything answers.
    pub fn apply<'a>(&'a self, note: &'a str) -> AppFuture<'a, Applied> {
        Box::pin(self.applied(note, |roll| roll))
    }

    /// The same, for one test of the workspace: what does not answer and concerns only others stops nothing.
    pub fn apply_for_test<'a>(&'a self, test: &'a str) -> AppFuture<'a, Applied> {
        Box::pin(self.applied("a test", |roll| roll.of_test(test)))
    }

    async fn applied(
        &self,
        note: &str,
        held_to: impl FnOnce(RollReport) -> RollReport,
    ) -> Result<Applied, AppError> {
        let folder = self.read()?;
        let Inspection { loaded, roll } = self.inspect(&folder).await?;
        let roll = held_to(roll);
        let misses = roll.causes().len();
        if misses > 0 {
            return Err(AppError::Misses(misses, Box::new(roll)));
        }
        let mut files = folder.files;
        for (name, contracts) in &loaded.described {
            add_contracts(&mut files, name, contracts)?;
        }
        let digest = workspace::digest(&files);
        let active = revisions::active(self.store()).await?;
        let unchanged = active.is_some_and(|active| active.digest == digest);
        // Also of an unchanged folder: what was changed of the stored one past the host is undone.
        let saved = (files, digest.as_str(), note);
        let saved = revisions::save_with(self.store(), saved, Timestamp::now(), workspace::carried);
        let (revision, settings) = saved.await?;
        Ok(Applied {
            revision,
            digest,
            unchanged,
            settings,
            roll,
        })
    }
}

/// What the plugin said of itself becomes part of the revision.
fn add_contracts(
    files: &mut Files,
    plugin: &str,
    contracts: &[crate::handler::Contract],
) -> Result<(), AppError> {
    let text = serde_json::to_vec_pretty(contracts).map_err(|error| {
        crate::store::StoreError::internal(format!("the contracts of {plugin}: {error}"))
    })?;
    files.insert(format!("plugins/{plugin}/contracts.json"), text);
    Ok(())
}
