//! Headlines as people and tools write them.

use super::*;

fn read(line: &str) -> Headline {
    Headline::read(line, Forge::Unknown)
}

fn kind(line: &str) -> (Option<String>, String) {
    let headline = read(line);
    (headline.kind, headline.title)
}

#[test]
fn conventional_headlines_come_apart_and_keep_their_scope() {
    let parsed = read("feat(store)!: keep the newest rows. (#123)");
    assert_eq!(parsed.kind.as_deref(), Some("feat"));
    assert_eq!(parsed.scope.as_deref(), Some("store"));
    assert!(parsed.breaking);
    assert_eq!(parsed.request, Some(123));
    assert_eq!(parsed.title, "store: keep the newest rows");
    assert_eq!(kind("Bugfix: x y"), (Some("fix".into()), "X y".into()));
    assert_eq!(
        kind("sched/core: fix the clock").1,
        "sched/core: fix the clock"
    );
    assert_eq!(
        kind("Note: the parser: slow"),
        (None, "Note: the parser: slow".into())
    );
    assert_eq!(kind("snake_case names stay").1, "snake_case names stay");
    assert_eq!(kind("Wait...").1, "Wait...");
    assert_eq!(kind("").1, "");
}

#[test]
fn pictures_and_codes_stand_for_types() {
    let feat = (Some("feat".into()), "parser: read emoji".into());
    assert_eq!(kind("✨ feat(parser): read emoji"), feat);
    assert_eq!(
        kind(":bug: fix: read codes"),
        (Some("fix".into()), "Read codes".into())
    );
    assert_eq!(
        kind("🐛 The clock no longer runs"),
        (Some("fix".into()), "The clock no longer runs".into())
    );
    assert_eq!(kind("⚡️ Faster"), (Some("perf".into()), "Faster".into()));
    assert_eq!(kind("「引号」不是图画").1, "「引号」不是图画");
}

#[test]
fn numbers_are_of_what_the_message_and_the_forge_say() {
    let numbers = |line, forge| {
        let headline = Headline::read(line, forge);
        (headline.request, headline.issues)
    };
    assert_eq!(numbers("x (#12)", Forge::GitHub), (Some(12), vec![]));
    assert_eq!(numbers("x (#12)", Forge::GitLab), (None, vec![12]));
    assert_eq!(numbers("x (!12)", Forge::GitLab), (Some(12), vec![]));
    assert_eq!(numbers("x (#40) (#41)", Forge::Unknown), (Some(41), vec![]));
    assert_eq!(numbers("x (closes #45)", Forge::GitHub), (None, vec![45]));
    assert_eq!(
        numbers("Answer issue (#46)", Forge::GitHub),
        (None, vec![46])
    );
    assert_eq!(numbers("x, fixes #7", Forge::GitHub), (None, vec![7]));
    assert_eq!(numbers("Say (why)", Forge::GitHub), (None, vec![]));
    assert_eq!(kind("Say (why)").1, "Say (why)");
    let ticket = read("Fixed #35012 -- Corrected the planner");
    assert_eq!(
        (ticket.kind.as_deref(), ticket.issues, ticket.title.as_str()),
        (Some("fix"), vec![35012], "Corrected the planner")
    );
}

#[test]
fn keys_and_words_for_machines_are_no_title() {
    assert_eq!(kind("ABC-123: let people in").1, "Let people in");
    assert_eq!(kind("[skip ci] [ABC-9] Update it").1, "Update it");
    assert_eq!(kind("query: PEP-8 fixes").1, "query: PEP-8 fixes");
    assert_eq!(
        kind("[FIX] link to x"),
        (Some("fix".into()), "Link to x".into())
    );
    assert_eq!(kind("UTF-8 is read").1, "UTF-8 is read");
}

#[test]
fn reverts_name_what_they_take_back() {
    let undo = |line| read(line).undo.map(|undo| (undo.restores, undo.of));
    assert_eq!(undo("Revert \"feat: x\""), Some((false, "feat: x".into())));
    assert_eq!(undo("Revert \"Revert \"x\"\""), Some((true, "x".into())));
    assert_eq!(undo("Reapply \"x\""), Some((true, "x".into())));
    assert_eq!(
        undo("Revert \"Reapply \"x\"\" (#9)"),
        Some((false, "x".into()))
    );
    assert_eq!(undo("revert: x"), Some((false, "x".into())));
    assert_eq!(undo("Revert to one thread"), None);
    assert_eq!(
        read("Revert \"feat: turn it on (#3)\"").title,
        "Revert \"Turn it on\""
    );
}

#[test]
fn merges_name_their_pull_request() {
    let merge = |line| Merge::read(line).map(|merge| (merge.request, merge.title, merge.branch));
    let (some, branch) = (|text: &str| Some(text.to_owned()), Some("fix-x".to_owned()));
    assert_eq!(
        merge("Merge pull request #12 from a/fix-x"),
        Some((Some(12), None, branch))
    );
    assert_eq!(
        merge("Merge pull request 'Fix x' (#7) from a/b into main"),
        Some((Some(7), some("Fix x"), None))
    );
    assert_eq!(
        merge("Merged PR 9: Fix x"),
        Some((Some(9), some("Fix x"), None))
    );
    assert_eq!(
        merge("Merged in a/b (pull request #5)"),
        Some((Some(5), None, some("b")))
    );
    assert_eq!(
        merge("Merge branch 'x' into 'main'"),
        Some((None, None, some("x")))
    );
    assert_eq!(
        merge("Merge merge into newc"),
        Some((None, None, some("merge")))
    );
    assert_eq!(
        merge("Merge main: the roll answers"),
        Some((None, some("the roll answers"), None))
    );
    assert_eq!(merge("Merge fixes"), Some((None, None, some("fixes"))));
    assert_eq!(merge("Merge sort is stable now"), None);
    assert_eq!(merge("Add the wizard (#12)"), None);
}

#[test]
fn a_verb_of_a_sentence_is_not_taken_from_it() {
    let read = |line| {
        let headline = read(line);
        (headline.title, headline.issues)
    };
    let told = "Fixed a regression for echo_via_pager on 3.x".to_owned();
    assert_eq!(
        read("Fixed a regression for echo_via_pager on 3.x.  This fixes #185"),
        (told, vec![185])
    );
    assert_eq!(
        read("Draw the roll and fixes #3"),
        ("Draw the roll".into(), vec![3])
    );
    assert_eq!(
        read("It was slow. The new reader fixes #7"),
        ("It was slow. The new reader fixes #7".into(), vec![7])
    );
}
