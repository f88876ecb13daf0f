//! S6: a name that does not answer is reported with its place and the nearest name, in every
//! way that a name can break, and what was active before goes on.

use callboard_core::store::Dialect::Sqlite;

use crate::support::factory::{BARE, Factory, KEEP};
use crate::support::guests::{fixture, guest};
use crate::support::host::Ran;

const POLICY: &str = "policies/commits_keep_newest.toml";
const PIPELINE: &str = "pipelines/dev_diary.toml";
/// Grants that cover what the fixtures ask for.
pub(crate) const CEILING: &str = "
[grants.\"*\"]
log = true
[grants.misbehave]
vectors = true
[[grants.misbehave.db]]
table = \"scratch\"
verbs = [\"select\", \"insert\", \"update\", \"delete\"]
[[grants.misbehave.http]]
host = \"127.0.0.1\"
scheme = \"http\"
methods = [\"GET\", \"POST\"]
private = true
[grants.misbehave.settings]
keys = [\"probe.*\"]
";

/// Put a fixture plugin into the workspace, under another name if it says so.
pub(crate) fn add_plugin(factory: &Factory, name: &str) {
    let manifest = std::fs::read(fixture(name).join("plugin.toml")).expect("a manifest");
    let component = std::fs::read(guest(name)).expect("a component");
    factory.write(format!("plugins/{name}/plugin.toml"), manifest);
    factory.write(format!("plugins/{name}/{name}.wasm"), component);
    // A key that covers nothing that is declared would be a miss.
    let settings = factory.read("settings.toml");
    if !settings.contains("[\"probe.") {
        let probe =
            "[\"probe.asked\"]\ntype = \"string\"\ndescription = \"what a fixture asks for\"\n";
        factory.write("settings.toml", format!("{settings}\n{probe}"));
    }
}

/// The number of the line of a file that contains `text`.
fn line(factory: &Factory, path: &str, text: &str) -> usize {
    let found = factory
        .read(path)
        .lines()
        .position(|line| line.contains(text));
    found.expect("the text is there") + 1
}

/// A miss says what, where and how to mend it, and the exit code is 1.
#[track_caller]
pub(crate) fn misses(ran: &Ran, parts: &[&str]) {
    assert_eq!(ran.code, 1, "{ran}");
    for part in parts {
        assert!(ran.stdout.contains(part), "`{part}` is not in\n{ran}");
    }
}

/// `apply` refuses, revision 1 stays, and its policy still runs.
#[track_caller]
fn nothing_is_applied(factory: &Factory) {
    let ran = factory.run(&["apply"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("nothing was kept"), "{ran}");
    assert_eq!(factory.count("revisions"), 1);
    assert_eq!(factory.count("activations"), 1);
    let ran = factory.run(&["policies", "run", KEEP]);
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn a_policy_that_names_an_absent_handler_is_a_miss_with_the_nearest_name() {
    let factory = Factory::bare(Sqlite);
    factory.edit(POLICY, "retention.keep_newest", "retention.keep_newst");
    let at = format!("{POLICY}:{}:", line(&factory, POLICY, "handler ="));
    let parts = [
        "miss: policy commits_keep_newest: no handler is called `retention.keep_newst`",
        &at,
        "write `handler = \"retention.keep_newest\"`",
    ];
    misses(&factory.run(&["check"]), &parts);
    nothing_is_applied(&factory);
    // Mended, it goes through.
    factory.edit(POLICY, "keep_newst", "keep_newest");
    factory.ok(&["check"]);
}

#[test]
fn a_stage_that_misspells_a_native_handler_is_a_miss_with_the_nearest_name() {
    let factory = Factory::bare(Sqlite);
    factory.edit(PIPELINE, "\"qa.citations\"", "\"qa.citation\"");
    let at = format!("{PIPELINE}:{}:", line(&factory, PIPELINE, "qa.citation"));
    let parts = [
        "miss: stage dev_diary/citations",
        &at,
        "write `handler = \"qa.citations\"`",
    ];
    misses(&factory.run(&["check"]), &parts);
    nothing_is_applied(&factory);
    let check = factory.run(&["check", "--format", "json"]);
    assert_eq!(check.code, 1);
    let roll: serde_json::Value = serde_json::from_str(&check.stdout).expect("JSON");
    let references = roll["references"].as_array().expect("a list");
    let missed = references
        .iter()
        .filter(|reference| !reference["miss"].is_null());
    assert!(missed.count() >= 1, "{roll}");
}

#[test]
fn a_handler_that_a_plugin_no_longer_gives_is_a_miss() {
    let factory = Factory::bare(Sqlite);
    factory.write("callboard.toml", format!("{BARE}{CEILING}"));
    add_plugin(&factory, "misbehave");
    let pipeline = "name = \"probe\"\nbudget = \"1m\"\n[[stage]]\nid = \"a\"\nhandler = \"probe.echoes\"\n\
        config = { times = 1 }\n";
    factory.write("pipelines/probe.toml", pipeline);
    factory.edit("pipelines/probe.toml", "probe.echoes", "probe.echoed");
    let parts = [
        "miss: stage probe/a: no handler is called `probe.echoed`",
        "pipelines/probe.toml:5:",
        "write `handler = \"probe.echoes\"`",
    ];
    misses(&factory.run(&["check"]), &parts);
    nothing_is_applied(&factory);
}

#[test]
fn two_plugins_with_one_handler_name_are_a_miss_that_names_both() {
    let factory = Factory::bare(Sqlite);
    factory.write("callboard.toml", format!("{BARE}{CEILING}"));
    add_plugin(&factory, "misbehave");
    add_plugin(&factory, "twin");
    let ran = factory.run(&["check"]);
    misses(
        &ran,
        &[
            "probe.echoes",
            "misbehave",
            "twin",
            "rename `probe.echoes` in one of them",
        ],
    );
    nothing_is_applied(&factory);
}

/// `twin` with the name of its handler written over by that of a native one, as long.
#[test]
fn a_plugin_with_the_name_of_a_native_handler_is_a_miss() {
    let factory = Factory::bare(Sqlite);
    let ceiling = "[grants.\"*\"]\nlog = true\n";
    factory.write("callboard.toml", format!("{BARE}{ceiling}"));
    add_plugin(&factory, "twin");
    let (old, new) = (b"probe.echoes", b"publish.post");
    let mut bytes = std::fs::read(guest("twin")).expect("a component");
    let places: Vec<usize> = bytes
        .windows(old.len())
        .enumerate()
        .filter_map(|(at, window)| (window == old).then_some(at))
        .collect();
    assert!(!places.is_empty(), "the component names its handler");
    for at in places {
        bytes[at..at + new.len()].copy_from_slice(new);
    }
    factory.write("plugins/twin/twin.wasm", bytes);
    let ran = factory.run(&["check"]);
    misses(&ran, &["miss: plugin twin", "publish.post", "native"]);
    nothing_is_applied(&factory);
}

#[test]
fn a_plugin_that_asks_for_more_than_the_ceiling_is_refused_line_by_line() {
    let factory = Factory::bare(Sqlite);
    factory.write(
        "callboard.toml",
        format!("{BARE}[grants.\"*\"]\nlog = true\n"),
    );
    add_plugin(&factory, "greedy");
    let ran = factory.run(&["check"]);
    misses(
        &ran,
        &["plugin greedy", "settings", "plugins/greedy/plugin.toml:"],
    );
    nothing_is_applied(&factory);
    // A ceiling that names the host's own table is of no use.
    let all = "[grants.\"*\"]\nlog = true\n[[grants.greedy.db]]\ntable = \"settings\"\n\
        verbs = [\"select\", \"insert\", \"update\", \"delete\"]\n[[grants.greedy.http]]\nhost = \"*\"\n\
        scheme = \"https\"\nport = 443\nmethods = [\"GET\", \"POST\"]\n";
    factory.write("callboard.toml", format!("{BARE}{all}"));
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("settings"), "{ran}");
}

#[test]
fn a_plugin_for_another_wit_version_is_refused_before_it_is_started() {
    let factory = Factory::bare(Sqlite);
    factory.write(
        "callboard.toml",
        format!("{BARE}[grants.\"*\"]\nlog = true\n"),
    );
    add_plugin(&factory, "twin");
    factory.edit("plugins/twin/plugin.toml", "wit = \"0.1\"", "wit = \"7.0\"");
    let at = line(&factory, "plugins/twin/plugin.toml", "wit =");
    let at = format!("plugins/twin/plugin.toml:{at}:");
    let ran = factory.run(&["check"]);
    misses(&ran, &["WIT 7.0", "serves 0.1", &at]);
    nothing_is_applied(&factory);
}

#[test]
fn a_component_that_is_none_is_refused_by_the_name_of_its_plugin() {
    let factory = Factory::bare(Sqlite);
    factory.write(
        "callboard.toml",
        format!("{BARE}[grants.\"*\"]\nlog = true\n"),
    );
    add_plugin(&factory, "twin");
    let good = std::fs::read(guest("twin")).expect("a component");
    let core: &[u8] = b"\0asm\x01\0\0\0";
    let wrong: [(&str, &[u8]); 4] = [
        ("a text", b"not a component at all"),
        ("an empty file", b""),
        ("a core module", core),
        ("half of a component", &good[..good.len() / 2]),
    ];
    for (what, bytes) in wrong {
        factory.write("plugins/twin/twin.wasm", bytes);
        let ran = factory.run(&["check"]);
        assert_eq!(ran.code, 1, "{what}: {ran}");
        assert!(ran.stdout.contains("miss: plugin twin"), "{what}: {ran}");
        assert!(ran.stdout.contains("mend"), "{what}: {ran}");
        assert!(!ran.stderr.contains("panicked"), "{what}: {ran}");
    }
    nothing_is_applied(&factory);
    factory.remove("plugins/twin/twin.wasm");
    misses(
        &factory.run(&["check"]),
        &["plugins/twin/twin.wasm is not there"],
    );
    // The same plugin with its component is fine.
    factory.write("plugins/twin/twin.wasm", good);
    factory.ok(&["check"]);
}
