//! `check` and `apply`: what they say about workspaces that fit and ones that do not.

use callboard_core::store::Dialect::{Postgres, Sqlite};

use super::{refuses, shows};
use crate::support::factory::{BARE, Factory, on_each};
use crate::support::host::Ran;

const BLOG: &str = "pipelines/canonical_blog.toml";
const UPKEEP: &str = "policies/commits_keep_newest.toml";

#[test]
fn the_bundled_workspace_answers_and_is_applied_once() {
    let factory = Factory::written(Sqlite);
    shows(&factory, "check", &["check"]);
    shows(&factory, "apply", &["apply", "--note", "the first"]);
    shows(&factory, "apply_again", &["apply"]);
    assert_eq!(factory.count("revisions"), 1);
    let roll = factory.ok(&["check", "--all", "--format", "json"]);
    for referrer in [
        "stage dev_diary/compose",
        "policy embeddings_collapse_commits",
        "plugin embeddings_collapse",
    ] {
        assert!(roll.contains(referrer), "{referrer}: {roll}");
    }
}

/// Where a mend sends to look is there, though nothing was ever applied.
#[test]
fn the_mend_of_a_configuration_can_be_followed_before_anything_is_applied() {
    let factory = Factory::bare_written(Sqlite);
    let handler = "handler = \"tap.embed_commits\"";
    let wrong = format!("{handler}\nconfig = {{ limit = \"4\" }}");
    factory.edit("pipelines/remember.toml", handler, &wrong);
    let mend = "callboard handlers show tap.embed_commits";
    let check = factory.run(&["check"]).to_string();
    assert!(check.contains(mend), "{check}");
    let shown = factory.ok(&["handlers", "show", "tap.embed_commits"]);
    assert!(shown.contains("limit"), "{shown}");
    refuses(
        &factory,
        &["handlers", "show", "tap.nothing"],
        1,
        &["nothing is applied yet"],
    );
}

/// A listener that would take the other's place is known before anything listens.
#[test]
fn site_and_console_are_at_two_addresses() {
    let factory = Factory::bare_written(Sqlite);
    let listen = |port: u16| {
        let console =
            format!("listen = \"127.0.0.1:8710\"\n[console]\nlisten = \"127.0.0.1:{port}\"\n");
        factory.write("callboard.toml", format!("{BARE}{console}"));
        factory.run(&["check"])
    };
    let ran = listen(8710);
    let told = "site and console would both listen on 127.0.0.1:8710";
    assert!(ran.code == 1 && ran.to_string().contains(told), "{ran}");
    assert_eq!(listen(8711).code, 0);
}

#[test]
fn a_workspace_with_many_mistakes_is_told_all_of_them() {
    let factory = Factory::bare_written(Sqlite);
    let pipeline = "pipelines/dev_diary.toml";
    factory.edit(pipeline, "content.compose_diary", "content.compose_dairy");
    factory.edit(pipeline, "needs = [\"save\"]", "needs = [\"saved\"]");
    factory.edit(
        "policies/commits_keep_newest.toml",
        "table = \"commits\"",
        "table = \"comits\"",
    );
    factory.edit("prompts/dev_diary.md", "{{ day }}", "{{ dya }}");
    let ran = shows(&factory, "check_broken", &["check"]);
    assert_eq!(ran.code, 1);
    let ran = shows(&factory, "apply_broken", &["apply"]);
    assert_eq!(ran.code, 1);
    assert_eq!(factory.count("revisions"), 0);
}

/// The bundled collapse and handlers as they are shipped: what they say of themselves decides.
#[test]
fn a_prune_that_comes_before_the_collapse_is_refused_with_keys_that_are_there() {
    let factory = Factory::written(Sqlite);
    let policy = "name = \"eats\"\nhandler = \"retention.ttl_prune\"\ntable = \"embeddings\"\n\
        every = \"24h\"\n[config]\ntable = \"embeddings\"\nage_column = \"created_at\"\nttl_days = 1\n";
    factory.write("policies/eats.toml", policy);
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    for part in [
        "miss: policy eats: it deletes original rows after 1 days",
        "policy `embeddings_collapse_commits` reads them after 90",
        "at    policies/eats.toml:8:1",
        "mend  write `ttl_days = 98` or more",
        "\n1 of ",
    ] {
        assert!(ran.stdout.contains(part), "`{part}`: {ran}");
    }
    // The mend mends it: its key is one.
    factory.edit("policies/eats.toml", "ttl_days = 1", "ttl_days = 98");
    factory.ok(&["check"]);
    let newest = "name = \"eats\"\nhandler = \"retention.keep_newest\"\ntable = \"embeddings\"\n\
        every = \"24h\"\n[config]\ntable = \"embeddings\"\norder_column = \"created_at\"\nkeep = 10\n";
    factory.write("policies/eats.toml", newest);
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    let whatever = "policy eats: it deletes original rows whatever their age";
    assert!(ran.stdout.contains(whatever), "{ran}");
    factory.edit(
        "policies/eats.toml",
        "[config]",
        "enabled = false\n[config]",
    );
    factory.ok(&["check"]);
}

