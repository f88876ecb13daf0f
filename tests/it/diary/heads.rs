//! Documents of posts whose texts are made up of what breaks heads: each is read back as it was written, in both
//! languages.

use callboard_factory::front_matter::{self, FrontMatterKeys, Language};
use callboard_factory::posts_folder::{Seal, document};
use callboard_factory::tables::posts::Post;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value as Json;

use crate::site::post;

const LANGUAGES: [Language; 2] = [Language::Yaml, Language::Toml];

/// What one reader or another takes for the end of a text, a line or a head.
const PIECES: &[&str] = &[
    "+++",
    "---",
    "...",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\"",
    "\"\"\"",
    "'",
    "'''",
    "\\",
    "\\u0041",
    "\\\n",
    "#",
    ": ",
    "- ",
    "{{",
    "}}",
    "[",
    "]",
    ",",
    "=",
    "&a",
    "*a",
    "!!str",
    "|",
    ">",
    "%",
    "@",
    "`",
    "~",
    "null",
    "true",
    "2026-03-02",
    "0x1F",
    "\u{0}",
    "\u{1b}",
    "\u{7f}",
    "\u{85}",
    "\u{9f}",
    "\u{a0}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{10ffff}",
    "\u{202e}",
    "é",
    "🏮",
    "digest = \"",
    "\"digest\": \"",
    "[callboard]",
    "callboard: ",
    "0000000000000000000000000000000000000000000000000000000000000000",
    " ",
    "word",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

#[test]
fn a_head_says_what_was_written_whatever_its_texts_are() {
    let texts = (text(), prop::collection::vec(text(), 0..4), text());
    let mut runner = TestRunner::new(Config::with_cases(1500));
    let read_back = |(one, list, inner): (String, Vec<String>, String)| {
        let mut head = FrontMatterKeys::new();
        head.insert("title".to_owned(), one.clone().into());
        head.insert("tags".to_owned(), list.into());
        let own: FrontMatterKeys = [
            ("id".to_owned(), Json::from(inner)),
            ("at".to_owned(), one.into()),
        ]
        .into_iter()
        .collect();
        head.insert("callboard".to_owned(), own.into());
        for language in LANGUAGES {
            let written = front_matter::written(&head, language).expect("it has a form");
            let document = format!("{written}\nText.\n");
            let (read, text) = front_matter::parted(&document)
                .map_err(|why| TestCaseError::fail(format!("{why}: {document}")))?;
            prop_assert_eq!(read.as_ref(), Some(&head), "{}", document);
            prop_assert_eq!(text, "Text.\n");
        }
        Ok(())
    };
    runner
        .run(&texts, read_back)
        .expect("every head is read back");
}

#[test]
fn a_document_is_known_as_ours_whatever_its_post_says() {
    let texts = (text(), text(), prop::collection::vec(text(), 0..4), text());
    let mut runner = TestRunner::new(Config::with_cases(700));
    let known = |(title, excerpt, tags, body): (String, String, Vec<String>, String)| {
        let post = Post {
            seo_title: title.clone(),
            edited_by: excerpt.clone(),
            title,
            excerpt,
            tags,
            markdown: body,
            ..post(1)
        };
        for language in LANGUAGES {
            let written = document(&post, &["old".to_owned()], (language, "media/"));
            let written = written.map_err(|why| TestCaseError::fail(format!("{why}: {post:?}")))?;
            let ours = Ok(Some(Seal {
                post: post.id.clone(),
                intact: true,
            }));
            prop_assert_eq!(Seal::of(&written), ours.clone(), "{}", written);
            // As git writes it where ends of lines have two bytes.
            prop_assert_eq!(Seal::of(&written.replace('\n', "\r\n")), ours);
        }
        Ok(())
    };
    runner.run(&texts, known).expect("every document is known");
}

#[test]
fn what_has_no_form_and_what_is_too_long_is_refused() {
    for (key, value) in [("a", Json::Null), ("a", serde_json::json!([[null]]))] {
        let head: FrontMatterKeys = [(key.to_owned(), value)].into_iter().collect();
        let refused = front_matter::written(&head, Language::Toml).expect_err("no form");
        assert!(refused.to_string().contains("`a`"), "{refused}");
    }
    let head: FrontMatterKeys = [("a\nb".to_owned(), Json::from("x"))].into_iter().collect();
    for language in LANGUAGES {
        front_matter::written(&head, language).expect_err("a key of two lines");
        // A head that its reader would refuse is not written.
        let many: Vec<String> = (0..9_000)
            .map(|number| format!("former-{number}"))
            .collect();
        let refused = document(&post(1), &many, (language, "media/")).expect_err("too long");
        assert!(refused.to_string().contains("64 KiB"), "{refused}");
    }
}
