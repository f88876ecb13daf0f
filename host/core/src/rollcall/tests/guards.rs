//! Nothing is published past a guard.

use serde_json::json;

use super::P;
use super::ground::{Ground, misses};
use crate::handler::Needs;

const GATE: &str = "needs = [\"critic\"]";

/// Each line in the place of another is one miss, with a mend.
async fn past_a_guard(cases: &[(&str, &str, String, &str)]) {
    for (from, to, miss, mend) in cases {
        let mut ground = Ground::good();
        ground.replace(P, from, to);
        let misses = misses(&ground).await;
        let texts: Vec<&str> = misses.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts, [miss], "one cause, one miss");
        assert!(misses[0].1.contains(mend), "{}", misses[0].1);
    }
}

/// A rail that did not pass leads to no publication on any way; that is worked out from the edges,
/// and who publishes from the surface.
#[tokio::test]
async fn nothing_is_published_past_a_rail() {
    const BACK: &str = "on.rejected = \"goto:draft\"";
    const POST: &str = "needs = [\"approve\"]";
    let critic = "stage diary/critic required @ pipelines/diary.toml:20:1: its verdict is required, and passed over when";
    let case = |to: &'static str, how: &str, mend: &'static str| {
        (BACK, to, format!("{critic} {how}"), mend)
    };
    let beside = "stage diary/publish needs @ pipelines/diary.toml:30:1: stage `publish` publishes, and does not wait for the verdict of `critic`, which is required";
    past_a_guard(&[
        case(
            "on.rejected = \"continue\"",
            "it is rejected",
            "on.rejected = \"end\"",
        ),
        case(
            "on.rejected = \"skip\"",
            "it is rejected",
            "on.rejected = \"end\"",
        ),
        case(
            "on.nothing-to-do = \"skip\"",
            "it is nothing-to-do",
            "on.nothing-to-do = \"end\"",
        ),
        case(
            "on.deferred = \"skip\"",
            "it is deferred",
            "on.deferred = \"hold\"",
        ),
        case(
            "when = [{ key = \"day\", is = \"never\" }]",
            "its condition does not hold",
            "remove its `when`",
        ),
        (
            POST,
            "needs = [\"draft\"]",
            beside.to_owned(),
            "add \"critic\" to the `needs` of stage `publish`",
        ),
    ])
    .await;
}

/// Nor does a no at a gate. An approval that a gate's time stands for is one.
#[tokio::test]
async fn nothing_is_published_past_a_gate() {
    let case = |to: &'static str, key: &str, how: &str, mend: &'static str| {
        let column = if key == "when" { 1 } else { 4 };
        let miss = format!(
            "stage diary/approve {key} @ pipelines/diary.toml:27:{column}: the run goes on to stage `publish`, which publishes, when {how}"
        );
        (GATE, to, miss, mend)
    };
    let rejected = "it is rejected";
    past_a_guard(&[
        case(
            "needs = [\"critic\"]\non.rejected = \"skip\"",
            "on.rejected",
            rejected,
            "on.rejected = \"end\"",
        ),
        case(
            "needs = [\"critic\"]\non.rejected = \"continue\"\nexpiry = { after = \"1s\", as = \"rejected\" }",
            "on.rejected",
            rejected,
            "`\"fail\"`",
        ),
        case(
            "needs = [\"critic\"]\nwhen = [{ key = \"day\", is = \"never\" }]",
            "when",
            "its condition does not hold",
            "remove its `when`",
        ),
    ])
    .await;
    let mut ground = Ground::good();
    let approved = format!("{GATE}\nexpiry = {{ after = \"1h\", as = \"approved\" }}");
    ground.replace(P, GATE, &approved);
    assert_eq!(misses(&ground).await, []);
}

/// A stage that adds up what the rails before it came to, and hands on what they judged.
fn adding(ground: &mut Ground, rest: &str) {
    let keys = |keys: &[&str]| {
        let keys = keys.iter().map(|key| ((*key).to_owned(), json!({})));
        json!({ "type": "object", "properties": keys.collect::<serde_json::Map<_, _>>() })
    };
    ground.change("qa.advice", |contract| {
        contract.config = keys(&["required"]);
        contract.reads = keys(&["draft", "outcomes"]);
        contract.writes = keys(&["draft"]);
        contract.needs = Needs::default().verdict_key("required");
        contract.always_gives_a_verdict = true;
        contract.may_flag = true;
    });
    ground.replace(
        P,
        "required = true\non.rejected = \"goto:draft\"",
        "on.rejected = \"skip\"",
    );
    let judged = format!(
        "id = \"judged\"\nhandler = \"qa.advice\"\nneeds = [\"critic\"]\nrequired = true\nconfig.required = [\"critic\"]\n{rest}\n[[stage]]\nid = \"approve\""
    );
    ground.replace(P, "id = \"approve\"", &judged);
    ground.replace(
        P,
        "gate = \"Publish it?\"\nneeds = [\"critic\"]",
        "gate = \"Publish it?\"\nneeds = [\"judged\"]",
    );
}

