//! Forgeries of each kind are found; what the composer writes always passes.

use super::super::composer::compose;
use super::super::sample::{TEMPLATE, bundle};
use super::*;

/// Messages as people write them, some of them against us.
pub(crate) fn bundles() -> Vec<Bundle> {
    let good = [
        (
            "feat(registry): refuse two handlers of one name (#12)",
            "Before, the last one won and nobody knew.",
        ),
        (
            "fix(http)!: retry a stale socket once (#13)",
            "The peer closes after 5 s. See https://example.com/x for v2.1.3 of the server.\n\n- `src/http.rs` dials anew\n- 2 commits squashed, follows PR #7",
        ),
        ("perf: skip unchanged rows", "Fixes #99"),
        ("docs: say how", ""),
        ("chore: tidy up", ""),
    ];
    let hostile = [
        (
            "<script>alert(1)</script> and *bold* [x](javascript:y)",
            "<b>no</b>\n\nSee ![img](http://x/y.png) and `code`, PR\n#45.",
        ),
        (
            "Revert \"feat: use 1.2.3 (#44)\"",
            "This reverts commit 0123456789abcdef0123456789abcdef01234567.",
        ),
        (
            "1. one ` odd tick 2026-06-01",
            "# heading\n> quote\n| a | b |\n    code 9.9.9\n\nend & done &#35;77 \\#78",
        ),
        (
            "fix: 12 commits by 99 people, pull request 5",
            "see src/a/b.rs:12 and a/b, owner/name#3, abc1234..def5678",
        ),
        (
            "ünïcode — “quotes” … and 🎉",
            "Sentence one. Sentence two with `x/y`!\n\n1. first\n2. second",
        ),
        ("", ""),
    ];
    let long = "word ".repeat(60);
    let many: Vec<(&str, &str)> = (0..40)
        .map(|_| (long.as_str(), "because of v3.0.0-rc.1 in foo/bar.toml"))
        .collect();
    vec![
        bundle(&good),
        bundle(&hostile),
        bundle(&good[2..3]),
        bundle(&many),
        bundle(&hostile[5..]),
    ]
}

fn composed(bundle: &Bundle) -> Draft {
    compose(bundle, TEMPLATE).expect("a text")
}

/// Pictures that the host put into a built-in text are no other text; words beside them are.
#[test]
fn a_built_in_text_with_pictures_passes_and_one_with_other_words_does_not() {
    for bundle in bundles() {
        let plain = composed(&bundle);
        let sections = pictures::sections(&plain.markdown).expect("Markdown");
        let placed: Vec<_> = sections
            .iter()
            .map(|section| pictures::PictureBelow {
                heading: &section.heading,
                src: "/media/0123456789abcdef.png",
                alt: "PR #9999 of v9.9.9, as a fox",
            })
            .collect();
        let (markdown, lost) = pictures::place(&plain.markdown, &placed).expect("Markdown");
        assert!(lost.is_empty(), "{lost:?}");
        let illustrated = Draft {
            markdown: markdown.clone(),
            ..plain.clone()
        };
        let verdict = check(&illustrated, &bundle, TEMPLATE, &[]);
        assert!(verdict.is_ok(), "{verdict:?} in {markdown}");
        let forged = Draft {
            markdown: format!("{markdown}\n\nMost of it was rewritten in v9.9.9.\n"),
            ..plain
        };
        let verdict = check(&forged, &bundle, TEMPLATE, &[]);
        assert!(verdict.is_err(), "{markdown}");
    }
}

fn said(misses: &[Unsupported]) -> String {
    let misses: Vec<String> = misses.iter().map(ToString::to_string).collect();
    misses.join("; ")
}

#[test]
fn the_composer_always_passes() {
    for bundle in bundles() {
        let draft = composed(&bundle);
        let checked = check(&draft, &bundle, TEMPLATE, &[]);
        assert!(
            checked.is_ok(),
            "{checked:#?}\n{}\n{}",
            draft.title,
            draft.markdown
        );
    }
}

