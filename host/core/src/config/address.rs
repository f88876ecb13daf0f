//! An address to listen on, as a person writes it: `127.0.0.1:8710`, `[::1]:8710`,
//! `localhost:8710`. Names are looked up when somebody listens, not when the file is read.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// A host, by name or by number, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    host: String,
    pub port: u16,
}

impl ListenAddress {
    /// The address of this machine alone.
    pub fn loopback(port: u16) -> Self {
        let host = Ipv4Addr::LOCALHOST.to_string();
        Self { host, port }
    }

    /// An address that only this machine reaches, for what asks nobody who they are. What a name
    /// stands for is seen when somebody listens.
    pub fn of_this_machine(text: &str) -> Result<Self, String> {
        let address: Self = text.parse()?;
        let number = address.host.parse::<IpAddr>();
        if number.is_ok_and(|number| !number.to_canonical().is_loopback()) {
            return Err(address.open_to_everybody());
        }
        Ok(address)
    }

    /// Why the console does not listen there, and the mend.
    pub fn open_to_everybody(&self) -> String {
        let port = self.port;
        format!(
            "the console would be open to everybody at {self}: it asks nobody who they are; leave it \
             on 127.0.0.1 and reach it through a tunnel, `ssh -L {port}:127.0.0.1:{port} MACHINE`, \
             or through a proxy on this machine that asks for a password"
        )
    }

    /// The host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let split = text.rsplit_once(':').and_then(|(host, port)| {
            let bare = host
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            let sound = match bare {
                Some(bare) => bare.parse::<Ipv6Addr>().is_ok(),
                None => is_name(host),
            };
            let port = port.parse().ok().filter(|_| sound)?;
            let host = bare.unwrap_or(host).to_owned();
            Some(Self { host, port })
        });
        split.ok_or_else(|| {
            format!("`{text}` is no address to listen on; write it as `127.0.0.1:8710` or `localhost:8710`")
        })
    }
}

/// Whether it can be the name of a machine.
fn is_name(text: &str) -> bool {
    let of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !text.is_empty() && text.len() <= 253 && text.bytes().all(of_a_name)
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// [`ListenAddress::of_this_machine`], of a file.
pub(super) fn of_this_machine<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ListenAddress>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let address = ListenAddress::of_this_machine(&text);
    address.map(Some).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_addresses() {
        for text in ["127.0.0.1:0", "localhost:1", "[::1]:8710", "a-b.example:80"] {
            let address: ListenAddress = text.parse().expect(text);
            assert_eq!(address.to_string(), text);
        }
        for text in [
            "nowhere",
            "localhost:",
            "localhost:70000",
            ":80",
            "::1:80",
            "a b:1",
            "[x]:1",
        ] {
            let error = text.parse::<ListenAddress>().expect_err(text);
            assert!(error.contains("localhost:8710"), "{error}");
        }
    }
}
