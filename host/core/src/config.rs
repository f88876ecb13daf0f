//! `callboard.toml`: what a process has to know before it can open the database, and the
//! operator's ceiling of grants. Everything else of a workspace comes from its revision.

mod limits;
mod loading;
mod models;
mod parts;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

pub use self::limits::{CallLimits, WrittenLimits};
pub use self::loading::{CompileLimits, DescribeLimits};
pub use self::models::{ModelPrice, ModelRules, shown_amount};
use self::parts::Above;
pub use self::parts::{ConfigPart, ConfigParts, is_key};
use crate::grants::Grants;
use crate::span::Span;

/// The file's name inside a workspace.
pub const FILE: &str = "callboard.toml";

/// What the file says. Keys that neither the host nor a part reads are refused where the parts are
/// read.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// What the workspace is called.
    pub name: String,
    /// `sqlite:PATH`, relative to the workspace, or `postgres://…`, never with a password: the
    /// file is part of each revision. The environment variable `CALLBOARD_DATABASE` wins.
    #[serde(default = "database", deserialize_with = "without_password")]
    pub database: String,
    /// The most that a plugin can be given, by plugin name; `"*"` is for all of them.
    #[serde(default)]
    pub grants: BTreeMap<String, Grants>,
    /// Limits of a plugin call, by plugin name; `"*"` is for all of them.
    #[serde(default)]
    pub limits: BTreeMap<String, WrittenLimits>,
    /// How the engine keeps runs.
    #[serde(default)]
    pub engine: EngineRules,
    /// What models cost, and how much of it a day may have.
    #[serde(default)]
    pub models: ModelRules,
    #[serde(skip)]
    above: Above,
}

/// How the engine keeps runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineRules {
    /// Runs that one process carries out at a time.
    #[serde(deserialize_with = "some")]
    pub slots: u32,
    /// How long a worker may be silent before its runs are taken back. It is heard from three
    /// times as often.
    #[serde(deserialize_with = "lease")]
    pub lease: Span,
    /// How long stages under way may go on when the process is told to stop.
    pub drain: Span,
    /// How often a run may lose its worker without a checkpoint in between, before it is blocked.
    /// The last of them is made alone, so that no run is blocked for what another one does.
    #[serde(deserialize_with = "some")]
    pub recoveries: u32,
    /// How long runs that have ended are kept; for ever, if absent.
    #[serde(deserialize_with = "a_while")]
    pub history: Option<Span>,
    /// How many of the latest revisions are kept. The active one is, and each that a run refers
    /// to, open or in the history.
    #[serde(deserialize_with = "some")]
    pub revisions: u32,
    /// Successes in a row without any effect that are worth a finding; 0 is never.
    pub effect_free: u32,
    /// The Restate server that says which worker carries which run on; the workers ask the
    /// database themselves, if absent. Takes a program with a package that heeds it.
    #[serde(deserialize_with = "restate")]
    pub restate: Option<RestateRules>,
}

/// Where a Restate server is, and where it finds this worker.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestateRules {
    /// Where runs that are due are announced.
    pub ingress: url::Url,
    /// Where workers register.
    pub admin: url::Url,
    /// Where this worker listens for its turns: for Restate only, which it does not tell from
    /// anybody else.
    #[serde(default = "turns")]
    pub listen: SocketAddr,
    /// The address at which Restate reaches a worker: this one or, of several, what stands
    /// before them; `listen`, if absent.
    #[serde(default)]
    pub advertise: Option<url::Url>,
}

impl Default for EngineRules {
    fn default() -> Self {
        Self {
            slots: 4,
            lease: Span::from_secs(30),
            drain: Span::from_secs(30),
            recoveries: 5,
            history: None,
            revisions: 20,
            effect_free: 5,
            restate: None,
        }
    }
}

impl EngineRules {
    /// How many workers a run has lost whose next loss blocks it: its last try is made alone.
    pub fn suspect(&self) -> u32 {
        self.recoveries.saturating_sub(1).max(1)
    }
}

/// What raises a bound of a plugin: its key, in the table where it stands. `describe.bytes` is
/// `bytes` in `[limits.NAME.describe]`.
pub fn raise(plugin: &str, bound: &str) -> String {
    let (below, key) = match bound.rsplit_once('.') {
        Some((below, key)) => (format!(".{below}"), key),
        None => (String::new(), bound),
    };
    format!("raise `{key}` under [limits.{plugin}{below}] in {FILE}")
}

impl Config {
    /// The most that `plugin` can be given. The host's own tables are never in it, and those that are
    /// left to plugins for reading are in it for that.
    pub fn ceiling(&self, plugin: &str) -> Grants {
        let all = self.grants.get("*").cloned().unwrap_or_default();
        let mut ceiling = match self.grants.get(plugin) {
            Some(own) => all.union(own),
            None => all,
        };
        for grant in &mut ceiling.db {
            let table = &grant.table;
            grant.verbs.retain(|verb| verb.can_be_granted(table));
        }
        ceiling.db.retain(|grant| !grant.verbs.is_empty());
        ceiling
    }

    /// The limits of a plugin, key by key: as in its own table, or as in everybody's, or the default.
    pub fn limits(&self, plugin: &str) -> CallLimits {
        let written = ["*", plugin]
            .into_iter()
            .filter_map(|name| self.limits.get(name));
        let mut limits = CallLimits::default();
        written.for_each(|written| limits.set(written));
        limits
    }
}

