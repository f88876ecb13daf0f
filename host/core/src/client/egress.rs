//! What a plugin, or one part of the host, may call: scheme, host, port, method, and whether
//! the address has to be public. Pure: it resolves no name and dials nothing.

use std::collections::BTreeSet;

use url::Url;

use super::address;
use crate::address::written;
use crate::exchange::{ClientError, ClientErrorKind};
use crate::grants::{CredentialGrant, Grants, HttpGrant, Origin};

/// The allowed origins of one caller.
#[derive(Debug, Clone)]
pub struct Egress {
    /// The plugin; `None` for the host's own code.
    plugin: Option<String>,
    /// Whether it is of one origin that the operator configured.
    operators: bool,
    grants: Vec<HttpGrant>,
    credentials: Vec<CredentialGrant>,
}

/// The grant under which a request goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed<'a> {
    pub grant: &'a HttpGrant,
    /// Whether addresses that are not public may be dialled.
    pub private: bool,
}

impl Egress {
    pub fn new(plugin: &str, grants: &Grants) -> Self {
        Self {
            plugin: Some(plugin.to_owned()),
            operators: false,
            grants: grants.http.clone(),
            credentials: grants.credentials.clone(),
        }
    }

    /// Just one origin, wherever it is, with any method.
    pub(super) fn operator(origin: &Url) -> Self {
        Self {
            plugin: None,
            operators: true,
            grants: HttpGrant::whole(origin).into_iter().collect(),
            credentials: Vec::new(),
        }
    }

    /// Any public host, and these origins wherever they are, with any method.
    pub(super) fn public(besides: &[Origin]) -> Self {
        let besides = besides.iter().filter_map(HttpGrant::to);
        Self {
            plugin: None,
            operators: false,
            grants: HttpGrant::public().into_iter().chain(besides).collect(),
            credentials: Vec::new(),
        }
    }

    /// Whether it is of one origin that the operator configured.
    pub(super) fn is_operators(&self) -> bool {
        self.operators
    }

    /// Whether a request may go out, and by which grant.
    pub fn check(&self, method: &str, url: &Url) -> Result<Allowed<'_>, ClientError> {
        let host = url
            .host()
            .ok_or_else(|| ClientError::bad_request(format!("`{url}` names no host")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ClientError::bad_request(
                "an address with a user name in it; name a credential instead",
            ));
        }
        if !matches!(url.scheme(), "http" | "https") {
            let text = format!(
                "`{}` is no scheme for requests; use https or http",
                url.scheme()
            );
            return Err(ClientError::bad_request(text));
        }
        let name = written(&host);
        let not_public = address::host_not_public(&name);
        let covering = |grant: &&HttpGrant| {
            grant.covers_host(&name)
                && grant.scheme.as_str() == url.scheme()
                && Some(grant.port()) == url.port_or_known_default()
                && grant.covers_method(method)
        };
        let mut grants: Vec<_> = self.grants.iter().filter(covering).collect();
        // A grant that opens private addresses comes first.
        grants.sort_by_key(|grant| !is_private(grant));
        let grant = *grants
            .first()
            .ok_or_else(|| self.denial(method, url, &name, not_public))?;
        let private = is_private(grant);
        match not_public {
            Some(what) if !private => Err(self.denial(method, url, &name, Some(what))),
            _ => Ok(Allowed { grant, private }),
        }
    }

    /// Where the credential `name` goes with a request to `url`, if it may.
    pub fn credential(&self, name: &str, url: &Url) -> Result<Origin, ClientError> {
        let to = Origin::of(url).ok_or_else(|| {
            ClientError::bad_request(format!("`{}` is no origin for a credential", origin(url)))
        })?;
        if self.credentials_to(&to).any(|known| known == name) {
            return Ok(to);
        }
        let plugin = self.plugin.as_deref().unwrap_or_default();
        let name = name.to_owned();
        let wanted = CredentialGrant { name, to };
        let text = format!(
            "plugin `{plugin}` may not send the credential `{}` to {}; to allow it, write in \
             callboard.toml\n{}\nand in its plugin.toml\n{}",
            wanted.name,
            wanted.to,
            wanted.lines(&format!("grants.{plugin}")),
            wanted.lines("ask")
        );
        Err(ClientError::new(ClientErrorKind::Denied, text))
    }

    /// The credentials that go to an origin.
    pub fn credentials_to(&self, origin: &Origin) -> impl Iterator<Item = &str> {
        let there = self
            .credentials
            .iter()
            .filter(move |grant| grant.to == *origin);
        there.map(|grant| grant.name.as_str())
    }

    fn denial(&self, method: &str, url: &Url, host: &str, not_public: Option<&str>) -> ClientError {
        let Some(plugin) = &self.plugin else {
            let text = match not_public {
                Some(what) if !self.operators => {
                    format!(
                        "{method} {}: its address is not public ({what})",
                        origin(url)
                    )
                }
                _ => format!(
                    "{method} {}: this client calls only {}",
                    origin(url),
                    self.origins()
                ),
            };
            return ClientError::new(ClientErrorKind::Denied, text);
        };
        let mut lines = format!(
            "host = \"{host}\"\nscheme = \"{}\"\nmethods = [\"{method}\"]",
            url.scheme()
        );
        if let Some(port) = url.port() {
            lines = format!("{lines}\nport = {port}");
        }
        let mut why = String::new();
        if let Some(what) = not_public {
            lines += "\nprivate = true";
            why = format!(", an address that is not public ({what})");
        }
        let text = format!(
            "plugin `{plugin}` may not {method} {}{why}; to allow it, write in callboard.toml\n\
             [[grants.{plugin}.http]]\n{lines}\nand in its plugin.toml\n[[ask.http]]\n{lines}",
            origin(url)
        );
        ClientError::new(ClientErrorKind::Denied, text)
    }

    fn origins(&self) -> String {
        let origins: BTreeSet<_> = self
            .grants
            .iter()
            .map(|grant| format!("{}://{}", grant.scheme, grant.host))
            .collect();
        origins.into_iter().collect::<Vec<_>>().join(", ")
    }
}

