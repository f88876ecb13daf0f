//! Things that a person names: by the whole name, by its beginning, by the end of an id or what lists
//! show of it, or as `latest`. One reading of a name for all of them, and what fits several is none.

use std::collections::{BTreeMap, HashMap};

use super::{Store, StoreError};
use crate::value::Query;

/// A kind of thing that has names.
#[derive(Debug)]
pub struct Noun {
    /// What it is called in messages.
    pub name: &'static str,
    /// The command that lists them.
    pub list: &'static str,
    /// Selects `key`, which is unique, and `moment`, by which the latest is known.
    pub rows: &'static str,
    /// Whether `key` is a UUID, whose end lists show.
    pub ids: bool,
    /// What is said where there is none, whatever was named, and how one comes to be.
    pub none: (&'static str, &'static str),
}

pub const RUN: Noun = Noun {
    name: "run",
    list: "callboard runs list",
    rows: "SELECT id AS key, created_at AS moment FROM runs",
    ids: true,
    none: (
        "there is no run yet",
        "`callboard run PIPELINE` makes one; `callboard pipelines list` names them",
    ),
};
/// A run that stands before a gate.
pub const GATE: Noun = Noun {
    name: "open gate",
    list: "callboard gates list",
    rows: "SELECT run AS key, opened_at AS moment FROM gates WHERE decision IS NULL",
    ids: true,
    none: (
        "no gate is open",
        "a run opens one when it comes to a question: `callboard runs list` shows how far each came",
    ),
};
pub const FINDING: Noun = Noun {
    name: "open finding",
    list: "callboard findings list",
    rows: "SELECT key, last_at AS moment FROM findings WHERE resolved_at IS NULL",
    ids: false,
    none: (
        "no finding is open",
        "`callboard findings list --all` has those that were resolved",
    ),
};
pub const REVISION: Noun = Noun {
    name: "revision",
    list: "callboard revisions list",
    rows: "SELECT CAST(id AS TEXT) AS key, id AS moment FROM revisions",
    ids: false,
    none: (
        "nothing is applied yet",
        "`callboard apply` makes a revision",
    ),
};

/// What a name came to: the keys it fits, at most a few of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameMatch {
    One(String),
    None,
    Several(Vec<String>),
}

/// The word for the newest of a kind.
pub const LATEST: &str = "latest";

/// Where the last group of a UUID begins, counted from 1: 16 bits that count within a millisecond,
/// and 32 of chance. What comes before it, ids of one day have in common.
const END: usize = 25;
/// The characters of a UUID.
const LENGTH: i64 = 36;
/// The fewest characters of it that lists show.
const SHORTEST: usize = 6;
/// The most: the whole group.
const LONGEST: usize = 12;
/// So many ids are looked up in the keys by themselves.
const FEW: usize = 100;
/// Ends are told apart among so many of the newest; what is older is shown whole.
const NEWEST: i64 = 20_000;
/// Names among which the one that was meant is looked for.
const MEANT: i64 = 500;
/// Keys that are named if a name fits several.
const SEVERAL: i64 = 5;

/// The key of what a person names.
pub async fn find(store: &Store, noun: &Noun, wanted: &str) -> Result<NameMatch, StoreError> {
    let rows = noun.rows;
    if wanted == LATEST {
        let sql = format!("SELECT key FROM ({rows}) named ORDER BY moment DESC, key DESC LIMIT 1");
        // That it cannot be read is not that there is none.
        let latest = store.read_first(Query::new(sql)).await.map_err(|error| {
            let (name, list) = (noun.name, noun.list);
            let problem =
                format!("the latest {name} cannot be read: {error}; `{list}` shows those that can");
            StoreError::new(error.kind, problem)
        })?;
        return Ok(latest.map_or(NameMatch::None, NameMatch::One));
    }
    if wanted.is_empty() {
        return Ok(NameMatch::None);
    }
    let sql = format!("SELECT key FROM ({rows}) named WHERE key = $1 LIMIT 1");
    let exact = keys(store, Query::new(sql).bind(wanted)).await?;
    if !exact.is_empty() {
        return Ok(found(exact));
    }
    Ok(found(like_it(store, noun, wanted).await?))
}

/// The keys that begin so and, of the newest ids, those that end so or whose last group begins so:
/// all of them, so that what fits several is never taken for one.
async fn like_it(store: &Store, noun: &Noun, wanted: &str) -> Result<Vec<String>, StoreError> {
    let rows = noun.rows;
    let ends = if noun.ids {
        let by_age = by_age(noun);
        format!(
            " UNION SELECT key FROM ({by_age} LIMIT {NEWEST}) newest \
             WHERE substr(key, {END}, CAST($3 AS INTEGER)) = $1 \
             OR substr(key, {LENGTH} + 1 - CAST($3 AS INTEGER), CAST($3 AS INTEGER)) = $1"
        )
    } else {
        String::new()
    };
    // The character after every other one ends the range, which is looked up in the index.
    let sql = format!(
        "SELECT key FROM ({rows}) named WHERE key >= $1 AND key < $2{ends} \
         ORDER BY key LIMIT {SEVERAL}"
    );
    let end = format!("{wanted}\u{10ffff}");
    let mut query = Query::new(sql).bind(wanted).bind(end);
    if noun.ids {
        let length = i64::try_from(wanted.chars().count()).unwrap_or(i64::MAX);
        query = query.bind(length.min(LENGTH));
    }
    let mut keys = keys(store, query).await?;
    // A gate's run comes as often as it has gates.
    keys.dedup();
    Ok(keys)
}

/// Keys of the newest, to say which may have been meant.
pub async fn newest(store: &Store, noun: &Noun) -> Result<Vec<String>, StoreError> {
    let sql = format!("{} LIMIT {MEANT}", by_age(noun));
    keys(store, Query::new(sql)).await
}