/// A table of `[engine]` that a package heeds which not every program names.
pub struct Heeded(pub &'static str);

inventory::collect!(Heeded);

/// What the program cannot heed is refused.
fn restate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RestateRules>, D::Error> {
    let heeded = inventory::iter::<Heeded>().any(|it| it.0 == "restate");
    if heeded {
        return Option::deserialize(deserializer);
    }
    Err(D::Error::custom(
        "this program was built without the feature `restate`; build it with \
         `cargo build --release --features restate`, or remove the table",
    ))
}

/// A number of something that nothing goes without.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = u32::deserialize(deserializer)?;
    if number == 0 {
        return Err(D::Error::custom("0 is none at all, expected 1 or more"));
    }
    Ok(number)
}

/// A heartbeat in a third of it has to come through.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);
/// A run whose worker has gone waits for so long.
const LONGEST_LEASE: Duration = Duration::from_secs(24 * 3600);

/// A worker has to be heard from three times in it; a longer one hides that a worker is gone.
fn lease<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    let span = Span::deserialize(deserializer)?;
    if !(SHORTEST_LEASE..=LONGEST_LEASE).contains(&span.0) {
        return Err(D::Error::custom(
            "no worker keeps to that, expected a length from `1s` to `24h`, such as `30s`",
        ));
    }
    Ok(span)
}

/// Runs that are removed as they end are seen by no person.
fn a_while<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
    let span = Option::<Span>::deserialize(deserializer)?;
    if span.is_some_and(|span| span.0.is_zero()) {
        return Err(D::Error::custom(
            "it is no time at all, expected a length such as `90d`",
        ));
    }
    Ok(span)
}

fn turns() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9080))
}

fn database() -> String {
    "sqlite:callboard.db".to_owned()
}

/// A password would be kept in every revision.
fn without_password<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if has_password(&text) {
        return Err(D::Error::custom(
            "the address has a password in it, which each revision would keep; take it out, and \
             give it in `PGPASSFILE` or `PGPASSWORD`, or the whole address in `CALLBOARD_DATABASE`",
        ));
    }
    Ok(text)
}

/// Whether the address of a database tells a password, before its host or as a parameter.
fn has_password(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| {
        url.password().is_some() || url.query_pairs().any(|(key, _)| key == "password")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_without_some_of_it() {
        for lines in [
            "[engine]\nplaces = 0",
            "[engine]\nlease = \"0s\"",
            "[engine]\nlease = \"1ms\"",
            "[engine]\nlease = \"100000000h\"",
            "[engine]\nrecoveries = 0",
            "[engine]\nhistory = \"0s\"",
            "[engine]\nrevisions = 0",
            "[limits.p]\nmemory_mib = 0",
            "[limits.p]\nseconds = 0",
            "[limits.p.compile]\nseconds = 0",
            "[limits.p.describe]\nseconds = 0",
        ] {
            let error = toml::from_str::<Config>(&format!("name = \"F\"\n{lines}"));
            let error = error.expect_err(lines);
            assert!(error.message().contains("expected"), "{lines}: {error}");
        }
        let none = "name = \"F\"\n[limits.p]\nlog_lines = 0\nhost_calls = 0";
        toml::from_str::<Config>(none).expect("some things are not needed");
    }

    #[test]
    fn limits_hold_key_by_key() {
        let text = "name = \"F\"\n[limits.\"*\"]\nrows = 3\nseconds = 9\n[limits.\"*\".compile]\nlocals = 7\n\
            [limits.p]\nseconds = 60\n[limits.p.compile]\nnesting = 5\n";
        let config: Config = toml::from_str(text).expect("limits");
        let own = config.limits("p");
        let written = (
            own.rows,
            own.seconds,
            own.compile.locals,
            own.compile.nesting,
        );
        assert_eq!(
            written,
            (3, 60, 7, 5),
            "a key of one's own takes no other away"
        );
        assert_eq!(own.memory_mib, CallLimits::default().memory_mib);
        assert_eq!(config.limits("q").seconds, 9);
        let number = "[limits.p.compile]\nlocals = \"x\"";
        for (lines, told, at) in [
            ("[limits.p]\nrowz = 1", "unknown field `rowz`", "rowz"),
            (
                "[limits.p.compile]\nlocalz = 1",
                "unknown field `localz`",
                "localz",
            ),
            (number, "expected u32", "\"x\""),
            ("[limits.p]\nseconds = 0", "0 is none at all", "0"),
        ] {
            let text = format!("name = \"F\"\n{lines}");
            let error = toml::from_str::<Config>(&text).expect_err(lines);
            assert!(error.message().contains(told), "{lines}: {error}");
            let span = error.span().expect("a place");
            assert_eq!(text.get(span), Some(at), "{lines}: {error}");
        }
    }

    #[test]
    fn a_password_in_the_address_of_the_database_is_refused_with_the_ways_out() {
        for address in [
            "postgres://ada:hush@db/callboard",
            "postgres://db/callboard?password=hush",
            "postgres://db/callboard?user=ada&pass%77ord=hush",
        ] {
            let text = format!("name = \"F\"\ndatabase = \"{address}\"");
            let error = toml::from_str::<Config>(&text).expect_err(address);
            let message = error.message();
            assert!(message.contains("PGPASSFILE"), "{message}");
            assert!(!message.contains("hush"), "{message}");
        }
        for address in ["postgres://ada@db/callboard", "sqlite:a:b@c.db"] {
            let text = format!("name = \"F\"\ndatabase = \"{address}\"");
            assert_eq!(
                toml::from_str::<Config>(&text).expect(address).database,
                address
            );
        }
    }
}
