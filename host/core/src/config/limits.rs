//! Bounds of one plugin call, and what a table of `[limits]` writes of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{CompileLimits, DescribeLimits};

/// Bounds of one plugin call. All of them always hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// Linear memory of an instance, in MiB.
    pub memory_mib: u32,
    /// Elements of all tables of an instance.
    pub table_elements: u32,
    /// Longest time of a call, in seconds; a stage's own timeout may be shorter.
    pub seconds: u32,
    /// Calls of the host by one call of a handler.
    pub host_calls: u32,
    /// Bytes that a handler may return.
    pub output_bytes: u32,
    /// Lines that one call may log.
    pub log_lines: u32,
    /// Rows and bytes of one query.
    pub rows: u32,
    pub row_bytes: u32,
    /// Bytes of one value in a statement, and on SQLite of one stored row.
    pub value_bytes: u32,
    /// Longest time of a statement, in seconds.
    pub statement_seconds: u32,
    /// Bytes of an HTTP response.
    pub body_bytes: u32,
    /// Elements of all matrices of one call; four bytes of their labels count as one.
    pub vector_elements: u32,
    /// Tokens of models that one call of a handler may take, asked and answered.
    pub model_tokens: u32,
    /// Calls of one plugin at a time.
    pub concurrent_calls: u32,
    /// What compiling its component may take.
    pub compile: CompileLimits,
    /// What it may say of itself, and what that may take.
    pub describe: DescribeLimits,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            memory_mib: 128,
            table_elements: 20_000,
            seconds: 300,
            host_calls: 20_000,
            output_bytes: 4 << 20,
            log_lines: 500,
            rows: 100_000,
            row_bytes: 64 << 20,
            value_bytes: 1 << 20,
            statement_seconds: 30,
            body_bytes: 8 << 20,
            vector_elements: 50_000_000,
            model_tokens: 50_000,
            concurrent_calls: 8,
            compile: CompileLimits::default(),
            describe: DescribeLimits::default(),
        }
    }
}

/// A bound by its key, and the least that it may be.
type Bound<'l> = (&'static str, &'l mut u32, u32);

const BOUNDS: usize = 31;

impl CallLimits {
    /// Each limit by its key.
    pub fn list(mut self) -> [(&'static str, u32); BOUNDS] {
        self.each().map(|(key, bound, _)| (key, *bound))
    }

    /// The only list of them: what may be written, and where it goes.
    fn each(&mut self) -> [Bound<'_>; BOUNDS] {
        let (compile, describe) = (&mut self.compile, &mut self.describe);
        [
            ("memory_mib", &mut self.memory_mib, 1),
            ("table_elements", &mut self.table_elements, 1),
            ("seconds", &mut self.seconds, 1),
            ("host_calls", &mut self.host_calls, 0),
            ("output_bytes", &mut self.output_bytes, 1),
            ("log_lines", &mut self.log_lines, 0),
            ("rows", &mut self.rows, 0),
            ("row_bytes", &mut self.row_bytes, 0),
            ("value_bytes", &mut self.value_bytes, 1),
            ("statement_seconds", &mut self.statement_seconds, 1),
            ("body_bytes", &mut self.body_bytes, 0),
            ("vector_elements", &mut self.vector_elements, 0),
            ("model_tokens", &mut self.model_tokens, 0),
            ("concurrent_calls", &mut self.concurrent_calls, 1),
            ("compile.seconds", &mut compile.seconds, 1),
            ("compile.memory_mib", &mut compile.memory_mib, 1),
            ("compile.modules", &mut compile.modules, 0),
            ("compile.functions", &mut compile.functions, 0),
            ("compile.function_bytes", &mut compile.function_bytes, 0),
            ("compile.locals", &mut compile.locals, 0),
            ("compile.nesting", &mut compile.nesting, 0),
            ("compile.type_nesting", &mut compile.type_nesting, 0),
            ("compile.loop_locals", &mut compile.loop_locals, 0),
            ("describe.seconds", &mut describe.seconds, 1),
            ("describe.memory_mib", &mut describe.memory_mib, 1),
            ("describe.handlers", &mut describe.handlers, 0),
            ("describe.bytes", &mut describe.bytes, 0),
            ("describe.summary", &mut describe.summary, 0),
            ("describe.needs", &mut describe.needs, 0),
            ("describe.schema_bytes", &mut describe.schema_bytes, 0),
            ("describe.schema_depth", &mut describe.schema_depth, 0),
        ]
    }

    /// Take over what is written.
    pub(super) fn set(&mut self, written: &WrittenLimits) {
        for (key, bound, _) in self.each() {
            *bound = written.0.get(key).copied().unwrap_or(*bound);
        }
    }
}

/// What one table of `[limits]` writes; the keys of a table below it as `compile.seconds`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenLimits(BTreeMap<&'static str, u32>);

impl<'de> Deserialize<'de> for WrittenLimits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut written = BTreeMap::new();
        let table = BoundsTable {
            below: "",
            written: &mut written,
        };
        table.deserialize(deserializer)?;
        Ok(Self(written))
    }
}

/// The names that a table may hold, by the table: those of bounds, and those of tables below it.
static NAMES: LazyLock<BTreeMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, _) in CallLimits::default().list() {
        let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
        if !names.contains_key(table) {
            names.entry("").or_default().push(table);
        }
        names.entry(table).or_default().push(name);
    }
    names
});

/// A table of bounds, or one below it.
struct BoundsTable<'w> {
    below: &'static str,
    written: &'w mut BTreeMap<&'static str, u32>,
}

impl<'de> DeserializeSeed<'de> for BoundsTable<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BoundsTable<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of bounds")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name(self.below))? {
            let key = match self.below {
                "" => name.to_owned(),
                below => format!("{below}.{name}"),
            };
            let bounds = CallLimits::default()
                .each()
                .map(|(key, _, least)| (key, least));
            let bound = bounds.into_iter().find(|(known, _)| *known == key);
            let Some((key, least)) = bound else {
                map.next_value_seed(BoundsTable {
                    below: name,
                    written: &mut *self.written,
                })?;
                continue;
            };
            let number = map.next_value_seed(LeastNumber(least))?;
            self.written.insert(key, number);
        }
        Ok(())
    }
}

/// A name that the table may hold.
struct Name(&'static str);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static str, D::Error> {
        let written = String::deserialize(deserializer)?;
        let names = &NAMES[self.0];
        let known = names.iter().find(|name| **name == written).copied();
        known.ok_or_else(|| D::Error::unknown_field(&written, names))
    }
}

/// A number that is so much at least.
struct LeastNumber(u32);

impl<'de> DeserializeSeed<'de> for LeastNumber {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
        if self.0 == 0 {
            return u32::deserialize(deserializer);
        }
        super::some(deserializer)
    }
}
