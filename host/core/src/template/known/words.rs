//! The words of the language: which of them an environment has, and what a filter gives.

use std::sync::Arc;

use minijinja::{Environment, ErrorKind};

use super::super::shape::ValueShape;

/// Filters and tests of which one may have been meant; those that an environment does not have are no
/// answer.
const FILTERS: [&str; 46] = [
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "default",
    "dictsort",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "urlencode",
];
const TESTS: [&str; 31] = [
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
    "upper",
];
/// Filters that leave a list the list that it is.
const KEEP: [&str; 8] = [
    "list",
    "sort",
    "reverse",
    "unique",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
];
/// Filters that give one of a list.
const PICK: [&str; 4] = ["first", "last", "min", "max"];
/// Filters that give a text, a number, or a yes or no.
const PLAIN: [&str; 22] = [
    "abs",
    "bool",
    "capitalize",
    "count",
    "e",
    "escape",
    "float",
    "format",
    "indent",
    "int",
    "join",
    "length",
    "lower",
    "pprint",
    "replace",
    "round",
    "safe",
    "string",
    "title",
    "trim",
    "upper",
    "urlencode",
];

/// What kind of word is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Filter,
    Test,
}

impl Word {
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Test => "test",
        }
    }

    /// Whether an environment has it: asked for nothing, it says either way.
    pub(super) fn is_known(self, environment: &Environment<'_>, name: &str) -> bool {
        let name: String = name.split_ascii_whitespace().collect();
        let mut state = environment.empty_state();
        match self {
            Self::Filter => {
                let asked = state.apply_filter(&name, &[]);
                asked.is_ok() || asked.is_err_and(|error| error.kind() != ErrorKind::UnknownFilter)
            }
            Self::Test => {
                let asked = state.perform_test(&name, &[]);
                asked.is_ok() || asked.is_err_and(|error| error.kind() != ErrorKind::UnknownTest)
            }
        }
    }

    /// Those that an environment has.
    pub(super) fn all(self, environment: &Environment<'_>) -> Vec<&'static str> {
        let all: &[&str] = match self {
            Self::Filter => &FILTERS,
            Self::Test => &TESTS,
        };
        let all = all.iter().copied();
        all.filter(|name| self.is_known(environment, name))
            .collect()
    }
}

/// What a filter gives of what it is given.
pub(super) fn filtered(name: &str, given: ValueShape) -> ValueShape {
    match name {
        "list" if given == ValueShape::Plain => ValueShape::List(Arc::new(ValueShape::Plain)),
        _ if KEEP.contains(&name) && given == ValueShape::Plain => ValueShape::Any,
        _ if KEEP.contains(&name) => given,
        _ if PICK.contains(&name) => given.element(),
        _ if PLAIN.contains(&name) => ValueShape::Plain,
        "split" | "lines" => ValueShape::List(Arc::new(ValueShape::Plain)),
        _ => ValueShape::Any,
    }
}