/// A table that a policy names is asked for by the plugin that reads it.
#[test]
fn a_source_table_that_the_plugin_may_not_read_is_a_miss() {
    let factory = Factory::written(Sqlite);
    let policy = "policies/embeddings_orphan_prune_commits.toml";
    factory.edit(
        policy,
        "source_table = \"commits\"",
        "source_table = \"drafts\"",
    );
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    let miss = "needs select on table `drafts`, which the plugin does not ask for";
    assert!(ran.stdout.contains(miss), "{ran}");
}

// A policy may not touch what is the engine's; the store holds it, too, below every roll.
on_each!(
    the_tables_of_the_engine_are_out_of_reach_of_policies,
    |dialect| {
        let factory = Factory::written(dialect);
        // `check` makes no schema, and these tables are to be there.
        factory.execute("SELECT 1");
        for table in ["migrations", "open_runs", "settings"] {
            let policy = format!(
                "name = \"k\"\nhandler = \"retention.keep_newest\"\ntable = \"{table}\"\nevery = \"24h\"\n\
                 [config]\ntable = \"{table}\"\norder_column = \"number\"\nkey = \"number\"\nkeep = 1\n"
            );
            factory.write("policies/k.toml", policy);
            let ran = factory.run(&["check"]);
            assert_eq!(ran.code, 1, "{ran}");
            let miss = format!("table `{table}` belongs to the host, and no handler may touch it");
            assert!(ran.stdout.contains(&miss), "{ran}");
        }
    }
);

/// A database user that may not create the login roles of plugins is found before a plugin runs.
#[test]
fn a_database_user_that_may_create_no_roles_is_a_miss() {
    let factory = Factory::written(Postgres);
    let user = format!("plain_{}", std::process::id());
    for sql in [
        format!("CREATE ROLE {user} LOGIN"),
        format!("GRANT ALL ON SCHEMA public TO {user}"),
        format!("GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}"),
    ] {
        factory.execute(&sql);
    }
    factory.ok(&["check"]);
    let mut address = url::Url::parse(&factory.url()).expect("an address");
    if address.set_username(&user).is_err() {
        address.query_pairs_mut().append_pair("user", &user);
    }
    let plain = Factory::written_at(address.as_str());
    let ran = plain.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(told(&ran).len(), 1, "{ran}");
    let mend = format!("let a superuser run `ALTER ROLE \"{user}\" CREATEROLE`");
    assert!(ran.stdout.contains(&mend), "{ran}");
    // The mend mends it, and so it does where the schema is another's.
    factory.execute(&format!("ALTER ROLE {user} CREATEROLE"));
    let ran = plain.run(&["check"]);
    assert_eq!((ran.code, told(&ran).len()), (1, 1), "{ran}");
    let schema = "may not let plugins into the schema `public`";
    assert!(ran.stdout.contains(schema), "{ran}");
    let mend = |ran: &Ran| {
        let said = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        let mend = said.split('`').find(|it| it.starts_with("GRANT CREATE"));
        mend.expect("a statement").to_owned()
    };
    factory.execute(&mend(&ran));
    // The functions of deferred writes have a schema of their own, which it may have to make.
    let ran = plain.run(&["check"]);
    assert_eq!((ran.code, told(&ran).len()), (1, 1), "{ran}");
    assert!(ran.stdout.contains("callboard_passages_"), "{ran}");
    factory.execute(&mend(&ran));
    plain.ok(&["check"]);
    factory.execute(&format!("DROP OWNED BY {user}"));
    factory.execute(&format!("DROP ROLE {user}"));
}

