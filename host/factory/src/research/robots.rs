//! robots.txt by RFC 9309: which paths of a site a program may ask for.
//!
//! Read by a parser of our own, because all that the RFC asks for is below: groups, the longest
//! rule that fits, `*` and `$`. The crates that do it bring regular expressions, which an
//! unfriendly file could make slow.

/// The most bytes of a file that are read; the RFC asks for at least as many.
pub const MOST: usize = 500 << 10;
/// The most rules that count.
const RULES: usize = 2_000;

/// What a site allows one program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Robots {
    rules: Vec<RobotsRule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct RobotsRule {
    allows: bool,
    path: String,
}

/// Groups as they are read: the agents that they are for, and their rules.
#[derive(Default)]
struct Group {
    agents: Vec<String>,
    rules: Vec<RobotsRule>,
    /// Whether a rule was read, so that the next agent begins another group.
    begun: bool,
}

impl Robots {
    /// Nothing may be asked for: the site cannot say what may.
    pub fn closed() -> Self {
        let path = "/".to_owned();
        Self {
            rules: vec![RobotsRule {
                allows: false,
                path,
            }],
        }
    }

    /// The rules of a file for the program of a name.
    pub fn read(file: &str, agent: &str) -> Self {
        let agent = agent.to_lowercase();
        let groups = groups(file);
        let of = |name: &str| -> Vec<RobotsRule> {
            let own = groups
                .iter()
                .filter(|it| it.agents.iter().any(|it| it == name));
            own.flat_map(|group| group.rules.clone())
                .take(RULES)
                .collect()
        };
        let named = groups.iter().any(|group| group.agents.contains(&agent));
        Self {
            rules: if named { of(&agent) } else { of("*") },
        }
    }

    /// Whether a path with its query may be asked for: the longest rule that fits says so, and one
    /// that allows goes before one that does not.
    pub fn allows(&self, path: &str) -> bool {
        let path = decoded(path);
        let fitting = self.rules.iter().filter(|rule| fits(&rule.path, &path));
        let longest = fitting.max_by_key(|rule| (rule.path.len(), rule.allows));
        path == "/robots.txt" || longest.is_none_or(|rule| rule.allows)
    }
}

/// What of a file is read: its lines, as far as they are whole within [`MOST`] bytes.
pub fn read_of(file: &[u8]) -> &[u8] {
    if file.len() <= MOST {
        return file;
    }
    let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let end = file[..MOST].iter().rposition(ends).unwrap_or(0);
    &file[..end]
}

fn groups(file: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for line in file.trim_start_matches('\u{feff}').split(['\n', '\r']) {
        let line = line.split('#').next().unwrap_or_default();
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let (key, value) = (key.trim().to_lowercase(), value.trim());
        match key.as_str() {
            "user-agent" => {
                if groups.last().is_none_or(|group| group.begun) {
                    groups.push(Group::default());
                }
                let product = value.split('/').next().unwrap_or_default();
                if let Some(group) = groups.last_mut() {
                    group.agents.push(product.trim().to_lowercase());
                }
            }
            "allow" | "disallow" => {
                let Some(group) = groups.last_mut() else {
                    continue;
                };
                group.begun = true;
                // A rule without a path fits nothing.
                if !value.is_empty() {
                    group.rules.push(RobotsRule {
                        allows: key == "allow",
                        path: decoded(value),
                    });
                }
            }
            _ => {}
        }
    }
    groups
}

/// Whether a rule's path fits: `*` stands for anything, `$` for the end, and else the beginning counts.
fn fits(rule: &str, path: &str) -> bool {
    let (rule, whole) = match rule.strip_suffix('$') {
        Some(rule) => (rule, true),
        None => (rule, false),
    };
    let mut parts = rule.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else {
        return !whole || rest.is_empty();
    };
    for part in between {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    if whole {
        rest.ends_with(last)
    } else {
        rest.contains(last)
    }
}

/// A path in which characters that need no escape have none, so that `/%61` is `/a`.
fn decoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest
            .get(1..3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte));
                rest = &rest[3..];
            }
            Some(_) => {
                out.push_str(&rest[..3].to_uppercase());
                rest = &rest[3..];
            }
            None => {
                out.push('%');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rule_of_the_own_group_counts() {
        let file = "\u{feff}# a file\r\nUser-agent: other\nDisallow: /\n\nUser-Agent: Callboard/1.0\n\
            user-agent: second\nDisallow: /private # not this\nAllow: /private/open$\nDisallow: /*.pdf$\n\
            Disallow:\nSitemap: https://a.example/s.xml\n\nUser-agent: *\nDisallow: /all";
        let own = Robots::read(file, "Callboard");
        for (path, allowed) in [
            ("/", true),
            ("/all", true),
            ("/private", false),
            ("/pr%69vate/x", false),
            ("/private/open", true),
            ("/private/open/x", false),
            ("/a/b.pdf", false),
            ("/a/b.pdf?x", true),
            ("/robots.txt", true),
        ] {
            assert_eq!(own.allows(path), allowed, "{path}");
        }
        let stranger = Robots::read(file, "stranger");
        assert!(!stranger.allows("/all/x") && stranger.allows("/private"));
        assert!(!Robots::closed().allows("/x") && Robots::default().allows("/x"));
    }

    #[test]
    fn a_file_is_read_up_to_its_last_whole_line_within_the_bound() {
        let short = b"User-agent: *\nDisallow: /a";
        assert_eq!(read_of(short), short);
        let long = b"Disallow: /abc\n".repeat(MOST / 15 + 1);
        let read = read_of(&long);
        assert!(
            read.len() < MOST && read.ends_with(b"/abc"),
            "{}",
            read.len()
        );
        assert!(read_of(&vec![b'x'; MOST + 1]).is_empty());
    }

    #[test]
    fn of_two_rules_of_a_length_the_one_that_allows_counts() {
        let robots = Robots::read("User-agent: *\nDisallow: /a\nAllow: /a", "x");
        assert!(robots.allows("/a"));
        let stars = Robots::read("User-agent: *\nDisallow: /*a*b*c", "x");
        assert!(!stars.allows("/xaxbxc") && stars.allows("/xaxcxb"));
    }
}
