//! What a handler reads of its own earlier visit is nobody else's to write, and no input.

use serde_json::{Map, json};

use super::P;
use super::ground::{Ground, misses};

/// A stage that reads what it found the last time, in front of the gate.
fn owning() -> Ground {
    let mut ground = Ground::good();
    ground.change("qa.advice", |contract| {
        let keys = ["draft", "best"].map(|key| (key.to_owned(), json!({})));
        let keys = json!({ "type": "object", "properties": Map::from_iter(keys) });
        contract.reads = keys.clone();
        contract.writes = keys;
        contract.needs = std::mem::take(&mut contract.needs).own("best");
    });
    ground.replace(
        P,
        "id = \"critic\"",
        "id = \"sum\"\nhandler = \"qa.advice\"\nneeds = [\"draft\"]\n[[stage]]\nid = \"critic\"",
    );
    ground.replace(
        P,
        "needs = [\"draft\"]\nrequired",
        "needs = [\"sum\"]\nrequired",
    );
    ground
}

#[tokio::test]
async fn what_a_handler_reads_of_its_own_is_written_by_no_other_and_is_no_input() {
    assert_eq!(misses(&owning()).await, []);
    let why = "which stage `sum` reads as it wrote it itself on an earlier visit";
    let mut written = owning();
    written.change("content.draft", |contract| {
        contract.writes["properties"]["best"] = json!({});
    });
    let (problem, mend) = misses(&written).await.remove(0);
    let wanted = format!("`content.draft` writes `best`, {why}");
    assert!(problem.contains(&wanted), "{problem}");
    assert_eq!(mend, "take one of the two stages out");
    let mut given = owning();
    given.replace(P, "[input.day]", "[input.best]\n[input.day]");
    let [(problem, mend)] = &misses(&given).await[..] else {
        panic!("one miss");
    };
    let wanted = format!("whoever starts a run would say `best`, {why}");
    assert!(problem.contains(&wanted), "{problem}");
    assert_eq!(mend, "take `[input.best]` out");
}
