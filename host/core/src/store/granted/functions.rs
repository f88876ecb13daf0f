//! The functions that a plugin's statement may call, on either database. All of them only
//! compute: none reads a file, a setting or another table, sleeps, or writes.

use self::FunctionResult::{Elsewhere, Fixed, Gathered, Laid, Measured, Own, Part};

/// What PostgreSQL makes of what it gives to a function: how long, and so what has to be done lest
/// a value become larger than plugins may have. SQLite holds that by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionResult {
    /// A value of about the same size, whatever it is given.
    Fixed,
    /// About as much as it is given, or a part of it, however often that is done.
    Part,
    /// As much as all that it is given, a few times over: it is measured when it is there.
    Measured,
    /// More by any factor, or much of its own while it works: a function that the host makes stands in for it.
    Own,
    /// One value of many rows, which are counted as they come.
    Gathered,
    /// What its last argument, a template, lays out.
    Laid,
    /// SQLite has it; PostgreSQL has none of that name, or one that nothing can bound.
    Elsewhere,
}

/// Sorted, so that it can be searched.
const ALLOWED: [(&str, FunctionResult); 216] = [
    ("->", Elsewhere),
    ("->>", Elsewhere),
    ("abs", Fixed),
    ("acos", Fixed),
    ("age", Fixed),
    ("array_agg", Gathered),
    ("array_append", Own),
    ("array_cat", Own),
    ("array_length", Fixed),
    ("array_position", Fixed),
    ("array_to_string", Own),
    ("ascii", Fixed),
    ("asin", Fixed),
    ("atan", Fixed),
    ("atan2", Fixed),
    ("avg", Fixed),
    ("bit_length", Fixed),
    ("bool_and", Fixed),
    ("bool_or", Fixed),
    ("btrim", Part),
    ("cardinality", Fixed),
    ("ceil", Fixed),
    ("ceiling", Fixed),
    ("changes", Elsewhere),
    ("char", Elsewhere),
    ("char_length", Fixed),
    ("character_length", Fixed),
    ("chr", Part),
    ("clock_timestamp", Fixed),
    ("coalesce", Part),
    ("concat", Measured),
    ("concat_ws", Measured),
    ("convert_from", Own),
    ("convert_to", Own),
    ("corr", Fixed),
    ("cos", Fixed),
    ("cosine_distance", Fixed),
    ("count", Fixed),
    ("cume_dist", Fixed),
    ("current_date", Fixed),
    ("current_time", Fixed),
    ("current_timestamp", Fixed),
    ("date", Fixed),
    ("date_part", Fixed),
    ("date_trunc", Fixed),
    ("datetime", Elsewhere),
    ("decode", Part),
    ("degrees", Fixed),
    ("dense_rank", Fixed),
    ("encode", Own),
    ("every", Fixed),
    ("exp", Fixed),
    ("extract", Fixed),
    ("first_value", Part),
    ("floor", Fixed),
    ("format", Elsewhere),
    ("generate_series", Fixed),
    ("glob", Elsewhere),
    ("greatest", Part),
    ("group_concat", Elsewhere),
    ("hex", Elsewhere),
    ("if", Elsewhere),
    ("ifnull", Elsewhere),
    ("iif", Elsewhere),
    ("initcap", Part),
    ("inner_product", Fixed),
    ("instr", Elsewhere),
    ("json", Elsewhere),
    ("json_agg", Gathered),
    ("json_array", Elsewhere),
    ("json_array_elements", Part),
    ("json_array_elements_text", Part),
    ("json_array_length", Fixed),
    ("json_build_array", Measured),
    ("json_build_object", Measured),
    ("json_each", Part),
    ("json_each_text", Part),
    ("json_extract", Elsewhere),
    ("json_extract_path_text", Part),
    ("json_group_array", Elsewhere),
    ("json_group_object", Elsewhere),
    ("json_insert", Elsewhere),
    ("json_object", Own),
    ("json_object_agg", Gathered),
    ("json_patch", Elsewhere),
    ("json_quote", Elsewhere),
    ("json_remove", Elsewhere),
    ("json_replace", Elsewhere),
    ("json_set", Elsewhere),
    ("json_tree", Elsewhere),
    ("json_type", Elsewhere),
    ("json_typeof", Part),
    ("json_valid", Elsewhere),
    ("jsonb", Elsewhere),
    ("jsonb_agg", Gathered),
    ("jsonb_array_elements", Part),
    ("jsonb_array_elements_text", Part),
    ("jsonb_array_length", Fixed),
    ("jsonb_build_array", Measured),
    ("jsonb_build_object", Measured),
    ("jsonb_each", Part),
    ("jsonb_each_text", Part),
    ("jsonb_extract", Elsewhere),
    ("jsonb_extract_path_text", Part),
    ("jsonb_insert", Own),
    ("jsonb_object_agg", Gathered),
    ("jsonb_object_keys", Part),
    ("jsonb_set", Own),
    ("jsonb_strip_nulls", Part),
    ("jsonb_typeof", Part),
    ("julianday", Elsewhere),
    ("l2_distance", Fixed),
    ("lag", Part),
    ("last_value", Part),
    ("lead", Part),
    ("least", Part),
    ("left", Part),
    ("length", Fixed),
    ("like", Fixed),
    ("likelihood", Elsewhere),
    ("likely", Elsewhere),
    ("ln", Fixed),
    ("log", Fixed),
    ("log10", Fixed),
    ("log2", Elsewhere),
    ("lower", Part),
    ("lpad", Own),
    ("ltrim", Part),
    ("make_date", Fixed),
    ("make_interval", Fixed),
    ("make_timestamp", Fixed),
    ("make_timestamptz", Fixed),
    ("max", Part),
    ("md5", Part),
    ("median", Elsewhere),
    ("min", Part),
    ("mod", Fixed),
    ("mode", Part),
    ("now", Fixed),
    ("nth_value", Part),
    ("ntile", Fixed),
    ("nullif", Part),
    ("octet_length", Fixed),
    ("overlay", Own),
    ("percent_rank", Fixed),
    ("percentile", Elsewhere),
    ("percentile_cont", Part),
    // An array of any number of fractions gives as many values.
    ("percentile_disc", Elsewhere),
    ("pi", Fixed),
    ("position", Fixed),
    ("pow", Fixed),
    ("power", Fixed),
    ("printf", Elsewhere),
    ("quote", Elsewhere),
    ("radians", Fixed),
    ("random", Fixed),
    ("randomblob", Elsewhere),
    ("rank", Fixed),
    ("regexp_match", Own),
    ("regexp_matches", Own),
    ("regexp_replace", Own),
    ("regexp_split_to_array", Own),
    ("repeat", Own),
    ("replace", Own),
    ("reverse", Part),
    ("right", Part),
    ("round", Fixed),
    ("row_number", Fixed),
    ("rpad", Own),
    ("rtrim", Part),
    ("sha256", Part),
    ("sign", Fixed),
    ("sin", Fixed),
    ("soundex", Elsewhere),
    ("split_part", Part),
    ("sqrt", Fixed),
    ("starts_with", Fixed),
    ("statement_timestamp", Fixed),
    ("stddev", Fixed),
    ("stddev_pop", Fixed),
    ("stddev_samp", Fixed),
    ("strftime", Elsewhere),
    ("string_agg", Gathered),
    ("string_to_array", Own),
    ("strpos", Fixed),
    ("substr", Part),
    ("substring", Part),
    ("sum", Fixed),
    ("tan", Fixed),
    ("time", Fixed),
    ("timediff", Elsewhere),
    ("to_char", Laid),
    ("to_date", Laid),
    ("to_hex", Part),
    ("to_json", Own),
    ("to_jsonb", Own),
    ("to_number", Laid),
    ("to_timestamp", Laid),
    ("total", Elsewhere),
    ("transaction_timestamp", Fixed),
    ("translate", Own),
    ("trim", Part),
    ("trunc", Fixed),
    ("typeof", Elsewhere),
    ("unhex", Elsewhere),
    ("unicode", Elsewhere),
    ("unixepoch", Elsewhere),
    ("unlikely", Elsewhere),
    ("unnest", Part),
    ("upper", Part),
    ("var_pop", Fixed),
    ("var_samp", Fixed),
    ("variance", Fixed),
    ("vector_dims", Fixed),
    ("vector_norm", Fixed),
    ("zeroblob", Elsewhere),
];

