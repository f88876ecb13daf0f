//! How things are named: ids as lists print them, `latest`, names that were mistyped, and the
//! folder that `-w` names.

use std::collections::BTreeSet;

use callboard_core::store::Dialect::{self, Sqlite};

use super::refuses;
use crate::support::factory::{DAY, Factory, board, on_each};
use crate::support::host::Host;

/// The first word of each row of a table.
fn first_words(table: &str) -> Vec<String> {
    // What a row goes on with stands further to the right, and what is said of all at the left.
    let rows = table.lines().skip(1);
    let rows = rows.filter(|row| row.starts_with(' ') && !row.starts_with("  "));
    let words = rows.filter_map(|row| row.split_whitespace().next());
    words.map(str::to_owned).collect()
}

on_each!(
    every_id_that_a_list_prints_is_taken_and_means_one,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        assert_eq!(factory.diary(board().path(), DAY).code, 4);
        // Ids that differ at their ends only, at their beginnings only, and hardly at all.
        let ids = [
            "01a204a3-1a73-74cf-98f8-6693deb782f1",
            "01a204a3-1a73-74cf-98f8-6693deb782f2",
            "01a204a3-1a73-74cf-98f8-6693de000000",
            "01a204a3-1a73-74d0-98f8-01a204a31a73",
        ];
        for id in ids {
            factory.execute(&format!(
                "INSERT INTO history (id, pipeline, revision, status, detail, input, origin, \
                 priority, created_at, spent, fence, signals, finished_at) \
                 SELECT '{id}', pipeline, revision, 'failed', detail, input, origin, priority, \
                 created_at - 1, spent, fence, signals, created_at FROM open_runs"
            ));
        }
        let listed = first_words(&factory.ok(&["runs", "list"]));
        assert_eq!(listed.len(), 5, "{listed:?}");
        assert_eq!(BTreeSet::from_iter(&listed).len(), 5, "{listed:?}");
        let mut meant = BTreeSet::new();
        for short in &listed {
            assert!(short.len() <= 12, "{short} is longer than it has to be");
            let shown = factory.json(&["runs", "show", short]);
            meant.insert(shown["run"]["id"].as_str().expect("an id").to_owned());
        }
        assert_eq!(meant.len(), 5, "{listed:?} are {meant:?}");
        for id in ids {
            assert!(meant.contains(id), "{id} is not in {meant:?}");
            factory.ok(&["runs", "show", id]);
        }
        // A real end is one, too; a beginning, end or short form that fits several is none.
        let shown = factory.json(&["runs", "show", "b782f1"]);
        assert_eq!(shown["run"]["id"], ids[0]);
        for several in ["0", "6", "01a204a3"] {
            let unsure = refuses(
                &factory,
                &["runs", "show", several],
                2,
                &["more than one run"],
            );
            assert!(
                !unsure.stderr.contains(ids[0]),
                "it names them as lists do: {unsure}"
            );
        }
        let ran = refuses(
            &factory,
            &["runs", "show", "6693de"],
            2,
            &["more than one run"],
        );
        assert!(ran.stderr.contains(&ids[0][24..]), "they are named: {ran}");
        for list in ["gates", "tasks"] {
            for short in first_words(&factory.ok(&[list, "list"])) {
                factory.ok(&[list, "show", &short]);
            }
        }
    }
);

on_each!(latest_is_the_newest_of_each_kind, |dialect: Dialect| {
    let factory = Factory::bare(dialect);
    factory.ok(&["policies", "run", "commits_keep_newest"]);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    let run = factory.json(&["runs", "show", "latest"]);
    assert_eq!(run["run"]["pipeline"], "dev_diary");
    let task = factory.json(&["tasks", "show", "latest"])["task"].clone();
    assert_eq!(task["id"].as_str(), Some(factory.task().as_str()));
    assert_eq!(
        factory.json(&["gates", "show", "latest"])[0]["gate"]["run"],
        run["run"]["id"]
    );
    factory.ok(&["tasks", "approve", "latest"]);
    let slug = factory.json(&["posts", "list"])[0]["slug"].clone();
    let slug = slug.as_str().expect("a slug");
    assert_eq!(factory.json(&["posts", "show", "latest"])["slug"], slug);
    assert_eq!(
        factory.json(&["posts", "show", &slug[..slug.len() - 3]])["slug"],
        slug
    );
    factory.edit("settings.toml", "Callboard", "Another");
    factory.ok(&["apply"]);
    let shown = factory.json(&["revisions", "show", "latest"]);
    assert_eq!(shown["revision"]["number"], 2);
    for (key, at) in [("old:one", 1), ("new:one", 2)] {
        factory.execute(&format!(
            "INSERT INTO findings (key, kind, subject, message, times, first_at, last_at) \
             VALUES ('{key}', 'config', 'x', 'y', 1, {at}, {at})"
        ));
    }
    factory.ok(&["findings", "resolve", "latest"]);
    let open = factory.json(&["findings", "list"]);
    assert_eq!(open[0]["key"], "old:one", "{open}");
    assert_eq!(open.as_array().map(Vec::len), Some(1), "{open}");
});

