//! `callboard test`: pipelines are tried with cassettes, and nothing of the workspace is touched.

use callboard_core::store::Dialect::Sqlite;

use super::model::{WELL, with_writer};
use crate::support::factory::{DAY, Factory, board};
use crate::support::model::{ModelServer, Say};

/// A test of the diary's day in `repository`, written by the model at `url`.
fn day(repository: &str, url: &str, more: &str) -> String {
    format!(
        "name = \"day\"\npipeline = \"dev_diary\"\n{more}\n\
         [input]\nrepository = \"{repository}\"\ndate = \"{DAY}\"\n\
         [settings]\n\"roles.writer.url\" = \"{url}\"\n\"roles.writer.model\" = \"quill\"\n\
         [[decision]]\ngate = \"approve\"\nas = \"approved\"\n\
         [expect]\nstatus = \"done\"\nstages.citations = \"done\"\n\
         [[expect.key]]\nkey = \"draft\"\nat = \"/written_by\"\nis = \"model quill-1\"\n"
    )
}

/// Recorded once, a test passes without any server, as often as it is run; the workspace's own
/// database has no run of it.
#[test]
fn a_pipeline_is_tried_without_its_model() {
    let server = ModelServer::new(Say::Text(WELL));
    let (factory, repository) = (with_writer(&server), board());
    let repository = repository.path().to_str().expect("UTF-8");
    let text = day(repository, &server.url(), "cassette = \"day\"");
    factory.write("tests/day.toml", text);
    let ran = factory.run(&["test"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("callboard test --record day"), "{ran}");
    assert_eq!(server.asked(), 0, "without its cassette nothing is asked");
    let said = factory.ok(&["test", "--record"]);
    assert!(said.contains("recorded anew"), "{said}");
    assert!(server.asked() > 0);
    drop(server);
    for _ in 0..2 {
        let results = factory.json(&["test", "day"]);
        assert_eq!(results[0]["passed"], true, "{results}");
        assert_eq!(results[0]["status"], "done", "{results}");
    }
    assert_eq!(factory.count("runs"), 0);
    assert_eq!(factory.count("posts"), 0);
    let check = factory.ok(&["check"]);
    assert!(check.contains("references answer"), "{check}");
}

/// What is not as expected is told, each in a sentence, and the command fails.
#[test]
fn a_test_that_fails_says_what_was_not_so() {
    let server = ModelServer::new(Say::Text(WELL));
    let (factory, repository) = (with_writer(&server), board());
    let repository = repository.path().to_str().expect("UTF-8");
    let text = day(repository, &server.url(), "");
    factory.write("tests/day.toml", text);
    let ran = factory.run(&["test"]);
    assert_eq!(ran.code, 1, "{ran}");
    let built_in = "`draft/written_by` is \"built-in composer\", not \"model quill-1\"";
    assert!(ran.stdout.contains(built_in), "{ran}");
    let mend = "add `cassette = \"day\"` to tests/day.toml";
    assert!(
        ran.stdout
            .contains(&format!("; {mend}, callboard test --record day")),
        "{ran}"
    );
    assert!(ran.stdout.contains("1 of 1 failed"), "{ran}");
    let refused = factory.run(&["test", "--record", "day"]);
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.stderr.contains(mend), "{refused}");
    assert_eq!(server.asked(), 0, "a test without a cassette asks nobody");
    factory.edit("tests/day.toml", "status = \"done\"", "status = \"gated\"");
    factory.edit("tests/day.toml", "\"approved\"", "\"rejected\"");
    factory.edit(
        "tests/day.toml",
        "stages.citations = \"done\"",
        "stages.publish = \"done\"",
    );
    let ran = factory.run(&["test"]);
    for part in [
        "the run is rejected, not gated",
        "stage `publish` is absent, not done",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {ran}");
    }
    let ran = factory.run(&["test", "dya"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("day"), "{ran}");
}

/// What is written, the slip, and what is said of it.
const SLIPS: &[(&str, &str, &str)] = &[
    (
        "at = \"/written_by\"",
        "at = \"/writen_by\"",
        "`draft` has no part `writen_by`",
    ),
    (
        "\"roles.writer.model\" = \"quill\"",
        "\"roles.writer.key\" = \"sk-1\"",
        "is a secret",
    ),
    (
        "\"dev_diary\"",
        "\"dev_dairy\"",
        "there is no pipeline `dev_dairy`",
    ),
    ("date = ", "dat = ", "there is no input `dat`"),
    (
        "repository = \"shop\"",
        "",
        "the test does not give the input `repository`",
    ),
    (
        "repository = \"shop\"",
        "repository = 7",
        "7 is not of type",
    ),
    (
        "roles.writer.url",
        "roles.wirter.url",
        "there is no setting `roles.wirter.url`",
    ),
    (
        "http://127.0.0.1:1/",
        "nowhere",
        "`nowhere` is not an address",
    ),
    (
        "gate = \"approve\"",
        "gate = \"citations\"",
        "there is no gate `citations`",
    ),
    (
        "as = \"approved\"",
        "as = \"regenerated\"\npart = \"txt\"",
        "there is no part `txt`",
    ),
    (
        "stages.citations",
        "stages.citation",
        "there is no stage `citation`",
    ),
    (
        "key = \"draft\"",
        "key = \"drafft\"",
        "there is no key `drafft`",
    ),
    (
        "is = \"model quill-1\"",
        "",
        "nothing is expected of `draft`",
    ),
    (
        "at = \"/written_by\"",
        "at = \"written_by\"",
        "`written_by` is no JSON pointer",
    ),
    (
        "name = \"day\"",
        "name = \"night\"",
        "`night` is defined in a file of another name",
    ),
    ("status = \"done\"", "status = \"dnoe\"", "dnoe"),
];

/// Each name in a test is one that is there, or a miss with the one that was meant.
#[test]
fn a_test_that_names_what_is_gone_is_a_miss() {
    let factory = Factory::bare_written(Sqlite);
    let text = day("shop", "http://127.0.0.1:1/", "");
    for (right, slip, miss) in SLIPS {
        assert!(text.contains(right), "{right}");
        factory.write("tests/day.toml", text.replacen(right, slip, 1));
        let ran = factory.run(&["check"]);
        assert_eq!(ran.code, 1, "{slip}: {ran}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(miss), "{slip}: {ran}");
        assert!(said.contains("tests/day.toml:"), "{slip}: {ran}");
    }
    factory.write("tests/day.toml", text);
    factory.ok(&["check"]);
}

/// What a test hears is kept if it passes; a question that nothing answers fails it, whatever stood in.
#[test]
fn an_outage_takes_the_place_of_no_cassette() {
    let server = ModelServer::new(Say::Text(WELL));
    let (factory, repository) = (with_writer(&server), board());
    let repository = repository.path().to_str().expect("UTF-8");
    let text = day(repository, &server.url(), "cassette = \"day\"");
    factory.write("tests/day.toml", text);
    factory.ok(&["test", "--record"]);
    server.say(Say::Status(500));
    let ran = factory.run(&["test", "--record"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("1 fallbacks, not 0"), "{ran}");
    factory.ok(&["test"]);
    let prompt = factory.read("prompts/dev_diary.md");
    factory.write("prompts/dev_diary.md", format!("{prompt}\nBe brief.\n"));
    let ran = factory.run(&["test"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("nothing answers POST"), "{ran}");
}

/// A link in a workspace that somebody sends leads to no folder of who tests it.
#[test]
fn a_cassette_behind_a_link_is_neither_read_nor_written() {
    let server = ModelServer::new(Say::Text(WELL));
    let (factory, repository) = (with_writer(&server), board());
    let repository = repository.path().to_str().expect("UTF-8");
    let text = day(repository, &server.url(), "cassette = \"kept\"");
    factory.write("tests/day.toml", text);
    let elsewhere = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(elsewhere.path().join("kept")).expect("a folder");
    let thesis = elsewhere.path().join("kept/thesis.txt");
    std::fs::write(&thesis, "an hour of work").expect("a file");
    let link = factory.workspace().join("tests/cassettes");
    std::os::unix::fs::symlink(elsewhere.path(), link).expect("a link");
    for arguments in [&["test", "--record"][..], &["test"]] {
        let ran = factory.run(arguments);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stdout.contains("no link is followed"), "{ran}");
    }
    assert!(thesis.is_file());
}

/// A plugin's grant on a table of the workspace's own keeps no test from being run.
#[test]
fn the_tables_of_the_workspace_are_made_for_a_test() {
    let server = ModelServer::new(Say::Text(WELL));
    let (factory, repository) = (with_writer(&server), board());
    let repository = repository.path().to_str().expect("UTF-8");
    let text = day(repository, "http://127.0.0.1:1/", "");
    let text = text.replace("is = \"model quill-1\"", "present = true");
    let text = text.replace("[expect]", "[expect]\nfallbacks = 1");
    factory.write("tests/day.toml", format!("unanswered = true\n{text}"));
    let grants = "[[grants.\"*\".db]]\ntable = \"notes\"\nverbs = [\"select\"]\n";
    let config = factory.read("callboard.toml");
    factory.write("callboard.toml", format!("{config}\n{grants}"));
    let ran = factory.run(&["test"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("tests/schema.sql"), "{ran}");
    factory.write(
        "tests/schema.sql",
        "CREATE TABLE notes (id TEXT NOT NULL) STRICT;\n",
    );
    let ran = factory.run(&["test"]);
    assert_eq!(ran.code, 0, "{ran}");
    // The script reaches nothing but the database of the test, and ends.
    let own = factory.workspace().join("callboard.db");
    let (own, copy) = (own.display(), factory.workspace().join("copy.db"));
    let without_end = "CREATE TABLE a AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
        SELECT count(*) AS c FROM n;";
    for (script, said) in [
        (format!("ATTACH DATABASE '{own}' AS own;"), "ATTACH"),
        (
            format!("COMMIT; VACUUM INTO '{}';", copy.display()),
            "COMMIT",
        ),
        (format!("VACUUM INTO '{}';", copy.display()), "VACUUM"),
        ("PRAGMA writable_schema = 1;".to_owned(), "PRAGMA"),
        (without_end.to_owned(), "took longer"),
        (
            "CREATE TRIGGER t AFTER INSERT ON tasks BEGIN SELECT 1; END;".to_owned(),
            "not use",
        ),
        ("CREATE INDEX i ON tasks (title);".to_owned(), "not use"),
        ("DELETE FROM tasks;".to_owned(), "`tasks`"),
        ("DROP TABLE posts;".to_owned(), "not use"),
        ("DROP TABLE diary_days;".to_owned(), "`diary_days`"),
        (
            "CREATE INDEX i ON diary_days ((printf('%0900000000d', length(subject))));".to_owned(),
            "`diary_days`",
        ),
        ("ALTER TABLE items ADD COLUMN more TEXT;".to_owned(), "not use"),
        ("ALTER TABLE commits RENAME TO others;".to_owned(), "not use"),
        (
            "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n;"
                .to_owned(),
            "not use",
        ),
    ] {
        factory.write("tests/schema.sql", &script);
        let ran = factory.run(&["test"]);
        assert_eq!(ran.code, 2, "{script}: {ran}");
        assert!(ran.stderr.contains("tests/schema.sql"), "{script}: {ran}");
        assert!(ran.stderr.contains(said), "{script}: {ran}");
        assert!(!copy.exists(), "{script}");
    }
}

/// A test has a database of its own, and opens no other, wherever the workspace is checked out.
#[test]
fn no_database_of_the_workspace_is_needed() {
    let server = ModelServer::new(Say::Text(WELL));
    let (factory, repository) = (with_writer(&server), board());
    let repository = repository.path().to_str().expect("UTF-8");
    let text = day(repository, &server.url(), "cassette = \"day\"");
    factory.write("tests/day.toml", text);
    factory.ok(&["test", "--record"]);
    let nowhere = "postgres://nobody@127.0.0.1:1/x";
    factory.edit("callboard.toml", "sqlite:callboard.db", nowhere);
    factory.ok(&["test"]);
}

/// A secret goes to the address that was set beside it, and to none that a test names.
#[test]
fn a_secret_goes_where_it_was_set_to_go() {
    let (own, other) = (
        ModelServer::new(Say::Text(WELL)),
        ModelServer::new(Say::Text(WELL)),
    );
    let (factory, repository) = (with_writer(&own), board());
    factory.ok(&["settings", "set", "roles.writer.key", "hush-hush"]);
    let repository = repository.path().to_str().expect("UTF-8");
    for server in [&other, &own] {
        factory.write(
            "tests/day.toml",
            day(repository, &server.url(), "cassette = \"day\""),
        );
        factory.ok(&["test", "--record"]);
    }
    let got = |server: &ModelServer| server.credentials().concat();
    assert!(got(&own).contains("hush-hush"), "{}", got(&own));
    assert_eq!(got(&other), "", "no key, and nothing in its place");
    // What is damaged answers nothing, and a test says so.
    for file in std::fs::read_dir(factory.workspace().join("tests/cassettes/day")).expect("answers")
    {
        std::fs::write(file.expect("a file").path(), "{").expect("damaged");
    }
    let ran = factory.run(&["test"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("nothing answers POST"), "{ran}");
}

/// What another pipeline wants keeps no test from being run, and what its own wants is told by `check`, at its place.
#[test]
fn a_test_lacks_what_its_own_pipeline_wants() {
    let server = ModelServer::new(Say::Text(WELL));
    let (factory, repository) = (with_writer(&server), board());
    let repository = repository.path().to_str().expect("UTF-8");
    let text = day(repository, &server.url(), "cassette = \"day\"");
    factory.write("tests/day.toml", text);
    factory.ok(&["test", "--record"]);
    factory.edit(
        "settings.toml",
        "[\"images.provider\"]\ntype = \"string\"\ndefault = \"none\"",
        "[\"images.provider\"]\ntype = \"string\"\nrequired = true",
    );
    factory.ok(&["settings", "set", "images.provider", "none"]);
    factory.ok(&["check"]);
    factory.ok(&["test"]);
    factory.write(
        "tests/picture.toml",
        "name = \"picture\"\npipeline = \"image_rebuild\"\n[input]\ntask = \"1\"\n[expect]\nstatus = \"failed\"\n",
    );
    let said = "the test does not give `images.provider`, which handler content.make_images needs";
    let mend = "add to tests/picture.toml:";
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    let told = format!("{}{}", ran.stdout, ran.stderr);
    assert!(told.contains("tests/picture.toml:"), "{ran}");
    assert!(told.contains(said) && told.contains(mend), "{ran}");
    let ran = factory.run(&["test"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("✓ day"), "{ran}");
    assert!(
        ran.stdout.contains("✗ picture") && ran.stdout.contains(said),
        "{ran}"
    );
}
