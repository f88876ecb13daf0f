//! Who may come in: the listener of the console, and how many connections a listener takes.

use serde::Deserialize;

use crate::address::Address;
use crate::span::Span;

/// The console's listener. The console has no credentials, so it is for this machine alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsoleRules {
    /// An address of this machine's own; 127.0.0.1 and the port after the site's, if absent.
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
