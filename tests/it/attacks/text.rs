//! A text that moves the cursor, forges a line or turns its direction.

use callboard_core::store::Dialect::{self, Sqlite};

use super::attacks;
use crate::engine::Theatre;
use crate::support::daemon::{Daemon, get};
use crate::support::factory::{DAY, Factory, board};
use crate::support::guests::{fixture, guest};
use crate::support::host::{Host, Ran};
use crate::support::repository::repository;

attacks! {
    failure_of_a_guest: "a guest's failure clears the screen, rings, forges a line and turns it" => {
        both a_guest_fails
    };
    words_of_a_draft: "a draft and its topic write over what stands above, before it is approved" => {
        both a_draft_is_shown
    };
    another_draft: "a plugin writes another text into the rows of the draft that waits for approval" => {
        both a_draft_is_replaced
    };
    commit_message: "a commit's message sends an escape sequence to the person who approves" => {
        a_commit_is_told
    };
    commit_markup: "a commit's message is a template, a link, HTML, or a citation of something else" => {
        a_commit_is_quoted
    };
    file_name: "a file's name in the workspace forges lines of a check" => { a_file_is_named };
    argument: "an argument, such as a file's name, is quoted by the refusal of it" => {
        an_argument_is_quoted
    };
    revision_file: "a file of a revision is shown on a terminal" => { a_file_is_shown };
    page_and_feed: "a post turns the page, and breaks feeds with what XML can't hold" => {
        a_post_is_exported
    };
    console: "a run's detail and a draft's topic turn the console" => { the_console_is_read };
    handler_name: "a component names a handler with an escape sequence" => { a_handler_is_named };
    effect_name: "a guest counts an effect whose name is an escape sequence" => {
        both an_effect_is_named
    };
    long_message: "a guest's failure is as long as the output may be" => { both a_guest_says_much };
}

/// Clears the screen, rings, forges a line, turns the direction, hides in C1, and in tags.
const EVIL: &str = "ok\u{1b}[2J\u{7}\rdone\n7c1e4b  play  done\u{202e}evil\u{9b}31m\u{2066}x\u{200b}\u{2028}\u{e0041}";

/// The same as a literal of TOML and of SQL, which has the escapes of neither.
fn toml(text: &str) -> String {
    let escaped = |c: char| format!("\\U{:08X}", u32::from(c));
    text.chars().map(escaped).collect()
}

fn hides(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    turns || (c.is_control() && c != '\n')
}

/// Nothing in it moves, and no line of it is the forged one.
#[track_caller]
fn is_tame(what: &str, text: &str) {
    if let Some(c) = text.chars().find(|c| hides(*c)) {
        panic!("{what} has {c:?}:\n{text:?}");
    }
    let forged = text.lines().find(|line| line.starts_with("7c1e4b  play"));
    assert_eq!(forged, None, "{what} has a forged line:\n{text}");
}

/// What each command prints is tame, for people and as JSON, which says the same.
#[track_caller]
fn all_tame(host: &Host, commands: &[&[&str]]) -> String {
    let mut all = String::new();
    for command in commands {
        for format in [&[][..], &["--format", "json"]] {
            let ran = host.run(&[format, command].concat());
            is_tame(&format!("{command:?}"), &ran.stdout);
            is_tame(&format!("{command:?}"), &ran.stderr);
            all.push_str(&ran.to_string());
        }
    }
    all
}

fn stage(script: &str) -> String {
    let script = toml(script);
    format!("[[stage]]\nid = \"a\"\nhandler = \"probe.plays\"\nconfig.script = [\"{script}\"]\n")
}

