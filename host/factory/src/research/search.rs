//! The answer of a search server, in the form that `SearXNG` gives: `results` with `url` and `title`.

use callboard_core::value::{JsonProblem, json_in};
use serde::Deserialize;
use url::Url;

/// Bytes of memory that an answer may take.
const TREE: u64 = 64 << 20;

/// What a server found.
#[derive(Debug, Deserialize)]
struct SearchAnswer {
    results: Vec<Hit>,
}

/// One page that it found.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Hit {
    pub url: String,
    #[serde(default)]
    pub title: String,
}

/// The address that asks a server a query; `base` is its address as the operator sets it.
pub fn asked(base: &Url, query: &str) -> Url {
    let mut url = base.clone();
    if !url.path().ends_with("/search") {
        let path = format!("{}/search", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    url.query_pairs_mut()
        .append_pair("q", query)
        .append_pair("format", "json");
    url
}

/// The first pages in an answer.
pub fn read(answer: &[u8], most: usize) -> Result<Vec<Hit>, String> {
    let answer: SearchAnswer = json_in(answer, TREE).map_err(|problem| match problem {
        JsonProblem::Broken(error) => format!("it is no list of results: {error}"),
        JsonProblem::TooLarge(_) => format!("its answer {problem}"),
    })?;
    let hits = answer.results.into_iter();
    let web = hits.filter(|hit| hit.url.starts_with("https://") || hit.url.starts_with("http://"));
    Ok(web.take(most).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_asked_and_its_answer_read() {
        let base = Url::parse("http://127.0.0.1:8888/").expect("an address");
        assert_eq!(
            asked(&base, "a b").as_str(),
            "http://127.0.0.1:8888/search?q=a+b&format=json"
        );
        let answer = br#"{"query":"a","results":[{"url":"javascript:x"},{"url":"https://a.example/","title":"A","engine":"x"}]}"#;
        let hits = read(answer, 5).expect("hits");
        assert_eq!(hits[0].title, "A");
        assert!(read(b"<html>", 5).is_err() && read(b"{}", 5).is_err());
    }
}
