//! The statuses of a post, and what moves it from one to another: the only writer of
//! `posts.status`, with whatever else changes in the same moment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tables::transitions::{Machine, StoredWord, Transition};

/// Where a post stands: what its address answers, and who lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PostStatus {
    /// It is not on the site, and may come: its address is not found.
    Unpublished,
    /// The same, and a run publishes it when its time comes.
    Scheduled,
    /// Readers see it and lists have it.
    Published,
    /// Its address shows it, and no list has it.
    Archived,
    /// It was taken off the site: its address says "gone".
    Removed,
}

/// What happens to a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PostEvent {
    /// It is there, and not on the site yet.
    Keep,
    /// It is on the site, as a new one.
    Publish,
    /// It has a time at which it is published.
    Schedule,
    /// The run that was to publish it ended without that.
    Lapse,
    /// It is off the site for the time being.
    Unpublish,
    /// It is in no list any more.
    Archive,
    /// It is off the site.
    Remove,
    /// It is on the site again as it was.
    Restore,
    /// It got another title, another address or both.
    Retitle,
    /// What is shown of it changed: its text, its pictures, or what lists show.
    Edit,
}

use PostEvent as E;
use PostStatus as S;

/// All that moves a post.
pub const POSTS: Machine<PostStatus, PostEvent> = Machine {
    table: "posts",
    history: "post_history",
    noun: "post",
    kept: "slug title",
    only_in: &[("scheduled_at", S::Scheduled)],
    transitions: TRANSITIONS,
};

const fn row(from: &'static [S], event: E, to: Option<S>) -> Transition<PostStatus, PostEvent> {
    Transition { from, event, to }
}

/// From where, by which event, to where.
const TRANSITIONS: &[Transition<PostStatus, PostEvent>] = &[
    row(&[], E::Keep, Some(S::Unpublished)),
    row(&[], E::Publish, Some(S::Published)),
    row(
        &[S::Unpublished, S::Scheduled],
        E::Publish,
        Some(S::Published),
    ),
    row(
        &[S::Unpublished, S::Scheduled],
        E::Schedule,
        Some(S::Scheduled),
    ),
    row(&[S::Scheduled], E::Lapse, Some(S::Unpublished)),
    row(
        &[S::Scheduled, S::Published, S::Archived, S::Removed],
        E::Unpublish,
        Some(S::Unpublished),
    ),
    row(&[S::Published], E::Archive, Some(S::Archived)),
    row(
        &[S::Unpublished, S::Scheduled, S::Published, S::Archived],
        E::Remove,
        Some(S::Removed),
    ),
    row(
        &[S::Unpublished, S::Archived, S::Removed],
        E::Restore,
        Some(S::Published),
    ),
    row(
        &[S::Unpublished, S::Scheduled, S::Published, S::Archived],
        E::Retitle,
        None,
    ),
    row(
        &[S::Unpublished, S::Scheduled, S::Published, S::Archived],
        E::Edit,
        None,
    ),
];

impl PostStatus {
    /// Whether its address shows it.
    pub fn is_shown(self) -> bool {
        matches!(self, S::Published | S::Archived)
    }
}

impl StoredWord for PostStatus {
    const ALL: &'static [Self] = &[
        S::Unpublished,
        S::Scheduled,
        S::Published,
        S::Archived,
        S::Removed,
    ];

    fn word(self) -> &'static str {
        match self {
            S::Unpublished => "unpublished",
            S::Scheduled => "scheduled",
            S::Published => "published",
            S::Archived => "archived",
            S::Removed => "removed",
        }
    }
}

impl StoredWord for PostEvent {
    const ALL: &'static [Self] = &[
        E::Keep,
        E::Publish,
        E::Schedule,
        E::Lapse,
        E::Unpublish,
        E::Archive,
        E::Remove,
        E::Restore,
        E::Retitle,
        E::Edit,
    ];

    fn word(self) -> &'static str {
        match self {
            E::Keep => "keep",
            E::Publish => "publish",
            E::Schedule => "schedule",
            E::Lapse => "lapse",
            E::Unpublish => "unpublish",
            E::Archive => "archive",
            E::Remove => "remove",
            E::Restore => "restore",
            E::Retitle => "retitle",
            E::Edit => "edit",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::transitions::words;

    #[test]
    fn the_database_takes_each_status_and_event_and_no_other() {
        assert_eq!(
            words::checked("posts", "status"),
            words::all::<PostStatus>()
        );
        assert_eq!(words::checked("posts", "event"), words::all::<PostEvent>());
    }

    #[test]
    fn each_status_is_reached_and_left_by_one_row_an_event() {
        for status in PostStatus::ALL {
            let reached = TRANSITIONS.iter().any(|row| row.to == Some(*status));
            assert!(reached, "{status:?}");
            let leads_on = |row: &&Transition<S, E>| row.to.is_some() && row.from.contains(status);
            assert!(TRANSITIONS.iter().any(|row| leads_on(&row)), "{status:?}");
            for event in PostEvent::ALL {
                let rows = TRANSITIONS.iter().filter(|row| row.event == *event);
                let rows = rows.filter(|row| row.from.contains(status)).count();
                assert!(rows < 2, "{status:?} {event:?}");
            }
        }
    }
}
