//! The pages of the documentation: each block of commands is run, and prints what the page shows.
//!
//! The blocks of a page run in their order in one shell, in an empty folder that has the
//! repository `shop` in it; what a block left, the next one finds. Ids, times, durations and ports
//! differ from run to run and are compared by their form, an id by being the same one throughout the
//! page. `SNAPSHOTS=overwrite` writes a page anew from its run; docs/contributing.md says how.

mod alike;
mod page;
mod sandbox;
mod shell;
mod told;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use snapbox::Assert;
use snapbox::assert::{Action, DEFAULT_ACTION_ENV};
use snapbox::data::{Data, DataFormat};

use callboard_core::schema;
use callboard_core::store::Dialect;

use crate::support::database::TestDatabase;
use crate::support::factory::Factory;
use page::Page;
use sandbox::{sandbox, with_plugins};

/// Each page is a test; a page with commands that has no row is found by a test, too.
macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        const PAGES: &[&str] = &[$($path),*];
        $(
            #[test]
            fn $name() {
                holds($path);
            }
        )*
    };
}

pages! {
    the_readme_shows_what_is_printed: "README.md",
    the_diary_shows_what_is_printed: "docs/diary.md",
    operating_shows_what_is_printed: "docs/operating.md",
    posts_shows_what_is_printed: "docs/posts.md",
    publishing_shows_what_is_printed: "docs/publishing.md",
    scaling_shows_what_is_printed: "docs/scaling.md",
    serving_shows_what_is_printed: "docs/serving.md",
    tasks_shows_what_is_printed: "docs/tasks.md",
    testing_shows_what_is_printed: "docs/testing.md",
    the_tutorial_shows_what_is_printed: "docs/tutorial.md",
    the_plugins_page_shows_what_is_printed: "plugins/README.md",
    the_contract_shows_what_is_printed: "wit/README.md",
}

/// The blocks that are not run: the page, the first command, and the reason that the page gives
/// in a comment above.
const NOT_RUN: &[(&str, &str, &str)] = &[
    (
        "README.md",
        "./just demo",
        "installs and builds; the tests of `callboard demo` run what it ends with",
    ),
    (
        "README.md",
        "./just test",
        "it would begin with this very test",
    ),
    (
        "docs/scaling.md",
        "cargo build --release --features restate",
        "needs a Restate server and another build; `./just restate` has both",
    ),
    (
        "wit/README.md",
        "git diff --unified=0 wit-0.1.0 -- wit/0.1 | grep '^-[^-]' | grep -vE '^-(package | *//)'",
        "there is no tag yet",
    ),
];

#[test]
fn a_block_that_is_not_run_says_why_and_is_listed() {
    let mut found = Vec::new();
    for path in PAGES {
        let page = Page::read(&top().join(path));
        for block in &page.blocks {
            if let Some(reason) = &block.not_run {
                assert!(
                    !reason.is_empty(),
                    "{path}: a block is not run without a reason"
                );
                found.push((
                    (*path).to_owned(),
                    block.commands[0].line.clone(),
                    reason.clone(),
                ));
            }
        }
    }
    let listed = NOT_RUN
        .iter()
        .map(|(path, line, reason)| ((*path).to_owned(), (*line).to_owned(), (*reason).to_owned()));
    assert_eq!(found, listed.collect::<Vec<_>>());
}

#[test]
fn every_page_with_commands_is_run() {
    let git = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "*.md",
        ])
        .current_dir(top())
        .output()
        .expect("git starts");
    let names = String::from_utf8(git.stdout).expect("UTF-8");
    let names: Vec<&str> = names.split_terminator('\0').collect();
    assert!(names.len() > 10, "{names:?}");
    // The drafts that rails are held against are texts, and no pages.
    let pages = names
        .into_iter()
        .filter(|name| !name.starts_with("tests/fixtures/drafts/"));
    for name in pages {
        let page = Page::read(&top().join(name));
        let listed = PAGES.contains(&name);
        assert_eq!(
            !page.blocks.is_empty(),
            listed,
            "{name} and the list of pages"
        );
    }
}