/// Whether plugins may call `name`, written in any case.
pub(super) fn is_allowed(name: &str) -> bool {
    listed(name).is_some()
}

/// A function that plugins may call by its name, as it is written in a statement.
pub(super) fn called(name: &str) -> Option<(&'static str, FunctionResult)> {
    listed(name).filter(|(name, _)| name.starts_with(|first: char| first.is_ascii_lowercase()))
}

/// What the extension for vectors brings.
const OF_VECTORS: [&str; 5] = [
    "cosine_distance",
    "inner_product",
    "l2_distance",
    "vector_dims",
    "vector_norm",
];

pub(super) fn is_of_vectors(name: &str) -> bool {
    OF_VECTORS.contains(&name)
}

/// The columns of the rows that a function of PostgreSQL gives where it is read as `alias`; none,
/// if nothing can be said of them.
pub(super) fn columns(name: &str, alias: &str, arguments: usize) -> Vec<String> {
    let own: &[&str] = match name {
        "json_each" | "json_each_text" | "jsonb_each" | "jsonb_each_text" => &["key", "value"],
        "json_array_elements"
        | "json_array_elements_text"
        | "jsonb_array_elements"
        | "jsonb_array_elements_text" => &["value"],
        "unnest" if arguments > 1 => &[],
        _ => &[alias],
    };
    own.iter().map(|name| (*name).to_owned()).collect()
}

fn listed(name: &str) -> Option<(&'static str, FunctionResult)> {
    let name = name.to_ascii_lowercase();
    let found = ALLOWED.binary_search_by_key(&name.as_str(), |(name, _)| name);
    found.ok().map(|index| ALLOWED[index])
}

/// Each function that plugins may call, for the tests that hold the list against the server.
pub fn all() -> impl Iterator<Item = (&'static str, FunctionResult)> {
    ALLOWED.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_holds_no_way_out() {
        assert!(ALLOWED.is_sorted_by_key(|(name, _)| *name));
        for name in [
            "load_extension",
            "readfile",
            "pg_sleep",
            "set_config",
            "dblink",
            "lo_import",
            "pg_read_file",
            "fts3_tokenizer",
            "nextval",
        ] {
            assert!(!is_allowed(name), "{name}");
        }
        assert!(is_allowed("COUNT") && is_allowed("->>"));
        assert_eq!(called("COUNT"), Some(("count", Fixed)));
        assert_eq!(called("->>"), None);
    }
}
