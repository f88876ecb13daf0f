//! Shows that each rule bites: a bad sample that it finds, beside a good one that it leaves.

use super::circles::circles;
use super::code::{paths, tokens, without_tests};
use super::rules;
use super::source::Source;
use super::{EXCEPTED, LAYERS, ONLY, REFUSED_SUFFIXES, UNNAMED, WAYS_AROUND, WORDS_OF_TENANTS};

fn sample(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

/// A file of the engine.
fn engine(text: &str) -> Source {
    sample("host/core/src/engine/worker.rs", text)
}

#[track_caller]
fn bites(findings: &[String], expected: &str) {
    let [finding] = findings else {
        panic!("one finding was expected: {findings:#?}")
    };
    assert!(
        finding.contains(expected),
        "`{expected}` was expected in: {finding}"
    );
}

#[track_caller]
fn leaves(findings: &[String]) {
    assert!(findings.is_empty(), "nothing was expected: {findings:#?}");
}

#[test]
fn a_missing_head_is_found() {
    bites(
        &rules::missing_head(&engine("use std::fs;\n")),
        "worker.rs:1",
    );
    leaves(&rules::missing_head(&engine("//! Claims runs.\n")));
}

#[test]
fn a_statement_elsewhere_or_without_its_columns_is_found() {
    let elsewhere = "const SQL: &str = \"SELECT id FROM runs\";";
    let moved = "fn f() { g(\"UPDATE tasks SET status = 'x'\") }";
    let machines = [("tasks", "host/core/src/store/x.rs")];
    bites(&rules::moves(&engine(moved), &machines), "`Machine::step`");
    bites(&rules::statements(&engine(elsewhere)), "`store`");
    let store = |text| sample("host/core/src/store/runs.rs", text);
    leaves(&rules::statements(&store(elsewhere)));
    let all = "const SQL: &str = \"SELECT * FROM runs\";";
    bites(&rules::statements(&store(all)), "name the columns");
    let tested = format!("#[cfg(test)]\nmod tests {{ {all} }}");
    leaves(&rules::statements(&store(&tested)));
}

#[test]
fn a_long_file_is_found() {
    bites(&rules::too_long(&engine(&"\n".repeat(501))), "501 lines");
    leaves(&rules::too_long(&engine(&"\n".repeat(500))));
}

#[test]
fn a_long_function_is_found_whatever_stands_before_it() {
    let heads = [
        "fn",
        "pub fn",
        "pub(crate) async fn",
        "pub(in crate::engine) const fn",
    ];
    for head in heads {
        let function = |lines| {
            format!(
                "{head} work(&self) {{\n{}}}\n",
                "    step();\n".repeat(lines)
            )
        };
        bites(
            &rules::long_functions(&engine(&function(61))),
            "`work` has 61 lines",
        );
        leaves(&rules::long_functions(&engine(&function(60))));
    }
}

#[test]
fn comments_blank_lines_and_bodiless_functions_are_not_counted() {
    let filler = "    // why\n\n".repeat(80);
    leaves(&rules::long_functions(&engine(&format!(
        "fn work() {{\n{filler}}}\n"
    ))));
    let text = format!(
        "trait Work {{\n    fn work(&self);\n{}}}\n",
        "    const A: u8;\n".repeat(80)
    );
    leaves(&rules::long_functions(&engine(&text)));
}

#[test]
fn a_brace_in_a_literal_does_not_end_a_function() {
    let text = format!(
        "fn work() {{\n    '}}';\n    r#\"}}\"#;\n{}}}\n",
        "    step();\n".repeat(61)
    );
    bites(
        &rules::long_functions(&engine(&text)),
        "`work` has 63 lines",
    );
}

#[test]
fn an_import_upwards_is_found_and_told_what_is_allowed() {
    let findings = rules::imports_upwards(&engine("//! x\nuse crate::http::Router;\n"), LAYERS);
    bites(
        &findings,
        "worker.rs:2: `engine` may not import `http`; it may import: registry",
    );
    leaves(&rules::imports_upwards(
        &engine("use crate::store::Store;\n"),
        LAYERS,
    ));
    leaves(&rules::imports_upwards(
        &engine("use crate::engine::Lease;\n"),
        LAYERS,
    ));
}

#[test]
fn an_import_upwards_is_found_in_a_group_in_a_path_and_through_super() {
    let group = "use crate::{\n    store::{Store, http},\n    app::App,\n};\n";
    bites(
        &rules::imports_upwards(&engine(group), LAYERS),
        "worker.rs:3: `engine` may not",
    );
    let path = "fn f() { crate::cli::run() }\n";
    bites(
        &rules::imports_upwards(&engine(path), LAYERS),
        "import `cli`",
    );
    let climb = "use super::super::app::App;\nuse super::lease::Lease;\n";
    bites(
        &rules::imports_upwards(&engine(climb), LAYERS),
        "import `app`",
    );
}

#[test]
fn a_module_that_the_table_does_not_know_is_found() {
    let file = sample("host/core/src/helpers.rs", "//! x\n");
    bites(
        &rules::imports_upwards(&file, LAYERS),
        "`helpers` is in no row",
    );
    bites(
        &rules::imports_upwards(&engine("use crate::helpers::f;\n"), LAYERS),
        "`crate::helpers`",
    );
}

#[test]
fn a_macro_at_the_root_belongs_to_its_module() {
    let file = sample(
        "host/core/src/handlers/probe/http.rs",
        "use crate::{handler::Handler, register};\n",
    );
    leaves(&rules::imports_upwards(&file, LAYERS));
    let file = sample("host/core/src/config.rs", "use crate::register;\n");
    bites(
        &rules::imports_upwards(&file, LAYERS),
        "`config` may not import `handler`",
    );
}

#[test]
fn a_crate_outside_its_layer_is_found() {
    bites(
        &rules::foreign_crates(&engine("use sqlx::Row;\n"), ONLY),
        "`sqlx` is named by store",
    );
    bites(
        &rules::foreign_crates(&engine("use wasmtime_wasi::I;\n"), ONLY),
        "`wasmtime_wasi`",
    );
    leaves(&rules::foreign_crates(
        &sample("host/core/src/store/runs.rs", "use sqlx::Row;\n"),
        ONLY,
    ));
    leaves(&rules::foreign_crates(
        &engine("// not sqlx\nconst IT: &str = \"sqlx\"; fn clapper() {}\n"),
        ONLY,
    ));
}

#[test]
fn a_way_around_the_operations_is_found() {
    let ways = |text| {
        let page = sample("host/program/src/http/pages.rs", text);
        rules::ways_around(&page, UNNAMED, WAYS_AROUND)
    };
    bites(
        &ways("use callboard_core::store::runs;\n"),
        "pages.rs:1: `callboard_core::store` is asked by",
    );
    bites(
        &ways("use callboard_core::{\n    app::App,\n    store::Store,\n};\n"),
        "pages.rs:3: `callboard_core::store`",
    );
    bites(
        &ways("fn f() { callboard_factory::tables::posts::all() }\n"),
        "`callboard_factory::tables`",
    );
    bites(
        &ways("fn f() { app.store().close() }\n"),
        "ask an operation",
    );
    bites(
        &ways("fn f() { json!({ \"status\": 1 }) }\n"),
        "with a schema",
    );
    leaves(&ways(
        "use callboard_core::operations::runs;\n// callboard_core::store\n",
    ));
}

#[test]
fn a_provider_named_by_path_is_found() {
    let text = "use crate::handlers::probe::http;\n";
    bites(
        &rules::providers_by_name(&engine(text)),
        "names a file in handlers/",
    );
    let outside = sample(
        "tests/it/engine.rs",
        "callboard_core::capabilities::log::Log;\n",
    );
    bites(
        &rules::providers_by_name(&outside),
        "names a file in capabilities/",
    );
    let group = "use crate::{handlers::probe, store};\n";
    bites(
        &rules::providers_by_name(&engine(group)),
        "names a file in handlers/",
    );
    leaves(&rules::providers_by_name(&engine(
        "use crate::handler::Handler;\n",
    )));
}

#[test]
fn a_type_name_that_says_nothing_is_found() {
    let refused = |text| rules::refused_type_names(&engine(text), REFUSED_SUFFIXES);
    bites(
        &refused("pub struct RunManager<'a>(&'a str);\n"),
        "`RunManager`: no type",
    );
    bites(
        &refused("trait RunRepository {}\n"),
        "persistence is a store",
    );
    leaves(&refused(
        "struct Run; // no Manager\nimpl tower::Service for Run {}\nenum Database {}\n",
    ));
}

#[test]
fn printing_is_found() {
    bites(
        &rules::prints(&engine("fn f() {\n    println!(\"x\");\n}\n")),
        "worker.rs:2: `println!`",
    );
    bites(
        &rules::prints(&engine("anstream::eprint!(\"x\");\n")),
        "`eprint!`",
    );
    leaves(&rules::prints(&engine(
        "fn f() { command.stdout(Stdio::piped()) } // println!\n",
    )));
}

#[test]
fn json_that_is_read_past_the_door_is_found() {
    let read = "fn f(said: &[u8]) { serde_json::from_slice::<Json>(said).ok(); }\n";
    bites(&rules::own_json(&engine(read)), "`value::json_in`");
    let tested = format!("#[cfg(test)]\nmod tests {{ {read} }}");
    leaves(&rules::own_json(&engine(&tested)));
}

#[test]
fn unsafe_code_is_found() {
    bites(
        &rules::unsafe_code(&engine("unsafe { f() }\n")),
        "worker.rs:1",
    );
    leaves(&rules::unsafe_code(&engine(
        "#![expect(unsafe_code, reason = \"unsafe\")]\n",
    )));
}

#[test]
fn an_allowed_lint_is_found() {
    bites(
        &rules::allows(&engine("#[allow(dead_code)]\nfn f() {}\n")),
        "`#[allow(`",
    );
    bites(
        &rules::allows(&engine("#![allow(dead_code)]\n")),
        "`#![allow(`",
    );
    leaves(&rules::allows(&engine(
        "#[expect(dead_code, reason = \"why\")]\n",
    )));
}

#[test]
fn an_unwrap_is_found_outside_tests() {
    bites(
        &rules::unwraps(&engine("fn f() {\n    g().unwrap();\n}\n")),
        "worker.rs:2",
    );
    leaves(&rules::unwraps(&engine(
        "#[cfg(test)]\nmod tests {\n    fn f() { g().unwrap() }\n}\n",
    )));
    let after = "#[cfg(test)]\nmod tests {\n}\nfn f() { g().unwrap() }\n";
    bites(&rules::unwraps(&engine(after)), "worker.rs:4");
    leaves(&rules::unwraps(&engine(
        "/// `f().unwrap()`\nfn f() { g().unwrap_or_default() }\n",
    )));
}

#[test]
fn a_path_of_one_machine_is_found() {
    let told = |text: &str| rules::local_paths(&sample("docs/running.md", text));
    bites(
        &told(&format!("cd {}{}main\n", "/wo", "rk/")),
        "docs/running.md:1",
    );
    bites(
        &told(&format!("\n`{}{}.cargo`\n", "/ro", "ot/")),
        "docs/running.md:2",
    );
    leaves(&told(&format!(
        "https://example.org{}{}x host{}{}\n",
        "/wo", "rk/", "/ro", "ot/"
    )));
}

#[test]
fn an_interface_that_nobody_gives_is_found() {
    let wit = "world plugin {\n    import types;\n    import key-value;\n    export handlers;\n}\n";
    let wit = sample("wit/0.1/world.wit", wit);
    bites(
        &rules::interfaces_without_a_file(&wit, &[]),
        "host/core/src/capabilities/key_value.rs",
    );
    bites(
        &rules::interfaces_without_a_file(&wit, &["tests/key_value.rs"]),
        "`key-value`",
    );
    let files = ["host/core/src/capabilities/key_value.rs"];
    leaves(&rules::interfaces_without_a_file(&wit, &files));
}

#[test]
fn what_stands_in_comments_and_literals_is_no_code() {
    let text = "let a = \"x // \\\" y\"; /* /* z */\n */ fn<'a>() 'b' b'\\'' r##\"\"#\n\"## r#type";
    let tokens = tokens(text);
    let is_word = |text: &str| text.chars().all(|it| it.is_alphabetic() || it == '#');
    let words = tokens.iter().filter(|it| is_word(&it.text));
    let words: Vec<_> = words.map(|it| (it.text.as_str(), it.start.line)).collect();
    assert_eq!(
        words,
        [("let", 1), ("a", 1), ("fn", 2), ("a", 2), ("r#type", 3)]
    );
}

#[test]
fn tests_are_taken_out_and_lines_stay() {
    let code = "use a;\n/// Why.\n#[cfg(test)]\nuse b;\nimpl A {\n    #[cfg(test)]\n    fn c() {\n    }\n}\n";
    let left = "use a;\n\n\n\nimpl A {\n\n\n\n}\n";
    assert_eq!(without_tests(code), left);
}

#[test]
fn a_path_leads_from_where_it_is_written() {
    let text = "use super::{a::{B, c as d}, e};\nmod inner { use super::super::f::g; use super::h; }\n\
                fn i(_: mycrate::j) { matches!(x, crate::k::L { .. }) }\n";
    let tokens = tokens(text);
    let found: Vec<_> = paths(&tokens)
        .iter()
        .filter_map(|path| path.told_from_root(&["own", "file"]))
        .map(|(path, line)| (path.join("::"), line))
        .collect();
    let expected = [
        ("own::a::B", 1),
        ("own::a::c", 1),
        ("own::e", 1),
        ("own::f::g", 2),
        ("own::file::h", 2),
        ("k::L", 3),
    ];
    assert_eq!(found, expected.map(|(path, line)| (path.to_owned(), line)));
}

#[test]
fn a_circle_of_files_is_found_also_through_their_parent() {
    let file = |path: &str, text: &str| sample(&format!("host/core/src/{path}.rs"), text);
    let found = circles(&[
        file(
            "store",
            "mod ends;\nmod fire;\npub use self::fire::{Fired, start as begin};\n",
        ),
        file("store/ends", "use super::Fired;\n"),
        file("store/fire", "use super::start;\n"),
        file("store/fire/due", "fn f() { crate::store::ends::all() }\n"),
    ]);
    bites(&found, "store: ends → fire → ends");
    assert!(
        found[0].contains("store/ends.rs:1 names store::fire"),
        "{found:?}"
    );
    assert!(
        found[0].contains("store/fire/due.rs:1 names store::ends::all"),
        "{found:?}"
    );
}

#[test]
fn parents_children_tests_and_tops_make_no_circle() {
    let file = |path: &str, text: &str| sample(&format!("host/core/src/{path}.rs"), text);
    leaves(&circles(&[
        file(
            "store",
            "mod runs;\nuse self::runs::Run;\nuse crate::engine::Engine;\n",
        ),
        file(
            "store/runs",
            "use super::Store;\n#[cfg(test)]\nmod tests { use super::super::gates; }\n",
        ),
        file("store/gates", "use super::runs::Run;\n"),
        file("store/runs/tests", "use crate::store::gates;\n"),
        file("engine", "use crate::store::Store;\n"),
    ]));
}

#[test]
fn a_word_of_a_tenant_is_found_in_code_and_comments() {
    let words = |text| rules::words_of_tenants(&engine(text), WORDS_OF_TENANTS, EXCEPTED);
    bites(
        &words("/// Shows the site.\nfn f() {}\n"),
        "worker.rs:1: `site`",
    );
    bites(&words("const IT: &str = \"drafts\";\n"), "`drafts`");
    bites(&words("struct PostFeed;\n"), "`post`");
    bites(&words("fn next_post() {}\n"), "`post`");
    leaves(&words("// opposite, on Postgres, exporting trailers\n"));
    leaves(&words("fn f() { client.post_json(url) } // `POST`\n"));
    leaves(&words("#[cfg(test)]\nmod tests {\n    // a draft\n}\n"));
}
