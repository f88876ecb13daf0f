//! Tests of reading definitions: each mistake with its file, line, column and mend.

use super::*;

const PLUGIN: &str =
    "name = \"kmeans\"\nversion = \"1.0.0\"\nwit = \"0.1\"\ncomponent = \"k.wasm\"\n";

fn files(more: &[(&str, &str)]) -> Files {
    let mut files = Files::from([("callboard.toml".to_owned(), b"name = \"x\"\n".to_vec())]);
    for (path, text) in more {
        files.insert((*path).to_owned(), text.as_bytes().to_vec());
    }
    files
}

fn misreads(more: &[(&str, &str)]) -> Vec<String> {
    let misreads = Definitions::parse(&files(more)).expect_err("a mistake");
    misreads.iter().map(ToString::to_string).collect()
}

#[test]
fn a_workspace_is_read_whole() {
    let definitions = Definitions::parse(&files(&[
        (
            "settings.toml",
            "[\"a.b\"]\ntype = \"integer\"\ndefault = \"5\"\ndescription = \"d\"\n",
        ),
        (
            "pipelines/p.toml",
            "name = \"p\"\nbudget = \"1m\"\n[[stage]]\nid = \"a\"\ngate = \"Well?\"\n",
        ),
        (
            "policies/q.toml",
            "name = \"q\"\nhandler = \"x.y\"\ntable = \"t\"\nevery = \"1h\"\n",
        ),
        ("prompts/r.md", "+++\nvariables = []\n+++\nHi"),
        ("plugins/kmeans/plugin.toml", PLUGIN),
        ("plugins/kmeans/k.wasm", "\0asm"),
        ("plugins/kmeans/contracts.json", "[]"),
        ("site/base.html", "<p>"),
        ("site/logo.png", "x"),
    ]))
    .expect("no mistake");
    assert_eq!(definitions.settings["a.b"].at(&["default"]).line, 3);
    assert_eq!(definitions.pipelines["p"].value.stages.len(), 1);
    assert!(definitions.policies.contains_key("q"));
    assert_eq!(definitions.prompts["r"].template(), "Hi");
    let plugin = &definitions.plugins["kmeans"];
    assert_eq!(
        (plugin.digest().len(), plugin.contracts.as_deref()),
        (64, Some(&[][..]))
    );
    let folders: Vec<_> = definitions.folders.keys().collect();
    assert_eq!(folders, ["site/base.html", "site/logo.png"]);
}

#[test]
fn what_is_too_much_or_too_short_is_a_mistake() {
    let pipeline = |more: &str| {
        let text = format!(
            "name = \"p\"\nbudget = \"1m\"\n{more}[[stage]]\nid = \"a\"\ngate = \"Well?\"\n"
        );
        move |when: &str| misreads(&[("pipelines/p.toml", &*format!("{text}{when}"))])
    };
    let schedules = "[[schedule]]\nevery = \"1h\"\n".repeat(101);
    let told = pipeline(&schedules)("");
    assert!(told[0].contains("101 schedules"), "{told:?}");
    let conditions = "{ key = \"a\", is = 1 },".repeat(1_001);
    let told = pipeline("")(&format!("when = [{conditions}]\n"));
    assert!(told[0].contains("more than 1000 conditions"), "{told:?}");
    for (every, why) in [
        ("0s", "rests a second"),
        ("10ms", "rests a second"),
        ("1ns", "write `1ms` or more"),
    ] {
        let policy =
            format!("name = \"q\"\nhandler = \"x.y\"\ntable = \"t\"\nevery = \"{every}\"\n");
        let told = misreads(&[("policies/q.toml", &*policy)]);
        assert!(told[0].contains(why), "{told:?}");
    }
}

