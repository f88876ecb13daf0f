//! The row that stands for a cluster, without a database.

use super::*;

fn member(id: &str, writer: &str, preview: &str) -> Member {
    Member {
        id: id.to_owned(),
        source_id: format!("source/{id}"),
        preview: preview.to_owned(),
        writer: writer.to_owned(),
        updated_at: 0,
    }
}

fn pool() -> Pool {
    Pool {
        model: "nomic".to_owned(),
        dimensions: 2,
        candidates: 3,
    }
}

fn summary(members: &[&Member]) -> Summary {
    Summary::of(
        members,
        &pool(),
        "posts",
        1_782_345_600_000_000,
        vec![1.0, 0.0],
    )
}

#[test]
fn the_same_members_give_the_same_row_in_any_order() {
    let (a, b) = (member("a", "w", "one"), member("b", "w", "two"));
    let summary = summary(&[&a, &b]);
    assert_eq!(summary, super::tests::summary(&[&b, &a]));
    let hash = summary
        .source_id
        .strip_prefix("summary/posts/20260625/")
        .expect("the prefix");
    assert_eq!(hash.len(), 16);
    assert!(summary.id.starts_with("sum-"));
}

#[test]
fn other_members_give_another_row() {
    let (a, b, c) = (
        member("a", "w", ""),
        member("b", "w", ""),
        member("c", "w", ""),
    );
    assert_ne!(summary(&[&a, &b]).id, summary(&[&a, &c]).id);
}

#[test]
fn metadata_says_what_it_stands_for() {
    let (a, b, c) = (
        member("a", "tap", "x"),
        member("b", "cli", "x"),
        member("c", "tap", "y"),
    );
    let metadata: serde_json::Value =
        serde_json::from_str(&summary(&[&a, &b, &c]).metadata).expect("JSON");
    assert_eq!(
        metadata,
        json!({
            "collapsed_source_ids": ["source/a", "source/b", "source/c"],
            "members": 3,
            "method": "joined",
            "model": "nomic",
            "dominant": "tap",
        })
    );
}

#[test]
fn every_member_has_its_share_of_a_preview_that_fits() {
    let long = "ä".repeat(600);
    let members = ["1", "2", "3"].map(|id| member(id, "w", &format!("{id}{long}")));
    let text = summary(&members.iter().collect::<Vec<_>>()).text;
    assert!(text.chars().count() <= PREVIEW_CHARS);
    assert!(text.contains("1ä") && text.contains("2ä") && text.contains("3ä"));
}

#[test]
fn members_without_text_give_an_empty_preview() {
    assert_eq!(
        summary(&[&member("a", "w", " "), &member("b", "w", "")]).text,
        ""
    );
}