on_each!(
    where_there_is_none_yet_it_is_said_how_one_comes_to_be,
    |dialect: Dialect| {
        let factory = Factory::bare_written(dialect);
        if dialect == Sqlite {
            let line = ["revisions", "show", "latest"];
            let said = ["nothing is applied yet", "callboard apply"];
            refuses(&factory, &line, 2, &said);
        }
        factory.ok(&["apply"]);
        let task = ["there is no task yet", "callboard tasks create"];
        let post = ["there is no post yet", "callboard tasks list"];
        let run = ["there is no run yet", "callboard run PIPELINE"];
        let gate = ["no gate is open", "callboard runs list"];
        let lines: [(&[&str], [&str; 2]); 10] = [
            (&["tasks", "show", "latest"], task),
            (&["tasks", "edit", "latest", "--title", "x"], task),
            (&["tasks", "approve", "latest"], task),
            (&["tasks", "retry", "01a2"], task),
            (&["posts", "show", "latest"], post),
            (&["posts", "publish", "hello"], post),
            (&["runs", "show", "latest"], run),
            (&["runs", "retry", "latest"], run),
            (&["gates", "approve", "latest"], gate),
            (
                &["findings", "resolve", "latest"],
                ["no finding is open", "callboard findings list --all"],
            ),
        ];
        for (line, said) in lines {
            let ran = refuses(&factory, line, 2, &said);
            assert!(!ran.stderr.contains("did you mean"), "{ran}");
        }
    }
);

#[test]
fn a_name_that_was_mistyped_is_answered_with_the_one_that_is_near() {
    let factory = Factory::bare(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", "latest"]);
    let slug = factory.json(&["posts", "list"])[0]["slug"].clone();
    let slug = slug.as_str().expect("a slug");
    let slip = slug.replacen('-', "_", 1);
    for (line, near) in [
        (&["run", "dev_diay"][..], "dev_diary"),
        (&["runs", "show", "lates"], "latest"),
        (&["tasks", "show", "lates"], "latest"),
        (&["pipelines", "show", "dev_dairy"], "dev_diary"),
        (
            &["policies", "run", "commits_keep_newst"],
            "commits_keep_newest",
        ),
        (
            &["handlers", "show", "content.colect_git"],
            "content.collect_git",
        ),
        (&["settings", "get", "site.titel"], "site.title"),
        (&["settings", "set", "site.titel", "x"], "site.title"),
        (&["settings", "unset", "site.titel"], "site.title"),
        (
            &["schedules", "show", "policy:commits_keep_newst"],
            "policy:commits_keep_newest",
        ),
        (&["posts", "show", &slip], slug),
        (
            &["revisions", "show", "1", "--file", "calboard.toml"],
            "callboard.toml",
        ),
    ] {
        refuses(&factory, line, 2, &[&format!("did you mean `{near}`?")]);
    }
    assert_eq!(factory.count("runs"), 1, "nothing was started");
    let factory = Factory::whole(Sqlite);
    let line = ["plugins", "show", "embedings_collapse"];
    refuses(&factory, &line, 2, &["did you mean `embeddings_collapse`?"]);
}

#[test]
fn a_new_workspace_is_made_where_the_command_line_says() {
    let host = Host::new();
    host.ok(&["-w", "one", "init"]);
    host.ok(&["init", "-w", "two"]);
    host.ok(&["init", "three"]);
    host.ok(&["-w", "four", "init", "four"]);
    for folder in ["one", "two", "three", "four"] {
        assert!(
            host.read(format!("{folder}/callboard.toml"))
                .contains("name")
        );
    }
    assert!(!host.workspace().join("callboard.toml").exists());
    refuses(
        &host,
        &["-w", "five", "init", "six"],
        2,
        &["two folders", "five", "six"],
    );
    assert!(!host.workspace().join("five").exists() && !host.workspace().join("six").exists());
    // What the environment says is about a workspace that is there.
    let host = host.with("CALLBOARD_WORKSPACE", "one");
    host.ok(&["init", "seven"]);
    assert!(host.read("seven/callboard.toml").contains("name"));
}

#[test]
fn a_demo_keeps_its_workspace_where_the_command_line_says() {
    let host = Host::new();
    let repository = board();
    let path = repository.path().to_str().expect("UTF-8");
    let demo = [
        "demo", "--once", "--repo", path, "--date", DAY, "-w", "kept",
    ];
    host.ok(&demo);
    assert!(host.ok(&["-w", "kept", "posts", "list"]).contains(DAY));
    refuses(
        &host,
        &[&demo[..], &["--keep", "other"]].concat(),
        2,
        &["two folders"],
    );
}

/// Whatever names something, the name that may have been meant is said.
#[test]
fn pipelines_and_roles_are_named_if_they_were_meant() {
    let factory = Factory::bare_written(Sqlite);
    factory.ok(&["apply"]);
    for (line, meant) in [
        (
            &["runs", "list", "--pipeline", "dev_dairy"][..],
            "`dev_diary`",
        ),
        (&["models", "test", "wirter"], "`writer`"),
    ] {
        let ran = factory.run(line);
        assert!(
            ran.code > 0 && ran.stderr.contains(meant),
            "{line:?}: {ran}"
        );
    }
    assert_eq!(
        factory
            .run(&["runs", "list", "--pipeline", "dev_diary"])
            .code,
        0
    );
}

/// A schedule is named by its pipeline, and the key of a role that only lacks its declaration is no slip of another.
#[test]
fn a_mistyped_schedule_and_an_undeclared_part_of_a_role_are_told_what_they_were_to_be() {
    let factory = Factory::bare_written(Sqlite);
    let schedule = "[[schedule]]\ncron = \"0 6 * * *\"\ninput = { repository = \".\" }\n\n[[stage]]\nid = \"history\"";
    factory.edit(
        "pipelines/remember.toml",
        "[[stage]]\nid = \"history\"",
        schedule,
    );
    factory.ok(&["apply"]);
    let meant = ["did you mean `remember`?"];
    refuses(&factory, &["schedules", "fire", "rememebr"], 2, &meant);
    let declare = ["declare it in settings.toml"];
    let set = ["settings", "set", "roles.writer.provider", "openai"];
    let told = refuses(&factory, &set, 2, &declare);
    assert!(!told.stderr.contains("did you mean"), "{told}");
}
