//! What `callboard.toml` says of the listeners: where they are, who may come in by the console's, and
//! how many connections each takes.

use std::net::IpAddr;

use callboard_core::address::Address;
use callboard_core::config::{ConfigPart, ConfigParts};
use callboard_core::rollcall::{Miss, Reference, ReferenceKind, Referrer, RollRules, RollScope};
use callboard_core::span::Span;
use serde::{Deserialize, Deserializer, de};

inventory::submit! { ConfigParts(&[ConfigPart::of::<Listeners>()]) }
inventory::submit! { RollRules(&[apart]) }

/// The listeners.
#[derive(Debug, Clone, Deserialize)]
pub struct Listeners {
    /// Where the site listens: for readers, from wherever they come.
    #[serde(default = "listen")]
    pub listen: Address,
    /// Where the console listens, and under which names.
    #[serde(default)]
    pub console: ConsoleRules,
    /// How many connections a listener takes.
    #[serde(default)]
    pub connections: ConnectionRules,
}

/// The two listeners are at two addresses.
fn apart(scope: &RollScope<'_>) -> Vec<Reference> {
    let config = &scope.definitions.config;
    let listeners = config.value.part::<Listeners>();
    let console = listeners.console.listen.iter().map(|console| {
        // Port 0 is whichever is free.
        let is_same = *console == listeners.listen && console.port != 0;
        let miss = is_same.then(|| {
            let problem = format!("site and console would both listen on {console}");
            Miss::new(
                problem,
                "write another port, or remove it: it is then the one after the site's",
            )
        });
        let referrer = Referrer::Ceiling("console".to_owned());
        let (key, target) = ("console.listen", console.to_string());
        let reference = Reference::new(referrer, key, ReferenceKind::Setting, target);
        reference.at(config.at(&["console", "listen"])).missed(miss)
    });
    console.collect()
}

fn listen() -> Address {
    Address::loopback(8710)
}

/// The console's listener. The console has no credentials, so it is for this machine alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsoleRules {
    /// An address of this machine's own; 127.0.0.1 and the port after the site's, if absent.
    #[serde(deserialize_with = "of_this_machine")]
    pub listen: Option<Address>,
    /// Names under which a proxy on this machine asks for it, beside `localhost` and the
    /// addresses of loopback. A request under any other name is refused: a page from
    /// elsewhere that was rebound to this machine asks under its own.
    pub names: Vec<String>,
}

/// Connections of one listener. When there is no room, one that only waits makes room: the
/// one that has waited longest, of the same peer if the peer has too many.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionRules {
    /// Connections at a time.
    pub total: usize,
    /// Connections of one peer at a time: an IPv4 address, or a network of 64 bits. A proxy
    /// is one peer.
    pub per_peer: usize,
    /// Longest time for the header of a request, and between two requests.
    pub header: Span,
    /// Bytes that a request may carry; there is nothing here to send much to.
    pub body_bytes: u32,
}

impl Default for ConnectionRules {
    fn default() -> Self {
        Self {
            total: 512,
            per_peer: 64,
            header: Span::from_secs(5),
            body_bytes: 64 << 10,
        }
    }
}

/// An address that only this machine reaches, for what asks no reader who they are. What a name
/// stands for is seen when the process listens.
fn of_this_machine<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Address>, D::Error> {
    let address = Address::deserialize(deserializer)?;
    let number = address.host().parse::<IpAddr>();
    if number.is_ok_and(|number| !number.to_canonical().is_loopback()) {
        return Err(de::Error::custom(open_to_everybody(&address)));
    }
    Ok(Some(address))
}

/// Why the console does not listen there, and the mend.
pub(super) fn open_to_everybody(address: &Address) -> String {
    let port = address.port;
    format!(
        "the console would be open to everybody at {address}: it asks nobody who they are; leave it \
         on 127.0.0.1 and reach it through a tunnel, `ssh -L {port}:127.0.0.1:{port} MACHINE`, \
         or through a proxy on this machine that asks for a password"
    )
}

#[cfg(test)]
mod tests {
    use callboard_core::workspace::parse_config;

    use super::*;

    #[test]
    fn what_is_said_of_the_listeners_is_read_from_the_file_of_the_host() {
        let config = parse_config("name = \"F\"\n[connections]\ntotal = 7").expect("it reads");
        let listeners = config.part::<Listeners>();
        assert_eq!(listeners.connections.total, 7);
        assert_eq!(listeners.listen.to_string(), "127.0.0.1:8710");
        assert_eq!(config.name, "F");
    }

    #[test]
    fn a_mistake_has_its_place_whoever_reads_the_key() {
        for (lines, told) in [
            (
                "lissten = \"127.0.0.1:1\"",
                "callboard.toml:2:1: `lissten` is no key here; write `listen`, or remove it",
            ),
            (
                "[connections]\ntotl = 1",
                "callboard.toml:3:1: `totl` is no key here; write `total`, or remove it",
            ),
            (
                "grantz = 1",
                "callboard.toml:2:1: `grantz` is no key here; write `grants`, or remove it",
            ),
            (
                "nothing_like_it = 1",
                "callboard.toml:2:1: `nothing_like_it` is no key here; remove it; the keys are \
                 connections, console, database, engine, export_into, grants, limits, listen, models, name, publish_into, site",
            ),
            (
                "[console]\nlisten = \"0.0.0.0:8711\"",
                "callboard.toml:3:10: `console.listen`: the console would be open to everybody at \
                 0.0.0.0:8711: it asks nobody who they are; leave it on 127.0.0.1",
            ),
        ] {
            let misreads = parse_config(&format!("name = \"F\"\n{lines}")).expect_err(lines);
            let first = misreads[0].to_string();
            assert!(first.starts_with(told), "{first}");
        }
    }
}
