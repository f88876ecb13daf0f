//! Rows whose status moves by a table of transitions, and in no other way: each move is a statement
//! made from that table, and leaves a row in the history of what it moved, in the same transaction.

use jiff::Timestamp;
use serde::Serialize;

use callboard_core::store::tenants::EndedRun;
use callboard_core::store::{Dialect, StoreError, batch, microseconds};
use callboard_core::value::{Statement, Value};

/// A status, an event: what has one word in the database, in documents and on the command line.
pub trait StoredWord: Copy + Eq + 'static {
    /// All of them.
    const ALL: &'static [Self];

    fn word(self) -> &'static str;
}

/// What an event does.
#[derive(Debug)]
pub struct Transition<S: StoredWord, E: StoredWord> {
    /// Where it is allowed; nowhere, if it is what a row begins with.
    pub from: &'static [S],
    pub event: E,
    /// Where it leads to; where it was, if absent.
    pub to: Option<S>,
}

/// What the end of a run does to the row that it made.
#[derive(Debug, Serialize)]
pub struct EndedStep<'r, E> {
    run: &'r str,
    event: E,
    /// Nobody, if it ended by itself.
    who: &'r str,
    detail: &'r str,
}

impl<'r, E> EndedStep<'r, E> {
    pub fn of(ended: &EndedRun<'r>, event: E) -> Self {
        Self {
            run: ended.run,
            event,
            who: ended.who,
            detail: ended.detail,
        }
    }
}

/// The rows of one table, with all that moves them.
#[derive(Debug)]
pub struct Machine<S: StoredWord, E: StoredWord> {
    /// The table, with the columns `id`, `status`, `previous`, `step` and `updated_at`.
    pub table: &'static str,
    /// What has happened to its rows, with the columns `step`, `from_status`, `to_status`, `event`,
    /// `who`, `detail`, `at`, one named [`noun`](Self::noun), and [`kept`](Self::kept).
    pub history: &'static str,
    /// The column of the history that names the row.
    pub noun: &'static str,
    /// Columns that the history copies.
    pub kept: &'static str,
    /// Columns that have a value in one status only: whatever leads out of it takes the value away.
    pub only_in: &'static [(&'static str, S)],
    pub transitions: &'static [Transition<S, E>],
}

/// Something that happens to a row.
#[derive(Debug, Clone, Copy)]
pub struct Happening<'h, E> {
    pub event: E,
    /// Who did it; empty, if it came of itself.
    pub who: &'h str,
    /// What there is to say of it.
    pub detail: &'h str,
    pub at: At,
}

/// When it happens.
#[derive(Debug, Clone, Copy)]
pub enum At {
    Moment(Timestamp),
    /// Now, by the clock of the database.
    Clock(Dialect),
}

