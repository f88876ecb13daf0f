//! S3: a critic without a model is told before anything is paid for. S4: a critic whose model
//! does not answer holds the draft, which is neither approved, rejected nor written again.

use std::fs;

use callboard_core::store::Dialect;
use serde_json::Value as Json;

use crate::support::factory::{BARE, Factory, on_each};
use crate::support::guests::{fixture, guest};
use crate::support::model::{ModelServer, Say};

const REVIEW: &str = r#"
name = "review"
budget = "5m"

[[stage]]
id = "write"
handler = "content.costly_draft"

[[stage]]
id = "critic"
handler = "qa.model_critic"
needs = ["write"]
timeout = "10s"
retry = { attempts = 3, backoff = "1s" }
"#;

const KEYS: [&str; 2] = ["roles.critic.url", "roles.critic.model"];

/// A factory with a pipeline whose critic's model is at the server.
fn factory(dialect: Dialect, server: &ModelServer) -> Factory {
    let factory = Factory::bare_written(dialect);
    let folder = factory.workspace().join("plugins/critic");
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(guest("critic"), folder.join("critic.wasm")).expect("copied");
    // The server's port is in what the plugin asks for and in what it may be given.
    let address = url::Url::parse(&server.url()).expect("an address");
    let port = format!("port = {}", address.port().expect("a port"));
    let manifest = fs::read_to_string(fixture("critic").join("plugin.toml")).expect("a manifest");
    let manifest = manifest.replace("scheme = \"http\"", &format!("scheme = \"http\"\n{port}"));
    factory.write("plugins/critic/plugin.toml", &manifest);
    let asked = manifest.split_once("[ask]").expect("what it asks for").1;
    let granted = asked.replace("ask.", "grants.critic.");
    factory.write(
        "callboard.toml",
        format!("{BARE}\n[grants.critic]{granted}"),
    );
    // The roll call wants the role set before the pipeline may name the critic.
    factory.ok(&["apply"]);
    set(&factory, server);
    factory.write("pipelines/review.toml", REVIEW);
    factory.ok(&["apply"]);
    factory
}

fn set(factory: &Factory, server: &ModelServer) {
    factory.ok(&["settings", "set", KEYS[0], &server.url()]);
    factory.ok(&["settings", "set", KEYS[1], "judge-1"]);
}

fn run_of(factory: &Factory) -> Json {
    factory.json(&["runs", "list"])[0].clone()
}

/// However the keys are missing, the run is blocked before its first stage.
#[track_caller]
fn blocked(factory: &Factory, missing: &[&str]) {
    let ran = factory.run(&["run", "review"]);
    assert_eq!(ran.code, 4, "{ran}");
    for key in missing {
        assert!(ran.stdout.contains(key), "{key}: {ran}");
        assert!(ran.stdout.contains("callboard settings set"), "{ran}");
    }
    assert_eq!(run_of(factory)["status"], "blocked", "{ran}");
    assert_eq!(factory.count("stage_runs"), 0, "nothing was paid for");
}

on_each!(
    a_critic_without_a_model_stops_the_run_before_it_costs_anything,
    |dialect: Dialect| {
        let server = ModelServer::new(Say::Text("good"));
        let factory = factory(dialect, &server);
        // One blank.
        factory.ok(&["settings", "set", KEYS[1], ""]);
        blocked(&factory, &KEYS[1..]);
        blocked(&factory, &KEYS[1..]);
        let open = "findings WHERE resolved_at IS NULL AND kind = 'config'";
        assert_eq!(factory.count(open), 1, "it is told once");
        // Both absent.
        factory.ok(&["settings", "unset", KEYS[0]]);
        factory.ok(&["settings", "unset", KEYS[1]]);
        blocked(&factory, &KEYS[..1]);
        assert_eq!(server.asked(), 0);
        // Mended, the same run goes on, and no finding stays open.
        let run = run_of(&factory)["id"].as_str().expect("an id").to_owned();
        set(&factory, &server);
        let ran = factory.run(&["runs", "resume", &run]);
        assert_eq!(ran.code, 0, "{ran}");
        assert_eq!(factory.count(open), 0);
        assert_eq!(factory.count("stage_runs WHERE attempts = 1"), 2);
    }
);

on_each!(
    a_critic_whose_model_is_down_holds_the_draft,
    |dialect: Dialect| {
        let server = ModelServer::new(Say::Close);
        let factory = factory(dialect, &server);
        let ran = factory.run(&["run", "review"]);
        assert_eq!(ran.code, 4, "{ran}");
        let run = run_of(&factory);
        assert_eq!(run["status"], "waiting");
        assert!(
            run["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains("role critic")),
            "{run}"
        );
        let id = run["id"].as_str().expect("an id");
        let ran = factory.run(&["runs", "resume", id]);
        assert_eq!(ran.code, 4, "{ran}");
        assert_eq!(
            factory.count("stage_runs WHERE stage = 'critic' AND follow = 'hold' AND attempts = 1"),
            1,
            "one visit waits, and consumed no retry"
        );
        server.say(Say::Text("good"));
        let ran = factory.run(&["runs", "resume", id]);
        assert_eq!(ran.code, 0, "{ran}");
        assert_eq!(
            factory.count("stage_runs WHERE stage = 'write'"),
            1,
            "paid once"
        );
        assert_eq!(factory.count("stage_runs"), 2);
    }
);