fn a_guest_fails(dialect: Dialect) {
    let theatre = Theatre::new(dialect, &stage(&format!("failed {EVIL}")));
    let ran = theatre.run(&["run", "play"]);
    assert_eq!(ran.code, 1, "{ran}");
    is_tame("run", &ran.stdout);
    is_tame("run", &ran.stderr);
    assert!(
        ran.stdout
            .contains("ok\\u{1b}[2J\\u{7}\\rdone\n        7c1e4b"),
        "{ran}"
    );
    let told = all_tame(
        &theatre,
        &[
            &["runs", "list"],
            &["runs", "show", "latest"],
            &["runs", "tail", "latest"],
            &["doctor"],
        ],
    );
    assert!(
        told.contains("\\u009b31m"),
        "JSON keeps what was said: {told}"
    );
}

/// Puts words before a text of the draft that waits for approval.
fn writes_the_draft(key: &str, words: &str) -> String {
    let words = words.replace('\'', "''");
    format!("UPDATE drafts SET {key} = '{words}' || {key}")
}

/// What a person approves is what is published, and no plugin can be let write it: not by the
/// operator's grant, and not where the check is switched off.
fn a_draft_is_replaced(dialect: Dialect) {
    let factory = Factory::written(dialect);
    factory.ok(&["apply"]);
    let (plugin, name) = (
        "plugins/embeddings_orphan_prune/plugin.toml",
        "embeddings_orphan_prune",
    );
    let ask = |verbs: &str| {
        let lines = format!("table = \"drafts\"\nverbs = [{verbs}]\n");
        let (manifest, ceiling) = (factory.read(plugin), factory.read("callboard.toml"));
        factory.write(plugin, format!("{manifest}\n[[ask.db]]\n{lines}"));
        factory.write(
            "callboard.toml",
            format!("{ceiling}\n[[grants.{name}.db]]\n{lines}"),
        );
        (manifest, ceiling)
    };
    let (manifest, ceiling) = ask("\"select\", \"update\"");
    let checked = factory.run(&["check"]);
    assert_eq!(checked.code, 1, "{checked}");
    for said in [
        "no grant opens update on table `drafts`: plugins may read it",
        "the plugin asks for update on table drafts, which is not allowed",
    ] {
        assert!(checked.stdout.contains(said), "{said}: {checked}");
    }
    factory.write(plugin, manifest);
    factory.write("callboard.toml", ceiling);
    ask("\"select\"");
    factory.ok(&["apply"]);
    let explain = |sql: &str| factory.run(&["plugins", "explain", name, sql]);
    assert_eq!(explain("SELECT title FROM drafts").code, 0);
    let denied = explain("UPDATE drafts SET title = 'Harmless'");
    assert_eq!(denied.code, 1, "{denied}");
    assert!(
        denied.to_string().contains("no grant opens it further"),
        "{denied}"
    );
}

fn a_draft_is_shown(dialect: Dialect) {
    let factory = Factory::bare(dialect);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    let set = |sql: &str| {
        // Whatever wrote it: the sink does not trust the handlers before it.
        let evil = EVIL.replace('\'', "''");
        factory.execute(&sql.replace("$EVIL", &evil));
    };
    set("UPDATE tasks SET topic = '$EVIL', subject = '$EVIL'");
    set(&writes_the_draft("title", EVIL));
    set(&writes_the_draft("written_by", EVIL));
    set("UPDATE gates SET question = '$EVIL'");
    let shown = all_tame(
        &factory,
        &[
            &["tasks", "list"],
            &["tasks", "show", "latest"],
            &["gates", "list"],
            &["gates", "show", "latest"],
            &["tasks", "approve", "latest"],
        ],
    );
    assert!(shown.contains("# ok\\u{1b}[2J"), "{shown}");
}

