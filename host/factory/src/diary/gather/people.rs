//! How many people wrote a day: names change and so do addresses, but not both at once.

use std::collections::BTreeMap;

use super::super::log::LogEntry;
use super::super::rules::{Author, DiaryRules};
use super::unit::Unit;

/// People by what they are known by.
#[derive(Default)]
pub(super) struct People {
    places: BTreeMap<String, usize>,
    /// Each the same as another one, or as itself.
    same: Vec<usize>,
}

impl People {
    /// Who wrote a unit.
    pub(super) fn wrote(&mut self, unit: &Unit, rules: &DiaryRules) {
        for entry in unit.writers() {
            let coauthors = entry
                .trailers
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case("co-authored-by"));
            let coauthors = coauthors.filter_map(|(_, value)| value.split_once('<'));
            let coauthors =
                coauthors.map(|(name, address)| (name.trim(), address.trim_end_matches('>')));
            let own = (entry.author.as_str(), entry.email.as_str());
            for (author, email) in std::iter::once(own).chain(coauthors) {
                let entry = LogEntry {
                    author: author.to_owned(),
                    email: email.to_owned(),
                    ..LogEntry::default()
                };
                if rules.author(&entry) != Author::Bot {
                    self.add(&rules.person(author, email), author);
                }
            }
        }
    }

    /// Somebody by a key and a name. A full name is one person's on one day, one word may be anybody's.
    fn add(&mut self, key: &str, name: &str) {
        let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
        let name = (words.len() > 1).then(|| words.join(" "));
        let first = self.place(key.to_owned());
        if let Some(name) = name {
            let second = self.place(name);
            self.same[first.max(second)] = first.min(second);
        }
    }

    /// The first place of what is known by a key.
    fn place(&mut self, key: String) -> usize {
        let next = self.same.len();
        let mut place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.same.push(next);
        }
        while self.same[place] != place {
            place = self.same[place];
        }
        place
    }

    pub(super) fn count(&self) -> u64 {
        let own = self.same.iter().enumerate();
        own.filter(|(place, same)| place == *same).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_or_one_address_is_one_person() {
        let mut people = People::default();
        people.add("doug@gmail.example", "Doug Harris");
        people.add("doug@work.example", "Doug Harris");
        people.add("doug@work.example", "D. H.");
        people.add("ann@a.example", "ann");
        people.add("ann@b.example", "ann");
        people.add("ann@b.example", "Doug  harris");
        assert_eq!(people.count(), 2);
    }
}
