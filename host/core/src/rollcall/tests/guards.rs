//! Nothing is published past a guard.

use super::P;
use super::ground::{Ground, misses};

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

/// What goes out is what was judged and approved, whoever writes the same key on the way.
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