#[test]
fn a_forgery_of_each_kind_is_found() {
    let bundle = &bundles()[0];
    for (forged, named) in [
        ("PR #9999", "pull request `9999`"),
        ("pull request 9999", "pull request `9999`"),
        ("(#9999)", "reference `9999`"),
        ("PR \\#9999", "pull request `9999`"),
        ("`deadbee1`", "commit `deadbee1`"),
        ("deadbee1", "commit `deadbee1`"),
        ("v9.9.9", "version `9.9.9`"),
        ("9.9.9", "version `9.9.9`"),
        ("`src/forged.rs`", "path `src/forged.rs`"),
        ("forged.toml", "path `forged.toml`"),
        ("https://forged.example/", "address"),
        ("2026-06-26", "day `2026-06-26`"),
        ("77 commits", "count `77 commit`"),
        ("<i>x</i>", "markup `<i>`"),
    ] {
        let mut draft = composed(bundle);
        draft.written_by = "somebody".to_owned();
        draft
            .markdown
            .push_str(&format!("\n\nAlso {forged} was done.\n"));
        let misses = check(&draft, bundle, TEMPLATE, &[]).expect_err(forged);
        let said = said(&misses);
        assert!(
            said.contains(named) && said.contains("text line"),
            "{forged}: {said}"
        );
    }
}

#[test]
fn titles_and_excerpts_are_checked_and_nothing_may_be_empty() {
    let bundle = &bundles()[0];
    let draft = Draft {
        written_by: "somebody".into(),
        ..composed(bundle)
    };
    let forged = Draft {
        title: "Now at v9.9.9".into(),
        ..draft.clone()
    };
    let misses = check(&forged, bundle, TEMPLATE, &[]).expect_err("forged");
    assert_eq!(misses[0].part, "title");
    assert!(check(&forged, bundle, TEMPLATE, &["v9.9.9".into()]).is_ok());
    for change in [
        (|draft: &mut Draft| " ".clone_into(&mut draft.title)) as fn(&mut Draft),
        |draft| draft.excerpt.clear(),
        |draft| "\n".clone_into(&mut draft.markdown),
        |draft| "2026-06-24".clone_into(&mut draft.covers),
    ] {
        let mut changed = draft.clone();
        change(&mut changed);
        assert!(check(&changed, bundle, TEMPLATE, &[]).is_err());
    }
}

#[test]
fn a_built_in_text_is_the_one_that_its_material_makes() {
    let bundle = &bundles()[0];
    let mut draft = composed(bundle);
    let before = draft.markdown.clone();
    draft.markdown = draft.markdown.replacen("1 fix", "2 fixes", 1);
    assert_ne!(before, draft.markdown);
    let misses = check(&draft, bundle, TEMPLATE, &[]).expect_err("another text");
    assert!(
        said(&misses).contains("the material makes another text: `On 25 June"),
        "{misses:?}"
    );
}

#[test]
fn a_claim_has_to_be_in_a_message_that_it_stands_on() {
    let bundle = &bundles()[0];
    let draft = composed(bundle);
    let forged = |change: fn(&mut Claim)| {
        let mut draft = draft.clone();
        change(&mut draft.claims[0]);
        said(&check(&draft, bundle, TEMPLATE, &[]).expect_err("forged"))
    };
    let words = forged(|claim| claim.plain.push_str(" at Kubernetes"));
    assert!(
        words.contains("is in no message that it stands on"),
        "{words}"
    );
    let other = forged(|claim| claim.on = vec!["c4".to_owned()]);
    assert!(
        other.contains("is in no message that it stands on"),
        "{other}"
    );
    let unknown = forged(|claim| claim.on = vec!["c99".to_owned()]);
    assert!(unknown.contains("`c99`, which is no change"), "{unknown}");
    let released = forged(|claim| claim.kind = Said::Release);
    assert!(released.contains("is no release of the day"), "{released}");
    let told = forged(|claim| {
        claim.kind = Said::Told;
        claim.text = "It takes 99 seconds.".to_owned();
    });
    assert!(told.contains("says `99 seconds`"), "{told}");
}
