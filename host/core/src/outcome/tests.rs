//! Outcomes as they are kept.

use super::kept::MOST_FALLBACKS;
use super::*;

#[test]
fn what_is_kept_of_an_outcome_is_bounded() {
    let said = Outcome::Stopped(Stop::rejected("r".repeat(300).as_str(), "é".repeat(16_345)));
    let Outcome::Stopped(Stop::Rejected { rule, detail, .. }) = said.bounded() else {
        panic!("it is rejected still");
    };
    assert!(rule.ends_with("r… (100 more characters)"), "{rule}");
    assert!(
        detail.ends_with("é… (12,345 more characters)"),
        "{}",
        detail.len()
    );
    assert_eq!(detail.chars().filter(|c| *c == 'é').count(), LONGEST);
}

#[test]
fn fallbacks_are_bounded_in_number_and_in_length_and_so_is_what_is_told_of_them() {
    let mut done = Done::new(Patch::new());
    for index in 0..200 {
        done = done.fallback(format!("w{index}"), "y".repeat(5_000));
    }
    let kept = Outcome::Done(done).bounded();
    assert_eq!(kept.fallbacks().len(), MOST_FALLBACKS);
    let last = kept.fallbacks().last().expect("a note").to_string();
    assert!(last.starts_with("181 more did not do it"), "{last}");
    let bytes: usize = kept.fallbacks().iter().map(|it| it.to_string().len()).sum();
    assert!(bytes < 30_000, "{bytes}");
    assert!(kept.detail().chars().count() < LONGEST + 100);
}

#[test]
fn flags_are_told_and_bounded() {
    let done = |times: usize| {
        let flag = |done: Done<Patch>, _| done.flag("y".repeat(5_000));
        Outcome::Done((0..times).fold(Done::new(Patch::new()), flag)).bounded()
    };
    assert!(done(1).detail().starts_with("flagged: yyy"));
    let kept = done(1_000);
    assert_eq!(kept.flags().len(), MOST_FALLBACKS);
    assert_eq!(kept.flags()[MOST_FALLBACKS - 1], "981 more");
    assert!(kept.detail().chars().count() < LONGEST + 100);
}

#[test]
fn an_effect_has_a_name_and_a_sum_that_fits() {
    let done = |name: &str| Outcome::Done(Done::new(Patch::new()).effect(name, 1));
    assert_eq!(done("rows_2").bounded(), done("rows_2"));
    let long = "x".repeat(65);
    for name in ["", "Rows", "rows deleted", "a\u{1b}[2J", "ä", long.as_str()] {
        let kept = done(name).bounded();
        let said = kept.detail();
        assert!(said.contains("is no name of an effect"), "{name}: {said}");
    }
    let mut effects = Effects::default();
    for index in 0..=MOST_EFFECTS {
        effects.count(&format!("e{index}"), u64::MAX);
        effects.count(&format!("e{index}"), 1);
    }
    assert_eq!(effects.total(), u64::MAX);
    let done = Outcome::Done(Done {
        effects,
        ..Done::new(Patch::new())
    });
    let said = done.bounded().detail();
    assert!(said.contains("65 effects are counted"), "{said}");
}

#[test]
fn fallbacks_and_writes_have_a_bound() {
    let done = |times: usize| {
        let done = Done::new(Patch::new());
        let fell = |done: Done<Patch>, _| done.fallback("x".repeat(300), "y".repeat(4_000));
        (0..times).fold(done, fell)
    };
    assert_eq!(Outcome::Done(done(20)).bounded().fallbacks().len(), 20);
    let kept = Outcome::Done(done(1_000)).bounded();
    let fallbacks = kept.fallbacks();
    assert_eq!(fallbacks.len(), MOST_FALLBACKS);
    assert_eq!(fallbacks[19].what, "981 more");
    assert!(fallbacks[0].why.ends_with("y… (3,000 more characters)"));
    assert!(kept.detail().chars().count() < LONGEST + 50);
    let write = |done: Done<Patch>, _| done.write(Statement::new("SELECT 1"));
    let many = (0..=MOST_WRITES).fold(done(0), write);
    let said = Outcome::Done(many).bounded().detail();
    assert!(
        said.contains("101 writes are deferred, and 100 allowed"),
        "{said}"
    );
}

#[test]
fn outcomes_survive_storage() {
    let outcomes = [
        Outcome::Done(Done::new(Patch::new()).effect("posts", 1)),
        Outcome::Stopped(Stop::nothing_to_do("thin day")),
        Outcome::Stopped(Stop::unavailable("git", "no such folder")),
        Outcome::Stopped(Stop::failed(FailureKind::Trap, "boom")),
    ];
    for outcome in outcomes {
        let text = serde_json::to_string(&outcome).expect("serializes");
        let back: Outcome = serde_json::from_str(&text).expect(&text);
        assert_eq!(back, outcome);
        assert!(
            text.contains(&format!("\"outcome\":\"{}\"", outcome.name())),
            "{text}"
        );
    }
}

#[test]
fn a_rejection_hands_on_what_it_found_and_is_stored_without_the_key_if_it_found_nothing() {
    let bare = Outcome::Stopped(Stop::rejected("x", "y"));
    let text = serde_json::to_string(&bare).expect("a text");
    assert_eq!(text, r#"{"outcome":"rejected","rule":"x","detail":"y"}"#);
    assert_eq!(bare.patch(), None);
    let found = Patch::from_iter([("k".to_owned(), Json::from(1))]);
    let stop = Outcome::Stopped(Stop::rejected("x", "y").handing_on(&found)).bounded();
    assert_eq!(stop.patch(), Some(&found));
    assert!(stop.tree() > 0 && bare.tree() == 0);
    let read: Outcome =
        serde_json::from_str(&serde_json::to_string(&stop).expect("a text")).expect("read back");
    assert_eq!(read, stop);
    let failed = Stop::rejected("x", "y").handing_on(&[1]);
    assert!(matches!(failed, Stop::Failed(_)), "no object of keys");
}
