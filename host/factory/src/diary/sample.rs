//! Days for tests: messages as the commits of a branch, one a minute.

use super::bundle::Bundle;
use super::gather::{Gatherer, Landed, Messages};
use super::git::{Detail, RepositoryIdentity};
use super::landed::Lister;
use super::log::LogEntry;
use super::looking::Looking;

/// The template that the factory comes with.
pub(crate) const TEMPLATE: &str = include_str!("../../workspace/templates/diary.md");
/// The 25th of June 2026.
const DAY: &str = "2026-06-25";

/// The id of the commit at a place.
pub(crate) fn id(place: usize) -> String {
    format!("{:02x}3b5c7d9e", place + 1).repeat(4)
}

/// Messages by three authors, with a file each.
pub(crate) fn bundle(messages: &[(&str, &str)]) -> Bundle {
    let entries = messages
        .iter()
        .enumerate()
        .map(|(place, (subject, body))| LogEntry {
            id: id(place),
            committed_at: 1_782_345_600 + 60 * i64::try_from(place).unwrap_or_default(),
            author: format!("Author {}", place % 3),
            email: format!("{}@example.com", place % 3),
            subject: (*subject).to_owned(),
            body: (*body).to_owned(),
            paths: vec![format!("host/src/part_{place}.rs")],
            changed: vec![20],
            files: 1,
            insertions: 17,
            deletions: 3,
            ..LogEntry::default()
        });
    of(entries.collect())
}

/// The day of some commits, the oldest first.
pub(crate) fn of(entries: Vec<LogEntry>) -> Bundle {
    let mut lister = Lister::default();
    for (place, entry) in entries.iter().enumerate().rev() {
        let parent = place
            .checked_sub(1)
            .map_or(String::new(), |place| entries[place].id.clone());
        lister.take(&format!("{} {} {parent}", entry.committed_at, entry.id));
    }
    let rules = Looking::default().rules();
    let identity = RepositoryIdentity {
        name: "stage/callboard".to_owned(),
        remote: None,
    };
    let gatherer = Gatherer {
        identity: &identity,
        rules: &rules,
        forge: None,
        limit: 1_000,
        now: "2026-07-01T00:00:00Z".parse().expect("a time"),
    };
    let entries = entries.into_iter().map(|entry| (entry.id.clone(), entry));
    let messages = Messages {
        entries: entries.collect(),
        undone: Vec::new(),
        known: Vec::new(),
        detail: Detail::Lines,
        unlooked: Vec::new(),
        over_limit: 0,
    };
    let landed = Landed::new(lister.finish(false));
    gatherer.assemble(&landed, DAY.parse().expect("a day"), messages)
}
