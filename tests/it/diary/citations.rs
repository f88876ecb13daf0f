//! The rail passes what is true and names each forgery.

use serde_json::json;

use callboard_factory::diary::composer::compose;
use callboard_factory::draft::Draft;

use super::bench::{Bench, TEMPLATE, bundle, handler, said};

#[tokio::test]
async fn the_rail_passes_and_rejects() {
    let bench = Bench::new().await;
    let bundle = &bundle();
    let draft = compose(bundle, TEMPLATE).expect("a text");
    let good = bench
        .call(
            handler("qa.citations"),
            "r",
            json!({}),
            json!({ "bundle": bundle, "draft": draft }),
        )
        .await;
    let patch = bench.commit(good).await;
    assert_eq!(patch["citations"]["verdict"], "pass");
    assert_eq!(patch["citations"]["checked"]["pull_requests"], 1);
    let forged = Draft {
        markdown: format!("{}\nIt closes PR #666 of v9.9.9.\n", draft.markdown),
        ..draft
    };
    let input = json!({ "bundle": bundle, "draft": forged });
    let bad = said(
        &bench
            .call(handler("qa.citations"), "r", json!({}), input)
            .await,
    );
    assert!(bad.starts_with("rejected: citations: "), "{bad}");
    assert!(
        bad.contains("`666`") && bad.contains("`9.9.9`") && bad.contains("line"),
        "{bad}"
    );
    let empty = json!({ "bundle": bundle, "draft": Draft::default() });
    let empty = said(
        &bench
            .call(handler("qa.citations"), "r", json!({}), empty)
            .await,
    );
    assert!(empty.contains("nothing is written"), "{empty}");
    let mut claimed = compose(bundle, TEMPLATE).expect("a text");
    claimed.claims[0].plain = "Kubernetes is here".to_owned();
    let input = json!({ "bundle": bundle, "draft": claimed });
    let claimed = said(
        &bench
            .call(handler("qa.citations"), "r", json!({}), input)
            .await,
    );
    assert!(
        claimed.contains("claim 1: `Kubernetes is here` is in no message"),
        "{claimed}"
    );
}
