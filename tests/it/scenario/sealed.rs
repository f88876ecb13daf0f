//! A secret that its key file does not open any more: what depends on it stops by name, nothing
//! is sent without it, and everything else goes on.

use serde_json::Value as Json;

use super::model::{WELL, with_writer};
use crate::support::factory::{DAY, KEEP, board};
use crate::support::model::{ModelServer, Say};

const SECRET: &str = "roles.writer.key";

#[test]
fn a_replaced_key_file_blocks_what_needs_its_secrets_and_nothing_else() {
    let server = ModelServer::new(Say::Text(WELL));
    let factory = with_writer(&server);
    let repository = board();
    factory.ok(&["settings", "set", SECRET, "hush-hush"]);
    factory.write("callboard.key", "ab".repeat(32));
    let ran = factory.diary(repository.path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    assert_eq!(
        server.asked(),
        0,
        "a request went out without its credential"
    );
    let runs = factory.json(&["runs", "list"]);
    assert_eq!(runs[0]["status"], "blocked", "{runs}");
    let detail = runs[0]["detail"].as_str().expect("a detail");
    assert!(
        detail.contains(SECRET) && detail.contains("key file"),
        "{detail}"
    );
    let findings = factory.json(&["findings", "list"]);
    let named = |finding: &Json| {
        let message = finding["message"].as_str().unwrap_or_default();
        finding["kind"] == "config" && message.contains(SECRET)
    };
    let all = findings.as_array().expect("a list");
    assert!(all.iter().any(named), "{findings}");
    let doctor = factory.run(&["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor}");
    assert!(doctor.stdout.contains(SECRET), "{doctor}");
    let listed = factory.ok(&["settings", "list"]);
    assert!(listed.contains("unreadable"), "{listed}");
    factory.ok(&["policies", "run", KEEP]);
    // Set again under the new key it opens, and the run goes on with it.
    factory.ok(&["settings", "set", SECRET, "hush-hush"]);
    let run = runs[0]["id"].as_str().expect("an id");
    let ran = factory.run(&["runs", "resume", run]);
    assert_eq!(ran.code, 4, "it waits at its gate: {ran}");
    assert_eq!(server.asked(), 1);
    assert_eq!(server.credentials(), ["Bearer hush-hush"]);
}