#[test]
fn the_tables_of_plugins_have_the_columns_that_the_page_says() {
    let page = fs::read_to_string(top().join("plugins/README.md")).expect("the page");
    let (_, page) = page.split_once("## The database").expect("the section");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let said: Vec<String> = rows
        .flat_map(|row| {
            let names: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
            let column = |column: &&str| format!("{}.{column}", names[0]);
            names[1..].iter().map(column).collect::<Vec<_>>()
        })
        .collect();
    let columns = Factory::bare(Dialect::Sqlite).texts(
        "SELECT t.name || '.' || c.name AS name FROM sqlite_schema t \
         JOIN pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY t.rowid, c.cid",
        "name",
    );
    let left = |column: &String| {
        let (table, _) = column.split_once('.').expect("a table");
        !schema::belongs_to_host(table)
    };
    let live: Vec<String> = columns.into_iter().filter(left).collect();
    assert_eq!(said, live);
}

#[test]
fn the_page_of_tasks_has_the_table_that_moves_them() {
    let page = fs::read_to_string(top().join("docs/tasks.md")).expect("the page");
    let table = callboard_factory::tables::tasks::TASKS.markdown();
    assert!(page.contains(&table), "docs/tasks.md lacks\n{table}");
}

/// What a page shows of a definition, with a comment `fits: PATH` above, can be written into that file.
#[test]
fn what_a_page_shows_of_a_definition_fits_it() {
    const BEGINS: &str = "<!-- fits: ";
    const BLOCK: &str = "```toml\n";
    let mut found = 0;
    for page in ["docs/rails.md"] {
        let text = fs::read_to_string(top().join(page)).expect("a page");
        for rest in text.split(BEGINS).skip(1) {
            let (path, rest) = rest.split_once(" -->\n").expect("a comment of one line");
            let block = rest.strip_prefix(BLOCK).expect("a block of TOML");
            let (block, _) = block.split_once("```").expect("the end of a block");
            let factory = Factory::written(Dialect::Sqlite);
            let definition = factory.read(path);
            factory.write(path, format!("{definition}\n{block}"));
            let ran = factory.run(&["check"]);
            assert_eq!(ran.code, 0, "{page}: {ran}");
            found += 1;
        }
    }
    assert!(found > 0, "no page shows a definition");
}

#[test]
fn the_page_of_posts_has_the_table_that_moves_them() {
    let page = fs::read_to_string(top().join("docs/posts.md")).expect("the page");
    let table = callboard_factory::tables::posts::POSTS.markdown();
    assert!(page.contains(&table), "docs/posts.md lacks\n{table}");
}

/// The folder that the pages are in.
fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_tutorial_is_the_same_on_postgresql() {
    let database = TestDatabase::new(Dialect::Postgres);
    let (host, _shop) = sandbox();
    let host = host.with("CALLBOARD_DATABASE", database.url());
    let page = Page::read(&top().join("docs/tutorial.md"));
    Assert::new().eq(told::told(&page, &host).kept, Data::text(page.text).raw());
}

/// Run the blocks of a page; the page has to be as the run makes it.
#[track_caller]
fn holds(path: &str) {
    let path = top().join(path);
    let page = Page::read(&path);
    if page.blocks.iter().all(|block| block.not_run.is_some()) {
        return;
    }
    let (host, _shop) = sandbox();
    let host = if path.starts_with(top().join("plugins")) {
        with_plugins(host)
    } else {
        host
    };
    let told = told::told(&page, &host);
    // A page that holds is left alone, one that does not is written from its run as a whole.
    if told.kept == page.text {
        return;
    }
    let overwrite = Action::with_env_var(DEFAULT_ACTION_ENV) == Some(Action::Overwrite);
    let actual = if overwrite { told.fresh } else { told.kept };
    let expected = Data::read_from(&path, Some(DataFormat::Text)).raw();
    Assert::new()
        .action_env(DEFAULT_ACTION_ENV)
        .eq(actual, expected);
}
