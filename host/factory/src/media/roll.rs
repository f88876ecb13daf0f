//! The server that makes pictures and the store that keeps them in the roll call: whatever makes
//! any or not, what the settings say of the two is whole, as what they say of a role is.

use std::time::Instant;

use callboard_core::client::Network;
use callboard_core::rollcall::{Miss, Reference, ReferenceKind, Referrer, RollScope};

use super::{BUCKET, Media, Patience, STORE, StoreClient, bucket, place, unwritable};
use crate::images::provider::{PROVIDER, PictureProvider, URL};

/// What a bucket needs.
const OF_BUCKET: [&str; 4] = [
    bucket::ENDPOINT,
    bucket::REGION,
    bucket::ACCESS_KEY,
    bucket::SECRET_KEY,
];

pub(crate) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    // What cannot be read is a miss of its own.
    let server = PictureProvider::is_named(scope.settings);
    let mut references = Vec::new();
    if server {
        references.extend(needed(scope, PROVIDER, "names a server", &[URL]));
    }
    let Ok(Some(store)) = scope.settings.text(STORE) else {
        return references;
    };
    let missing = if store.starts_with(BUCKET) {
        let needed = needed(scope, STORE, "is a bucket", &OF_BUCKET);
        let whole = needed.iter().all(|reference| reference.miss.is_none());
        references.extend(needed);
        let client = StoreClient::Program(Network::default(), Patience::Until(Instant::now()));
        let opened = whole.then(|| Media::bucket(scope.settings, client).err());
        opened.flatten().map(|error| error.to_string())
    } else {
        unfit(scope, server)
    };
    let mend = "callboard settings set media.store PLACE, a folder or s3://BUCKET/PREFIX";
    let miss = missing.map(|problem| Miss::new(problem, mend));
    references.extend(reference(scope, STORE, STORE, miss));
    references
}

/// Why the folder of the settings can keep no pictures. Only where some are made it is tried.
fn unfit(scope: &RollScope<'_>, made: bool) -> Option<String> {
    let folder = place(scope.settings, scope.folder).ok()?;
    let problem = super::unfit(scope.folder, &folder);
    let problem = problem.or_else(|| made.then(|| unwritable(&folder)).flatten());
    problem.map(|problem| format!("no pictures can be kept in the folder of `{STORE}`: {problem}"))
}

/// What has to be set because another setting says something.
fn needed(scope: &RollScope<'_>, by: &str, says: &str, keys: &[&str]) -> Vec<Reference> {
    let references = keys.iter().filter_map(|key| {
        let declared = scope.settings.declaration(key)?;
        let value = match declared.kind {
            callboard_core::settings::SettingType::Secret => "-",
            _ => "VALUE",
        };
        let miss = (!scope.settings.is_present(key)).then(|| {
            let problem = format!("`{by}` {says}, and `{key}` is not set");
            Miss::new(problem, format!("callboard settings set {key} {value}")).unset([*key])
        });
        reference(scope, by, key, miss)
    });
    references.collect()
}

/// A reference of a declaration.
fn reference(scope: &RollScope<'_>, by: &str, key: &str, miss: Option<Miss>) -> Option<Reference> {
    let declared = scope.definitions.settings.get(by)?;
    let referrer = Referrer::Declaration(by.to_owned());
    let reference = Reference::new(referrer, "settings", ReferenceKind::Setting, key);
    Some(reference.at(declared.at(&[])).missed(miss))
}