fn by_age(noun: &Noun) -> String {
    format!("SELECT key FROM ({}) named ORDER BY moment DESC", noun.rows)
}

fn found(mut keys: Vec<String>) -> NameMatch {
    match keys.len() {
        0 => NameMatch::None,
        1 => NameMatch::One(keys.remove(0)),
        _ => NameMatch::Several(keys),
    }
}

async fn keys(store: &Store, query: Query<String>) -> Result<Vec<String>, StoreError> {
    store.readable("a name", query).await
}

/// Ids as lists show them: the shortest beginning of the last group that no other one has, of 6
/// characters at least. [`find`] takes them.
#[derive(Debug, Default)]
pub struct Short(BTreeMap<String, String>);

impl Short {
    pub async fn of<'i>(
        store: &Store,
        noun: &Noun,
        ids: impl IntoIterator<Item = &'i str>,
    ) -> Result<Self, StoreError> {
        let ids: Vec<&str> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(Self::default());
        }
        let known = like(store, noun, &ids).await?;
        let forms = Forms::of(&known);
        let short = |id: &str| (id.to_owned(), forms.shortest(id));
        Ok(Self(ids.into_iter().map(short).collect()))
    }

    /// The short form of an id; the whole, if it is not one of those that were asked for.
    pub fn show<'s>(&'s self, id: &'s str) -> &'s str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

/// The newest keys that a short form of one of `ids` may fit: the first characters of its end stand
/// at their beginning, or in their last group. Of many ids all of the newest are read: to look each of them up in
/// each key would take longer than that.
async fn like(store: &Store, noun: &Noun, ids: &[&str]) -> Result<Vec<String>, StoreError> {
    let newest = format!("{} LIMIT {NEWEST}", by_age(noun));
    let mut ends: Vec<&str> = ids.iter().filter_map(|id| id.get(END - 1..)).collect();
    ends.retain(|end| end.len() >= SHORTEST);
    let mut ends: Vec<&str> = ends.iter().map(|end| &end[..SHORTEST]).collect();
    ends.sort_unstable();
    ends.dedup();
    if ends.is_empty() {
        return Ok(Vec::new());
    }
    if ends.len() > FEW {
        return keys(store, Query::new(newest)).await;
    }
    let parameters: Vec<_> = (1..=ends.len()).map(|place| format!("${place}")).collect();
    let sql = format!(
        "SELECT DISTINCT key FROM ({newest}) newest WHERE {}",
        stand(&parameters.join(", "))
    );
    let query = ends.iter().fold(Query::new(sql), |sql, end| sql.bind(*end));
    keys(store, query).await
}

/// Where in a key the first characters of a short form have to stand for it to fit.
fn stand(texts: &str) -> String {
    let last_group = END..=END + LONGEST - SHORTEST;
    let at = std::iter::once(1).chain(last_group);
    let at = at.map(|at| format!("substr(key, {at}, {SHORTEST}) IN ({texts})"));
    at.collect::<Vec<_>>().join(" OR ")
}

/// The short forms that fit a key, as [`find`] reads them: its beginning, its end, and the beginning of its last
/// group.
fn fitting(key: &str) -> impl Iterator<Item = &str> {
    let group = key.get(END - 1..).unwrap_or_default();
    (SHORTEST..=LONGEST).flat_map(move |length| {
        let end = key.len().checked_sub(length);
        let forms = [
            key.get(..length),
            end.and_then(|at| key.get(at..)),
            group.get(..length),
        ];
        forms.into_iter().flatten()
    })
}

/// Every short form of the keys, and the key that it fits; none, if it fits several.
struct Forms<'k>(HashMap<&'k str, Option<&'k str>>);

impl<'k> Forms<'k> {
    fn of(known: &'k [String]) -> Self {
        let mut forms = HashMap::new();
        for key in known.iter().map(String::as_str) {
            // The whole is there to know that the key is.
            forms.insert(key, Some(key));
            for form in fitting(key) {
                let of = forms.entry(form).or_insert(Some(key));
                if *of != Some(key) {
                    *of = None;
                }
            }
        }
        Self(forms)
    }

    fn shortest(&self, id: &str) -> String {
        let is_known = self.0.contains_key(id);
        let end = id.get(END - 1..).filter(|_| is_known).unwrap_or_default();
        let short = (SHORTEST..=LONGEST).filter_map(|length| end.get(..length));
        let mut short = short.filter(|short| self.0.get(short) == Some(&Some(id)));
        short.next().unwrap_or(id).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lists_show_of_an_id_is_as_short_as_it_can_be() {
        let ids = [
            "01a204a3-1a73-74cf-98f8-6693deb782f1",
            "01a204a3-1a73-74d0-98f8-6693de0082f1",
            "01a204a3-1a73-74d1-98f8-7000000082f1",
        ];
        let mut known = ids.map(str::to_owned).to_vec();
        let short = |known: &[String]| ids.map(|id| Forms::of(known).shortest(id));
        assert_eq!(short(&known), ["6693deb", "6693de0", "700000"]);
        // The beginning and the end of another one count as well.
        known.push("6693deb7-1a73-74d1-98f8-111111111111".to_owned());
        known.push("01a204a3-1a73-74d1-98f8-222226693de0".to_owned());
        assert_eq!(short(&known), ["6693deb78", "6693de00", "700000"]);
        let forms = Forms::of(&known);
        let unknown = "01a204a3-1a73-74cf-98f8-999999999999";
        assert_eq!(forms.shortest(unknown), unknown);
        assert_eq!(forms.shortest("policy"), "policy");
    }
}