/// A plugin that is not there is what is missing: no mend names another handler or plugin.
#[test]
fn a_plugin_that_is_not_there_is_one_cause() {
    let factory = Factory::written(Sqlite);
    for file in ["plugin.toml", "embeddings_collapse.wasm"] {
        factory.remove(&format!("plugins/embeddings_collapse/{file}"));
    }
    std::fs::remove_dir(factory.workspace().join("plugins/embeddings_collapse")).expect("gone");
    let ran = factory.run(&["check"]);
    assert_eq!((ran.code, told(&ran).len()), (1, 1), "{ran}");
    let miss = "there is no plugin `embeddings_collapse`";
    assert!(ran.stdout.contains(miss), "{ran}");
    assert!(
        ran.stdout.contains("mend  add plugins/embeddings_collapse"),
        "{ran}"
    );
    assert!(!ran.stdout.contains("orphan_prune"), "{ran}");
}

/// What was compiled, and what a plugin said of itself, within other bounds is not what these let
/// through, whatever this machine has kept. The mend is a line to paste.
#[test]
fn a_bound_counts_whatever_is_kept_of_a_plugin() {
    let factory = Factory::written(Sqlite);
    factory.ok(&["check"]);
    let config = factory.read("callboard.toml");
    for (table, bound, enough) in [
        ("compile", "functions", 100_000),
        ("describe", "summary", 300),
    ] {
        let bounded = |most: u32| {
            let line = format!("[limits.embeddings_collapse.{table}]\n{bound} = {most}\n");
            factory.write("callboard.toml", format!("{config}\n{line}"));
        };
        bounded(3);
        let ran = factory.run(&["check"]);
        assert_eq!(ran.code, 1, "{ran}");
        let mend = format!("raise `{bound}` under [limits.embeddings_collapse.{table}]");
        assert!(ran.stdout.contains(&mend), "{ran}");
        bounded(enough);
        factory.ok(&["check"]);
    }
}

/// The misses that are told, each with what depends on it.
fn told(ran: &Ran) -> Vec<&str> {
    ran.stdout.split("miss: ").skip(1).collect()
}

#[test]
fn one_cause_is_one_miss() {
    let factory = Factory::written(Sqlite);
    let ceiling = factory.read("callboard.toml");
    let withdrawn = ceiling.replacen("vectors = true", "", 1);
    factory.write("callboard.toml", withdrawn);
    let ran = factory.run(&["check"]);
    let misses = told(&ran);
    assert_eq!(misses.len(), 1, "{ran}");
    assert!(
        misses[0].contains("plugin embeddings_collapse: the plugin asks for vectors"),
        "{ran}"
    );
    assert!(
        misses[0].contains("plugin embeddings_collapse has no answer, too"),
        "{ran}"
    );
    assert!(
        misses[0].contains("policy embeddings_collapse_commits has no answer, too"),
        "{ran}"
    );
    factory.write("callboard.toml", ceiling);
    factory.edit(
        "pipelines/dev_diary.toml",
        "needs = [\"save\"]",
        "needs = [\"saved\"]",
    );
    let ran = factory.run(&["check"]);
    let misses = told(&ran);
    assert_eq!(misses.len(), 1, "{ran}");
    assert!(misses[0].contains("there is no stage `saved`"), "{ran}");
    assert!(
        misses[0].contains("stage dev_diary/publish has no answer, too"),
        "{ran}"
    );
    let json = factory.run(&["check", "--format", "json"]).stdout;
    let roll: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let references = roll["references"].as_array().expect("a list").iter();
    let dependent = references.filter(|reference| !reference["miss"]["because"].is_null());
    assert!(dependent.count() >= 3, "{json}");
}

/// One cause, one miss, whatever follows from it: a stage that is not waited for, a run without time, a
/// policy that calls what is none of its, a key that was to be another.
#[test]
fn what_follows_from_one_slip_is_told_with_it() {
    let factory = Factory::written(Sqlite);
    let facts = "config.lists.facts = [{ say = \"x\", correct = \"y\" }]";
    let rules = "handler = \"qa.programmatic\"";
    let with_facts = format!("{rules}\n{facts}");
    let policy = factory.read(UPKEEP);
    let handler = policy.lines().find(|line| line.starts_with("handler"));
    let handler = handler.expect("a policy has a handler");
    for (file, right, wrong, told_as) in [
        (
            BLOG,
            "needs = [\"verify\"]",
            "needs = []",
            "add \"verify\" to the `needs` of stage `research`",
        ),
        (
            BLOG,
            "needs = [\"research\"]",
            "needs = [\"verify\"]",
            "add \"research\" to the `needs` of stage `draft`",
        ),
        (
            "pipelines/dev_diary.toml",
            "budget = ",
            "budget = \"0s\" # ",
            "write `budget = ",
        ),
        (BLOG, "budget = ", "budget = \"0s\" # ", "write `budget = "),
        (
            UPKEEP,
            handler,
            "handler = \"content.compose_diary\"",
            "call it in a pipeline",
        ),
        (BLOG, rules, &with_facts, "write `says`"),
    ] {
        let text = factory.read(file);
        factory.edit(file, right, wrong);
        let ran = factory.run(&["check"]);
        let misses = told(&ran);
        assert_eq!(misses.len(), 1, "{wrong}: {ran}");
        assert!(misses[0].contains(told_as), "{wrong}: {ran}");
        factory.write(file, text);
    }
}