/// What is added up of rails is about what they judged: nobody writes it anew between them, nor beside them.
#[tokio::test]
async fn what_rails_judged_is_what_is_handed_on_where_they_are_added_up() {
    let again = |needs: &str| {
        format!(
            "id = \"again\"\nhandler = \"content.draft\"\nneeds = [\"{needs}\"]\n[[stage]]\nid = \"judged\""
        )
    };
    let problem = "stage diary/again handler @ pipelines/diary.toml:24:1: it writes `draft`, which stage `judged` hands on, and what `critic` judged was another one";
    for (needs, mend) in [
        (
            "critic",
            "let it come before stage `critic`, which then needs \"again\"",
        ),
        ("draft", "add \"again\" to the `needs` of stage `critic`"),
    ] {
        let mut ground = Ground::good();
        adding(&mut ground, "");
        ground.replace(
            P,
            "needs = [\"critic\"]\nrequired",
            "needs = [\"critic\", \"again\"]\nrequired",
        );
        ground.replace(P, "id = \"judged\"", &again(needs));
        let misses = misses(&ground).await;
        let told = misses.iter().filter(|(text, _)| text == problem);
        let mends: Vec<_> = told.map(|(_, mend)| mend.as_str()).collect();
        assert!(
            matches!(mends[..], [told] if told.contains(mend)),
            "{needs}: {misses:?}"
        );
    }
    let mut ground = Ground::good();
    adding(&mut ground, "");
    assert_eq!(misses(&ground).await, []);
}

/// Nor is what was refused and handed on with a flag, unless a person is asked behind it; and a verdict that
/// is counted as required is asked for always.
#[tokio::test]
async fn nothing_is_published_with_a_flag_that_nobody_was_asked_about() {
    let flags = "stage diary/judged handler @ pipelines/diary.toml:24:1: it may hand on with a flag what was rejected, and stage `publish` publishes that with nobody asked";
    let cases: [(&str, &str, &str, &str); 3] = [
        (
            "needs = [\"approve\"]",
            "needs = [\"judged\"]",
            flags,
            "add a stage with `gate = \"…\"` and `needs = [\"judged\"]`",
        ),
        (
            "needs = [\"judged\"]",
            "needs = [\"judged\"]\nexpiry = { after = \"1h\", as = \"approved\" }",
            flags,
            "write `as = \"rejected\"` in the `expiry` of stage `approve`",
        ),
        (
            "timeout = \"90s\"",
            "timeout = \"90s\"\nwhen = [{ key = \"day\", is = \"never\" }]",
            "stage diary/critic when @ pipelines/diary.toml:22:1: stage `judged` requires its verdict, and it is not asked when its condition does not hold",
            "remove its `when`",
        ),
    ];
    for (from, to, problem, mend) in cases {
        let mut ground = Ground::good();
        adding(&mut ground, "");
        ground.replace(P, from, to);
        let misses = misses(&ground).await;
        assert!(
            matches!(&misses[..], [(told, how)] if told == problem && how.contains(mend)),
            "{misses:?}"
        );
    }
}

/// Who is done and ends the run has nothing behind it, although its other outcomes go on.
#[tokio::test]
async fn nothing_is_left_out_because_all_went_well() {
    let mut ground = Ground::good();
    adding(&mut ground, "");
    ground.replace(
        P,
        "on.rejected = \"skip\"",
        "on.rejected = \"skip\"\non.done = \"end\"",
    );
    let problem = "stage diary/critic on.done @ pipelines/diary.toml:21:4: the run ends when it is done, and stage `judged`, which needs it, never runs then";
    let misses = misses(&ground).await;
    assert!(
        matches!(&misses[..], [(told, _)] if told == problem),
        "{misses:?}"
    );
}

/// What goes out is what was judged and approved, whichever stage writes the same key on the way.
#[tokio::test]
async fn nothing_is_published_that_was_rewritten_behind_a_guard() {
    const PUBLISH: &str = "id = \"publish\"";
    const REQUIRED: &str = "required = true\non.rejected";
    let critic = "it writes `draft`, which stage `publish` publishes, and what `critic` judged was another one";
    let person = "it writes `draft`, which stage `publish` publishes, and what was approved at `approve` was another one";
    for (is_required, needs, problem, mend) in [
        (
            true,
            "critic",
            critic,
            "let it come before stage `critic`, which then needs \"again\"",
        ),
        (true, "approve", critic, "let it come before stage `critic`"),
        (
            true,
            "draft",
            critic,
            "add \"again\" to the `needs` of stage `critic`",
        ),
        (
            false,
            "approve",
            person,
            "let it come before stage `approve`, which then needs \"again\"",
        ),
        (
            false,
            "draft",
            person,
            "add \"again\" to the `needs` of stage `approve`",
        ),
    ] {
        let mut ground = Ground::good();
        let again = format!(
            "id = \"again\"\nhandler = \"content.draft\"\nneeds = [\"{needs}\"]\n[[stage]]\n{PUBLISH}"
        );
        ground.replace(P, PUBLISH, &again);
        if !is_required {
            ground.replace(P, REQUIRED, "on.rejected");
        }
        let misses = misses(&ground).await;
        let told = misses.iter().filter(|(text, _)| text.contains(problem));
        let mends: Vec<_> = told.map(|(_, mend)| mend.as_str()).collect();
        assert!(
            matches!(mends[..], [told] if told.contains(mend)),
            "{needs}: {misses:?}"
        );
    }
}