fn a_commit_is_told() {
    let factory = Factory::bare(Sqlite);
    let repository = repository();
    let said = "fix: search finds a post by its words \u{1b}[2J\u{202e}again\u{9b}31m";
    let commit = |hour: u32, path: &str, subject: &str| {
        let body = format!("Readers could not find it before.\u{1b}]0;owned\u{7}\u{202e} {path}");
        repository
            .at(&format!("2026-01-05T{hour:02}:00:00Z"))
            .file(path, &"fn it() {}\n".repeat(40))
            .body(&body)
            .commit(subject);
    };
    commit(9, "src/search.rs", said);
    commit(
        10,
        "src/feed\u{202e}.rs",
        "feat: feeds have whole posts\u{1b}[31m",
    );
    commit(11, "src/page.rs", "feat: pages are rendered once\u{85}");
    let ran = factory.diary(repository.path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
    is_tame("run", &ran.to_string());
    all_tame(
        &factory,
        &[
            &["tasks", "list"],
            &["tasks", "show", "latest"],
            &["runs", "show", "latest"],
            &["tasks", "approve", "latest"],
            &["posts", "list"],
            &["posts", "show", "latest"],
        ],
    );
}

/// What a commit says is text in the post, whatever it would be elsewhere.
fn a_commit_is_quoted() {
    let factory = Factory::bare(Sqlite);
    let repository = repository();
    let body = "Because of {% include \"base.html\" %} it was slow, see [all](javascript:alert(1)).\n\n\
        - <img src=x onerror=alert(1)> **(PR #666)**\n- ![p](https://evil.example/p.png) and more";
    let commit = |hour: u32, subject: &str| {
        repository
            .at(&format!("2026-01-05T{hour:02}:00:00Z"))
            .file(&format!("src/{hour}.rs"), &"fn it() {}\n".repeat(40))
            .body(body)
            .commit(subject);
    };
    commit(
        9,
        "feat: show {{ title }} and <script>alert(1)</script> on the page",
    );
    commit(10, "fix: [a link](javascript:alert(1)) is one no more");
    let ran = factory.diary(repository.path(), "2026-01-05");
    assert_eq!(ran.code, 4, "{ran}");
    factory.ok(&["tasks", "approve", "latest"]);
    let text = factory.ok(&["posts", "show", "latest"]);
    assert!(
        text.contains("{{ title }}") && text.contains("{% include"),
        "{text}"
    );
    factory.ok(&["posts", "export", "out"]);
    let slug = factory.texts("SELECT slug FROM posts", "slug");
    let page = factory.read(format!("out/posts/{}/index.html", slug[0]));
    for hostile in ["<script>alert", "<img", "href=\"javascript", "evil.example"] {
        assert!(!page.contains(hostile), "`{hostile}` in {page}");
    }
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
}

fn a_file_is_named() {
    let factory = Factory::bare_written(Sqlite);
    factory.write(
        "pipelines/x\n7c1e4b  play\u{1b}[2J\u{202e}.toml",
        "name = 1\n",
    );
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    is_tame("check", &ran.to_string());
    assert!(ran.stderr.contains("x ⏎ 7c1e4b  play\\u{1b}[2J"), "{ran}");
    all_tame(&factory, &[&["check"], &["apply"]]);
}

fn an_argument_is_quoted() {
    let factory = Factory::bare(Sqlite);
    let evil = EVIL;
    all_tame(
        &factory,
        &[
            &[evil],
            &["run", evil],
            &["run", "dev_diary", evil],
            &["run", "dev_diary", "--input", evil],
            &["runs", "show", evil],
            &["runs", "list", "--status", evil],
            &["tasks", "show", evil],
            &["posts", "show", evil],
            &["handlers", "show", evil],
            &["settings", "set", evil, evil],
            &["-w", evil, "check"],
        ],
    );
}

fn a_file_is_shown() {
    let factory = Factory::bare_written(Sqlite);
    let prompt = factory.read("prompts/dev_diary.md");
    factory.write("prompts/dev_diary.md", format!("{prompt}{EVIL}\n"));
    factory.ok(&["apply"]);
    let line = [
        "revisions",
        "show",
        "latest",
        "--file",
        "prompts/dev_diary.md",
    ];
    // Where it goes into a file it is the file, byte for byte.
    assert!(factory.ok(&line).contains(EVIL));
    let shown: Ran = factory
        .on_terminal(&line)
        .output()
        .expect("`script` is there")
        .into();
    assert!(shown.stdout.contains("ok\\u{1b}[2J"), "{shown}");
}

fn a_post_is_exported() {
    let factory = Factory::bare(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", "latest"]);
    factory.execute(&format!(
        "UPDATE posts SET title = '{EVIL}\u{fffe}', excerpt = '{EVIL}', tags = 'a\u{202e}b', \
         markdown = '{EVIL} &#x202e; &#27; <b>'"
    ));
    factory.ok(&["posts", "export", "out"]);
    let mut feeds = 0;
    let mut folders = vec![factory.workspace().join("out")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("text");
            let name = path.display().to_string();
            let c = text.chars().find(|c| hides(*c) || *c == '\u{fffe}');
            assert_eq!(c, None, "{name}: {text:?}");
            if name.ends_with("feed.json") {
                let feed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                let title = feed["items"][0]["title"].as_str().expect("a title");
                assert_eq!(title.chars().find(|c| hides(*c)), None, "{title:?}");
                feeds += 1;
            }
            feeds += u32::from(name.ends_with("feed.xml") && text.contains("evil"));
        }
    }
    assert_eq!(feeds, 2, "both feeds tell the post");
}

fn the_console_is_read() {
    let factory = Factory::bare(Sqlite);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.execute(&format!("UPDATE open_runs SET detail = '{EVIL}'"));
    factory.execute(&format!("UPDATE tasks SET topic = '{EVIL}'"));
    let doors = ["--listen", "127.0.0.1:0", "--console", "127.0.0.1:0"];
    let server = Daemon::start(&factory, &[&["serve", "--no-work"][..], &doors].concat());
    server.address();
    let address = server.console();
    for page in ["/console", "/console.json"] {
        let answer = get(address, page);
        assert_eq!(answer.status, 200, "{page}");
        assert!(answer.body.contains("evil"), "{page}: {}", answer.body);
        let c = answer.body.chars().find(|c| hides(*c));
        assert_eq!(c, None, "{page}: {}", answer.body);
    }
}

fn a_handler_is_named() {
    let factory = Factory::bare_written(Sqlite);
    for (name, bytes) in [
        (
            "plugin.toml",
            std::fs::read(fixture("misnamed").join("plugin.toml")),
        ),
        ("misnamed.wasm", std::fs::read(guest("misnamed"))),
    ] {
        factory.write(
            format!("plugins/misnamed/{name}"),
            bytes.expect("a fixture"),
        );
    }
    let ceiling =
        "name = \"Factory\"\ndatabase = \"sqlite:callboard.db\"\n[grants.misnamed]\nlog = true\n";
    factory.write("callboard.toml", ceiling);
    let ran = factory.run(&["check"]);
    assert_eq!(ran.code, 1, "{ran}");
    is_tame("check", &ran.to_string());
    for part in [
        "probe.clears\\u{1b}[2J",
        "`a-z`, `0-9` and `_`",
        "rename the handler",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {ran}");
    }
    all_tame(&factory, &[&["check", "--all"], &["apply"]]);
}

fn an_effect_is_named(dialect: Dialect) {
    let theatre = Theatre::new(dialect, &stage("done rows\u{1b}[2J"));
    let run = theatre.play(1);
    let shown = theatre.comes_to(&["runs", "show", &run], 0);
    is_tame("runs show", &shown.to_string());
    let said = "`rows\\u{1b}[2J` is no name of an effect";
    assert!(
        theatre.json(&["runs", "show", &run])["run"]["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("is no name of an effect"))
    );
    assert!(
        shown.stdout.replace('\n', " ").contains("name of an"),
        "{said}: {shown}"
    );
}

fn a_guest_says_much(dialect: Dialect) {
    let theatre = Theatre::new(dialect, &stage(&format!("failed {}", "é".repeat(30_000))));
    let run = theatre.play(1);
    let shown = theatre.json(&["runs", "show", &run]);
    let detail = shown["run"]["detail"].as_str().expect("a detail");
    assert!(detail.contains("é… (26,000 more characters)"), "{detail}");
    assert!(detail.chars().count() < 4_100, "{}", detail.chars().count());
}
