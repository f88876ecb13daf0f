//! Exit codes: the one table, which `--help` prints and by which every command ends.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Unavailable = 3,
    Waiting = 4,
    Defect = 101,
    HungUp = 129,
    Interrupted = 130,
    Unread = 141,
    Terminated = 143,
}

const TABLE: [(Exit, &str); 10] = [
    (Exit::Done, "done, or nothing to do"),
    (
        Exit::Failed,
        "a decision or a failure: a miss at the roll call, a run that failed or was rejected",
    ),
    (Exit::Usage, "wrong usage or input"),
    (
        Exit::Unavailable,
        "something it depends on is not available: the database, a repository, a model, room on the disk",
    ),
    (
        Exit::Waiting,
        "a run waits: for a person at a gate, or for something that is not there right now",
    ),
    (Exit::Defect, "a defect of callboard itself"),
    (
        Exit::HungUp,
        "the terminal has gone, while a run was in hand; it is given back",
    ),
    (
        Exit::Interrupted,
        "Ctrl-C; what was committed is kept. `serve` and `work` end in good order, with 0",
    ),
    (
        Exit::Unread,
        "whoever read the output has gone, as `head` does; what was committed is kept",
    ),
    (
        Exit::Terminated,
        "told to terminate, while a run was in hand; it is given back",
    ),
];

impl Exit {
    /// The number that the shell sees.
    pub(super) fn code(self) -> u8 {
        self as u8
    }
}

/// The table as `--help` shows it.
pub(super) fn table() -> String {
    let lines = TABLE.map(|(exit, meaning)| format!("  {:<4} {meaning}", exit.code()));
    format!("Exit codes:\n{}", lines.join("\n"))
}
