//! What an operator says of a repository: who is a program, who is the same person, and what is
//! no news.

use super::log::LogEntry;
use super::patterns::Patterns;

/// The rules of one repository.
#[derive(Debug, Clone, Default)]
pub struct DiaryRules {
    /// Programs that keep a repository going, by `Name <address>`.
    pub bots: Patterns,
    /// Programs that write changes to what is made: their work counts like a person's.
    pub agents: Patterns,
    /// One name for several, by patterns of `Name <address>`.
    pub people: Vec<(String, Patterns)>,
    /// Headlines that are no news.
    pub bookkeeping: Patterns,
    /// Paths of generated files.
    pub generated: Patterns,
}

/// Who wrote a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    Person,
    Agent,
    Bot,
}

impl DiaryRules {
    pub fn author(&self, entry: &LogEntry) -> Author {
        let named = format!("{} <{}>", entry.author, entry.email);
        let fit = |patterns: &Patterns| {
            let texts = [named.as_str(), &entry.author, &entry.email];
            texts.into_iter().any(|text| patterns.fit(text))
        };
        if fit(&self.agents) {
            Author::Agent
        } else if fit(&self.bots) {
            Author::Bot
        } else {
            Author::Person
        }
    }

    /// The name by which a person is counted.
    pub fn person(&self, name: &str, address: &str) -> String {
        let named = format!("{name} <{address}>");
        let texts = [named.as_str(), name, address];
        let same = |patterns: &Patterns| texts.into_iter().any(|text| patterns.fit(text));
        let known = self.people.iter().find(|(_, patterns)| same(patterns));
        if let Some((name, _)) = known {
            return name.clone();
        }
        // Names change; an address is one person's. Without one the name has to do.
        let address = address.trim().to_lowercase();
        if address.contains('@') {
            address
        } else {
            name.to_lowercase()
        }
    }

    /// Whether a headline is nothing to tell.
    pub fn is_bookkeeping(&self, line: &str) -> bool {
        line.trim().is_empty() || self.bookkeeping.fit(line)
    }
}
