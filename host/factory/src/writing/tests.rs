//! An article is the same after it was a draft, and its citations lead to its sources.

use super::*;

fn sources() -> Vec<Source> {
    vec![
        Source {
            id: "s1".to_owned(),
            url: "https://www.a.example/x_(y)".to_owned(),
            title: "A [page]".to_owned(),
            published: Some("2026-01-05T09:00:00Z".to_owned()),
            ..Source::default()
        },
        Source {
            id: "s2".to_owned(),
            url: "https://b.example/".to_owned(),
            site: "B*".to_owned(),
            ..Source::default()
        },
    ]
}

fn block(kind: PartKind, text: &str, ids: &[&str]) -> ArticleBlock {
    ArticleBlock {
        kind,
        text: text.to_owned(),
        sources: ids.iter().map(|id| (*id).to_owned()).collect(),
    }
}

fn article() -> Article {
    Article {
        blocks: vec![
            block(PartKind::Paragraph, "First.", &["s2", "s1"]),
            ArticleBlock::heading(2, "Part"),
            block(PartKind::Other, "![p](/images/p.png)", &[]),
            block(PartKind::List, "- a\n- b", &["s1"]),
            block(PartKind::Paragraph, "Is it so?", &["notes"]),
        ],
    }
}

#[test]
fn an_article_is_the_same_after_it_was_a_draft() {
    let draft = article().into_draft(Draft::default(), &sources());
    let cited = "First ([B\\*](https://b.example/), [a.example](https://www.a.example/x_%28y%29)).";
    assert!(draft.markdown.starts_with(cited), "{}", draft.markdown);
    assert!(
        draft.markdown.ends_with("Is it so?"),
        "notes are no link: {}",
        draft.markdown
    );
    assert_eq!(draft.claims.len(), 3);
    assert_eq!(Article::of(&draft), Ok(article()));
}

#[test]
fn the_sources_are_listed_once_in_the_order_of_citation_and_read_as_none_of_the_text() {
    let section = sources_section(&article(), &sources()).expect("sources");
    assert_eq!(
        section,
        "## Sources\n\n- [b.example](https://b.example/), B\\*\n\
        - [A \\[page\\]](https://www.a.example/x_%28y%29), a.example, 2026-01-05"
    );
    let mut draft = article().into_draft(Draft::default(), &sources());
    draft.markdown = format!("{}\n\n{section}", draft.markdown);
    assert_eq!(Article::of(&draft), Ok(article()));
    assert_eq!(sources_section(&Article::default(), &sources()), None);
}

#[test]
fn pictures_come_along_into_another_text() {
    let rewritten = Article {
        blocks: vec![
            block(PartKind::Paragraph, "Anew.", &[]),
            ArticleBlock::heading(2, "Part"),
            block(PartKind::Paragraph, "More.", &[]),
        ],
    };
    let kept = rewritten.with_pictures_of(&article());
    assert_eq!(kept.blocks[3].text, "![p](/images/p.png)");
    assert_eq!(kept.clone().with_pictures_of(&article()), kept);
}

#[test]
fn a_section_of_the_writer_may_be_called_sources() {
    let text = "## Demand\n\nA.\n\n## Sources\n\nCoal and sun.\n\n## Storage\n\nB.";
    let draft = Draft {
        markdown: text.to_owned(),
        ..Draft::default()
    };
    let all = Article::of(&draft).expect("an article");
    assert_eq!(all.blocks.len(), 6);
    let listed = Draft {
        markdown: format!("{text}\n\n## Sources\n\n- [x](https://a.example/), a"),
        ..Draft::default()
    };
    assert_eq!(Article::of(&listed), Ok(all));
}
