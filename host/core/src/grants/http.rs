//! Origins that may be called. What is written is read into types, so that a host that no request
//! can have, or an unknown method, is a mistake of its file and not a denial later.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Origin;

/// An origin that may be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpGrant {
    /// A name or an address, `*.` and a suffix, or `*`.
    #[schemars(with = "String")]
    pub host: Host,
    /// The scheme.
    #[serde(default)]
    pub scheme: Scheme,
    /// The scheme's own port if absent.
    #[serde(default)]
    pub port: Option<NonZeroU16>,
    /// The methods that may be used.
    #[serde(default = "get")]
    pub methods: BTreeSet<Method>,
    /// Allows addresses that are not public, such as a model server on this machine.
    #[serde(default)]
    pub private: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    #[default]
    Https,
    Http,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

/// A name or an address, `*.` and a suffix, or `*`: lower case, no trailing dot, no brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(String);

fn get() -> BTreeSet<Method> {
    BTreeSet::from([Method::Get])
}

impl Scheme {
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Https => "https",
            Scheme::Http => "http",
        }
    }

    fn port(self) -> u16 {
        match self {
            Scheme::Https => 443,
            Scheme::Http => 80,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Method {
    /// Every method, in the order in which they are told.
    pub const ALL: [Method; 7] = [
        Method::Get,
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
        Method::Options,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
        }
    }
}

impl Host {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it stands for many names.
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with('*')
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let suffix = text.strip_prefix("*.").unwrap_or(text);
        let brackets = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        if text == "*" || brackets.unwrap_or(text).parse::<std::net::IpAddr>().is_ok() {
            return Ok(Self(brackets.unwrap_or(text).to_ascii_lowercase()));
        }
        // A text that is a host and nothing else is read as just that in an address.
        let url = url::Url::parse(&format!("https://{suffix}/")).ok();
        let host = url.as_ref().and_then(url::Url::host_str);
        let written = suffix.trim_end_matches('.').to_ascii_lowercase();
        let is_host = |host: &str| host.trim_end_matches('.') == written && !host.contains('*');
        if host.is_some_and(is_host) {
            return Ok(Self(text.trim_end_matches('.').to_ascii_lowercase()));
        }
        let address = url::Url::parse(text).ok().filter(url::Url::has_host);
        let url = address.as_ref().or(url.as_ref());
        let meant = url.and_then(|url| {
            let port = url.port().map(|port| format!(" and `port = {port}`"));
            let host = url.host_str().filter(|host| !host.contains('*'))?;
            Some(format!("`host = \"{host}\"`{}", port.unwrap_or_default()))
        });
        let meant = meant.unwrap_or_else(|| {
            "a name such as `api.example.com`, or `*.example.com` for all that end so".to_owned()
        });
        Err(format!(
            "`{text}` is more or less than a host, expected {meant}"
        ))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Host {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl HttpGrant {
    /// One origin, wherever it is, with any method; `None` if the address is none of http or
    /// https.
    pub fn whole(address: &url::Url) -> Option<Self> {
        Self::to(&Origin::of(address)?)
    }

    /// One origin, wherever it is, with any method.
    pub fn to(origin: &Origin) -> Option<Self> {
        Some(Self {
            host: origin.host().parse().ok()?,
            scheme: match origin.scheme() {
                "https" => Scheme::Https,
                _ => Scheme::Http,
            },
            port: NonZeroU16::new(origin.port()),
            methods: Method::ALL.into(),
            private: true,
        })
    }

    /// Every public host at the ports of http and https, with any method.
    pub fn public() -> [Self; 2] {
        [Scheme::Https, Scheme::Http].map(|scheme| Self {
            host: Host("*".to_owned()),
            scheme,
            port: None,
            methods: Method::ALL.into(),
            private: false,
        })
    }

    /// The port, written or the scheme's own.
    pub fn port(&self) -> u16 {
        self.port.map_or(self.scheme.port(), NonZeroU16::get)
    }

    /// Whether it opens an origin, for some method.
    pub fn opens(&self, origin: &Origin) -> bool {
        let there = (self.scheme.as_str(), self.port()) == (origin.scheme(), origin.port());
        there && self.covers_host(origin.host())
    }

    /// Whether `host` (lower case, no trailing dot) is the one meant.
    pub fn covers_host(&self, host: &str) -> bool {
        match self.host.as_str().strip_prefix("*.") {
            Some(suffix) => host
                .strip_suffix(suffix)
                .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1),
            None => self.host.as_str() == "*" || self.host.as_str() == host,
        }
    }

    /// Whether a method, as requests name it, is among those allowed.
    pub fn covers_method(&self, method: &str) -> bool {
        self.methods.iter().any(|known| known.as_str() == method)
    }

    /// Whether everything `asked` wants is inside this grant.
    pub(super) fn covers(&self, asked: &HttpGrant) -> bool {
        let host = match asked.host.as_str() {
            "*" => self.host.as_str() == "*",
            wild if wild.starts_with("*.") => self.host.as_str() == "*" || self.host == asked.host,
            exact => self.covers_host(exact),
        };
        host && self.scheme == asked.scheme
            && self.port() == asked.port()
            && asked.methods.is_subset(&self.methods)
            && (self.private || !asked.private)
    }

    /// `GET/POST https://api.example.com`.
    pub fn text(&self) -> String {
        let methods: Vec<_> = self.methods.iter().map(|method| method.as_str()).collect();
        let host = match self.host.as_str() {
            number if number.contains(':') => format!("[{number}]"),
            name => name.to_owned(),
        };
        let port = self.port.map(|port| format!(":{port}"));
        let private = if self.private { ", private" } else { "" };
        format!(
            "{} {}://{host}{}{private}",
            methods.join("/"),
            self.scheme,
            port.unwrap_or_default()
        )
    }

    /// The lines that grant it, in the tables of `owner`: `ask`, or `grants.NAME`.
    pub fn lines(&self, owner: &str) -> String {
        let methods = self
            .methods
            .iter()
            .map(|method| format!("\"{}\"", method.as_str()));
        let mut lines = format!(
            "[[{owner}.http]]\nhost = \"{}\"\nscheme = \"{}\"\nmethods = [{}]",
            self.host,
            self.scheme,
            methods.collect::<Vec<_>>().join(", ")
        );
        if let Some(port) = self.port {
            lines += &format!("\nport = {port}");
        }
        if self.private {
            lines += "\nprivate = true";
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Result<HttpGrant, String> {
        toml::from_str(lines).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn what_no_request_can_have_is_refused_with_what_was_meant() {
        for (lines, meant) in [
            (
                "host = \"http://127.0.0.1:18799/\"",
                "expected `host = \"127.0.0.1\"` and `port = 18799`",
            ),
            (
                "host = \"127.0.0.1:18799\"",
                "expected `host = \"127.0.0.1\"` and `port = 18799`",
            ),
            ("host = \"a.example/x\"", "`host = \"a.example\"`"),
            ("host = \"u@a.example\"", "`host = \"a.example\"`"),
            ("host = \"\"", "`api.example.com`"),
            (
                "host = \"a.*.example\"",
                "more or less than a host, expected a name such as",
            ),
            (
                "host = \"a.example\"\nmethods = [\"GTE\"]",
                "unknown variant `GTE`",
            ),
            (
                "host = \"a.example\"\nmethods = [\"get\"]",
                "unknown variant `get`",
            ),
            (
                "host = \"a.example\"\nscheme = \"htp\"",
                "unknown variant `htp`",
            ),
            ("host = \"a.example\"\nport = 0", "nonzero"),
        ] {
            let told = read(lines).expect_err(lines);
            assert!(told.contains(meant), "{lines}: {told}");
        }
        for (text, host) in [
            ("API.example.com.", "api.example.com"),
            ("*.example.com", "*.example.com"),
            ("*", "*"),
            ("[::1]", "::1"),
            ("::1", "::1"),
            ("localhost", "localhost"),
        ] {
            let grant = read(&format!("host = \"{text}\"")).expect(text);
            assert_eq!(grant.host.as_str(), host);
        }
    }
}
