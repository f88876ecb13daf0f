//! What started a run: one text in its row, written and read here.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

const SCHEDULE: &str = "schedule ";
const POLICY: &str = "policy ";
const FORK: &str = "fork of ";

/// What started a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RunOrigin {
    /// A person, or a program, with `callboard run`.
    Cli,
    /// The schedule of this name.
    Schedule(String),
    /// The pause of the policy of this name.
    Policy(String),
    /// Another run, by its id.
    Fork(String),
}

impl fmt::Display for RunOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cli => f.write_str("cli"),
            Self::Schedule(name) => write!(f, "{SCHEDULE}{name}"),
            Self::Policy(name) => write!(f, "{POLICY}{name}"),
            Self::Fork(run) => write!(f, "{FORK}{run}"),
        }
    }
}

impl FromStr for RunOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "cli" {
            return Ok(Self::Cli);
        }
        let after = |prefix| text.strip_prefix(prefix).map(str::to_owned);
        let named = after(SCHEDULE).map(Self::Schedule);
        let named = named.or_else(|| after(POLICY).map(Self::Policy));
        let named = named.or_else(|| after(FORK).map(Self::Fork));
        named.ok_or_else(|| format!("`{text}` is no origin of a run"))
    }
}

impl Serialize for RunOrigin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let name = || "play: 0 6 * * *".to_owned();
        for origin in [
            RunOrigin::Cli,
            RunOrigin::Schedule(name()),
            RunOrigin::Policy(name()),
            RunOrigin::Fork(name()),
        ] {
            assert_eq!(origin.to_string().parse(), Ok(origin));
        }
        assert!("schedule".parse::<RunOrigin>().is_err());
    }
}
