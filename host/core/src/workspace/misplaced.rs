//! A key that is none where it stands and one elsewhere in the same file: below a table that begins too early,
//! or above the one that it belongs to. To take such a key away would lose what it says.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

/// A key that nobody knows: a place that takes it tells nothing.
const NOBODYS: &str = "\u{1}";

/// Where an unknown key belongs, if it is known there. `rest` is the table without it, `known` are the keys
/// of where it stands.
pub(super) fn mend<T>(
    (table, rest): (&DeTable<'_>, &DeTable<'_>),
    at: &Range<usize>,
    known: &[&str],
    take: impl Fn(Spanned<DeTable<'_>>) -> Result<T, Error>,
) -> Option<String> {
    let takes = |owner: Option<&str>, key: &str, value: &Spanned<DeValue<'_>>| {
        let probe = with(rest.clone(), owner, key, value.clone())?;
        let unknown = format!("unknown field `{key}`");
        let read = take(Spanned::new(0..0, probe));
        Some(read.map_or_else(|error| !error.message().starts_with(&unknown), |_| true))
    };
    let belongs = |owner: Option<&str>, key: &str, value: &Spanned<DeValue<'_>>| {
        takes(owner, key, value) == Some(true) && takes(owner, NOBODYS, value) == Some(false)
    };
    if let Some((key, value)) = table.iter().find(|(key, _)| key.span() == *at) {
        let mut owners = known.iter();
        let owner = owners.find(|owner| belongs(Some(owner), key.get_ref(), value))?;
        return Some(format!("move it below `[{owner}]`"));
    }
    let (key, value) = below(table, at)?;
    let is_there = table.keys().any(|there| there.get_ref() == key);
    (!is_there && belongs(None, key, value))
        .then(|| "move it above the first `[table]` of the file, where it is one".to_owned())
}

/// The table with one key more, in it or in one of its tables.
fn with<'v>(
    mut table: DeTable<'v>,
    owner: Option<&str>,
    key: &str,
    value: Spanned<DeValue<'v>>,
) -> Option<DeTable<'v>> {
    let name = |text: &str| Spanned::new(0..0, text.to_owned().into());
    let Some(owner) = owner else {
        table.insert(name(key), value);
        return Some(table);
    };
    let mut inner = match table.remove(&name(owner)).map(Spanned::into_inner) {
        None => DeTable::new(),
        Some(DeValue::Table(inner)) => inner,
        Some(_) => return None,
    };
    inner.insert(name(key), value);
    table.insert(name(owner), Spanned::new(0..0, DeValue::Table(inner)));
    Some(table)
}

/// The key at `at`, in a table of this one, and its value.
fn below<'t, 'v>(
    table: &'t DeTable<'v>,
    at: &Range<usize>,
) -> Option<(&'t str, &'t Spanned<DeValue<'v>>)> {
    table.values().find_map(|value| inside(value.get_ref(), at))
}

fn inside<'t, 'v>(
    value: &'t DeValue<'v>,
    at: &Range<usize>,
) -> Option<(&'t str, &'t Spanned<DeValue<'v>>)> {
    match value {
        DeValue::Table(table) => {
            let here = table.iter().find(|(key, _)| key.span() == *at);
            let here = here.map(|(key, value)| (key.get_ref().as_ref(), value));
            here.or_else(|| below(table, at))
        }
        DeValue::Array(array) => array.iter().find_map(|value| inside(value.get_ref(), at)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::workspace::mistakes::{parse, parse_with};
    use crate::workspace::test_case::TestCase;

    #[test]
    fn a_key_below_a_table_that_begins_too_early_is_moved_and_not_removed() {
        let text = "name = \"f\"\n[engine]\nslots = 2\ndatabase = \"sqlite:x.db\"\n";
        let (_, misreads) = parse_with("callboard.toml", text, Config::of);
        let told: Vec<_> = misreads.iter().map(ToString::to_string).collect();
        let wanted = "callboard.toml:4:1: `database` is no key here; move it above the first `[table]` of the file, \
                      where it is one";
        assert_eq!(told, [wanted]);
    }

    #[test]
    fn a_key_above_its_table_is_moved_below_it() {
        let text = "pipeline = \"p\"\nfallbacks = 1\n[expect]\nstatus = \"done\"\n";
        let (_, misreads) = parse::<TestCase>("tests/t.toml", text);
        assert_eq!(
            misreads[0].to_string(),
            "tests/t.toml:2:1: `fallbacks` is no key here; move it below `[expect]`"
        );
    }
}
