//! A host and a port, as a person writes them (`127.0.0.1:8710`, `[::1]:8710`,
//! `localhost:8710`), or of the address that a request goes to. One reading for all of them. Names
//! are looked up when they are needed, not when the file is read.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use url::{Host, Url};

/// The most bytes of a name.
const LONGEST: usize = 253;

/// A host, by name or by number, and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    host: String,
    pub port: u16,
}

impl Address {
    /// The address of this machine alone.
    pub fn loopback(port: u16) -> Self {
        let host = Ipv4Addr::LOCALHOST.to_string();
        Self { host, port }
    }

    /// Of the host and the port in an address of the web, its scheme's own where none is written.
    pub fn of(url: &Url) -> Option<Self> {
        Some(Self {
            host: written(&url.host()?),
            port: url.port_or_known_default()?,
        })
    }

    /// The host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host as it stands before a port.
    pub fn name(&self) -> Cow<'_, str> {
        if self.host.contains(':') {
            Cow::Owned(format!("[{}]", self.host))
        } else {
            Cow::Borrowed(&self.host)
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let split = text.rsplit_once(':').and_then(|(host, port)| {
            let host = Host::parse(host).ok().as_ref().map(written)?;
            // A pattern is no name, and a name is not longer than this.
            let sound = !host.contains('*') && host.len() <= LONGEST;
            let port = port.parse().ok().filter(|_| sound)?;
            Some(Self { host, port })
        });
        split.ok_or_else(|| {
            format!("`{text}` is no address of a host and a port; write it as `127.0.0.1:8710` or `localhost:8710`")
        })
    }
}

/// A host as people and grants write it: lower case, no dot at the end, no brackets.
pub fn written<S: AsRef<str>>(host: &Host<S>) -> String {
    match host {
        Host::Domain(name) => name.as_ref().trim_end_matches('.').to_ascii_lowercase(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name(), self.port)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_addresses() {
        for text in ["127.0.0.1:0", "localhost:1", "[::1]:8710", "a-b.example:80"] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), text);
            let url = Url::parse(&format!("http://{text}/x")).expect(text);
            assert_eq!(Address::of(&url), Some(address), "one reading");
        }
        for text in [
            "nowhere",
            "localhost:",
            "localhost:70000",
            ":80",
            "::1:80",
            "a b:1",
            "[x]:1",
            "*.example:1",
        ] {
            let error = text.parse::<Address>().expect_err(text);
            assert!(error.contains("localhost:8710"), "{error}");
        }
    }
}
