//! Tables fit the terminal without breaking words, and long work tells how long it has been at it.

use std::io::Read as _;
use std::process::Stdio;
use std::time::Instant;

use callboard_core::store::Dialect::Sqlite;

use crate::scenario::model::set_writer;
use crate::support::daemon::BOUND;
use crate::support::factory::{DAY, Factory, board, diary};
use crate::support::host::Host;
use crate::support::model::{ModelServer, Say};

/// The words that programs are told of a list, which people are to see in one piece.
fn words(json: &serde_json::Value, words: &mut Vec<String>) {
    match json {
        serde_json::Value::String(text) => words.extend(text.split_whitespace().map(str::to_owned)),
        serde_json::Value::Array(all) => all.iter().for_each(|json| self::words(json, words)),
        _ => {}
    }
}

fn printed(host: &Host, width: &str, line: &[&str]) -> String {
    let mut command = host.command(line);
    let output = command.env("COLUMNS", width).output().expect("it starts");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn no_table_breaks_a_word_or_an_id_whatever_the_width() {
    let factory = Factory::bare(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    let lists: [(&[&str], &[&str]); 7] = [
        (&["runs", "list"], &["pipeline", "status", "detail"]),
        (&["gates", "list"], &["stage", "question"]),
        (&["tasks", "list"], &["topic"]),
        (
            &["policies", "list"],
            &["name", "handler", "table", "cadence"],
        ),
        (&["handlers", "list"], &["name", "summary"]),
        (&["settings", "list"], &["key", "type", "value"]),
        (&["schedules", "list"], &["name", "when"]),
    ];
    for (line, keys) in lists {
        let json = factory.json(line);
        let mut wanted = Vec::new();
        for (row, key) in json
            .as_array()
            .expect("a list")
            .iter()
            .flat_map(|row| keys.iter().map(move |key| (row, key)))
        {
            words(&row[*key], &mut wanted);
        }
        assert!(!wanted.is_empty(), "{line:?}: {json}");
        for width in ["80", "60", "40", "200"] {
            let text = printed(&factory, width, line);
            for word in &wanted {
                assert!(
                    text.contains(word.as_str()),
                    "{line:?} at {width}: {word}\n{text}"
                );
            }
            let most: usize = width.parse().expect("a number");
            for row in text.lines().filter(|_| most >= 60) {
                assert!(
                    row.chars().count() <= most,
                    "{line:?} at {width}: {row}\n{text}"
                );
            }
        }
    }
}

#[test]
fn a_terminal_is_told_how_long_a_stage_has_been_at_it() {
    let factory = Factory::bare(Sqlite);
    let server = ModelServer::new(Say::Hang);
    set_writer(&factory, &server);
    let repository = board();
    let line = diary(repository.path(), DAY);
    let mut run = factory
        .on_terminal(&line.each_ref().map(String::as_str))
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` is there");
    let mut terminal = run.stdout.take().expect("it was asked for");
    let (mut told, mut some, began) = (String::new(), [0; 4096], Instant::now());
    while !(told.contains("… compose 1 s") && told.contains("… compose 2 s")) {
        let read = terminal.read(&mut some).expect("a terminal");
        told.push_str(&String::from_utf8_lossy(&some[..read]));
        assert!(read > 0 && began.elapsed() < BOUND, "{told:?}");
    }
    assert!(told.contains("\r\u{1b}[K  … compose 2 s"), "{told:?}");
    run.kill().expect("it runs");
    run.wait().expect("it ends");
}

#[test]
fn what_a_person_reads_fits_the_terminal() {
    let factory = Factory::whole(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.execute(
        "UPDATE open_runs SET status = 'blocked', detail = 'something is not as it has to be, \
            and it takes many more words than a line has room for to say what that is'",
    );
    factory.execute("UPDATE gates SET question = CAST(x'ff00' AS TEXT)");
    for line in [
        &["runs", "show", "latest"][..],
        &["pipelines", "show", "dev_diary"],
        &["plugins", "show", "embeddings_collapse"],
        &["doctor"],
    ] {
        let text = printed(&factory, "80", line);
        assert!(text.lines().count() > 2, "{line:?}: {text}");
        // What is to be copied stays in one piece.
        let copied = |line: &&str| line.contains('`') || line.starts_with("next: ");
        for long in text.lines().filter(|line| !copied(line)) {
            assert!(long.chars().count() <= 80, "{line:?}: {long}");
        }
    }
}
