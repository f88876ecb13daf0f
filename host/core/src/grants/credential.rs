//! A credential and where it goes: a secret that the host puts on the wire to one origin, and to
//! no other, whatever else a plugin may call.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

use crate::address::Address;

/// A secret by the name of its setting, and the origin it may be sent to. It opens neither the
/// setting nor the origin: the one is never readable, the other takes a grant of `http`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialGrant {
    /// The key of its setting.
    pub name: String,
    /// Scheme, host and port.
    #[schemars(with = "String")]
    pub to: Origin,
}

impl fmt::Display for CredentialGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "credential {} to {}", self.name, self.to)
    }
}

impl CredentialGrant {
    /// The lines that grant it, in the tables of `owner`: `ask`, or `grants.NAME`.
    pub fn lines(&self, owner: &str) -> String {
        let Self { name, to } = self;
        format!("[[{owner}.credentials]]\nname = \"{name}\"\nto = \"{to}\"")
    }
}

/// How an origin is written.
const FORM: &str = r"^https?://[^/?#@*\s]+/?$";

/// Scheme, host and port, as `https://api.example.com` or `http://127.0.0.1:11434`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    scheme: String,
    address: Address,
}

impl Origin {
    /// The origin of an address; `None` if it is none of http or https.
    pub fn of(url: &Url) -> Option<Self> {
        let scheme = Some(url.scheme()).filter(|it| matches!(*it, "http" | "https"))?;
        Some(Self {
            scheme: scheme.to_owned(),
            address: Address::of(url)?,
        })
    }

    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The host as grants of http write it: without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.address.host()
    }

    pub fn port(&self) -> u16 {
        self.address.port
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).ok().filter(|url| {
            let bare = url.username().is_empty() && url.password().is_none();
            bare && url.path() == "/" && url.query().is_none() && url.fragment().is_none()
        });
        let origin = url.as_ref().and_then(Self::of);
        origin.filter(|origin| !origin.host().contains('*')).ok_or_else(|| {
            format!(
                "`{text}` is no origin; write scheme, host and, if it is not the scheme's own, port, \
                 such as `https://api.example.com`"
            )
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, address } = self;
        if matches!(
            (scheme.as_str(), address.port),
            ("https", 443) | ("http", 80)
        ) {
            write!(f, "{scheme}://{}", address.name())
        } else {
            write!(f, "{scheme}://{address}")
        }
    }
}

/// Text in the form of an origin; what it says of host and port is held by the type.
impl JsonSchema for Origin {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("Origin")
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": FORM })
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_and_nothing_else() {
        for (text, shown) in [
            ("https://api.example.com", "https://api.example.com"),
            ("https://API.example.com:443/", "https://api.example.com"),
            ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            let origin: Origin = text.parse().expect(text);
            assert_eq!(origin.to_string(), shown);
        }
        for text in [
            "api.example.com",
            "ftp://api.example.com",
            "https://*.example.com",
            "https://u@api.example.com",
            "https://api.example.com/v1",
            "https://api.example.com?x",
            "localhost:28999",
            "127.0.0.1:28999",
            "wiki",
            "*",
            "",
        ] {
            let error = text.parse::<Origin>().expect_err(text);
            assert!(error.contains("https://api.example.com"), "{error}");
        }
    }
}