/// Columns that change with the move, with what they get.
pub type Set<'s> = &'s [(&'static str, Value)];

impl<S: StoredWord, E: StoredWord> Machine<S, E> {
    /// Where an event leads to, from a status or from nothing; none, if it is not allowed there.
    pub fn to(&self, from: Option<S>, event: E) -> Option<S> {
        let rows = self.transitions.iter().filter(|row| row.event == event);
        let mut rows = rows.filter(|row| match from {
            Some(from) => row.from.contains(&from),
            None => row.from.is_empty(),
        });
        rows.next().and_then(|row| row.to.or(from))
    }

    /// The statuses in which something may happen.
    pub fn allowed(&self, event: E) -> impl Iterator<Item = (S, S)> {
        let from = S::ALL.iter().copied();
        from.filter_map(move |from| Some((from, self.to(Some(from), event)?)))
    }

    /// Move the row whose `column` is `key`, if the event is allowed where it is: the first of them
    /// touches one row then, and none otherwise; the second keeps what happened.
    pub fn step(
        &self,
        (column, key): (&str, Value),
        happening: &Happening<'_, E>,
        set: Set<'_>,
    ) -> [Statement; 2] {
        let event = happening.event;
        let cases = self
            .allowed(event)
            .map(|(from, to)| (from.word(), to.word()));
        let (to, among) = cases_of("status", cases);
        let sets = (2..)
            .zip(set)
            .map(|(at, (name, _))| format!(", {name} = ${at}"));
        let mut sets: String = sets.collect();
        sets.push_str(&self.left_behind(&to, |column| set.iter().any(|(name, _)| *name == column)));
        let now = match happening.at {
            At::Clock(dialect) => batch::now(dialect).to_owned(),
            At::Moment(_) => format!("${}", set.len() + 2),
        };
        sets.push_str(&format!(", updated_at = {now}"));
        let table = self.table;
        let sql = format!(
            "UPDATE {table} SET previous = status, status = {to}, step = step + 1{sets} \
            WHERE {column} = $1 AND {among}"
        );
        let values = set.iter().map(|(_, value)| value.clone());
        let mut moved = values.fold(Statement::new(sql).bind(key.clone()), Statement::bind);
        if let At::Moment(moment) = happening.at {
            moved = moved.bind(microseconds(moment));
        }
        [moved, self.note((column, key), happening)]
    }

    /// Keep what happened to a row that was just moved, or begun. Of one that was not, it is there.
    pub fn note(&self, (column, key): (&str, Value), happening: &Happening<'_, E>) -> Statement {
        let texts = ["CAST($2 AS TEXT)", "CAST($3 AS TEXT)", "CAST($4 AS TEXT)"];
        let (into, table) = (self.history_of(texts), self.table);
        let Happening {
            event, who, detail, ..
        } = happening;
        Statement::new(format!(
            "{into} FROM {table} WHERE {table}.{column} = $1 AND {}",
            self.unknown()
        ))
        .bind(key)
        .bind(event.word())
        .bind(*who)
        .bind(short(detail))
    }

    /// What the ends of runs do to the rows that they make; nothing, if none does anything.
    pub fn ended(
        &self,
        steps: &[EndedStep<'_, E>],
        dialect: Dialect,
    ) -> Result<Vec<Statement>, StoreError>
    where
        E: Serialize,
    {
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        let rows = batch::rows(steps)?;
        let statements = self.steps("run", dialect).map(Statement::new);
        Ok(statements.map(|it| it.bind(rows.clone())).into())
    }

    /// The same two for many rows at once: those whose `column` is one of a batch in parameter
    /// `$1`, each with an `event`, a `who` and a `detail`.
    fn steps(&self, column: &str, dialect: Dialect) -> [String; 2] {
        let columns = [column, "event", "who", "detail"].map(|name| (name, "text"));
        let (rows, now) = (batch::table(dialect, &columns), batch::now(dialect));
        let all = E::ALL.iter().copied();
        let cases = all.flat_map(|event| {
            let allowed = self.allowed(event);
            allowed.map(move |(from, to)| (format!("{} {}", event.word(), from.word()), to.word()))
        });
        let table = self.table;
        let of = format!("batch.event || ' ' || {table}.status");
        let (to, among) = cases_of(&of, cases);
        let left = self.left_behind(&to, |_| false);
        let on = format!("{table}.{column} = batch.{column}");
        let into = self.history_of(["batch.event", "batch.who", "batch.detail"]);
        [
            format!(
                "UPDATE {table} SET previous = {table}.status, status = {to}, step = step + 1{left}, \
                updated_at = {now} FROM {rows} WHERE {on} AND {among}"
            ),
            format!(
                "{into} FROM {rows} JOIN {table} ON {on} WHERE {}",
                self.unknown()
            ),
        ]
    }

    /// What a move takes from the row, unless it sets it.
    fn left_behind(&self, to: &str, is_set: impl Fn(&str) -> bool) -> String {
        let table = self.table;
        let columns = self.only_in.iter().filter(|(column, _)| !is_set(column));
        let columns = columns.map(|(column, status)| {
            let status = status.word();
            format!(", {column} = CASE WHEN {to} = '{status}' THEN {table}.{column} END")
        });
        columns.collect()
    }

    fn history_of(&self, [event, who, detail]: [&str; 3]) -> String {
        let Self {
            table,
            history,
            noun,
            ..
        } = self;
        let kept = |of: &str| -> String {
            let names = self.kept.split_whitespace();
            names.map(|name| format!(", {of}{name}")).collect()
        };
        let (names, values) = (kept(""), kept(&format!("{table}.")));
        format!(
            "INSERT INTO {history} ({noun}, step, from_status, to_status, event, who, detail, \
                at{names}) \
            SELECT {table}.id, {table}.step, {table}.previous, {table}.status, {event}, {who}, \
                {detail}, {table}.updated_at{values}"
        )
    }

    /// Its last step is not in the history yet.
    fn unknown(&self) -> String {
        let Self {
            table,
            history,
            noun,
            ..
        } = self;
        format!(
            "NOT EXISTS (SELECT 1 FROM {history} known \
            WHERE known.{noun} = {table}.id AND known.step = {table}.step)"
        )
    }

    /// The table of transitions in Markdown, as a page shows it.
    pub fn markdown(&self) -> String {
        let mut text = "| from | event | to |\n|---|---|---|\n".to_owned();
        for row in self.transitions {
            let from: Vec<_> = row.from.iter().map(|from| from.word()).collect();
            let from = if from.is_empty() {
                "–".to_owned()
            } else {
                from.join(", ")
            };
            let to = row.to.map_or("as it was", StoredWord::word);
            text.push_str(&format!("| {from} | {} | {to} |\n", row.event.word()));
        }
        text
    }
}

/// What a value becomes, and the condition that it is one of those that become something.
fn cases_of<F: AsRef<str>>(
    of: &str,
    cases: impl Iterator<Item = (F, &'static str)>,
) -> (String, String) {
    let (mut to, mut among) = (format!("CASE {of}"), Vec::new());
    for (from, becomes) in cases {
        let from = from.as_ref();
        to.push_str(&format!(" WHEN '{from}' THEN '{becomes}'"));
        among.push(format!("'{from}'"));
    }
    if among.is_empty() {
        return (of.to_owned(), "FALSE".to_owned());
    }
    (to + " END", format!("{of} IN ({})", among.join(", ")))
}

/// What is said of a move is a line or two; a text that is longer is where it comes from.
fn short(detail: &str) -> String {
    const LONGEST: usize = 2_000;
    detail.chars().take(LONGEST).collect()
}

/// For the tests of each table: what its script and its words say.
#[cfg(test)]
pub(super) mod words {
    use std::collections::BTreeSet;

    use serde::Serialize;

    use super::StoredWord;

    /// What a column of a table may hold, as the script says.
    pub(in crate::tables) fn checked(table: &str, column: &str) -> BTreeSet<String> {
        let script = include_str!("../../migrations/0001_initial.sql");
        let table = format!("CREATE TABLE {table}");
        let (_, rest) = script.split_once(&table).expect("the table");
        let check = format!("CHECK ({column} IN (");
        let (_, list) = rest.split_once(&check).expect("a check");
        let (list, _) = list.split_once(')').expect("its end");
        let words = list.split(',').map(|word| word.trim().trim_matches('\''));
        words.map(str::to_owned).collect()
    }

    /// Every word of a kind, which documents and the database say alike.
    pub(in crate::tables) fn all<W: StoredWord + Serialize>() -> BTreeSet<String> {
        let words = W::ALL.iter().map(|it| {
            let said = serde_json::to_value(it).expect("a word");
            assert_eq!(said, it.word(), "documents and database say the same");
            it.word().to_owned()
        });
        words.collect()
    }
}