/// What an input has to be is said by whoever reads it, and a default or a schedule is held against that.
#[test]
fn a_default_or_a_schedule_that_no_reader_takes_is_a_miss() {
    let factory = Factory::bare_written(Sqlite);
    let pipeline = "pipelines/dev_diary.toml";
    let text = factory.read(pipeline);
    let schedule = "[[schedule]]\ncron = \"0 6 * * *\"\ninput = { repository = \".\", date = \"lates\" }\n\n[[stage]]";
    for (wrong, told_as) in [
        (
            text.replacen("default = \"latest\"", "default = \"lates\"", 1),
            "input.date",
        ),
        (
            text.replacen("[[stage]]", schedule, 1),
            "schedule.0.input.date",
        ),
    ] {
        assert_ne!(wrong, text);
        factory.write(pipeline, wrong);
        let ran = factory.run(&["check"]);
        let misses = told(&ran);
        assert_eq!(misses.len(), 1, "{ran}");
        let parts = [
            told_as,
            "does not fit what `content.collect_git` reads",
            "that fits: `YYYY-MM-DD` in UTC",
        ];
        assert!(parts.iter().all(|part| misses[0].contains(part)), "{ran}");
    }
}

/// The text goes out as another key of another stage, which made it of the one that was judged.
#[test]
fn a_text_that_is_written_anew_behind_its_rail_is_a_miss() {
    let factory = Factory::bare_written(Sqlite);
    let again = "[[stage]]\nid = \"again\"\nhandler = \"content.compose_diary\"\nneeds = [\"citations\"]\n\n\
        [[stage]]\nid = \"save\"";
    let pipeline = "pipelines/dev_diary.toml";
    factory.edit(pipeline, "[[stage]]\nid = \"save\"", again);
    factory.edit(
        pipeline,
        "needs = [\"citations\"]\ntimeout",
        "needs = [\"again\"]\ntimeout",
    );
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    let misses = told(&ran);
    assert_eq!(misses.len(), 1, "{ran}");
    let parts = [
        "stage dev_diary/again",
        "it writes `draft`",
        "what `citations` judged",
    ];
    assert!(parts.iter().all(|part| misses[0].contains(part)), "{ran}");
}

#[test]
fn a_console_for_everybody_is_refused_before_anybody_serves() {
    let factory = Factory::bare(Sqlite);
    for address in ["0.0.0.0:8711", "[::]:8711", "192.0.2.1:8711"] {
        let listen = format!("{BARE}[console]\nlisten = \"{address}\"\n");
        factory.write("callboard.toml", listen);
        for command in ["check", "apply"] {
            let told = format!("open to everybody at {address}");
            let parts = [
                "callboard.toml:4",
                &told,
                "help: leave it on 127.0.0.1",
                "ssh -L",
            ];
            refuses(&factory, &[command], 1, &parts);
        }
    }
    for here in ["127.0.0.1:8711", "[::1]:8711", "localhost:8711"] {
        let listen = format!("{BARE}[console]\nlisten = \"{here}\"\n");
        factory.write("callboard.toml", listen);
        factory.ok(&["check"]);
    }
}

#[test]
fn a_plugin_that_does_not_load_is_named_once() {
    let factory = Factory::written(Sqlite);
    factory.write(
        "plugins/embeddings_collapse/embeddings_collapse.wasm",
        "no component",
    );
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    let told = "miss: plugin embeddings_collapse: the component is a text";
    assert!(ran.stdout.contains(told), "{ran}");
}

#[test]
fn check_and_apply_tell_programs_of_the_same_misses() {
    let factory = Factory::bare_written(Sqlite);
    factory.edit(
        "pipelines/dev_diary.toml",
        "needs = [\"save\"]",
        "needs = [\"saved\"]",
    );
    let misses = |command: &str| {
        let ran = factory.run(&[command, "--format", "json"]);
        assert_eq!(ran.code, 1, "{ran}");
        let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("a document");
        told["misses"].clone()
    };
    let checked = misses("check");
    assert!(checked.as_array().is_some_and(|misses| !misses.is_empty()));
    assert_eq!(checked, misses("apply"));
}
