//! Where a repository has its home: what its numbers are of, and where its sources are read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// The software of a forge, as far as its address tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Forge {
    GitHub,
    GitLab,
    /// Gitea, Forgejo and Codeberg.
    Gitea,
    #[default]
    Unknown,
}

/// What a number is of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum NumberOf {
    /// A pull request or merge request.
    Request,
    Issue,
}

/// A number that the forge knows.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct ForgeNumber {
    pub value: u64,
    pub what: NumberOf,
}

impl Forge {
    fn of(host: &str) -> Self {
        let named = |names: &[&str]| {
            let mut parts = host.split(['.', ':']);
            parts.any(|part| names.contains(&part))
        };
        if named(&["github"]) {
            Forge::GitHub
        } else if named(&["gitlab", "salsa"]) {
            Forge::GitLab
        } else if named(&["gitea", "forgejo", "codeberg"]) {
            Forge::Gitea
        } else {
            Forge::Unknown
        }
    }

    /// Whether a number behind this mark may be a pull request.
    pub fn marks_request(self, mark: char) -> bool {
        mark == '!' || self != Forge::GitLab
    }

    /// How a number is called where it is cited.
    pub fn name(self, number: ForgeNumber) -> String {
        match (number.what, self) {
            (NumberOf::Request, Forge::GitLab) => format!("MR !{}", number.value),
            (NumberOf::Request, _) => format!("PR #{}", number.value),
            (NumberOf::Issue, _) => format!("#{}", number.value),
        }
    }
}

/// The remote of a repository, without what its address says of the user who cloned it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remote {
    pub host: String,
    /// `owner/name`.
    pub path: String,
    pub forge: Forge,
}

impl Remote {
    /// The remote of an address such as `https://host/owner/name.git` or `git@host:owner/name`;
    /// `None` for folders of this machine.
    pub fn read(address: &str) -> Option<Self> {
        let (host, path) = match address.split_once("://") {
            Some(("file", _)) => return None,
            Some((scheme, _)) => {
                let url = Url::parse(address).ok()?;
                // The port of another protocol is not where pages are.
                let port = url.port().filter(|_| scheme.starts_with("http"));
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                (format!("{}{port}", url.host_str()?), url.path().to_owned())
            }
            None => {
                let (host, path) = address.split_once(':')?;
                let host = host.rsplit('@').next()?;
                // A drive, or a folder with a colon in its name.
                if host.len() < 2 || host.contains('/') {
                    return None;
                }
                (host.to_owned(), path.to_owned())
            }
        };
        let path = percent(&path);
        let path = path
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path).trim_matches('/');
        let host = host.to_lowercase();
        (!path.is_empty()).then(|| Self {
            forge: Forge::of(&host),
            path: path.to_owned(),
            host,
        })
    }

    /// The last two parts of its path.
    pub fn name(&self) -> String {
        let mut parts = self.path.rsplit('/').filter(|part| !part.is_empty());
        let name = parts.next().unwrap_or_default();
        let owner = parts.next();
        let name = owner.map_or_else(|| name.to_owned(), |owner| format!("{owner}/{name}"));
        name.replace(':', "-")
    }

    /// The address of a page below the repository's. An unknown forge has none.
    fn page(&self, parts: &[&str]) -> Option<String> {
        if self.forge == Forge::Unknown {
            return None;
        }
        let mut url = Url::parse(&format!("https://{}/", self.host)).ok()?;
        url.path_segments_mut()
            .ok()?
            .pop_if_empty()
            .extend(self.path.split('/'))
            .extend(parts);
        Some(url.into())
    }

    /// Where a commit is read.
    pub fn commit(&self, id: &str) -> Option<String> {
        match self.forge {
            Forge::GitLab => self.page(&["-", "commit", id]),
            _ => self.page(&["commit", id]),
        }
    }

    /// Where a pull request or an issue is read.
    pub fn number(&self, number: ForgeNumber) -> Option<String> {
        let value = number.value.to_string();
        match (self.forge, number.what) {
            (Forge::GitLab, NumberOf::Request) => self.page(&["-", "merge_requests", &value]),
            (Forge::GitLab, NumberOf::Issue) => self.page(&["-", "issues", &value]),
            (Forge::Gitea, NumberOf::Request) => self.page(&["pulls", &value]),
            (_, NumberOf::Request) => self.page(&["pull", &value]),
            (_, NumberOf::Issue) => self.page(&["issues", &value]),
        }
    }

    /// Where the repository is read.
    pub fn home(&self) -> Option<String> {
        self.page(&[])
    }
}

/// What is written with `%`, as far as it is text.
fn percent(path: &str) -> String {
    let Some(decoded) = path.contains('%').then(|| {
        let query = format!("p={}", path.replace('+', "%2B"));
        let pair = url::form_urlencoded::parse(query.as_bytes()).next();
        pair.map(|(_, value)| value.into_owned())
    }) else {
        return path.to_owned();
    };
    decoded.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(address: &str) -> Option<(String, String)> {
        Remote::read(address).map(|remote| (remote.host.clone(), remote.name()))
    }

    #[test]
    fn a_remote_names_its_repository_and_no_secret() {
        let all = [
            "https://user:token@github.com/o/n.git",
            "git@github.com:o/n.git",
            "ssh://git@github.com:22/o/n/",
            "https://token@github.com/o/n",
            "git://github.com/o/n",
        ];
        for address in all {
            let named = Some(("github.com".to_owned(), "o/n".to_owned()));
            assert_eq!(remote(address), named, "{address}");
            let read = Remote::read(address).expect("a remote");
            assert_eq!(
                read.commit("1a2b").as_deref(),
                Some("https://github.com/o/n/commit/1a2b")
            );
        }
        assert_eq!(remote("/srv/git/n.git"), None);
        assert_eq!(remote("file:///srv/n.git"), None);
        assert_eq!(remote("../n"), None);
        assert_eq!(remote("C:\\git\\n"), None);
        assert_eq!(remote(""), None);
        let cjk = Remote::read("https://h.example/团队/项目.git").expect("a remote");
        assert_eq!((cjk.name().as_str(), cjk.home()), ("团队/项目", None));
    }

    #[test]
    fn each_forge_has_its_own_addresses() {
        let request = ForgeNumber {
            value: 7,
            what: NumberOf::Request,
        };
        let page = |address: &str| Remote::read(address).and_then(|remote| remote.number(request));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            page("git@github.com:o/n"),
            some("https://github.com/o/n/pull/7")
        );
        assert_eq!(
            page("https://gitlab.com/g/s/n.git"),
            some("https://gitlab.com/g/s/n/-/merge_requests/7")
        );
        assert_eq!(
            page("https://codeberg.org/o/n"),
            some("https://codeberg.org/o/n/pulls/7")
        );
        assert_eq!(page("https://host.example/o/n"), None);
        assert_eq!(Forge::GitLab.name(request), "MR !7");
        assert_eq!(Forge::Unknown.name(request), "PR #7");
    }
}