#[test]
fn mistakes_of_all_files_come_together() {
    let misreads = misreads(&[
        (
            "callboard.toml",
            "name = \"x\"\ndatabas = \"sqlite:x.db\"\n",
        ),
        (
            "settings.toml",
            "[a]\ntype = \"integer\"\ndefault = \"x\"\ndescription = \"\"\n[b]\ntype = \"secret\"\ndefault = \"x\"\ndescription = \"\"\n[c]\ntype = \"number\"\ndescription = \"\"\n",
        ),
        (
            "policies/q.toml",
            "name = \"other\"\nhandler = \"x.y\"\ntable = \"t\"\nevery = \"1h\"\n",
        ),
    ]);
    assert_eq!(
        misreads,
        [
            "callboard.toml:2:1: `databas` is no key here; write `database`, or remove it",
            "policies/q.toml:1:1: `other` is defined in a file of another name; write `name = \"q\"`",
            "settings.toml:3:1: the default of `a` does not fit its type: `x` is not a whole number such as `42`; write a value of type integer, or another `type`",
            "settings.toml:7:1: secret `b` has a default, which anybody can read; remove it, and set the secret with `callboard settings set b -`",
            "settings.toml:10:8: `c.type`: unknown variant `number`, expected one of `string`, `boolean`, `integer`, `float`, `url`, `duration`, `json`, `csv`, `model`, `secret`; write one of `string`, `boolean`, `integer`, `float`, `url`, `duration`, `json`, `csv`, `model`, `secret`",
        ]
    );
}

#[test]
fn stages_are_one_thing_and_named_once() {
    let text = "name = \"p\"\nbudget = \"1m\"\n[[stage]]\nid = \"a\"\n[[stage]]\nid = \"b\"\ngate = \"?\"\nhandler = \"x.y\"\n[[stage]]\nid = \"b\"\ngate = \"?\"\n";
    let misreads = misreads(&[("pipelines/p.toml", text)]);
    assert_eq!(misreads.len(), 3);
    assert!(
        misreads[0]
            .starts_with("pipelines/p.toml:4:6: stage `a` has neither a handler nor a gate; add")
    );
    assert!(
        misreads[1]
            .starts_with("pipelines/p.toml:6:6: stage `b` has both a handler and a gate; remove")
    );
    assert!(misreads[2].starts_with("pipelines/p.toml:10:6: stage `b` is there twice; rename"));
}

#[test]
fn a_plugin_is_in_its_own_folder() {
    let text = PLUGIN.replace("k.wasm", "../k.wasm");
    let misreads = misreads(&[
        ("plugins/means/plugin.toml", &text),
        ("plugins/means/contracts.json", "{"),
    ]);
    assert_eq!(misreads.len(), 3, "{misreads:#?}");
    assert!(
        misreads[0].starts_with("plugins/means/contracts.json:1:1: the contracts of the revision")
    );
    assert!(misreads[1].starts_with(
        "plugins/means/plugin.toml:1:1: plugin `kmeans` is in the folder plugins/means"
    ));
    assert!(
        misreads[2].starts_with(
            "plugins/means/plugin.toml:4:1: component `../k.wasm` is not a file beside"
        )
    );
}

#[test]
fn a_key_that_is_there_twice_is_shown() {
    let misreads = misreads(&[("callboard.toml", "name = \"x\"\nname = \"y\"\n")]);
    assert_eq!(
        misreads,
        ["callboard.toml:2:1: `name = \"y\"` is there twice; remove one of the two"]
    );
}

#[test]
fn a_name_that_no_command_can_take_is_refused() {
    for id in ["", "Pub lish.1", "\\u001b[2Jpublish"] {
        let text =
            format!("name = \"p\"\nbudget = \"1m\"\n[[stage]]\nid = \"{id}\"\nhandler = \"x.a\"\n");
        let files = Files::from([
            ("callboard.toml".to_owned(), b"name = \"x\"".to_vec()),
            ("pipelines/p.toml".to_owned(), text.into_bytes()),
        ]);
        let misreads = Definitions::parse(&files).expect_err(id);
        assert_eq!(misreads.len(), 1, "{misreads:#?}");
        assert!(
            misreads[0].message.contains("is no id of a stage"),
            "{misreads:#?}"
        );
        assert!(!misreads[0].message.contains('\u{1b}'), "{misreads:#?}");
    }
}