/// Private addresses are opened for one exact host only, never by a wildcard.
fn is_private(grant: &HttpGrant) -> bool {
    grant.private && !grant.host.is_wildcard()
}

/// Scheme, host and port of an address.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Egress {
        let grants: crate::grants::Grants = toml::from_str(text).expect("grants");
        Egress::new("p", &grants)
    }

    fn verdict(policy: &Egress, method: &str, url: &str) -> Result<bool, ClientErrorKind> {
        let url = Url::parse(url).expect(url);
        policy
            .check(method, &url)
            .map(|allowed| allowed.private)
            .map_err(|error| error.kind)
    }

    #[test]
    fn scheme_host_port_and_method_have_to_fit() {
        let policy = policy("[[http]]\nhost = \"api.example.com\"");
        for url in [
            "https://api.example.com/x",
            "https://API.example.com:443/",
            "https://api.example.com./",
        ] {
            assert_eq!(verdict(&policy, "GET", url), Ok(false), "{url}");
        }
        for url in [
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://example.com/",
            "https://api.example.com.evil.org/",
        ] {
            assert_eq!(
                verdict(&policy, "GET", url),
                Err(ClientErrorKind::Denied),
                "{url}"
            );
        }
        assert_eq!(
            verdict(&policy, "POST", "https://api.example.com/"),
            Err(ClientErrorKind::Denied)
        );
        for url in [
            "https://u@api.example.com/",
            "https://:p@api.example.com/",
            "ftp://api.example.com/",
        ] {
            assert_eq!(
                verdict(&policy, "GET", url),
                Err(ClientErrorKind::BadRequest),
                "{url}"
            );
        }
    }

    #[test]
    fn an_address_is_checked_in_every_notation() {
        let policy = policy("[[http]]\nhost = \"*\"\nscheme = \"http\"\nprivate = true");
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://169.254.169.254/",
            "http://0/",
        ] {
            assert_eq!(
                verdict(&policy, "GET", url),
                Err(ClientErrorKind::Denied),
                "{url}"
            );
        }
        assert_eq!(verdict(&policy, "GET", "http://1.1.1.1/"), Ok(false));
    }

    #[test]
    fn a_private_address_is_open_at_its_port_only() {
        let policy = policy(
            "[[http]]\nhost = \"127.0.0.1\"\nscheme = \"http\"\nport = 11434\nprivate = true",
        );
        assert_eq!(verdict(&policy, "GET", "http://127.0.0.1:11434/"), Ok(true));
        assert_eq!(
            verdict(&policy, "GET", "http://127.0.0.1:6379/"),
            Err(ClientErrorKind::Denied)
        );
        let name = self::policy("[[http]]\nhost = \"localhost\"\nscheme = \"http\"");
        for url in [
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
        ] {
            let url = Url::parse(url).expect("url");
            let error = name.check("GET", &url).expect_err("denied").message;
            assert_eq!(error.matches("private = true").count(), 2, "{error}");
        }
        let url = Url::parse("http://[::1]:80/").expect("url");
        let error = policy.check("GET", &url).expect_err("denied").message;
        for part in [
            "`p`",
            "GET",
            "[[grants.p.http]]",
            "host = \"::1\"",
            "[[ask.http]]",
            "private = true",
        ] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn an_operators_client_calls_one_origin() {
        let policy = Egress::operator(&Url::parse("http://localhost:8080/v1").expect("url"));
        assert_eq!(
            verdict(&policy, "POST", "http://localhost:8080/v1/chat"),
            Ok(true)
        );
        assert_eq!(
            verdict(&policy, "POST", "http://localhost:8081/"),
            Err(ClientErrorKind::Denied)
        );
    }
}
