//! Numbers in digits and in words, with what they count.

use super::stem;

/// A number and the words behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quantity {
    /// Its usual spelling: `2`, `0.5`.
    pub value: String,
    /// Stems of the words behind it, the nearest first; `%` is one.
    nouns: Vec<String>,
    /// As it is written, with the first of them.
    pub written: String,
}

/// How far behind a number its noun is looked for in a source.
const NEAR: usize = 4;
/// Units, each by all of its spellings.
const UNITS: [&[&str]; 10] = [
    &["s", "sec", "secs", "second", "seconds"],
    &["ms", "millisecond", "milliseconds"],
    &["min", "mins", "minute", "minutes"],
    &["h", "hr", "hrs", "hour", "hours"],
    &["d", "day", "days"],
    &["%", "percent", "per"],
    &["kb", "kib", "kilobyte", "kilobytes"],
    &["mb", "mib", "megabyte", "megabytes"],
    &["gb", "gib", "gigabyte", "gigabytes"],
    &["x", "times", "fold"],
];
const SMALL: [&str; 21] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];
const TENS: [(&str, &str); 7] = [
    ("thirty", "30"),
    ("forty", "40"),
    ("fifty", "50"),
    ("sixty", "60"),
    ("seventy", "70"),
    ("eighty", "80"),
    ("ninety", "90"),
];
const OTHERS: [(&str, &str); 9] = [
    ("hundred", "100"),
    ("hundreds", "100"),
    ("thousand", "1000"),
    ("thousands", "1000"),
    ("million", "1000000"),
    ("millions", "1000000"),
    ("dozen", "12"),
    ("dozens", "12"),
    ("half", "0.5"),
];

impl Quantity {
    /// Whether a source that says this says the other one, too.
    pub(super) fn bears_out(&self, wanted: &Self) -> bool {
        let noun = wanted.nouns.first();
        self.value == wanted.value && noun.is_none_or(|noun| self.nouns.contains(noun))
    }

    /// Whether it counts what a sentence cites.
    pub(super) fn counts_changes(&self) -> bool {
        let nouns = ["chang", "fix", "addition", "commit", "improvement", "piec"];
        self.nouns
            .first()
            .is_none_or(|noun| nouns.contains(&noun.as_str()))
    }
}

/// The numbers of a text. `one` is none: it mostly stands for something.
pub(super) fn quantities(text: &str) -> Vec<Quantity> {
    pattern!(PIECE, r"[\p{L}_][\p{L}\p{N}_'’]*|\d[\d.,_]*|%|[.,;:!?()\n]");
    let pieces: Vec<&str> = PIECE.find_iter(text).map(|piece| piece.as_str()).collect();
    let mut found = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let Some(value) = value(piece) else {
            continue;
        };
        // A sentence ends behind a number that ends with a full stop.
        let ends = piece.ends_with(['.', ',']);
        let behind = pieces[index + 1..]
            .iter()
            .take_while(|word| !ends && !is_end(word));
        let behind: Vec<&&str> = behind.take(NEAR).collect();
        let written = match behind.first() {
            Some(noun) => format!("{} {noun}", piece.trim_end_matches(['.', ','])),
            None => piece.trim_end_matches(['.', ',']).to_owned(),
        };
        found.push(Quantity {
            value,
            nouns: behind.into_iter().map(|word| noun(word)).collect(),
            written,
        });
    }
    found
}

fn is_end(piece: &str) -> bool {
    piece.len() == 1 && ".,;:!?()\n".contains(piece)
}

fn value(piece: &str) -> Option<String> {
    let lower = piece.to_lowercase();
    if piece.starts_with(|c: char| c.is_ascii_digit()) {
        let digits = piece.trim_end_matches(['.', ',']).replace([',', '_'], "");
        return Some(digits);
    }
    if let Some(small) = SMALL.iter().position(|word| *word == lower) {
        return (small != 1).then(|| small.to_string());
    }
    let known = TENS.iter().chain(&OTHERS).find(|(word, _)| *word == lower);
    known.map(|(_, value)| (*value).to_owned())
}

fn noun(word: &str) -> String {
    let lower = word.to_lowercase();
    let unit = UNITS.iter().find(|unit| unit.contains(&lower.as_str()));
    unit.map_or_else(|| stem(word), |unit| unit[0].to_owned())
}

/// The day of a month in words: `third`, `twenty-first`.
pub(super) fn ordinal(day: i8) -> String {
    const FIRST: [&str; 20] = [
        "",
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
    ];
    let day = usize::try_from(day).unwrap_or_default();
    match day {
        20 => "twentieth".to_owned(),
        30 => "thirtieth".to_owned(),
        21..=29 => format!("twenty-{}", FIRST[day - 20]),
        31 => "thirty-first".to_owned(),
        _ => FIRST.get(day).copied().unwrap_or_default().to_owned(),
    }
}
