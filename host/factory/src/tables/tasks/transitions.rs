//! The statuses of a task, and what moves it from one to another: the only writer of
//! `tasks.status`, with whatever else changes in the same moment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tables::transitions::{Machine, StoredWord, Transition};

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TaskStatus {
    /// Its run is under way, and has no draft to show yet, or makes another one.
    InProgress,
    /// A draft is kept, and its run goes on.
    Drafted,
    /// It stands before a gate.
    AwaitingApproval,
    /// A person said yes; what follows is under way.
    Approved,
    Rejected,
    /// Its run ended before it was settled.
    Halted,
    /// A person ended it, or its run.
    Cancelled,
    Published,
}

/// What happens to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TaskEvent {
    /// A person asked for it.
    Create,
    /// Its run kept a draft.
    Save,
    /// Its run opened a gate.
    Ask,
    /// Its gate needs no answer any more: the run moved to a revision without it.
    Withdraw,
    /// A person said yes at the gate.
    Approve,
    /// A person said no, or its run ended as rejected.
    Reject,
    /// A person had its run go back.
    SendBack,
    /// A person wrote another version.
    Edit,
    /// One of its pictures was made anew, in its draft and its post.
    Illustrate,
    /// Its post is there.
    Publish,
    /// A person ended it, or its run.
    Cancel,
    /// Its run ended in another way.
    Halt,
    /// Its run ended well.
    Finish,
    /// Its run goes on again.
    Resume,
}

use TaskEvent as E;
use TaskStatus as S;

/// All that moves a task.
pub const TASKS: Machine<TaskStatus, TaskEvent> = Machine {
    table: "tasks",
    history: "task_history",
    noun: "task",
    kept: "run draft",
    only_in: &[],
    transitions: TRANSITIONS,
};

const fn row(from: &'static [S], event: E, to: Option<S>) -> Transition<TaskStatus, TaskEvent> {
    Transition { from, event, to }
}

/// From where, by which event, to where.
const TRANSITIONS: &[Transition<TaskStatus, TaskEvent>] = &[
    row(&[], E::Create, Some(S::InProgress)),
    row(&[], E::Save, Some(S::Drafted)),
    row(
        &[
            S::InProgress,
            S::Drafted,
            S::AwaitingApproval,
            S::Approved,
            S::Rejected,
            S::Halted,
            S::Cancelled,
        ],
        E::Save,
        Some(S::Drafted),
    ),
    row(
        &[S::InProgress, S::Drafted, S::Approved],
        E::Ask,
        Some(S::AwaitingApproval),
    ),
    row(&[S::AwaitingApproval], E::Withdraw, Some(S::Drafted)),
    row(
        &[S::AwaitingApproval, S::Approved],
        E::Approve,
        Some(S::Approved),
    ),
    row(
        &[S::AwaitingApproval, S::Approved],
        E::SendBack,
        Some(S::InProgress),
    ),
    row(
        &[S::InProgress, S::Drafted, S::AwaitingApproval, S::Approved],
        E::Reject,
        Some(S::Rejected),
    ),
    row(
        &[S::Drafted, S::AwaitingApproval, S::Rejected, S::Halted],
        E::Edit,
        None,
    ),
    row(
        &[
            S::Drafted,
            S::AwaitingApproval,
            S::Rejected,
            S::Halted,
            S::Published,
        ],
        E::Illustrate,
        None,
    ),
    row(
        &[S::InProgress, S::Drafted, S::Approved],
        E::Publish,
        Some(S::Published),
    ),
    row(
        &[
            S::InProgress,
            S::Drafted,
            S::AwaitingApproval,
            S::Approved,
            S::Rejected,
            S::Halted,
        ],
        E::Cancel,
        Some(S::Cancelled),
    ),
    row(
        &[S::InProgress, S::Drafted, S::AwaitingApproval, S::Approved],
        E::Halt,
        Some(S::Halted),
    ),
    // A draft that is kept, or approved, is what such a run was for.
    row(&[S::InProgress], E::Finish, Some(S::Halted)),
    row(
        &[S::Rejected, S::Halted, S::Cancelled],
        E::Resume,
        Some(S::InProgress),
    ),
];

impl StoredWord for TaskStatus {
    const ALL: &'static [Self] = &[
        S::InProgress,
        S::Drafted,
        S::AwaitingApproval,
        S::Approved,
        S::Rejected,
        S::Halted,
        S::Cancelled,
        S::Published,
    ];

    fn word(self) -> &'static str {
        match self {
            S::InProgress => "in-progress",
            S::Drafted => "drafted",
            S::AwaitingApproval => "awaiting-approval",
            S::Approved => "approved",
            S::Rejected => "rejected",
            S::Halted => "halted",
            S::Cancelled => "cancelled",
            S::Published => "published",
        }
    }
}

impl StoredWord for TaskEvent {
    const ALL: &'static [Self] = &[
        E::Create,
        E::Save,
        E::Ask,
        E::Withdraw,
        E::Approve,
        E::Reject,
        E::SendBack,
        E::Edit,
        E::Illustrate,
        E::Publish,
        E::Cancel,
        E::Halt,
        E::Finish,
        E::Resume,
    ];

    fn word(self) -> &'static str {
        match self {
            E::Create => "create",
            E::Save => "save",
            E::Ask => "ask",
            E::Withdraw => "withdraw",
            E::Approve => "approve",
            E::Reject => "reject",
            E::SendBack => "send-back",
            E::Edit => "edit",
            E::Illustrate => "illustrate",
            E::Publish => "publish",
            E::Cancel => "cancel",
            E::Halt => "halt",
            E::Finish => "finish",
            E::Resume => "resume",
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
            words::checked("tasks", "status"),
            words::all::<TaskStatus>()
        );
        assert_eq!(words::checked("tasks", "event"), words::all::<TaskEvent>());
    }

    #[test]
    fn each_status_is_reached_and_left_by_one_row_an_event() {
        for status in TaskStatus::ALL {
            let reached = TRANSITIONS.iter().any(|row| row.to == Some(*status));
            assert!(reached, "{status:?}");
            let leads_on = |row: &&Transition<S, E>| row.to.is_some() && row.from.contains(status);
            let left = TRANSITIONS.iter().any(|row| leads_on(&row));
            assert_eq!(left, *status != S::Published, "{status:?}");
            for event in TaskEvent::ALL {
                let rows = TRANSITIONS.iter().filter(|row| row.event == *event);
                let rows = rows.filter(|row| row.from.contains(status)).count();
                assert!(rows < 2, "{status:?} {event:?}");
            }
        }
    }
}
